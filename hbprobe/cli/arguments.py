"""Arguments that several verbs share, and the types that read them."""

import argparse
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hbprobe.duration import parse_duration_s
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.net.address import Address
from hbprobe.share import parse_share

if TYPE_CHECKING:
    from hbprobe.exchange.settings import Settings
    from hbprobe.measure.observe import Observer
    from hbprobe.measure.request import Request
    from hbprobe.warp import Clock

RequestT = TypeVar("RequestT", bound="Request[Any]")
RecordT = TypeVar("RecordT")


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


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add which certificates are trusted."""
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--ca", type=Path, metavar="FILE", help="trust this authority (PEM) instead of the system's")
    trust.add_argument("--insecure", action="store_true", help="do not verify the certificate; the report says so")


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


def add_journal(parser: argparse.ArgumentParser) -> None:
    """Add where trials are kept."""
    journal = parser.add_mutually_exclusive_group()
    journal.add_argument("--journal", type=Path, metavar="FILE", help="keep every trial in a new journal")
    journal.add_argument("--resume", type=Path, metavar="FILE", help="go on with the measurement of this journal")


def add_connecting(parser: argparse.ArgumentParser) -> None:
    """Add from where connections are made, and what the path is called."""
    group = parser.add_argument_group("connections")
    group.add_argument("--source", metavar="ADDRESS", help="the address or the interface that connections start from")
    versions = group.add_mutually_exclusive_group()
    versions.add_argument("-4", dest="family", action="store_const", const="4", help="IPv4 only")
    versions.add_argument("-6", dest="family", action="store_const", const="6", help="IPv6 only")
    group.add_argument("--label", metavar="TEXT", help="what this path is called in results and reports")


def request(kind: type[RequestT], args: argparse.Namespace, **more: object) -> RequestT:
    """Make a request of what was said; raises RequestError, which names the field."""
    names = {field.name for field in fields(kind)}
    said = {name: value for name, value in vars(args).items() if name in names and value is not None}
    return kind(**said | more)


def carry_out(
    request: "Request[RecordT]", observer: "Observer", show: "Callable[[RecordT], int]", say: "Callable[[str], None]"
) -> int:
    """Measure and show the record, also where it is not whole; say how to go on. Return the exit status."""
    journal = getattr(request, "resume", None) or getattr(request, "journal", None)
    go_on = f"; go on with --resume {journal}" if journal else ""
    try:
        record = request.run(observer)
    except CannotMeasureError as error:
        if error.partial is not None:
            show(error.partial)
            raise CannotMeasureError(f"{error}{go_on}") from None
        raise
    result = getattr(record, "result", record)
    if not getattr(result, "complete", True):
        say(f"stopped before the end{go_on}")
    return show(record)


def clock(args: argparse.Namespace) -> "Clock":
    """Return the clock that is named; raises UserError when there is none of that name."""
    from hbprobe.warp import clock_from_text

    try:
        return clock_from_text(args.clock)
    except ValueError as error:
        raise UserError(f"--clock: {error}") from None


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
