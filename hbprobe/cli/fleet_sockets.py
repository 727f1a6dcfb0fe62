"""`hbprobe fleet --sockets`: a smaller fleet through the real stand-in, and the model held against it."""

import random
import time
from dataclasses import replace

from hbprobe.cli.fleet_output import Options, progress, tell
from hbprobe.errors import RequestError
from hbprobe.fleet.requests import Fleet
from hbprobe.net.descriptors import raise_limit

_MOST_ON_SOCKETS = 1000


def over_sockets(request: Fleet, own: Options) -> int:
    """Let the fleet live, and show what the server saw."""
    from hbprobe import warp
    from hbprobe.fleet.mail import DAY_S
    from hbprobe.fleet.paths import only_path
    from hbprobe.lab.fleet import agreement, on_one_path
    from hbprobe.lab.fleet import run as live
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.running import draw
    from hbprobe.report.terminal.fleet_sockets import SocketReport, print_sockets

    path = _checked(request)
    mix, settings = request.loaded_mix(), request.exchange_settings()
    box, _ = draw(Catalogue().find(path), random.Random(request.seed))
    world = replace(on_one_path(mix.world(request.devices, settings, request.seed)), paths=(only_path(box),))
    until_s = request.days * DAY_S
    started = time.perf_counter()
    with progress(own) as observer:
        observer.says("simulating over sockets; a day of 200 devices takes minutes")
        seen = warp.run(live(world, [box], until_s), warp.WarpClock())
    same, modelled = agreement(world, seen, until_s)
    report = SocketReport(
        mix=mix.name,
        path=box.id,
        devices=request.devices,
        days=request.days,
        seed=request.seed,
        settings=settings,
        requests=len(seen.samples),
        connections=seen.connections,
        in_model=same,
        model_requests=modelled,
        events=seen.events,
        wall_s=time.perf_counter() - started,
    )
    return tell(
        own,
        "fleet",
        report.as_dict(),
        lambda console: print_sockets(report, console),
        {},
        found=bool(seen.events),
    )


def _checked(request: Fleet) -> str:
    if request.path is None:
        raise RequestError("{sockets} needs {path} PROFILE: the box between the devices and the stand-in", "path")
    if request.devices > _MOST_ON_SOCKETS:
        text = "{sockets} takes {most} devices at most: add {devices} 200"
        raise RequestError(text, "devices", most=_MOST_ON_SOCKETS)
    raise_limit()
    return request.path
