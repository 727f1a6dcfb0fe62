"""`hbprobe fleet --sockets`: a smaller fleet through the real stand-in, and the model held against it."""

import argparse
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from hbprobe.cli.fleet_output import leave, progress, tell
from hbprobe.errors import UserError
from hbprobe.net.descriptors import raise_limit

if TYPE_CHECKING:
    from hbprobe.exchange.settings import Settings
    from hbprobe.fleet.mix import Mix

_MOST_ON_SOCKETS = 1000


def over_sockets(args: argparse.Namespace, mix: "Mix", settings: "Settings") -> int:
    """Let the fleet live; return 1 where event 1040 fires."""
    from hbprobe import warp
    from hbprobe.fleet.mail import DAY_S
    from hbprobe.fleet.paths import only_path
    from hbprobe.lab.fleet import agreement, on_one_path
    from hbprobe.lab.fleet import run as live
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.running import draw
    from hbprobe.report.terminal.fleet_sockets import SocketReport, print_sockets

    _check(args)
    box, _ = draw(Catalogue().find(args.path), random.Random(args.seed))
    world = replace(on_one_path(mix.world(args.devices, settings, args.seed)), paths=(only_path(box),))
    until_s = args.days * DAY_S
    started = time.perf_counter()
    with progress() as say:
        say("simulating over sockets; a day of 200 devices takes minutes")
        seen = warp.run(live(world, [box], until_s), warp.WarpClock())
    same, modelled = agreement(world, seen, until_s)
    report = SocketReport(
        mix=mix.name,
        path=box.id,
        devices=args.devices,
        days=args.days,
        seed=args.seed,
        settings=settings,
        requests=len(seen.samples),
        connections=seen.connections,
        in_model=same,
        model_requests=modelled,
        events=seen.events,
        wall_s=time.perf_counter() - started,
    )
    leave(args.out, "fleet", report.as_dict(), {})
    tell(args, report.as_dict(), lambda console: print_sockets(report, console))
    return 1 if seen.events else 0


def _check(args: argparse.Namespace) -> None:
    if args.path is None:
        raise UserError("--sockets needs --path PROFILE: the box between the devices and the stand-in")
    if args.sweep_share is not None:
        raise UserError("--sockets and --sweep-share do not go together: drop one")
    if args.devices > _MOST_ON_SOCKETS:
        raise UserError(f"--sockets takes {_MOST_ON_SOCKETS} devices at most: add --devices 200")
    raise_limit()
