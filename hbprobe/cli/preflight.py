"""`hbprobe preflight`: what must work before a Ping can wait."""

import sys
from typing import TYPE_CHECKING

from hbprobe.cli.output import Shown, measured, show
from hbprobe.cli.request_options import from_request
from hbprobe.measure.preflight import Preflight

if TYPE_CHECKING:
    from rich.console import Console


@from_request(Preflight)
def preflight(request: Preflight, own: Shown) -> int:
    """Check, and show each check as it ends; what goes elsewhere than to a terminal begins with the answer."""
    from rich.console import Console

    from hbprobe.report.terminal.layout import plain
    from hbprobe.report.terminal.preflight import CheckLines, preflight_answer, print_check

    is_watched = sys.stdout.isatty() and not own.json
    record, failure = measured(request, CheckLines(Console(stderr=not is_watched)))

    def print_answer(console: "Console") -> None:
        for text in (*preflight_answer(record), *record.notes):
            console.print(plain(text))
        if not is_watched:
            console.print()
            for check in record.checks:
                print_check(check, console)

    return show(record.to_json, print_answer, record.exit_status, as_json=own.json, failure=failure)
