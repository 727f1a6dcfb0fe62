"""`hbprobe fleet`: many devices on many paths in simulated time, and event 1040 as the server logs it."""

import argparse
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.cli.fleet_output import leave, progress, tell
from hbprobe.cli.fleet_sockets import over_sockets
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hbprobe.exchange.settings import Settings
    from hbprobe.fleet.mix import Mix
    from hbprobe.fleet.paths import FleetPath
    from hbprobe.fleet.tally import FleetResult

_MOST_DEVICES = 10_000_000
_LONGEST_DAYS = 3650
_MOST_LOGGED = 1000
_LOGS_BEGIN = datetime(2030, 1, 2, tzinfo=UTC)
"""The first simulated day of the logs."""


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "fleet",
        help="simulate many devices on many paths, and say when event 1040 fires",
        description="Simulate thousands of devices for days, each with its algorithm, path, mail and moves "
        "between networks, and show what the server sees: event 1040, requests, TLS handshakes, connections.",
    )
    add_fleet(parser, devices=20_000, days=7.0)
    parser.add_argument(
        "--path", metavar="PROFILE", help="all devices on the path of this profile, instead of the mix's paths"
    )
    parser.add_argument(
        "--sweep-share",
        metavar="PATH",
        help="find the share of devices on this path that is enough for event 1040: the name of a path in the mix, "
        "or a timer such as 5min, which cuts in silence",
    )
    parser.add_argument(
        "--sockets",
        action="store_true",
        help="a smaller fleet through the real stand-in and the box of --path, over TLS, on the warp clock; without "
        "warm-up and moves",
    )
    parser.add_argument(
        "--iis-log",
        type=Path,
        metavar="DIR",
        help="leave the logs that IIS would have of this fleet, and truth.json with what its paths do; at most 1000 "
        "devices",
    )
    parser.set_defaults(run=run)


