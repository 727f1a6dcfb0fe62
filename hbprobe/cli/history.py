"""`hbprobe history`: what a watch has found."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.cli import arguments
from hbprobe.errors import UserError

if TYPE_CHECKING:
    from hbprobe.watch.chronicle import Chronicle
    from hbprobe.watch.store import Store


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "history",
        help="list and draw what hbprobe watch has measured",
        description="List the measurements of a watch and when limits changed, or draw the limits over time. The "
        "watch may go on meanwhile.",
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="the watch file (.yaml), or the database that it names"
    )
    parser.add_argument("--target", metavar="NAME", help="of this target only")
    parser.add_argument("--out", type=Path, metavar="PICTURE", help="draw the limits over time: .png or .svg")
    parser.add_argument(
        "--result", type=arguments.count, metavar="ID", help="print the whole result of one measurement as JSON"
    )
    arguments.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from hbprobe.watch.chronicle import chronicles
    from hbprobe.watch.store import Store
    from hbprobe.watch.watchfile import database_of

    with Store(database_of(args.file), create=False) as store:
        if args.result is not None:
            sys.stdout.write(_result(store, args.result))
            return 0
        found = chronicles(store, args.target)
    if args.target is not None and not found:
        raise UserError(f"--target {args.target}: nothing was measured of that name")
    if args.out is not None:
        _draw(found, args.out)
    _show(found, as_json=args.json, told=args.out)
    return 0


def _result(store: "Store", number: int) -> str:
    result = store.result(number)
    if result is None:
        raise UserError(f"--result {number}: no measurement of that number has a result; hbprobe history lists them")
    return result


def _draw(found: "list[Chronicle]", out: Path) -> None:
    from hbprobe.report.plots.history_plot import history_plot
    from hbprobe.report.plots.style import save

    try:
        figure = history_plot([one.picture() for one in found])
    except ValueError as error:
        raise UserError(f"--out {out}: {error}") from None
    save(figure, out)


def _show(found: "list[Chronicle]", *, as_json: bool, told: Path | None) -> None:
    from hbprobe.text import shown
    from hbprobe.watch.chronicle import to_dict

    if as_json:
        print(json.dumps(to_dict(found), indent=2))
    elif told is not None:
        print(f"wrote {shown(str(told))}")
    elif not found:
        print("nothing was measured yet")
    else:
        for one in found:
            _list(one)


def _list(chronicle: "Chronicle") -> None:
    """Print one target: its changes, and a line for each measurement."""
    from hbprobe.text import shown
    from hbprobe.watch.words import change_words, measurement_words, when

    told = chronicle.measurements
    lines = [chronicle.target, *(f"  {change_words(change)}" for change in chronicle.changes)]
    lines += [f"  {one.id:>5}  {when(one.started_at)}  {measurement_words(one)}" for one in told]
    for line in lines:
        print(shown(line))
