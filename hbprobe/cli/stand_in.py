"""What `serve` makes of its ActiveSync options: users, rules, records, the admin API."""

import asyncio
import contextlib
import datetime
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from hbprobe.cli.options import At, File, Folder, MaybeAt, MaybeTime, WebConfig
from hbprobe.errors import UserError
from hbprobe.files import remark_on_readers
from hbprobe.net.address import is_loopback

if TYPE_CHECKING:
    from hbprobe.eas.releases import Release
    from hbprobe.exchange.settings import Settings
    from hbprobe.standin.recorders import Recorder
    from hbprobe.standin.service import StandIn

_DEFAULT_RELEASE = "2019"
Say = Callable[[str], None]

_GROUP = Group("ActiveSync", help="Beyond this machine it is served with --users only.", sort_key=2)


@dataclass(frozen=True, kw_only=True)
class StandInOptions:
    """Who may come in, what administrators decide, what is written down."""

    listen: At
    webconfig: WebConfig
    users: Annotated[
        File, Parameter(group=_GROUP, help="names and passwords, as YAML (default: every name is let in)")
    ] = None
    rules: Annotated[
        File, Parameter(group=_GROUP, help="what administrators decide: policy, access, limits, as YAML")
    ] = None
    exchange: Annotated[
        Literal["2003", "2007", "2010", "2013", "2016", "2019"] | None,
        Parameter(group=_GROUP, metavar="YEAR", help=f"which Exchange (default: {_DEFAULT_RELEASE})"),
    ] = None
    admin: Annotated[
        MaybeAt,
        Parameter(
            group=_GROUP,
            help="open the admin API there, on this machine: new mail, rules, remote wipe (docs/activesync.md)",
        ),
    ] = None
    event_log: Annotated[
        Folder, Parameter(group=_GROUP, help="write Exchange's events there, as JSON lines and as text")
    ] = None
    iis_log: Annotated[
        Folder,
        Parameter(group=_GROUP, help="write IIS's W3C logs there, a file for each day, and HTTPERR"),
    ] = None
    connection_timeout: Annotated[
        MaybeTime,
        Parameter(
            group=_GROUP,
            help="end connections that are idle for so long after an answer, as IIS does after 2m by its "
            "connectionTimeout (default: never, for it would be taken for the path's doing)",
        ),
    ] = None


@contextlib.contextmanager
def stand_in(options: StandInOptions, settings: "Settings", say: Say) -> Iterator["StandIn | None"]:
    """Make what serves ActiveSync, and close its records at the end.

    It is None beyond this machine without users, where anybody could come in.
    """
    if options.admin is not None and not is_loopback(options.admin.host):
        raise UserError(f"--admin {options.admin}: the admin API is for this machine only: use 127.0.0.1:PORT")
    if options.users is None and not is_loopback(options.listen.host):
        _refuse_without_users(options)
        yield None
        return
    from hbprobe.eas.releases import Release
    from hbprobe.standin.input_files import load_filtering_rules, load_limits, load_rules, load_users
    from hbprobe.standin.service import StandIn
    from hbprobe.standin.webconfig_rules import shipped_limits

    if options.users is not None and (remark := remark_on_readers(options.users)):
        say(f"--users {remark}")
    release = Release(options.exchange or _DEFAULT_RELEASE)
    with contextlib.ExitStack() as files:
        yield StandIn(
            settings,
            users=None if options.users is None else load_users(options.users),
            rules=None if options.rules is None else load_rules(options.rules),
            recorders=_recorders(options, settings, release, say, files),
            release=release,
            filters=() if options.webconfig is None else load_filtering_rules(options.webconfig),
            limits=shipped_limits(release) if options.webconfig is None else load_limits(options.webconfig),
            connection_timeout_s=options.connection_timeout,
        )


def _refuse_without_users(options: StandInOptions) -> None:
    for name in ("rules", "exchange", "admin", "event_log", "iis_log", "connection_timeout"):
        if getattr(options, name) is not None:
            option = name.replace("_", "-")
            raise UserError(f"--{option}: ActiveSync on {options.listen}, beyond this machine, needs --users FILE")


def _recorders(
    options: StandInOptions, settings: "Settings", release: "Release", say: Say, files: contextlib.ExitStack
) -> "list[Recorder]":
    from hbprobe.eas.log_blob import Site
    from hbprobe.standin.record_files import EventLog, IisLog, WallClock
    from hbprobe.standin.recorders import ConsoleLog, Forgiving

    clock = WallClock(datetime.datetime.now(datetime.UTC), asyncio.get_running_loop().time())
    site = Site(computer=socket.gethostname())
    recorders: list[Recorder] = [ConsoleLog(say, release, settings.sample_size)]
    if options.event_log is not None:
        events = files.enter_context(contextlib.closing(EventLog(options.event_log, release, settings, clock, site)))
        recorders.append(Forgiving(events, lambda why: say(f"--event-log ends here: {why}")))
    if options.iis_log is not None:
        lines = files.enter_context(contextlib.closing(IisLog(options.iis_log, release, clock, site)))
        recorders.append(Forgiving(lines, lambda why: say(f"--iis-log ends here: {why}")))
    return recorders


def about(options: StandInOptions, service: "StandIn | None") -> str:
    """Say what is served, and to whom."""
    if service is None:
        return "ActiveSync: off beyond this machine; --users FILE switches it on"
    who = "every user is let in" if options.users is None else f"users of {options.users}"
    return f"ActiveSync: Exchange {options.exchange or _DEFAULT_RELEASE}, {who}"


@contextlib.asynccontextmanager
async def admin(options: StandInOptions, service: "StandIn | None", say: Say) -> AsyncIterator[None]:
    """Open the admin API if it is wanted, and close it at the end."""
    if options.admin is None or service is None:
        yield
        return
    from hbprobe.standin.admin import ROOT, Admin

    async with Admin(service).opened(options.admin, "--admin HOST:PORT") as at:
        say(f"admin API on http://{at}{ROOT}")
        yield
