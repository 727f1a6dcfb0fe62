"""The command line: finds the verb, runs it, and turns the two errors into one line and an exit status."""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from hbprobe import __version__
from hbprobe.cli import (
    diagnose,
    fleet,
    history,
    lab,
    locate,
    logs,
    plot,
    preflight,
    probe,
    profiles,
    proxy,
    report,
    serve,
    size,
    verdict,
    watch,
)
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.text import shown

_VERBS = (
    lab,
    preflight,
    probe,
    diagnose,
    locate,
    logs,
    serve,
    proxy,
    verdict,
    fleet,
    size,
    profiles,
    plot,
    report,
    watch,
    history,
)
_INTERRUPTED = 130
_EPILOG = (
    "exit status: 0 measured and healthy; 1 measured, with a finding; 2 wrong usage; 3 could not measure. "
    "'hbprobe VERB --help' explains a verb."
)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of printing the whole usage, and wants options in full."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  argparse's own, handed on
        super().__init__(**{"allow_abbrev": False} | settings)

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="hbprobe",
        description="Find, explain and reproduce the timers that kill long-lived HTTPS requests on a network path.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"hbprobe {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True, parser_class=_Parser)
    for module in _VERBS:
        module.register(verbs)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit status."""
    try:
        status = _run(argv)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(argv: Sequence[str] | None) -> int:
    try:
        args = _parser().parse_args(argv)
        status: int = args.run(args)
        return status
    except (UserError, CannotMeasureError) as error:
        sys.stdout.flush()
        print(f"hbprobe: {shown(str(error))}", file=sys.stderr)
        return error.exit_status


def entry_point() -> NoReturn:
    """Be the program `hbprobe`."""
    sys.exit(main())
