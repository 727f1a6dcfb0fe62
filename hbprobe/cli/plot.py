"""`hbprobe plot`: pictures of results, and of what profiles promise."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from hbprobe.cli.options import profile_ids
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hbprobe.profiles.model import Profile
    from hbprobe.records.result import Result


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to draw, and where to."""

    profile: Annotated[
        tuple[str, ...],
        Parameter(
            consume_multiple=(1, None),
            metavar="PROFILE",
            help="draw a profile's curve as well: an id, or a file of your own; several may follow",
            completer=profile_ids,
        ),
    ] = ()
    kind: Annotated[
        Literal["search", "curve", "staircase"] | None,
        Parameter(
            metavar="KIND",
            help="search: every trial and the bracket; curve: which share of holds survives; staircase: what devices "
            "ask for over time, and what is lost (default: search for one result alone, else curve)",
        ),
    ] = None
    out: Annotated[Path, Parameter(metavar="FILE", help="where to write: .png or .svg")]


def plot(
    *results: Annotated[Path, Parameter(name="RESULT.json", help="what lab --out or --json of a verb wrote")],
    options: Options,
) -> int:
    """Draw and write the picture."""
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.records.result import load_result
    from hbprobe.report.plots.style import save
    from hbprobe.text import shown

    kind = options.kind or ("search" if len(results) == 1 and not options.profile else "curve")
    _check(kind, len(results), len(options.profile))
    measured = [load_result(path) for path in results]
    profiles = [Catalogue().find(reference) for reference in options.profile]
    save(_draw(kind, measured, profiles), options.out)
    print(f"wrote {shown(str(options.out))}")
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
    from hbprobe.exchange.devices import DEVICES
    from hbprobe.exchange.settings import Settings
    from hbprobe.manner import Manner
    from hbprobe.profiles.silent_request import Cut, cut_of
    from hbprobe.report.plots.staircase_plot import staircase_plot
    from hbprobe.report.terminal.words import path_words

    if profiles:
        cut, path = cut_of(profiles[0]), profiles[0].id
    else:
        limit = results[0].limit
        cut = Cut() if limit.cut_s is None else Cut(limit.cut_s, limit.heard or Manner.SILENT)
        path = path_words(results[0])
    return staircase_plot(DEVICES, cut.limit_s, cut.manner, Settings(), path=path)
