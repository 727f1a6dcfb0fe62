"""`hbprobe plot`: pictures of results, and of what profiles promise."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hbprobe.profiles.model import Profile
    from hbprobe.report.result import Result

_KINDS = ("search", "curve")


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "plot",
        help="draw results as a picture",
        description="Draw the search of one result, or the timeout curves of several results and profiles.",
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
        help="search: every trial and the bracket; curve: which share of holds survives "
        "(default: search for one result alone, else curve)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to write: .png or .svg")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw and write the picture."""
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.report.plots import save
    from hbprobe.report.result import load_result
    from hbprobe.report.text import shown

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


def _draw(kind: str, results: "list[Result]", profiles: "list[Profile]") -> "Figure":
    from hbprobe.report.plots import curve_plot, search_plot

    return search_plot(results[0]) if kind == "search" else curve_plot(results, profiles)
