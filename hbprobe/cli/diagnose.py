"""`hbprobe diagnose`: what kills requests on a path, whose timer it is, and what would end it."""

import argparse
import asyncio
import contextlib
import random
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from hbprobe.exchange.settings import Settings
    from hbprobe.measure.diagnosing import Diagnosing
    from hbprobe.net.wire import Target
    from hbprobe.records.diagnosis import Diagnosis
    from hbprobe.report.terminal.diagnosis_live import Telling
    from hbprobe.search.search import SearchSettings

_LAST_PORT = 65535


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "diagnose",
        help="find the limit of a path, and explain it: which timer, whose, what kind of box, what would mend it",
        description="Find the longest request that survives, then ask at the same time what saves longer ones and "
        "what both ends see of their death. It says before each step how long it takes.",
    )
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="https://HOST[:PORT]/ of hbprobe serve (hold), or a web server (idle)"
    )
    parser.add_argument(
        "--lab",
        nargs="+",
        metavar="PROFILE",
        help="instead of a URL: diagnose simulated boxes, in order from the client, on a clock that jumps",
    )
    arguments.add_search(parser)
    parser.add_argument(
        "--trials", type=arguments.count, default=0, metavar="N", help="N more trials: how widely the limit scatters"
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--compare", metavar="URL", help="another address: does the same request die there, too?")
    other.add_argument(
        "--other-port", type=arguments.count, metavar="PORT", help="the same, at another port of the same host"
    )
    arguments.add_trust(parser)
    arguments.add_webconfig(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from rich.console import Console

    from hbprobe import warp
    from hbprobe.report.terminal.diagnosis_live import Telling

    started, began = time.perf_counter(), datetime.now(UTC)
    settings, search = arguments.exchange_settings(args), arguments.search_settings(args)
    _check(args)
    with Telling(Console(stderr=True)) as telling:
        if args.lab is not None:
            found, target = warp.run(_in_lab(args, settings, search, telling), warp.WarpClock()), "lab"
        else:
            address = arguments.target(args)
            elsewhere = _other(args, address)
            target = str(address)
            telling.begins(target, search, elsewhere=elsewhere is not None, trials=args.trials)
            diagnosing = _on_path(args, search, address, elsewhere, telling)
            found = warp.run(diagnosing, warp.ScaledClock())
    return _show(args, _concluded(args, found, settings, target, began, time.perf_counter() - started))


def _check(args: argparse.Namespace) -> None:
    if (args.url is None) == (args.lab is None):
        raise UserError("name what to diagnose: a URL, or boxes with --lab")
    if args.method not in ("hold", "idle"):
        raise UserError(f"--method {args.method}: a diagnosis needs hold or idle")
    if args.lab is not None and (args.compare or args.other_port or args.ca or args.insecure):
        raise UserError(
            "--lab: a lab has one address, and a certificate of its own: drop --compare, --ca and the like"
        )
    if args.other_port is not None and args.other_port > _LAST_PORT:
        raise UserError(f"--other-port {args.other_port}: a port is at most {_LAST_PORT}")


async def _on_path(
    args: argparse.Namespace,
    search: "SearchSettings",
    target: "Target",
    elsewhere: "Target | None",
    telling: "Telling",
) -> "Diagnosing":
    from hbprobe.measure.diagnosing import Diagnosing
    from hbprobe.measure.run import Run
    from hbprobe.search.search import Search
    from hbprobe.trial.methods import make_method

    dialer, rng = arguments.dialer(args, target), random.SystemRandom()
    method = make_method(args.method, dialer, search.grace_s, rng)
    found = Diagnosing(
        Run(Search(search, arguments.prior(args)), method, watch=telling.search),
        dialer,
        rng,
        elsewhere=None if elsewhere is None else arguments.dialer(args, elsewhere),
        trials=args.trials,
        watch=telling.follow,
    )
    with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C: what was found so far is worth showing
        await found.to_the_end()
    return found


async def _in_lab(
    args: argparse.Namespace, settings: "Settings", search: "SearchSettings", telling: "Telling"
) -> "Diagnosing":
    from hbprobe.lab.diagnosed import diagnose
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.running import draw_all

    catalogue = Catalogue()
    boxes, _ = draw_all([catalogue.find(reference) for reference in args.lab], random.Random(0))
    prior = arguments.prior(args)
    return await diagnose(boxes, settings, search, args.method, prior, args.trials, watch=telling.follow)


def _other(args: argparse.Namespace, target: "Target") -> "Target | None":
    """Return the address to compare with."""
    if args.other_port is not None:
        return replace(target, port=args.other_port)
    if args.compare is None:
        return None
    from hbprobe.net.wire import Target

    try:
        return Target.parse(args.compare)
    except ValueError as error:
        raise UserError(f"--compare: {error}") from None


def _concluded(
    args: argparse.Namespace, found: "Diagnosing", settings: "Settings", target: str, began: datetime, wall_s: float
) -> "Diagnosis":
    from hbprobe.measure.conclude import conclude, sum_up
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.records.result import Verb

    result = conclude(
        found.run,
        settings,
        verb=Verb.DIAGNOSE,
        target=target,
        clock="warp" if args.lab else "real",
        wall_s=wall_s,
        began=None if args.lab else began,
        path=tuple(args.lab or ()),
        notes=arguments.trust_notes(args),
    )
    return sum_up(found, result, Catalogue().all())


def _show(args: argparse.Namespace, diagnosis: "Diagnosis") -> int:
    if args.json:
        print(diagnosis.to_json(), end="")
    else:
        from rich.console import Console

        from hbprobe.report.terminal.diagnosis_words import print_diagnosis

        print_diagnosis(diagnosis, Console())
    return diagnosis.exit_status
