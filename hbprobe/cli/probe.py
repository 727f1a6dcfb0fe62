"""`hbprobe probe`: the search on a real path, in real time."""

from hbprobe.cli.output import Told, measured, show_result
from hbprobe.cli.request_options import from_request
from hbprobe.measure.probe import Probe


@from_request(Probe)
def probe(request: Probe, own: Told) -> int:
    """Search, and show what was found."""
    from rich.console import Console

    from hbprobe.report.terminal.live import LiveLine

    detail = own.detail
    with LiveLine(Console(stderr=True)) as line:
        result, failure = measured(request, line)
    return show_result(result, detail, as_json=own.json, failure=failure)
