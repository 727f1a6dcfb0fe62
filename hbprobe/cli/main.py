"""The program: runs one command, and turns the two errors into one line and an exit status."""

import gc
import sys
from collections.abc import Sequence
from typing import NoReturn

_INTERRUPTED = 130
_GARBAGE = 20_000
"""Python looks for cycles whenever 700 objects are new: 240 times while `lab` loads its modules and runs, which was a
tenth of its time."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit status."""
    try:
        status = _run(argv)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        return _unheard(error)


def _run(argv: Sequence[str] | None) -> int:
    # Imported here, so that Ctrl-C meanwhile ends in a status and not in a traceback.
    from hbprobe.cli.app import command_line, parse
    from hbprobe.errors import CannotMeasureError, UserError
    from hbprobe.text import shown

    try:
        return parse(command_line(), sys.argv[1:] if argv is None else argv)() or 0
    except (UserError, CannotMeasureError) as error:
        sys.stdout.flush()
        print(f"hbprobe: {shown(str(error))}", file=sys.stderr)
        return error.exit_status


def _unheard(error: OSError) -> int:
    """Return the exit status where standard output cannot be written; raises what has to do with a file."""
    from hbprobe.cli.output import forsake_stdout, say
    from hbprobe.errors import CannotMeasureError
    from hbprobe.files import gave_out

    if error.filename is not None or not gave_out(error):
        raise error
    forsake_stdout()
    if isinstance(error, BrokenPipeError):  # the reader, `head` perhaps, has seen enough
        return 0
    say(f"standard output: cannot be written: {error.strerror}")
    return CannotMeasureError.exit_status


def entry_point() -> NoReturn:
    """Be the program `hbprobe`."""
    gc.set_threshold(_GARBAGE)
    status = main()
    gc.freeze()  # Python would look for cycles thrice before it ends, an eighth of what `lab` takes
    sys.exit(status)
