"""`hbprobe profiles`: list, show, check and draw what boxes do."""

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.duration import parse_duration_s
from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.words import Category

if TYPE_CHECKING:
    from hbprobe.profiles.model import Profile


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb and its actions to the command line."""
    verb = verbs.add_parser("profiles", help="list, show, check and draw what boxes do")
    actions = verb.add_subparsers(metavar="ACTION", required=True)
    verb.set_defaults(run=run)
    _register_list(actions)
    _register_show(actions)
    _register_check(actions)
    _register_schema(actions)
    _register_plot(actions)


def run(args: argparse.Namespace) -> int:
    """Do what was asked; return the exit status."""
    act: Callable[[argparse.Namespace], int] = args.act
    return act(args)


def _register_list(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("list", help="one line a profile")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="your own files and folders in place of the shipped")
    parser.add_argument("--category", choices=_values(Category), help="only boxes of this kind")
    parser.add_argument("--layer", choices=_values(Layer), help="only boxes that reach this deep")
    parser.add_argument("--expiry", choices=_values(Expiry), help="only boxes that end a silent request so")
    parser.add_argument(
        "--below", type=_duration, metavar="SECONDS", help="only boxes that end a silent request sooner"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(act=_list)


def _register_show(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("show", help="everything about one profile, with its sources")
    parser.add_argument("profile", metavar="PROFILE", help="an id, or a file of your own")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(act=_show)


def _register_check(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("check", help="find every mistake in profiles")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or the id of a shipped profile")
    parser.set_defaults(act=_check)


def _register_schema(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("schema", help="print the JSON Schema of a profile, for your editor")
    parser.set_defaults(act=_schema)


def _register_plot(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("plot", help="draw how long boxes let a silent request live")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="your own files and folders in place of the shipped")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to write: .png or .svg")
    parser.set_defaults(act=_plot)


def _values(words: type[StrEnum]) -> list[str]:
    return [word.value for word in words]


def _duration(text: str) -> float:
    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _list(args: argparse.Namespace) -> int:
    from hbprobe.profiles.catalogue import select
    from hbprobe.profiles.table import INFERRED, LIST_HEADER, has_inferred, list_row

    everything = _named(args.paths)
    profiles = select(everything, category=args.category, layer=args.layer, expiry=args.expiry, below_s=args.below)
    if args.json:
        _print_json("hbprobe.profiles/1", profiles=[profile.model_dump(mode="json") for profile in profiles])
        return 0
    _print_table(("category", *LIST_HEADER), [(one.category, *list_row(one)) for one in profiles], grouped=True)
    print(f"{len(profiles)} of {len(everything)} profiles")
    if any(map(has_inferred, profiles)):
        print(INFERRED)
    return 0


def _named(paths: Sequence[str]) -> "list[Profile]":
    """Return the profiles that the paths stand for; the shipped ones where there is no path."""
    from hbprobe.profiles.catalogue import Catalogue

    catalogue = Catalogue()
    return [one for path in paths for one in catalogue.find_all(path)] if paths else catalogue.all()


def _show(args: argparse.Namespace) -> int:
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.loader import load_profile
    from hbprobe.profiles.mistakes import printable

    path = Catalogue().find_file(args.profile)
    profile = load_profile(path)
    if args.json:
        _print_json("hbprobe.profile/1", profile=profile.model_dump(mode="json"), file=str(path))
        return 0
    by = f", by {profile.vendor}" if profile.vendor else ""
    print(f"{profile.id}: {profile.name}{by}")
    print(f"{profile.category}, layer {profile.layer}")
    if profile.about:
        print(f"\n{_wrapped(profile.about)}")
    _print_details(profile)
    print(f"\nfile: {printable(str(path))}")
    return 0


def _print_details(profile: "Profile") -> None:
    from hbprobe.profiles.table import INFERRED, TIMER_HEADER, has_inferred, notes, sources, timer_rows

    print()
    if rows := timer_rows(profile):
        _print_table(TIMER_HEADER, rows)
    else:
        print("no timers: a quiet connection lives for ever")
    if has_inferred(profile):
        print(INFERRED)
    for about, note in notes(profile):
        print(f"\n{_wrapped(f'{about}: {note}')}")
    for source, says in sources(profile):
        print(f"\n{source}")
        if says:
            print(_wrapped(says))


def _check(args: argparse.Namespace) -> int:
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.checking import check_files

    catalogue = Catalogue()
    files = [file for path in args.paths for file in catalogue.find_files(path)]
    mistakes = check_files(files)
    for mistake in mistakes:
        print(mistake)
    if not mistakes:
        print(f"{len(files)} {'profile' if len(files) == 1 else 'profiles'}, no mistakes")
    return 2 if mistakes else 0


def _schema(_args: argparse.Namespace) -> int:
    from hbprobe.profiles.schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0


def _plot(args: argparse.Namespace) -> int:
    from hbprobe.profiles.mistakes import printable
    from hbprobe.report.plots.catalogue_plot import catalogue_plot
    from hbprobe.report.plots.style import save

    save(catalogue_plot(_named(args.paths)), args.out)
    print(f"wrote {printable(str(args.out))}")
    return 0


def _print_json(schema: str, **content: object) -> None:
    print(json.dumps({"schema": schema, **content}, indent=2))


def _wrapped(text: str) -> str:
    width = min(shutil.get_terminal_size().columns, 100)
    return "\n".join(textwrap.fill(paragraph, width) for paragraph in text.splitlines())


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, grouped: bool = False) -> None:
    """Print a table: drawn on a terminal, plain columns into a pipe.

    `grouped` lets the first column be a heading over its rows where the table is drawn.
    """
    if sys.stdout.isatty():
        _draw_table(header, rows, grouped=grouped)
        return
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _draw_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, grouped: bool) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    first = 1 if grouped else 0
    table = Table(*header[first:], box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    group = None
    for row in rows:
        if grouped and row[0] != group:
            group = row[0]
            table.add_section()
            table.add_row(Text(group, style="bold"))
        table.add_row(*(Text(cell) for cell in row[first:]))
    Console().print(table)
