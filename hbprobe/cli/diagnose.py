"""`hbprobe diagnose`: what kills requests on a path, whose timer it is, and what would end it."""

from hbprobe.cli.options import boxes_named
from hbprobe.cli.output import Simulated, measured, show
from hbprobe.cli.request_options import from_request
from hbprobe.cli.server_library import import_aiohttp
from hbprobe.lab.requests import Diagnose


@from_request(Diagnose, lab=boxes_named)
def diagnose(request: Diagnose, own: Simulated) -> int:
    """Diagnose, and show what was found."""
    from rich.console import Console

    from hbprobe.report.terminal.diagnosis import DiagnosisLine, print_diagnosis

    detail = own.detail
    if request.lab is not None:
        import_aiohttp()
    with DiagnosisLine(Console(stderr=True)) as line:
        diagnosis, failure = measured(request, line)
    is_done = request.lab is not None and diagnosis.result.complete and not own.exit_code
    return show(
        diagnosis.to_json,
        lambda console: print_diagnosis(diagnosis, console, detail),
        0 if is_done else diagnosis.exit_status,
        as_json=own.json,
        failure=failure,
    )
