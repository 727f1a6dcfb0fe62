"""`hbprobe size`: which timer the firewall before Exchange should have, and what each would cost."""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.cli.fleet import add_fleet, mix_of
from hbprobe.cli.fleet_output import Say, leave, progress, tell
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hbprobe.fleet.mix import Mix
    from hbprobe.fleet.size import AtTimer, Sizing
    from hbprobe.fleet.tally import FleetResult
    from hbprobe.profiles.model import Profile

_SHORTEST_S, _LONGEST_S, _STEP_S = 300.0, 3600.0, 60.0
_MOST_TIMERS = 1000
_MOST_MAIL = 100_000


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "size",
        help="find the timer that a firewall should have, and what each would cost",
        description="Simulate a fleet behind the firewall with one timer after another, and say from which one on "
        "event 1040 stays away and devices keep their push.",
    )
    add_fleet(parser, devices=2000, days=1.0)
    parser.add_argument("--mail", type=_mail, metavar="N", help="mails per device and day (default: the mix's)")
    parser.add_argument(
        "--profile", metavar="PROFILE", help="the firewall: an id or a file (default: the mix's, else a silent one)"
    )
    for name, default, what in (
        ("--from", _SHORTEST_S, "the shortest timer"),
        ("--to", _LONGEST_S, "the longest"),
        ("--step", _STEP_S, "from one to the next"),
    ):
        parser.add_argument(
            name,
            type=arguments.duration,
            default=default,
            dest=f"{name[2:]}_s",
            metavar="TIME",
            help=f"{what} (default: {default:g} s)",
        )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb; return 1 where no timer that was tried is enough for all devices."""
    from hbprobe.fleet.size import Sizing

    timers_s, mix, firewall = _timers(args), mix_of(args), _firewall(args)
    if args.mail is not None:
        mix = replace(mix, habits=replace(mix.habits, mail=mix.habits.mail.scaled(args.mail)))
    with progress() as say:
        sizing = Sizing(tuple(_tried(args, mix, firewall or mix.firewall_profile, timers_s, say)))
    _show(args, mix, firewall or mix.firewall_profile, sizing)
    return 0 if sizing.enough[0].timer_s is not None else 1


def _timers(args: argparse.Namespace) -> range:
    """Return the timers to try, in whole seconds."""
    first_s, last_s, step_s = round(args.from_s), round(args.to_s), round(args.step_s)
    if not 0 < first_s <= last_s:
        raise UserError(f"--from {first_s} s --to {last_s} s: the first must be above 0, the last not below it")
    if step_s < 1 or (last_s - first_s) / step_s > _MOST_TIMERS:
        raise UserError(f"--step {step_s} s: give at least a second, and at most {_MOST_TIMERS} timers to try")
    return range(first_s, last_s + 1, step_s)


def _firewall(args: argparse.Namespace) -> "Profile | None":
    from hbprobe.profiles.catalogue import Catalogue

    return None if args.profile is None else Catalogue().find(args.profile)


def _tried(
    args: argparse.Namespace, mix: "Mix", firewall: "Profile | None", timers_s: Iterable[int], say: Say
) -> "Iterable[AtTimer]":
    from hbprobe.fleet.paths import Cut, cut_of
    from hbprobe.fleet.run import simulate
    from hbprobe.fleet.size import size

    settings = arguments.exchange_settings(args)
    how = cut_of(firewall).how if firewall else mix.firewall.how

    def behind(timer_s: int) -> "FleetResult":
        say(f"simulating: a timer of {timer_s} s")
        here = replace(mix, firewall=Cut(float(timer_s), how))
        return simulate(here.world(args.devices, settings, args.seed), args.days)

    return size(timers_s, behind)


def _show(args: argparse.Namespace, mix: "Mix", firewall: "Profile | None", sizing: "Sizing") -> None:
    from hbprobe.profiles.held import deciding_timer
    from hbprobe.report.terminal.size import print_size, size_document

    def picture() -> "Figure":
        from hbprobe.report.plots.size_plot import size_plot

        return size_plot(sizing, about)

    timer = deciding_timer(firewall) if firewall else None
    configure = timer.configure if timer else None
    per_day = mix.habits.mail.per_day
    behind = f" behind {firewall.id}" if firewall else ""
    about = f"{args.devices} devices{behind}, {args.days:g} d, mix {mix.name}, {per_day:g} mails a day"
    said = {"devices": args.devices, "days": args.days, "mix": mix.name, "mails_per_day": per_day}
    said |= {"seed": args.seed, "firewall": firewall.id if firewall else None}
    document = size_document(sizing, said, configure)
    leave(args.out, "size", document, {"size": picture})
    tell(args, document, lambda console: print_size(sizing, about, configure, console))


def _mail(text: str) -> float:
    """Read a number of mails for argparse."""
    try:
        mails = float(text)
    except ValueError:
        mails = -1.0
    if not 0 <= mails <= _MOST_MAIL:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of mails: give 0 to {_MOST_MAIL}")
    return mails
