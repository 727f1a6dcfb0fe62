"""`hbprobe preflight`: what must work before a Ping can wait."""

from typing import TYPE_CHECKING

from hbprobe.cli.output import Shown, measured, show
from hbprobe.cli.request_options import from_request
from hbprobe.measure.preflight import Preflight

if TYPE_CHECKING:
    from rich.console import Console


@from_request(Preflight)
def preflight(request: Preflight, own: Shown) -> int:
    """Check, show each check as it ends, and the whole as JSON where that is asked for."""
    from rich.console import Console

    from hbprobe.report.terminal.layout import plain
    from hbprobe.report.terminal.preflight import CheckLines, preflight_answer

    record, failure = measured(request, CheckLines(Console(stderr=own.json)))

    def print_answer(console: "Console") -> None:
        for text in (*preflight_answer(record), *record.notes):
            console.print(plain(text))

    return show(record.to_json, print_answer, record.exit_status, as_json=own.json, failure=failure)
