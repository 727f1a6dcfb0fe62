"""`hbprobe locate`: which hop forgets idle connections."""

from hbprobe.cli.output import Shown, measured, show
from hbprobe.cli.request_options import from_request
from hbprobe.measure.locate import Locate


@from_request(Locate)
def locate(request: Locate, own: Shown) -> int:
    """Locate, and show what was seen hop by hop."""
    from rich.console import Console

    from hbprobe.report.terminal.live import LiveLine
    from hbprobe.report.terminal.location import print_location

    with LiveLine(Console(stderr=True)) as line:
        location, failure = measured(request, line)
    return show(
        location.to_json,
        lambda console: print_location(location, console),
        location.exit_status,
        as_json=own.json,
        failure=failure,
    )
