"""`hbprobe history`: what a watch has found."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hbprobe.cli.options import Json, MaybeCount
from hbprobe.cli.output import show_document
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from hbprobe.watch.history import TargetHistory
    from hbprobe.watch.store import Store


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What of it to show, and how."""

    target: Annotated[str | None, Parameter(metavar="NAME", help="of this target only")] = None
    out: Annotated[Path | None, Parameter(metavar="PICTURE", help="draw the limits over time: .png or .svg")] = None
    result: Annotated[
        MaybeCount,
        Parameter(metavar="ID", help="print the whole result of one measurement as JSON"),
    ] = None
    json: Json = False


_DEFAULTS = Options()


def history(
    file: Annotated[Path, Parameter(help="the watch file (.yaml), or the database that it names")],
    /,
    *,
    options: Options = _DEFAULTS,
) -> int:
    """List what was measured, or draw it."""
    from hbprobe.watch.history import histories
    from hbprobe.watch.store import Store
    from hbprobe.watch.watchfile import database_of

    with Store(database_of(file), create=False) as store:
        if options.result is not None:
            return show_document(_result(store, options.result))
        found = histories(store, options.target)
    if options.target is not None and not found:
        raise UserError(f"--target {options.target}: nothing was measured of that name")
    if options.out is not None:
        _draw(found, options.out)
    _show(found, as_json=options.json, told=options.out)
    return 0


def _result(store: "Store", number: int) -> str:
    result = store.result(number)
    if result is None:
        raise UserError(f"--result {number}: no measurement of that number has a result; hbprobe history lists them")
    return result


def _draw(found: "list[TargetHistory]", out: Path) -> None:
    from hbprobe.report.plots.history_plot import history_plot
    from hbprobe.report.plots.style import save

    try:
        figure = history_plot([one.picture() for one in found])
    except ValueError as error:
        raise UserError(f"--out {out}: {error}") from None
    save(figure, out)


def _show(found: "list[TargetHistory]", *, as_json: bool, told: Path | None) -> None:
    from hbprobe.text import shown
    from hbprobe.watch.history import document

    if as_json:
        show_document(document(found).to_json())
    elif told is not None:
        print(f"wrote {shown(str(told))}")
    elif not found:
        print("nothing was measured yet")
    else:
        columns = shutil.get_terminal_size().columns
        for one in found:
            print(*_lines(one, columns), sep="\n")


def _lines(history: "TargetHistory", columns: int) -> "Iterator[str]":
    """Tell of one target: its last limit, its changes, and each measurement."""
    from hbprobe.report.terminal.layout import hanging
    from hbprobe.watch.history import change_words, measurement_words, when
    from hbprobe.watch.store import State

    told = history.measurements
    last = next((one for one in reversed(told) if one.state in (State.DONE, State.FAILED)), None)
    answer = "" if last is None else f": {measurement_words(last)} (at {when(last.started_at)} UTC)"
    yield hanging("", f"{history.target}{answer}", columns)
    for change in history.changes:
        yield hanging("  ", change_words(change), columns)
    for one in told:
        yield hanging(f"  {one.id:>5}  {when(one.started_at)}  ", measurement_words(one), columns)
