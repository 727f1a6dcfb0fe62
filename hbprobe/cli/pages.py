"""The help pages: which of them a command line asks for, and how it looks on a terminal.

What they say stands in pages.json, which docs/man.py makes of the verbs themselves: to work out all options of a verb
anew takes longer than all the rest of its page.
"""

import itertools
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict, cast

PAGES = Path(__file__).with_name("pages.json")
HELP_FLAGS = ("--help", "-h")

_SHARE_OF_NAMES = 0.35
"""Of the width, at most; a longer name goes on in the next line."""
_LEAST_COLUMNS = 12
"""What names and their texts get, however narrow the terminal."""
_MOST_COLUMNS = 78
"""Of a command line, however wide the terminal; a longer one goes on as a shell lets it."""


class HelpPanel(TypedDict):
    """Options of one sort, or the verbs: how each is written, and what it is."""

    title: str
    about: str
    rows: list[tuple[str, str]]


class HelpPage(TypedDict):
    """All that is said of a verb, of an action of it, or of the program."""

    usage: str
    about: list[str]
    panels: list[HelpPanel]
    examples: list[tuple[str, str]]
    """Each is a command line that can be typed as it stands, and what it is for."""
    closing: list[str]


def before_the_mark(words: Sequence[str]) -> list[str]:
    """Return the words before `--`, behind which none is an option."""
    return [*itertools.takewhile(lambda word: word != "--", words)]


def page_asked_for(words: Sequence[str]) -> str | None:
    """Return the page that a command line asks for, as the terminal takes it; None where it asks for none."""
    before = before_the_mark(words)
    is_flagged = not set(HELP_FLAGS).isdisjoint(before)
    if not is_flagged and len(words) > 1 and words[0] != "help":
        return None
    pages = cast("dict[str, HelpPage]", json.loads(PAGES.read_bytes()))
    named = [*itertools.takewhile(lambda word: not word.startswith("-"), before)]
    with_actions = {name.split()[0] for name in pages if " " in name}
    if is_flagged:
        name = " ".join(named[:2] if with_actions.intersection(named[:1]) else named[:1])
    elif not words or named[:1] == ["help"]:
        name = " ".join(named[1:])
    elif words[0] in with_actions:
        name = words[0]
    else:
        return None
    return "\n".join(_lines(pages[name], shutil.get_terminal_size().columns, *_styles())) if name in pages else None


def _styles() -> tuple[str, str, str]:
    """Return what begins a title, what begins a name, and what ends either: nothing but on a terminal."""
    said = os.environ.get
    is_terminal = sys.stdout.isatty() and said("TERM") != "dumb" and os.name == "posix"
    is_coloured = (is_terminal or said("FORCE_COLOR")) and not said("NO_COLOR")
    return ("\x1b[1m", "\x1b[36m", "\x1b[0m") if is_coloured else ("", "", "")


def _lines(page: HelpPage, columns: int, bold: str, cyan: str, plain: str) -> Iterator[str]:
    yield f"Usage: {page['usage']}"
    for paragraph in page["about"]:
        yield from ("", *textwrap.wrap(paragraph, columns))
    for panel in page["panels"]:
        yield from ("", f"{bold}{panel['title']}{plain}")
        yield from textwrap.wrap(panel["about"], columns, initial_indent="  ", subsequent_indent="  ")
        most = max(int(columns * _SHARE_OF_NAMES), _LEAST_COLUMNS)
        rows = [(textwrap.wrap(name, most), words) for name, words in panel["rows"]]
        left = max(len(line) for names, _ in rows for line in names)
        for names, words in rows:
            beside = textwrap.wrap(words, max(columns - left - 4, _LEAST_COLUMNS), break_on_hyphens=False)
            for name, line in itertools.zip_longest(names, beside, fillvalue=""):
                yield f"  {cyan}{name}{plain}{'':{left - len(name) + 2}}{line}".rstrip()
    if page["examples"]:
        yield from ("", "Examples:")
    command_columns = min(columns, _MOST_COLUMNS) - 8
    for command, purpose in page["examples"]:
        yield from ("", *textwrap.wrap(purpose, columns, initial_indent="  # ", subsequent_indent="  # "))
        parts = textwrap.wrap(command, command_columns, break_long_words=False, break_on_hyphens=False)
        yield "  " + " \\\n      ".join(parts)
    for paragraph in page["closing"]:
        yield from ("", *textwrap.wrap(paragraph, columns))