def add_fleet(parser: argparse.ArgumentParser, *, devices: int, days: float) -> None:
    """Add what a fleet is made of."""
    parser.add_argument(
        "--devices", type=_devices, default=devices, metavar="N", help=f"how many devices (default: {devices})"
    )
    parser.add_argument(
        "--days",
        type=_days,
        default=days,
        metavar="DAYS",
        help=f"how many days, after one in which devices find their heartbeats (default: {days:g})",
    )
    parser.add_argument(
        "--mix",
        type=Path,
        metavar="FILE",
        help="which devices, paths and habits there are (default: the shipped office)",
    )
    parser.add_argument(
        "--device",
        action="append",
        default=[],
        metavar="ID",
        dest="kinds",
        help="devices of this kind instead of the mix's; several in equal shares",
    )
    arguments.add_webconfig(parser)
    arguments.add_seed(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="leave the result as JSON, and pictures, there")
    arguments.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Run the verb; return 1 where event 1040 fires."""
    mix, settings = mix_of(args), arguments.exchange_settings(args)
    if args.path is not None:
        mix = _on_one_path(mix, args.path)
    if args.iis_log is not None:
        _write_logs(args, mix, settings)
    if args.sockets:
        return over_sockets(args, mix, settings)
    if args.sweep_share is not None:
        return _sweep(args, mix, settings)
    return _fleet(args, mix, settings)


def _write_logs(args: argparse.Namespace, mix: "Mix", settings: "Settings") -> None:
    """Write what IIS would have logged, from the model with one object a device."""
    from hbprobe.eas.log_blob import Site
    from hbprobe.eas.releases import Release
    from hbprobe.fleet.logged import requests, truth_of
    from hbprobe.fleet.mail import DAY_S
    from hbprobe.standin.record_files import IisLog, WallClock

    if args.devices > _MOST_LOGGED:
        raise UserError(f"--iis-log takes {_MOST_LOGGED} devices at most: add --devices 300")
    world = mix.world(args.devices, settings, args.seed)
    log = IisLog(args.iis_log, Release.V2019, WallClock(_LOGS_BEGIN, 0.0), Site())
    with progress() as say:
        for record in requests(world, args.days * DAY_S):
            log.request_done(record)
            say(f"writing logs: {record.ended_s / (args.days * DAY_S):.0%}")
    log.close()
    (args.iis_log / "truth.json").write_text(json.dumps(truth_of(world), indent=2) + "\n", encoding="utf-8")


def mix_of(args: argparse.Namespace) -> "Mix":
    """Return the mix that is named, or the shipped one, with other devices where that is asked for."""
    from hbprobe.exchange.devices import DEVICES
    from hbprobe.fleet.mix import SHIPPED, load_mix
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.mistakes import meant

    mix = load_mix(args.mix or SHIPPED, Catalogue())
    if not args.kinds:
        return mix
    known = [kind.id for kind in DEVICES]
    for name in args.kinds:
        if name not in known:
            raise UserError(f"--device {name}: no such device{meant(name, known)} (allowed: {', '.join(known)})")
    return replace(mix, shares=tuple(float(name in args.kinds) for name in known))


def _fleet(args: argparse.Namespace, mix: "Mix", settings: "Settings") -> int:
    from hbprobe.fleet.run import simulate
    from hbprobe.report.terminal.fleet import fleet_document, print_fleet

    def picture() -> "Figure":
        from hbprobe.report.plots.fleet_plot import average_plot

        return average_plot(result, mix.name)

    with progress() as say:
        world = mix.world(args.devices, settings, args.seed)
        result = simulate(world, args.days, told=lambda share: say(f"simulating: {share:.0%}"))
    document = fleet_document(result, mix.name)
    leave(args.out, "fleet", document, {"average": picture})
    tell(args, document, lambda console: print_fleet(result, mix.name, console))
    return 1 if result.events else 0


def _sweep(args: argparse.Namespace, mix: "Mix", settings: "Settings") -> int:
    from hbprobe.fleet.run import simulate
    from hbprobe.fleet.sweep import sweep_share, with_share
    from hbprobe.report.terminal.fleet import print_sweep, sweep_document

    def picture() -> "Figure":
        from hbprobe.report.plots.fleet_plot import sweep_plot

        return sweep_plot(sweep, mix.name, settings)

    paths, name = _paths_with(args.sweep_share, mix)
    with progress() as say:

        def at(share: float) -> "FleetResult":
            say(f"simulating: {share:.0%} of the devices on the path")
            here = replace(mix, paths=with_share(paths, name, share))
            return simulate(here.world(args.devices, settings, args.seed), args.days)

        sweep = sweep_share(name, at)
    document = sweep_document(sweep, mix.name)
    leave(args.out, "sweep", document, {"sweep": picture})
    tell(args, document, lambda console: print_sweep(sweep, mix.name, console))
    return 1 if sweep.enough else 0


def _paths_with(reference: str, mix: "Mix") -> "tuple[tuple[FleetPath, ...], str]":
    """Return the paths of the mix, another one added where the reference is a timer, and which one is meant."""
    from hbprobe.fleet.paths import Cut, FleetPath, fixed

    names = [path.name for path in mix.paths]
    if reference in names:
        return mix.paths, reference
    try:
        limit_s = arguments.duration(reference)
    except argparse.ArgumentTypeError:
        raise UserError(
            f"--sweep-share {reference}: no path of the mix, and no timer such as 5min (it has {', '.join(names)})"
        ) from None
    return (*mix.paths, FleetPath(reference, 0.0, fixed(Cut(limit_s)))), reference


def _on_one_path(mix: "Mix", reference: str) -> "Mix":
    """Return the mix with all devices on the path of one profile, and no other box."""
    from hbprobe.fleet.paths import Cut, only_path
    from hbprobe.profiles.catalogue import Catalogue

    profile = Catalogue().find(reference)
    return replace(mix, paths=(only_path(profile),), firewall=Cut(), firewall_profile=None)


def _devices(text: str) -> int:
    """Read a number of devices for argparse."""
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= _MOST_DEVICES):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of devices: give 1 to {_MOST_DEVICES}")
    return int(text)


def _days(text: str) -> float:
    """Read a number of days for argparse."""
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= _LONGEST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days: give more than 0, at most {_LONGEST_DAYS}")
    return days
