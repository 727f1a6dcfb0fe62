"""`hbprobe verdict`: what Exchange and its devices make of a limit, and what an event that was logged says."""

from hbprobe.cli.output import Told, measured, show
from hbprobe.cli.request_options import from_request
from hbprobe.evidence.verdict import Verdict


@from_request(Verdict)
def verdict(request: Verdict, own: Told) -> int:
    """Judge, and show the verdict."""
    from hbprobe.report.terminal.tables import print_verdict_record

    detail = own.detail
    record, failure = measured(request)
    return show(
        record.to_json,
        lambda console: print_verdict_record(record, console, detail),
        record.exit_status,
        as_json=own.json,
        failure=failure,
    )
