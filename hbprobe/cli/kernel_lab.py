"""`hbprobe lab --kernel`: the options, and what they come to. No verb of its own."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from hbprobe.lab.inprocess import Findings
    from hbprobe.lab.pathfile import LabPath
    from hbprobe.measure.journal import Journal
    from hbprobe.profiles.model import Profile
    from hbprobe.search.search import SearchSettings


def add_kernel(parser: argparse.ArgumentParser) -> None:
    """Add what builds the path out of the kernel's own parts."""
    group = parser.add_argument_group("the kernel's own connection tracking (Linux)")
    group.add_argument(
        "--kernel",
        action="store_true",
        help="build the path out of network namespaces, each box of layer packet as nftables and conntrack; it runs "
        "in real time, and --clock N divides all timers by N",
    )
    group.add_argument(
        "--nat",
        metavar="BOXES",
        help="with --kernel: the boxes that translate addresses, by place, as in 1,3; or none (default: those of "
        "category nat, home-gateway and carrier)",
    )
    group.add_argument(
        "--pcap",
        type=Path,
        metavar="DIR",
        help="with --kernel: leave a packet capture of each side of each box there",
    )


def check(args: argparse.Namespace) -> None:
    """Settle the clock; raise UserError for options that do not go together."""
    if args.clock is None:
        args.clock = "real" if args.kernel else "warp"
    if not args.kernel:
        for name in ("nat", "pcap"):
            if getattr(args, name) is not None:
                raise UserError(f"--{name} goes with --kernel")
    elif args.clock == "warp":
        raise UserError(
            "--clock warp: the kernel counts real seconds: use real, or a rate such as 100, with --kernel"
        )
    elif args.method not in ("hold", "idle"):
        raise UserError(f"--method {args.method}: --kernel measures with hold or idle")


def fit(args: argparse.Namespace, search: "SearchSettings") -> "tuple[SearchSettings, tuple[str, ...]]":
    """Return the search as this lab can carry it out, and what was changed."""
    from hbprobe.lab.kernel.measure import fit

    return fit(search, _rate(args)) if args.kernel else (search, ())


def measure(
    args: argparse.Namespace,
    path: "LabPath",
    boxes: "Sequence[Profile]",
    search: "SearchSettings",
    journal: "Journal | None",
) -> "Findings":
    """Measure, and tell on stderr how far it is."""
    from rich.console import Console

    from hbprobe import warp
    from hbprobe.duration import format_duration
    from hbprobe.lab.kernel.measure import KernelLab, measure
    from hbprobe.report.terminal.live import LiveLine

    lab = KernelLab(_rate(args), _nat(args.nat, len(boxes)), args.pcap)
    with LiveLine(Console(stderr=True)) as line:
        longest = format_duration(search.worst_case_s / lab.rate)
        line.say(f"in the kernel, in real time: about {longest} at worst, less if the path cuts early")
        measuring = measure(
            boxes,
            path.settings,
            search,
            lab,
            method=args.method,
            journal=journal,
            prior=arguments.prior(args),
            watch=line.follow,
        )
        return warp.run(measuring, warp.ScaledClock())


def _rate(args: argparse.Namespace) -> float:
    from hbprobe.warp import ScaledClock

    clock = arguments.clock(args)
    return clock.rate if isinstance(clock, ScaledClock) else 1.0


def _nat(text: str | None, boxes: int) -> frozenset[int] | None:
    """Read which boxes translate addresses; None leaves it to their profiles."""
    if text is None:
        return None
    if text == "none":
        return frozenset()
    places = text.split(",")
    if not all(place.isascii() and place.isdecimal() and 1 <= int(place) <= boxes for place in places):
        raise UserError(f"--nat {text}: write places on the path, from 1 to {boxes}, as in 1,2; or none")
    return frozenset(int(place) for place in places)
