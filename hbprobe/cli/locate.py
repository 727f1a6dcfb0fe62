"""`hbprobe locate`: which hop forgets idle connections."""

import argparse
import random
import sys
import time
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.errors import CannotMeasureError, UserError

if TYPE_CHECKING:
    from hbprobe.locate.hop_trials import FindRoute
    from hbprobe.net.wire import Dialer
    from hbprobe.report.terminal.live import LiveLine
    from hbprobe.report.terminal.location import Location
    from hbprobe.search.search import SearchSettings
    from hbprobe.trial.outcome import Limit

_MOST_HOPS = 30


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "locate",
        help="find the hop that forgets idle connections",
        description="Hold requests whose TCP keep-alives reach only so far, one for each hop, side by side. The "
        "first hop that must see keep-alives is the one that forgets. Needs Linux, but no privileges; takes about as "
        "long as the limit, after the search for it.",
    )
    parser.add_argument(
        "url", metavar="URL", help="https://HOST[:PORT]/ of hbprobe serve (hold) or a web server (idle)"
    )
    group = parser.add_argument_group("hops")
    group.add_argument(
        "--limit", type=arguments.duration, metavar="TIME", help="the path's limit, where it is known: no search then"
    )
    group.add_argument(
        "--hops",
        type=arguments.count,
        metavar="N",
        default=_MOST_HOPS,
        help=f"look no further (default: {_MOST_HOPS})",
    )
    group.add_argument(
        "--requests",
        type=arguments.count,
        metavar="N",
        default=1,
        help="for each hop; more where some die by accident",
    )
    group.add_argument("--raw", action="store_true", help="find the hops with raw packets (root)")
    arguments.add_search(parser)
    arguments.add_trust(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from rich.console import Console

    from hbprobe import warp
    from hbprobe.locate.hop_trials import check_system
    from hbprobe.report.terminal.live import LiveLine
    from hbprobe.report.terminal.location import print_location

    check_system()
    if args.raw:
        _finder(args)  # before a search that takes hours
    search, target = _search_settings(args), arguments.target(args)
    dialer = arguments.dialer(args, target)
    with LiveLine(Console(stderr=True)) as line:
        location = warp.run(_locate(args, dialer, search, line), warp.ScaledClock())
    if args.json:
        sys.stdout.write(location.to_json())
    else:
        print_location(location, Console())
    return location.exit_status


def _search_settings(args: argparse.Namespace) -> "SearchSettings":
    if args.method == "ping":
        raise UserError("--method ping: locate holds many requests at once: use hold or idle")
    if args.hops > 255:
        raise UserError(f"--hops {args.hops}: no packet goes further than 255 hops")
    return arguments.search_settings(args)


async def _locate(
    args: argparse.Namespace, dialer: "Dialer", search: "SearchSettings", line: "LiveLine"
) -> "Location":
    from hbprobe.locate.finding import Code, Finding, Route
    from hbprobe.locate.hop_trials import Locating, plan
    from hbprobe.report.terminal.location import Location

    started = time.perf_counter()
    notes = arguments.trust_notes(args)
    limit_s = args.limit if args.limit is not None else (await _searched(args, dialer, search, line)).cut_s
    if limit_s is None:
        finding = Finding(Code.OPEN, f"nothing was cut up to {search.max_s:g} s, so there is nothing to locate")
        return Location(str(dialer.target), None, None, False, Route((), None), (), finding, 0.0, notes)
    try:
        asked = plan(limit_s, args.method, grace_s=search.grace_s, most_hops=args.hops, requests=args.requests)
    except ValueError as error:
        raise UserError(f"--limit {limit_s:g}: {error}") from None
    locating = Locating(dialer, asked, random.SystemRandom(), say=line.say, find=_finder(args))
    located = await locating.run()
    return Location(
        target=str(dialer.target),
        asked=asked,
        limit_s=limit_s,
        is_given=args.limit is not None,
        route=located.route,
        seen=located.seen,
        finding=located.finding,
        wall_s=time.perf_counter() - started,
        notes=notes,
    )


def _finder(args: argparse.Namespace) -> "FindRoute":
    from hbprobe.locate.raw_route import find_raw_route, load_scapy
    from hbprobe.locate.route import find_route

    if not args.raw:
        return find_route
    load_scapy()
    return find_raw_route


async def _searched(
    args: argparse.Namespace, dialer: "Dialer", settings: "SearchSettings", line: "LiveLine"
) -> "Limit":
    """Search for the limit, as `probe` does."""
    from hbprobe.duration import format_duration
    from hbprobe.measure.run import Run
    from hbprobe.measure.setup import set_up

    longest = format_duration(settings.worst_case_s)
    line.say(f"searching the limit of {dialer.target} first: about {longest} at worst; --limit spares it")
    rng = random.SystemRandom()
    method, search = await set_up(args.method, dialer, settings, arguments.prior(args), rng)
    run = Run(search, method, watch=line.follow)
    await run.to_the_end()
    limit = search.limit
    if limit.survived_s is None and not limit.exact:
        raise CannotMeasureError(
            f"the limit is below {settings.min_s:g} s: search with a shorter --min, or say --limit"
        )
    return limit
