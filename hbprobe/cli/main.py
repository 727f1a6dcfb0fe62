"""The program: runs one command, and turns the two errors into one line and an exit status."""

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

_INTERRUPTED = 130
_LOADED = 250_000
"""Objects. Most verbs never have so many, and end without one look for cycles: a tenth of a lab's time otherwise."""
_GARBAGE = 20_000
"""From then on Python looks whenever so many are new, for some milliseconds each time; 700 is its own number."""


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
    from hbprobe.cli.pages import page_asked_for

    words = sys.argv[1:] if argv is None else argv
    if page := page_asked_for(words):
        print(page)
        return 0

    from hbprobe.cli.app import command_line, parse
    from hbprobe.errors import CannotMeasureError, UserError
    from hbprobe.text import shown

    try:
        return parse(command_line(), words)() or 0
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


def _mute() -> int:
    """Return the exit status where standard output was closed from the start, as by >&-: nothing could be told."""
    from hbprobe.cli.output import say
    from hbprobe.errors import CannotMeasureError

    say(f"standard output: is closed: leave it open, or send it to {os.devnull}")
    return CannotMeasureError.exit_status


def entry_point() -> NoReturn:
    """Be the program `hbprobe`."""
    gc.set_threshold(_LOADED)
    gc.callbacks.append(_look_more_often)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # or it reads what every installed package brings
    if sys.stderr is None:  # as by 2>&-
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    status = main() if sys.stdout is not None else _mute()
    gc.freeze()  # or Python would look thrice before it ends, which takes an eighth as long as a lab
    sys.exit(status)


def _look_more_often(phase: str, _: dict[str, int]) -> None:
    """Take note of the first look: this is no short run, and its pauses are to be short."""
    if phase == "stop":
        gc.callbacks.remove(_look_more_often)
        gc.set_threshold(_GARBAGE)
