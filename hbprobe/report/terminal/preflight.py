"""A preflight on the terminal, check by check."""

from rich.console import Console
from rich.text import Text

from hbprobe.measure.observe import Observer
from hbprobe.preflight.preflight import Check, CheckState
from hbprobe.records.preflight import PreflightRecord
from hbprobe.report.terminal.layout import hanging, plain
from hbprobe.text import counted

_MARKS = {CheckState.PASSED: "ok", CheckState.FAILED: "FAILED", CheckState.NOT_TRIED: "-"}
_NAME_COLUMNS = 16
_INDENT = " " * 8


class CheckLines(Observer):
    """Prints each check as it ends, and what the server asks for meanwhile."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def check(self, check: Check) -> None:
        print_check(check, self._console)

    def says(self, text: str) -> None:
        self._console.print(plain(text))


def preflight_answer(record: PreflightRecord) -> list[str]:
    """Say whether a device can do its work here, and else what to do first."""
    failed = next((check for check in record.checks if check.state is CheckState.FAILED), None)
    label = [f"label: {record.label}"] if record.label else []
    if record.passed:
        return [f"ready: all {counted(len(record.checks), 'check')} passed, and a Ping can be held", *label]
    if failed is None:
        return ["not ready: the checks were stopped before their end", *label]
    return [f"not ready: {failed.name} failed", *([f"to do first: {failed.mend}"] if failed.mend else []), *label]


def print_check(check: Check, console: Console) -> None:
    """Print one check: what came of it, what was seen, and what to do."""
    took = f"{check.took_s:.3f} s" if check.state is not CheckState.NOT_TRIED else str(check.state)
    console.print(plain(f"{_MARKS[check.state]:<8}{check.name:<{_NAME_COLUMNS}}{took}"))
    for text in (*check.found, *([f"to do: {check.mend}"] if check.mend else [])):
        console.print(Text(hanging(_INDENT, text, console.width)), soft_wrap=True)
