"""The two errors that end a command, each with the exit status that it stands for."""


class UserError(Exception):
    """The user asked for something that cannot be (exit status 2).

    The text is one line that names the file, the key and the mend.
    """

    exit_status = 2


class CannotMeasureError(Exception):
    """The path could not be measured, and nothing was learnt about its timers (exit status 3).

    The text is one line that says what stood in the way.
    """

    exit_status = 3
