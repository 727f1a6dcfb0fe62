"""`hbprobe fleet --sockets`: a smaller fleet through the real stand-in, and the model held against it."""

import asyncio
import contextlib
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli.fleet_output import Options, progress, tell
from hbprobe.errors import RequestError
from hbprobe.files import write_whole
from hbprobe.fleet.requests import LOGS_BEGIN, Fleet
from hbprobe.net.listener import raise_limit

if TYPE_CHECKING:
    from hbprobe.fleet.world import World
    from hbprobe.lab.fleet_sockets import SocketFleet
    from hbprobe.profiles.model import Profile

_MOST_ON_SOCKETS = 1000
_BEHIND_THE_BOX = "127.0.0.0/24"
"""Where all devices come from: the stand-in sees the box's address."""


def over_sockets(request: Fleet, own: Options, logs: Path | None = None) -> int:
    """Let the fleet live, and show what the server saw; its logs, and the truth beside them, are left in `logs`."""
    from hbprobe import warp
    from hbprobe.fleet.mail import DAY_S
    from hbprobe.fleet.paths import only_path
    from hbprobe.lab.fleet_sockets import agreement, on_one_path
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.running import draw
    from hbprobe.records.simulations import FleetSocketsPart
    from hbprobe.report.terminal.fleet import SocketReport, print_sockets

    path = _checked(request)
    mix, settings = request.loaded_mix(), request.exchange_settings()
    box, _ = draw(Catalogue().find(path), random.Random(request.seed))
    world = replace(on_one_path(mix.world(request.devices, settings, request.seed)), paths=(only_path(box),))
    until_s = request.days * DAY_S
    started = time.perf_counter()
    with progress(own) as observer:
        observer.says("simulating over sockets; a day of 200 devices takes minutes")
        seen = warp.run(_live(world, box, until_s, logs), warp.WarpClock())
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
        FleetSocketsPart.of(report),
        lambda console: print_sockets(report, console),
        {},
        found=bool(seen.events),
    )


async def _live(world: "World", box: "Profile", until_s: float, logs: Path | None) -> "SocketFleet":
    from hbprobe.eas.iis_log import CONNECTION_TIMEOUT_S
    from hbprobe.eas.log_blob import Site
    from hbprobe.eas.releases import Release
    from hbprobe.fleet.logged import truth_of
    from hbprobe.lab.fleet_sockets import run
    from hbprobe.standin.record_files import EventLog, IisLog, WallClock

    if logs is None:
        return await run(world, [box], until_s)
    clock, release, site = WallClock(LOGS_BEGIN, asyncio.get_running_loop().time()), Release.V2019, Site()
    with (
        contextlib.closing(IisLog(logs, release, clock, site)) as lines,
        contextlib.closing(EventLog(logs, release, world.settings, clock, site)) as events,
    ):
        seen = await run(world, [box], until_s, (lines, events), CONNECTION_TIMEOUT_S)
    write_whole(logs / "truth.json", truth_of(world, seen.events, lambda _: _BEHIND_THE_BOX).to_json())
    return seen


def _checked(request: Fleet) -> str:
    if request.path is None:
        raise RequestError("{sockets} needs {path} PROFILE: the box between the devices and the stand-in", "path")
    if request.devices > _MOST_ON_SOCKETS:
        text = "{sockets} takes {most} devices at most: add {devices} 200"
        raise RequestError(text, "devices", most=_MOST_ON_SOCKETS)
    raise_limit()
    return request.path
