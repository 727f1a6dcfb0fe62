"""`hbprobe profiles`: list, show, check and draw what boxes do."""

import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from hbprobe.cli.options import OPTIONS, Json, MaybeTime, profile_ids
from hbprobe.cli.output import show_document
from hbprobe.cli.verbs import VERBS
from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.vocabulary import Category

if TYPE_CHECKING:
    from hbprobe.profiles.model import Profile


profiles = App(name="profiles", help=VERBS["profiles"].summary, group_parameters=OPTIONS)

Paths = Annotated[
    str, Parameter(name="PATH", help="your own files and folders in place of the shipped", completer=profile_ids)
]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which boxes to list."""

    category: Annotated[Category | None, Parameter(metavar="KIND", help="only boxes of this kind")] = None
    layer: Annotated[Layer | None, Parameter(metavar="LAYER", help="only boxes that reach this deep")] = None
    expiry: Annotated[Expiry | None, Parameter(metavar="EXPIRY", help="only boxes that end a silent request so")] = (
        None
    )
    below: Annotated[MaybeTime, Parameter(help="only boxes that end a silent request sooner")] = None
    json: Json = False


_ALL = Selection()
_CHECKED = Parameter(name="PATH", help="a file, a folder, or the id of a shipped profile", completer=profile_ids)


@profiles.command(name="list")
def list_(*paths: Paths, options: Selection = _ALL) -> int:
    """one line a profile"""
    from hbprobe.profiles.catalogue import select
    from hbprobe.profiles.profile_rows import INFERRED, LIST_HEADER, has_inferred, list_row

    everything = _named(paths)
    found = select(
        everything, category=options.category, layer=options.layer, expiry=options.expiry, below_s=options.below
    )
    if options.json:
        return _show_json("hbprobe.profiles/1", profiles=[profile.model_dump(mode="json") for profile in found])
    _print_table(("category", *LIST_HEADER), [(one.category, *list_row(one)) for one in found], grouped=True)
    print(f"{len(found)} of {len(everything)} profiles")
    if any(map(has_inferred, found)):
        print(_on_terminal(INFERRED))
    return 0


def _named(paths: Sequence[str]) -> "list[Profile]":
    """Return the profiles that the paths stand for; the shipped ones where there is no path."""
    from hbprobe.profiles.catalogue import Catalogue

    catalogue = Catalogue()
    return [one for path in paths for one in catalogue.find_all(path)] if paths else catalogue.all()


@profiles.command
def show(
    profile: Annotated[str, Parameter(help="an id, or a file of your own", completer=profile_ids)],
    /,
    *,
    json: Json = False,
) -> int:
    """everything about one profile, with its sources"""
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.loader import load_profile
    from hbprobe.profiles.mistakes import printable

    path = Catalogue().find_file(profile)
    box = load_profile(path)
    if json:
        return _show_json("hbprobe.profile/1", profile=box.model_dump(mode="json"), file=str(path))
    by = f", by {box.vendor}" if box.vendor else ""
    print(_on_terminal(f"{box.id}: {box.name}{by}"))
    print(f"{box.category}, layer {box.layer}")
    if box.about:
        print(f"\n{_wrapped(box.about)}")
    _print_details(box)
    print(f"\nfile: {printable(str(path))}")
    return 0


def _print_details(profile: "Profile") -> None:
    from hbprobe.profiles.profile_rows import INFERRED, TIMER_HEADER, has_inferred, notes, sources, timer_rows

    print()
    if rows := timer_rows(profile):
        _print_table(TIMER_HEADER, rows)
    else:
        print("no timers: a quiet connection lives for ever")
    if has_inferred(profile):
        print(_on_terminal(INFERRED))
    for about, note in notes(profile):
        print(f"\n{_wrapped(f'{about}: {note}')}")
    for source, says in sources(profile):
        print(f"\n{_on_terminal(source)}")
        if says:
            print(_wrapped(says))


@profiles.command
def check(first: Annotated[str, _CHECKED], /, *more: Annotated[str, _CHECKED]) -> int:
    """find every mistake in profiles"""
    from hbprobe.profiles.catalogue import Catalogue
    from hbprobe.profiles.checking import check_files

    catalogue = Catalogue()
    files = [file for path in (first, *more) for file in catalogue.find_files(path)]
    mistakes = check_files(files)
    for mistake in mistakes:
        print(_on_terminal(str(mistake)))
    if not mistakes:
        print(f"{len(files)} {'profile' if len(files) == 1 else 'profiles'}, no mistakes")
    return 2 if mistakes else 0


@profiles.command
def schema() -> int:
    """print the JSON Schema of a profile, for your editor"""
    from hbprobe.profiles.schema import json_schema

    return show_document(f"{dumps(json_schema(), indent=2)}\n")


@profiles.command
def plot(*paths: Paths, out: Annotated[Path, Parameter(metavar="FILE", help="where to write: .png or .svg")]) -> int:
    """draw how long boxes let a silent request live"""
    from hbprobe.profiles.mistakes import printable
    from hbprobe.report.plots.catalogue_plot import catalogue_plot
    from hbprobe.report.plots.style import save

    save(catalogue_plot(_named(paths)), out)
    print(f"wrote {printable(str(out))}")
    return 0


def _show_json(schema: str, **content: object) -> int:
    return show_document(f"{dumps({'schema': schema, **content}, indent=2)}\n")


def _wrapped(text: str) -> str:
    width = min(shutil.get_terminal_size().columns, 100)
    return "\n".join(textwrap.fill(paragraph, width) for paragraph in text.splitlines())


def _on_terminal(text: str) -> str:
    """Return text as a terminal gets it, in lines that it can hold, with addresses whole; a pipe gets one line."""
    if not sys.stdout.isatty():
        return text
    return textwrap.fill(text, shutil.get_terminal_size().columns, break_long_words=False, break_on_hyphens=False)


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

    from hbprobe.report.terminal.layout import least_width, table_of

    console = Console()
    if not grouped or least_width(header[1:], [row[1:] for row in rows]) > console.width:
        console.print(table_of(header, (), rows))
        return
    table = Table(*header[1:], box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    group = None
    for row in rows:
        if row[0] != group:
            group = row[0]
            table.add_section()
            table.add_row(Text(group, style="bold"))
        table.add_row(*(Text(cell) for cell in row[1:]))
    console.print(table)
