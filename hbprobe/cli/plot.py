"""`hbprobe plot`: pictures of results, and of what profiles promise."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hbprobe.profiles.model import Profile
    from hbprobe.records.result import Result

_KINDS = ("search", "curve", "staircase")


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "plot",
        help="draw results as a picture",
        description="Draw the search of one result, the timeout curves of several results and profiles, or the "
        "heartbeats that each kind of device asks for on one path.",
    )
    parser.add_argument(
        "results", nargs="*", type=Path, metavar="RESULT.json", help="what lab --out or --json of a verb wrote"
    )
    parser.add_argument(
        "--profile",
        nargs="+",
        action="extend",
        default=[],
        dest="profiles",
        metavar="PROFILE",
        help="draw a profile's curve as well: an id, or a file of your own",
    )
    parser.add_argument(
        "--kind",
        choices=_KINDS,
        help="search: every trial and the bracket; curve: which share of holds survives; staircase: what devices ask "
        "for over time, and what is lost (default: search for one result alone, else curve)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to write: .png or .svg")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw and write the picture."""
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.records.result import load_result
    from hbprobe.report.plots.style import save
    from hbprobe.text import shown

    kind = args.kind or ("search" if len(args.results) == 1 and not args.profiles else "curve")
    _check(kind, len(args.results), len(args.profiles))
    results = [load_result(path) for path in args.results]
    profiles = [Catalogue().find(reference) for reference in args.profiles]
    save(_draw(kind, results, profiles), args.out)
    print(f"wrote {shown(str(args.out))}")
    return 0


def _check(kind: str, results: int, profiles: int) -> None:
    if results + profiles == 0:
        raise UserError("plot: nothing to draw: name a RESULT.json, or a profile with --profile")
    if kind == "search" and (results != 1 or profiles):
        raise UserError("plot: --kind search draws one result and no profile: use --kind curve for more")
    if kind == "staircase" and results + profiles != 1:
        raise UserError("plot: --kind staircase draws one path: name one RESULT.json, or one --profile")


def _draw(kind: str, results: "list[Result]", profiles: "list[Profile]") -> "Figure":
    from hbprobe.report.plots.curve_plot import curve_plot
    from hbprobe.report.plots.search_plot import search_plot

    if kind == "staircase":
        return _staircase(results, profiles)
    return search_plot(results[0]) if kind == "search" else curve_plot(results, profiles)


def _staircase(results: "list[Result]", profiles: "list[Profile]") -> "Figure":
    from hbprobe.exchange.devices import DEVICES, Loss
    from hbprobe.exchange.settings import Settings
    from hbprobe.fleet.paths import Cut, cut_of
    from hbprobe.report.plots.staircase_plot import staircase_plot
    from hbprobe.report.terminal.words import path_words

    if profiles:
        cut, path = cut_of(profiles[0]), profiles[0].id
    else:
        limit = results[0].limit
        cut = Cut() if limit.cut_s is None else Cut(limit.cut_s, Loss(limit.manner or Loss.SILENT))
        path = path_words(results[0])
    return staircase_plot(DEVICES, cut.limit_s, cut.how, Settings(), path=path)
