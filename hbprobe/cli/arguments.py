"""Arguments that several verbs share, and the types that read them."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.duration import format_duration, parse_duration_s
from hbprobe.errors import UserError
from hbprobe.net.address import Address
from hbprobe.share import parse_share

if TYPE_CHECKING:
    import ssl

    from hbprobe.eas.client import Account
    from hbprobe.exchange.settings import Settings
    from hbprobe.net.wire import Dialer, Target
    from hbprobe.search.prior import Prior
    from hbprobe.search.search import SearchSettings
    from hbprobe.warp import Clock


def duration(text: str) -> float:
    """Read a duration for argparse."""
    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def address(text: str) -> Address:
    """Read HOST:PORT for argparse."""
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(text: str) -> int:
    """Read a whole number above 0 for argparse."""
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 100_000):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def share(text: str) -> float:
    """Read a share between 0 and 1, or a percentage, for argparse."""
    try:
        return parse_share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_search(parser: argparse.ArgumentParser) -> None:
    """Add what a search is asked for."""
    group = parser.add_argument_group("search")
    group.add_argument("--min", type=duration, metavar="TIME", help="the shortest hold of interest (default: 60 s)")
    group.add_argument("--max", type=duration, metavar="TIME", help="the longest (default: 3540 s)")
    group.add_argument("--precision", type=duration, metavar="TIME", help="how narrow the bracket (default: 1 s)")
    group.add_argument("--connections", type=count, metavar="K", help="trials at a time; more is faster (default: 1)")
    group.add_argument(
        "--confirm", type=count, metavar="N", help="trials that must agree at each end of the bracket (default: 1)"
    )
    group.add_argument(
        "--noise",
        type=share,
        metavar="P",
        help="this share of trials dies for other reasons than the timer; the search then repeats until it is sure "
        "(default: 0, every trial is believed)",
    )
    group.add_argument(
        "--confidence", type=share, metavar="C", help="with noise: how sure the bracket must be (default: 0.95)"
    )
    group.add_argument(
        "--grace",
        type=duration,
        metavar="TIME",
        help="how late an answer may be before its absence counts as silence (default: 3 s)",
    )
    group.add_argument(
        "--strategy",
        choices=("guided", "split"),
        default="guided",
        help="guided: try timers that products have first; split: halve the bracket (default: guided)",
    )
    group.add_argument(
        "--method",
        choices=("hold", "idle", "ping"),
        default="hold",
        help="hold: hbprobe serve at the far end answers after the hold; idle: any web server, silence between two "
        "requests; ping: an ActiveSync server holds a Ping, in whole seconds and to 2 s (default: hold)",
    )


def search_settings(args: argparse.Namespace, base: "SearchSettings | None" = None) -> "SearchSettings":
    """Return what the search options say, on top of `base`; raises UserError when they do not fit together."""
    from hbprobe.farend.hold import LONGEST_HOLD_S
    from hbprobe.search.search import SearchSettings

    said = {
        "min_s": args.min,
        "max_s": args.max,
        "precision_s": args.precision,
        "connections": args.connections,
        "confirm": args.confirm,
        "noise": args.noise,
        "confidence": args.confidence,
        "grace_s": args.grace,
    }
    try:
        settings = replace(
            base or SearchSettings(), **{name: value for name, value in said.items() if value is not None}
        )
    except ValueError as error:
        raise UserError(f"--{error}") from None
    if args.method == "hold" and settings.max_s > LONGEST_HOLD_S:
        most = f"hbprobe serve holds for {format_duration(LONGEST_HOLD_S)} at most"
        raise UserError(f"--max {format_duration(settings.max_s)}: {most}; use --method idle for more")
    return _in_heartbeats(args, settings) if args.method == "ping" else settings


def _in_heartbeats(args: argparse.Namespace, settings: "SearchSettings") -> "SearchSettings":
    """Fit a search to heartbeats; raises UserError where that would not be what was said."""
    from hbprobe.search.heartbeats import in_heartbeats

    for name, said_s in (("min", args.min), ("max", args.max)):
        if said_s is not None and said_s % 1:
            raise UserError(f"--{name} {said_s:g}: a heartbeat is a whole number of seconds")
    if args.precision is not None and args.precision % 2:
        raise UserError(f"--precision {args.precision:g}: with --method ping it is an even number of seconds")
    try:
        return in_heartbeats(settings)
    except ValueError as error:
        raise UserError(f"--{error}") from None


def prior(args: argparse.Namespace) -> "Prior | None":
    """Return what the search is to know of timers beforehand."""
    if args.strategy == "split":
        return None
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.search.prior import prior_of

    return prior_of(Catalogue().all())


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add which certificates are trusted."""
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--ca", type=Path, metavar="FILE", help="trust this authority (PEM) instead of the system's")
    trust.add_argument("--insecure", action="store_true", help="do not verify the certificate; the report says so")


def target(args: argparse.Namespace) -> "Target":
    """Return what the URL names; raises UserError where it is none, or does not go with what is trusted."""
    from hbprobe.net.wire import Target

    try:
        target = Target.parse(args.url)
    except ValueError as error:
        raise UserError(str(error)) from None
    if not target.tls and (args.ca is not None or args.insecure):
        raise UserError("--ca and --insecure go with https; there is no certificate in http")
    return target


def tls(args: argparse.Namespace, target: "Target") -> "ssl.SSLContext | None":
    """Return how a target is spoken to, None for plain HTTP; raises UserError where the authority cannot be used."""
    from hbprobe.net.certificates import client_context

    return client_context(args.ca, insecure=args.insecure) if target.tls else None


def dialer(args: argparse.Namespace, target: "Target") -> "Dialer":
    """Return what opens connections to a target; raises UserError as `tls` does."""
    from hbprobe.net.wire import Dialer

    return Dialer(target, tls(args, target))


def trust_notes(args: argparse.Namespace) -> tuple[str, ...]:
    """Return what a result must say of the certificates."""
    return ("the server's certificate was not verified (--insecure)",) if args.insecure else ()


def add_account(parser: argparse.ArgumentParser) -> None:
    """Add the user, and where the password comes from."""
    group = parser.add_argument_group("login")
    group.add_argument("--user", metavar="NAME", help=r"who logs in: NAME, DOMAIN\NAME or NAME@DOMAIN")
    group.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="a file whose first line is the password (default: the variable HBPROBE_PASSWORD, else a prompt)",
    )


def account(args: argparse.Namespace, target: "Target") -> "Account":
    """Return who logs in; raises UserError as `account_of` does."""
    from hbprobe.measure.account import account_of

    return account_of(args.user, None, args.password_file, target)


def clock(args: argparse.Namespace) -> "Clock":
    """Return the clock that is named; raises UserError when there is none of that name."""
    from hbprobe.warp import clock_from_text

    try:
        return clock_from_text(args.clock)
    except ValueError as error:
        raise UserError(f"--clock: {error}") from None


def add_webconfig(parser: argparse.ArgumentParser) -> None:
    """Add where Exchange's settings come from."""
    parser.add_argument(
        "--webconfig",
        type=Path,
        metavar="FILE",
        help=r"Exchange's ClientAccess\Sync\web.config (default: Exchange's own defaults)",
    )


def exchange_settings(args: argparse.Namespace) -> "Settings":
    """Return Exchange's settings; raises UserError when the file cannot be used."""
    from hbprobe.exchange.settings import Settings, load_settings

    return Settings() if args.webconfig is None else load_settings(args.webconfig)


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add the number that stands for what is random about a box."""
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="another box out of a population, and other luck with timers that are random in part (default: 0)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the choice of output."""
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
