"""`hbprobe lab`: server, boxes and probe in one process, hours of path time in a moment."""

import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hbprobe.cli.options import Folder, boxes_named
from hbprobe.cli.output import Simulated, fresh_folder, left, measured, show_result
from hbprobe.cli.request_options import from_request
from hbprobe.cli.server_library import import_aiohttp
from hbprobe.errors import RequestError
from hbprobe.files import write_whole
from hbprobe.lab.requests import Lab

if TYPE_CHECKING:
    from hbprobe.records.result import Result

_STORY_COLUMNS = 79


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Simulated):
    """How the result is shown and kept."""

    out: Annotated[Folder, Parameter(metavar="DIR", help="leave result.json, journal.jsonl and plots there")] = None


def _timers(texts: tuple[str, ...]) -> dict[str, str]:
    from hbprobe.profiles.running import parse_settings

    return parse_settings(texts)


@from_request(Lab, profiles=boxes_named, set=_timers)
def lab(request: Lab, own: Options) -> int:
    """Simulate, and show what was found."""
    import_aiohttp()
    detail = own.detail
    story = request.path().story
    if own.out is not None:
        request = _kept(request, fresh_folder(own.out))
    if story and not own.json:
        print(textwrap.fill(story, _STORY_COLUMNS), end="\n\n", flush=True)
    if request.kernel:
        from rich.console import Console

        from hbprobe.report.terminal.live import LiveLine

        with LiveLine(Console(stderr=True)) as line:
            result, failure = measured(request, line)
    else:
        result, failure = measured(request)
    status = show_result(result, detail, as_json=own.json, status=None if own.exit_code else 0, failure=failure)
    return status if own.out is None else left(lambda folder: _leave(result, folder), own.out, status)


def _kept(request: Lab, folder: Path) -> Lab:
    """Return the request with a journal in the folder: made anew each time, for nothing in it took time to find."""
    if request.journal or request.resume:
        return request
    journal = folder / "journal.jsonl"
    try:
        journal.unlink(missing_ok=True)
    except OSError as error:
        text = "{out} {path}: cannot be written: {why}"
        raise RequestError(text, "out", path=folder, why=error.strerror) from None
    return replace(request, journal=journal)


def _leave(result: "Result", folder: Path) -> None:
    from hbprobe.report.plots.curve_plot import curve_plot
    from hbprobe.report.plots.search_plot import search_plot
    from hbprobe.report.plots.style import save

    write_whole(folder / "result.json", result.to_json())
    for suffix in ("png", "svg"):
        save(search_plot(result), folder / f"search.{suffix}")
        save(curve_plot([result], []), folder / f"curve.{suffix}")
