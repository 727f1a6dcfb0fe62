"""What `serve` makes of its ActiveSync options: users, rules, records, the admin API."""

import argparse
import asyncio
import contextlib
import datetime
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.cli.api import opened
from hbprobe.errors import UserError
from hbprobe.files import remark_on_readers
from hbprobe.net.address import is_loopback

if TYPE_CHECKING:
    from hbprobe.eas.releases import Release
    from hbprobe.exchange.settings import Settings
    from hbprobe.standin.records import Recorder
    from hbprobe.standin.service import StandIn

_RELEASES = ("2003", "2007", "2010", "2013", "2016", "2019")
_DEFAULT_RELEASE = "2019"
Say = Callable[[str], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    group = parser.add_argument_group("ActiveSync", "Beyond this machine it is served with --users only.")
    group.add_argument(
        "--users", type=Path, metavar="FILE", help="names and passwords, as YAML (default: every name is let in)"
    )
    group.add_argument(
        "--rules", type=Path, metavar="FILE", help="what administrators decide: policy, access, limits, as YAML"
    )
    group.add_argument(
        "--exchange",
        choices=_RELEASES,
        metavar="YEAR",
        help=f"which Exchange: {', '.join(_RELEASES)} (default: {_DEFAULT_RELEASE})",
    )
    group.add_argument(
        "--admin",
        type=arguments.address,
        metavar="HOST:PORT",
        help="open the admin API there, on this machine: new mail, rules, remote wipe (docs/activesync.md)",
    )
    group.add_argument(
        "--event-log", type=Path, metavar="DIR", help="write Exchange's events there, as JSON lines and as text"
    )
    group.add_argument("--iis-log", type=Path, metavar="DIR", help="write IIS's W3C logs there, a file for each day")


@contextlib.contextmanager
def stand_in(args: argparse.Namespace, settings: "Settings", say: Say) -> Iterator["StandIn | None"]:
    """Make what serves ActiveSync, and close its records at the end.

    It is None beyond this machine without users, where anybody could come in.
    """
    if args.admin is not None and not is_loopback(args.admin.host):
        raise UserError(f"--admin {args.admin}: the admin API is for this machine only: use 127.0.0.1:PORT")
    if args.users is None and not is_loopback(args.listen.host):
        _refuse_without_users(args)
        yield None
        return
    from hbprobe.eas.releases import Release
    from hbprobe.standin.files import load_filtering_rules, load_limits, load_rules, load_users
    from hbprobe.standin.service import StandIn

    if args.users is not None and (remark := remark_on_readers(args.users)):
        say(f"--users {remark}")
    release = Release(args.exchange or _DEFAULT_RELEASE)
    with contextlib.ExitStack() as files:
        yield StandIn(
            settings,
            users=None if args.users is None else load_users(args.users),
            rules=None if args.rules is None else load_rules(args.rules),
            recorders=_recorders(args, settings, release, say, files),
            release=release,
            filters=() if args.webconfig is None else load_filtering_rules(args.webconfig),
            limits=None if args.webconfig is None else load_limits(args.webconfig),
        )


def _refuse_without_users(args: argparse.Namespace) -> None:
    for name in ("rules", "exchange", "admin", "event_log", "iis_log"):
        if getattr(args, name) is not None:
            option = name.replace("_", "-")
            raise UserError(f"--{option}: ActiveSync on {args.listen}, beyond this machine, needs --users FILE")


def _recorders(
    args: argparse.Namespace, settings: "Settings", release: "Release", say: Say, files: contextlib.ExitStack
) -> "list[Recorder]":
    from hbprobe.eas.log_blob import Site
    from hbprobe.standin.record_files import EventLog, IisLog, WallClock
    from hbprobe.standin.records import Forgiving
    from hbprobe.standin.said import Said

    clock = WallClock(datetime.datetime.now(datetime.UTC), asyncio.get_running_loop().time())
    site = Site(computer=socket.gethostname())
    recorders: list[Recorder] = [Said(say, release, settings.sample_size)]
    if args.event_log is not None:
        events = files.enter_context(contextlib.closing(EventLog(args.event_log, release, settings, clock, site)))
        recorders.append(Forgiving(events, lambda why: say(f"--event-log ends here: {why}")))
    if args.iis_log is not None:
        lines = files.enter_context(contextlib.closing(IisLog(args.iis_log, release, clock, site)))
        recorders.append(Forgiving(lines, lambda why: say(f"--iis-log ends here: {why}")))
    return recorders


def about(args: argparse.Namespace, service: "StandIn | None") -> str:
    """Say what is served, and to whom."""
    if service is None:
        return "ActiveSync: off beyond this machine; --users FILE switches it on"
    who = "every user is let in" if args.users is None else f"users of {args.users}"
    return f"ActiveSync: Exchange {args.exchange or _DEFAULT_RELEASE}, {who}"


@contextlib.asynccontextmanager
async def admin(args: argparse.Namespace, service: "StandIn | None", say: Say) -> AsyncIterator[None]:
    """Open the admin API if it is wanted, and close it at the end."""
    if args.admin is None or service is None:
        yield
        return
    from hbprobe.standin.admin import ROOT, Admin

    async with opened(Admin(service), args.admin, "--admin", lambda url: say(f"admin API on {url}{ROOT}")):
        yield
