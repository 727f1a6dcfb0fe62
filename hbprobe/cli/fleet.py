"""`hbprobe fleet`: many devices on many paths in simulated time, and event 1040 as the server logs it."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hbprobe.cli import fleet_output
from hbprobe.cli.fleet_output import progress, status, tell
from hbprobe.cli.fleet_sockets import over_sockets
from hbprobe.cli.options import Folder
from hbprobe.cli.output import measured
from hbprobe.cli.request_options import from_request
from hbprobe.errors import RequestError
from hbprobe.fleet.requests import Fleet, FleetShare, check_iis_logs, leave_iis_logs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options(fleet_output.Options):
    """What is asked of the fleet."""

    sweep_share: Annotated[
        str | None,
        Parameter(
            metavar="PATH",
            help="find the share of devices on this path that is enough for event 1040: the name of a path in the "
            "mix, or a timer such as 5min, which cuts in silence",
        ),
    ] = None
    sockets: Annotated[
        bool,
        Parameter(
            help="a smaller fleet through the real stand-in and the box of --path, over TLS, on the warp clock; "
            "without warm-up and moves"
        ),
    ] = False
    iis_log: Annotated[
        Folder,
        Parameter(
            help="leave the logs that IIS would have of this very fleet, and truth.json with what its paths do and "
            "when event 1040 came; at most 1000 devices; with --sockets the stand-in writes them, and its event log"
        ),
    ] = None
    balancer: Annotated[
        bool,
        Parameter(
            help="with --iis-log: half-way a balancer is put before the server, and IIS logs X-Forwarded-For, too: "
            "the fields change in the middle of a log"
        ),
    ] = False


@from_request(Fleet)
def fleet(request: Fleet, own: Options) -> int:
    """Simulate, and show what the server saw."""
    if own.sockets and own.sweep_share is not None:
        raise RequestError("{sockets} and {sweep_share} do not go together: drop one", "sockets")
    if own.balancer and (own.iis_log is None or own.sockets):
        raise RequestError("{balancer} needs {iis_log} DIR, without {sockets}", "balancer")
    if own.iis_log is not None and own.sweep_share is not None:
        raise RequestError("{iis_log} is of one fleet, and {sweep_share} of many: drop one", "iis_log")
    if own.sockets:
        return over_sockets(request, own, own.iis_log)
    if own.sweep_share is not None:
        return _sweep(request, own, own.sweep_share)
    return _fleet(request, own)


def _fleet(request: Fleet, own: Options) -> int:
    from hbprobe.records.simulations import FleetPart
    from hbprobe.report.terminal.fleet import print_fleet

    def picture() -> "Figure":
        from hbprobe.report.plots.fleet_plot import average_plot

        return average_plot(result, mix)

    if own.iis_log is not None:
        check_iis_logs(request)
    with progress(own) as observer:
        result, _ = measured(request, observer)
    if own.iis_log is not None:
        with status("writing logs") as say:
            leave_iis_logs(result, own.iis_log, say, through_balancer=own.balancer)
    mix = request.loaded_mix().name
    return tell(
        own,
        "fleet",
        FleetPart.of(result, mix=mix),
        lambda console: print_fleet(result, mix, console),
        {"average": picture},
        found=bool(result.events),
    )


def _sweep(request: Fleet, own: Options, share_of: str) -> int:
    from hbprobe.records.simulations import FleetSweepPart
    from hbprobe.report.terminal.fleet import print_sweep

    def picture() -> "Figure":
        from hbprobe.report.plots.fleet_plot import sweep_plot

        return sweep_plot(sweep, mix, request.exchange_settings())

    said = {each.name: getattr(request, each.name) for each in dataclasses.fields(request)}
    with progress(own) as observer:
        sweep, _ = measured(FleetShare(**said, share_of=share_of), observer)
    mix = request.loaded_mix().name
    return tell(
        own,
        "sweep",
        FleetSweepPart.of(sweep, mix=mix),
        lambda console: print_sweep(sweep, mix, console),
        {"sweep": picture},
        found=sweep.enough is not None,
    )
