"""`hbprobe verdict`: what Exchange and its devices make of a limit that is already known."""

from hbprobe.cli.output import Shown, measured, show
from hbprobe.cli.requests import from_request
from hbprobe.measure.verdict import Verdict

_OPEN = ("open", "none")


@from_request(Verdict, limit=lambda text: None if text.lower() in _OPEN else text)
def verdict(request: Verdict, own: Shown) -> int:
    """Judge, and show the verdict."""
    from hbprobe.report.terminal.tables import print_verdict

    record, failure = measured(request)
    told = record.verdict.as_dict()
    return show(
        record.to_json,
        lambda console: print_verdict(told, console),
        record.exit_status,
        as_json=own.json,
        failure=failure,
    )
