"""A preflight on the terminal, check by check."""

from rich.console import Console
from rich.text import Text

from hbprobe.measure.observe import Observer
from hbprobe.preflight.preflight import Check, CheckState
from hbprobe.text import shown

_MARKS = {CheckState.PASSED: "ok", CheckState.FAILED: "FAILED", CheckState.NOT_TRIED: "-"}
_NAME_COLUMNS = 16
_INDENT = " " * 8


class CheckLines(Observer):
    """Prints each check as it ends, and what the server asks for meanwhile."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def check(self, check: Check) -> None:
        """Print a check."""
        print_check(check, self._console)

    def says(self, text: str) -> None:
        """Print a sentence."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def print_check(check: Check, console: Console) -> None:
    """Print one check: what came of it, what was seen, and what to do."""
    took = f"{check.took_s:.3f} s" if check.state is not CheckState.NOT_TRIED else str(check.state)
    _line(console, f"{_MARKS[check.state]:<8}{check.name:<{_NAME_COLUMNS}}{took}")
    for text in check.found:
        _line(console, f"{_INDENT}{text}")
    if check.mend:
        _line(console, f"{_INDENT}to do: {check.mend}")


def _line(console: Console, text: str) -> None:
    console.print(Text(shown(text)), soft_wrap=True)
