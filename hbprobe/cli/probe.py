"""`hbprobe probe`: the search on a real path, in real time."""

import argparse
import asyncio
import contextlib
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.cli.arguments import account, add_account
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from hbprobe.eas.client import Account
    from hbprobe.exchange.settings import Settings
    from hbprobe.measure.journal import Journal
    from hbprobe.measure.run import Run
    from hbprobe.net.wire import Dialer, Target
    from hbprobe.report.terminal.live import LiveLine
    from hbprobe.search.search import SearchSettings


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "probe",
        help="search a real path for the longest request that survives",
        description="Hold requests open on a real path, find the longest that survives and how longer ones die, and "
        "compare that with Exchange's heartbeat settings. It says before it starts how long it can take.",
    )
    parser.add_argument(
        "url",
        metavar="URL",
        help="https://HOST[:PORT]/ of hbprobe serve (hold), a web server (idle) or ActiveSync (ping)",
    )
    arguments.add_search(parser)
    add_account(parser)
    arguments.add_trust(parser)
    journal = parser.add_mutually_exclusive_group()
    journal.add_argument("--journal", type=Path, metavar="FILE", help="keep every trial in a new journal")
    journal.add_argument("--resume", type=Path, metavar="FILE", help="go on with the search of this journal")
    arguments.add_webconfig(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from rich.console import Console

    from hbprobe import warp
    from hbprobe.duration import format_duration
    from hbprobe.measure.conclude import conclude
    from hbprobe.records.result import Verb
    from hbprobe.report.terminal.live import LiveLine
    from hbprobe.report.terminal.show import show

    started, began = time.perf_counter(), datetime.now(UTC)
    settings, search = arguments.exchange_settings(args), arguments.search_settings(args)
    target = arguments.target(args)
    dialer = arguments.dialer(args, target)
    who = _account(args, target)
    with _journal(args, target, search) as journal, LiveLine(Console(stderr=True)) as line:
        longest = format_duration(search.worst_case_s)
        line.say(f"probing {target}: about {longest} at worst, less if the path cuts early")
        done = warp.run(_search(args, dialer, who, search, journal, line), warp.ScaledClock())
    if not done.complete:
        line.say(_stopped(args))
    settings, notes = _in_force(args, done, settings)
    result = conclude(
        done,
        settings,
        verb=Verb.PROBE,
        target=str(target),
        clock="real",
        wall_s=time.perf_counter() - started,
        began=began,
        notes=(*arguments.trust_notes(args), *notes),
    )
    return show(result, as_json=args.json)


def _account(args: argparse.Namespace, target: "Target") -> "Account | None":
    if args.method == "ping":
        return account(args, target)
    if args.user is not None or args.password_file is not None:
        raise UserError("--user and --password-file go with --method ping")
    return None


def _in_force(args: argparse.Namespace, done: "Run", settings: "Settings") -> "tuple[Settings, tuple[str, ...]]":
    """Return Exchange's settings as the live server told them, and what is to be said after Pings."""
    from hbprobe.search.heartbeats import in_force
    from hbprobe.trial.ping import PingMethod

    if not isinstance(done.method, PingMethod):
        return settings, ()
    settings, differences = in_force(settings, done.method.limits, is_file=args.webconfig is not None)
    return settings, (*differences, *done.method.notes)


def _journal(
    args: argparse.Namespace, target: "Target", search: "SearchSettings"
) -> "contextlib.AbstractContextManager[Journal | None]":
    from hbprobe.measure.journal import Journal, header

    path = args.journal or args.resume
    if path is None:
        return contextlib.nullcontext()
    return Journal(path, header(str(target), args.method, search), resume=args.resume is not None)


async def _search(
    args: argparse.Namespace,
    dialer: "Dialer",
    who: "Account | None",
    settings: "SearchSettings",
    journal: "Journal | None",
    line: "LiveLine",
) -> "Run":
    from hbprobe.measure.run import Run
    from hbprobe.measure.setup import set_up

    prior, rng = arguments.prior(args), random.SystemRandom()
    method, search = await set_up(args.method, dialer, settings, prior, rng, who, line.say)
    done = Run(search, method, journal, line.follow)
    with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C: what was found so far is worth showing
        await done.to_the_end()
    return done


def _stopped(args: argparse.Namespace) -> str:
    path = args.journal or args.resume
    return "stopped before the end" + (f"; go on with --resume {path}" if path else "")
