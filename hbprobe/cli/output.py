"""What a verb shows and leaves: nothing that was measured is lost where it cannot be written."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cyclopts import Parameter

from hbprobe.cli.options import ExitCode, Json, Quiet, Verbose
from hbprobe.errors import CannotMeasureError, RequestError, UserError
from hbprobe.text import shown

if TYPE_CHECKING:
    from rich.console import Console

    from hbprobe.measure.observe import Observer
    from hbprobe.measure.request import Request
    from hbprobe.records.result import Result
    from hbprobe.report.terminal.answer import Detail


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a result is shown."""

    json: Json = False


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a result with an answer, findings and details is shown."""

    json: Json = False
    verbose: Verbose = False
    quiet: Quiet = False

    @property
    def detail(self) -> "Detail":
        """How much is told, which a verb asks before it measures; raises RequestError for both at once."""
        from hbprobe.report.terminal.answer import Detail

        if self.verbose and self.quiet:
            raise RequestError("{quiet} does not go with {verbose}: drop one", "quiet")
        return Detail.ALL if self.verbose else Detail.ANSWER if self.quiet else Detail.FINDINGS


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated(Told):
    """How the result of a simulation is shown."""

    exit_code: ExitCode = False


RecordT = TypeVar("RecordT")


def measured(
    request: "Request[RecordT]", observer: "Observer | None" = None
) -> "tuple[RecordT, CannotMeasureError | None]":
    """Carry out a request; return its record, and what stood in the way where it is only a part.

    Raises UserError, and CannotMeasureError where there is nothing to show.
    """
    go_on = _go_on(request)
    try:
        record = request.run(observer)
    except CannotMeasureError as error:
        failure = CannotMeasureError(f"{error}{go_on}")
        if error.partial is None:
            raise failure from None
        return error.partial, failure
    if observer is not None and not getattr(getattr(record, "result", record), "complete", True):
        observer.says(f"stopped before the end{go_on}")
    return record, None


def _go_on(request: object) -> str:
    path = getattr(request, "resume", None) or getattr(request, "journal", None)
    return f"; go on with --resume {path}" if path else ""


def show(
    document: Callable[[], str],
    print_text: "Callable[[Console], None]",
    status: int,
    *,
    as_json: bool,
    failure: CannotMeasureError | None = None,
) -> int:
    """Print a result as a document in JSON or as text, and return the exit status.

    A document that cannot be written is told in one line on standard error, with the text below it: status 3. A
    reader of text who has gone has seen enough.
    """
    text = document() if as_json else _rendered(print_text)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        forsake_stdout()
        if as_json or not isinstance(error, BrokenPipeError):
            say(f"the result cannot be written to standard output: {error.strerror}; this is what it says:")
            with contextlib.suppress(OSError):
                sys.stderr.write(_rendered(print_text, stderr=True))
                sys.stderr.flush()
            return CannotMeasureError.exit_status
    if failure is not None:
        say(str(failure))
        return CannotMeasureError.exit_status
    return status


def show_document(text: str) -> int:
    """Print a document that can be asked for again; raises CannotMeasureError where it cannot be written.

    Unlike text, half of it is of no use to a reader that has gone.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        forsake_stdout()
        raise CannotMeasureError(f"standard output: cannot be written: {error.strerror}") from None
    return 0


def show_result(
    result: "Result",
    detail: "Detail",
    *,
    as_json: bool,
    status: int | None = None,
    failure: CannotMeasureError | None,
) -> int:
    """Print what a search found; `status` stands for a whole one, where that is not the result's own."""

    def print_text(console: "Console") -> None:
        from hbprobe.report.terminal.tables import print_result  # rich: who asks for JSON does not wait for it

        print_result(result, console, detail)

    ended = result.exit_status if status is None or not result.complete else status
    return show(
        result.to_json,
        print_text,
        ended,
        as_json=as_json,
        failure=failure,
    )


def say(text: str) -> None:
    """Print one line on standard error, if that is still there."""
    with contextlib.suppress(OSError):
        print(f"hbprobe: {shown(text)}", file=sys.stderr, flush=True)


def forsake_stdout() -> None:
    """Let what is written to standard output from here on, and what waits there, go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _rendered(print_text: "Callable[[Console], None]", *, stderr: bool = False) -> str:
    """Return text as the terminal, or whatever standard output is, would get it from rich."""
    from rich.console import Console

    real = Console(stderr=stderr)
    text = io.StringIO()
    console = Console(
        file=text,
        width=real.width,
        force_terminal=real.is_terminal,
        no_color=real.no_color,
        legacy_windows=real.legacy_windows,
    )
    print_text(console)
    # rich fills lines up with blanks, which a file or a ticket does not want
    return (
        text.getvalue()
        if real.is_terminal
        else "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
    )


def fresh_folder(folder: Path) -> Path:
    """Make a folder where results go, before anything is measured; raises RequestError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise RequestError("{out} {path}: cannot be written: {why}", "out", path=folder, why=error.strerror) from None
    return folder


def left(leave: Callable[[Path], None], folder: Path, status: int) -> int:
    """Leave results in a folder, after they were shown; return the exit status, 3 where they could not be written."""
    try:
        leave(folder)
    except (UserError, CannotMeasureError) as error:
        say(str(error))
        return CannotMeasureError.exit_status
    return status
