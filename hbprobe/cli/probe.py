"""`hbprobe probe`: the search on a real path, in real time."""

import argparse
import asyncio
import contextlib
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from hbprobe.probe.journal import Journal
    from hbprobe.probe.run import Run
    from hbprobe.probe.search import Search, SearchSettings
    from hbprobe.probe.wire import Dialer, Target
    from hbprobe.report.live import LiveLine

_NOT_VERIFIED = "the server's certificate was not verified (--insecure)"


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "probe",
        help="search a real path for the longest request that survives",
        description="Hold requests open on a real path, find the longest that survives and how longer ones die, and "
        "compare that with Exchange's heartbeat settings. It says before it starts how long it can take.",
    )
    parser.add_argument(
        "url", metavar="URL", help="https://HOST[:PORT]/ of hbprobe serve (hold) or a web server (idle)"
    )
    arguments.add_search(parser)
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--ca", type=Path, metavar="FILE", help="trust this authority (PEM) instead of the system's")
    trust.add_argument("--insecure", action="store_true", help="do not verify the certificate; the report says so")
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
    from hbprobe.exchange.certificates import client_context
    from hbprobe.probe.search import Search
    from hbprobe.probe.wire import Dialer, Target
    from hbprobe.report.conclude import conclude
    from hbprobe.report.live import LiveLine
    from hbprobe.report.result import Verb
    from hbprobe.report.show import show

    started = time.perf_counter()
    settings, search = arguments.exchange_settings(args), arguments.search_settings(args)
    try:
        target = Target.parse(args.url)
    except ValueError as error:
        raise UserError(str(error)) from None
    if not target.tls and (args.ca is not None or args.insecure):
        raise UserError("--ca and --insecure go with https; there is no certificate in http")
    tls = client_context(args.ca, insecure=args.insecure) if target.tls else None
    with _journal(args, target, search) as journal, LiveLine(Console(stderr=True)) as line:
        longest = format_duration(search.worst_case_s)
        line.say(f"probing {target}: about {longest} at worst, less if the path cuts early")
        searching = _search(args.method, Dialer(target, tls), Search(search, arguments.prior(args)), journal, line)
        done = warp.run(searching, warp.ScaledClock())
    if not done.complete:
        line.say(_stopped(args))
    result = conclude(
        done,
        settings,
        verb=Verb.PROBE,
        target=str(target),
        clock="real",
        wall_s=time.perf_counter() - started,
        notes=(_NOT_VERIFIED,) if args.insecure else (),
    )
    return show(result, as_json=args.json)


def _journal(
    args: argparse.Namespace, target: "Target", search: "SearchSettings"
) -> "contextlib.AbstractContextManager[Journal | None]":
    from hbprobe.probe.journal import Journal, header

    path = args.journal or args.resume
    if path is None:
        return contextlib.nullcontext()
    return Journal(path, header(str(target), args.method, search), resume=args.resume is not None)


async def _search(
    method: str, dialer: "Dialer", search: "Search", journal: "Journal | None", line: "LiveLine"
) -> "Run":
    from hbprobe.probe.methods import make_method
    from hbprobe.probe.run import Run

    made = make_method(method, dialer, search.settings.grace_s, random.SystemRandom())
    done = Run(search, made, journal, line.follow)
    with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C: what was found so far is worth showing
        await done.to_the_end()
    return done


def _stopped(args: argparse.Namespace) -> str:
    path = args.journal or args.resume
    return "stopped before the end" + (f"; go on with --resume {path}" if path else "")
