"""From measurements to a document."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from hbprobe import __version__
from hbprobe.errors import UserError
from hbprobe.records.capture import CaptureRecord
from hbprobe.records.result import Result
from hbprobe.report.documents.blocks import (
    Block,
    Chapter,
    Facts,
    Prose,
    ReportDocument,
    Section,
    Table,
    curve_picture,
)
from hbprobe.report.documents.chapters import capture_chapter, location_chapter, logs_chapter
from hbprobe.report.documents.sections import chapter, state_of
from hbprobe.report.documents.sources import LocatedSource, Measured, Source
from hbprobe.report.terminal.answer import doubts, push_words, to_do
from hbprobe.report.terminal.words import confidence_words, how_words, limit_words, path_words
from hbprobe.text import counted, seconds
from hbprobe.trial.outcome import Limit

_MOST_CURVES = 7
"""So many can be told apart by their colours."""


def compose(sources: Sequence[Source], written: datetime, *, compare: bool = False) -> ReportDocument:
    """Return the document about what was measured or found; `written` is the time that its last line names.

    `compare` lays the measurements side by side first; raises UserError where that cannot be.
    """
    chapters = tuple(map(_chapter, sources))
    if compare:
        return ReportDocument(chapters, (comparison(sources),), _footer(written))
    together = (_overview(sources, chapters),) if len(sources) > 1 else ()
    return ReportDocument(chapters, together, _footer(written))


def _chapter(source: Source) -> Chapter:
    if isinstance(source, Measured):
        return chapter(source)
    if isinstance(source, LocatedSource):
        return location_chapter(source.location)
    record = source.record
    return capture_chapter(record) if isinstance(record, CaptureRecord) else logs_chapter(record)


def _footer(written: datetime) -> str:
    return f"Written by hbprobe {__version__} on {written:%Y-%m-%d at %H:%M} UTC."


def _overview(sources: Sequence[Source], chapters: Sequence[Chapter]) -> Section:
    told = tuple(
        (one.title, one.lead, one.state)
        for one, source in zip(chapters, sources, strict=True)
        if not isinstance(source, Measured)
    )
    columns = ("evidence", "answer", "state")
    past = (Table("What else was found", columns, told, frozenset(columns)),) if told else ()
    measured = [source for source in sources if isinstance(source, Measured)]
    return Section("Overview", (*(_measurements(measured) if measured else ()), *past))


def _measurements(measured: Sequence[Measured]) -> tuple[Block, ...]:
    results = [one.result for one in measured]
    rows = tuple(
        (path_words(one), limit_words(one.limit, with_how=True), one.cut_by or "-", state_of(one)) for one in results
    )
    columns = ("path", "limit", "cut by", "state")
    table = Table("All measurements", columns, rows, frozenset(columns))
    if len(results) > _MOST_CURVES:
        return (table,)
    caption = "How long a quiet request survives on each path, as measured"
    return table, curve_picture(results, caption)


_MOST: Final = 7
"""So many stand beside each other on a page, and so many curves can be told apart."""


def comparison(sources: Sequence[Source]) -> Section:
    """Return what the measurements come to together; raises UserError for what cannot be laid side by side."""
    measured = [one for one in sources if isinstance(one, Measured)]
    if len(measured) < len(sources):
        raise UserError("--compare: lays measurements side by side; leave out what locate, capture and logs wrote")
    if not 2 <= len(measured) <= _MOST:
        raise UserError(f"--compare: name from 2 to {_MOST} results, not {len(measured)}")
    results = [one.result for one in measured]
    names = names_of(results)
    rows = [(name, *map(told, results)) for name, told in _ROWS.items()]
    differing = tuple(row for row in rows if len(set(row[1:])) > 1)
    same = tuple((name, first) for name, first, *others in rows if set(others) == {first} and first != "-")
    columns = ("what", *names)
    blocks: list[Block] = [Prose(told) for told in answer(results, names)]
    blocks.append(Table("What differs", columns, differing, frozenset(columns)))
    if same:
        blocks += [Prose("The same for all:"), Facts(same)]
    blocks.append(curve_picture(results, "How long a quiet request survives, as measured on each"))
    return Section("Side by side", tuple(blocks))


def names_of(results: Sequence[Result]) -> tuple[str, ...]:
    """Return a name for each by which it is told from the others: its path, with its date or its place if need be."""
    names = [one.origin.label or path_words(one) for one in results]
    dated = [
        f"{name}, {one.started_at[:16].replace('T', ' ')}" if names.count(name) > 1 and one.started_at else name
        for name, one in zip(names, results, strict=True)
    ]
    again = Counter(dated)
    return tuple(f"{name} ({place})" if again[name] > 1 else name for place, name in enumerate(dated, 1))


def answer(results: Sequence[Result], names: Sequence[str]) -> list[str]:
    """Say in a few sentences who has the shortest limit, by how much, and who dies otherwise."""
    groups = _alike(results)
    if not groups:
        return ["No measurement found a limit."]
    first, *others = groups
    shortest = _narrowest(results, first)
    told = [f"{_named(names, first)}: {limit_words(shortest)}{'; the shortest' if others else ''}."]
    if not others and len(first) > 1:
        told[0] = f"The limits are the same, as far as they were measured: {limit_words(shortest)}."
    for group in others:
        limit = _narrowest(results, group)
        told.append(f"{_named(names, group)}: {limit_words(limit)}; {_longer(limit, shortest)}.")
    if manners := _manners(results, names):
        told.append(manners)
    unknown = [place for place, one in enumerate(results) if not one.limit.is_known]
    return told + ([f"{_named(names, unknown)}: no limit was found."] if unknown else [])


def _alike(results: Sequence[Result]) -> list[list[int]]:
    """Return the places of those whose brackets may hold the same timer, the shortest first."""
    known = [place for place, one in enumerate(results) if one.limit.is_known]
    groups: list[list[int]] = []
    for place in sorted(known, key=lambda one: (_high_s(results[one]), results[one].limit.survived_s or 0.0)):
        limit = results[place].limit
        if groups and all(limit.agrees(results[other].limit) for other in groups[-1]):
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _high_s(result: Result) -> float:
    return math.inf if result.limit.cut_s is None else result.limit.cut_s


def _narrowest(results: Sequence[Result], places: Sequence[int]) -> Limit:
    limits = [results[place].limit for place in places]
    return min(limits, key=lambda one: (one.cut_s or math.inf) - (one.survived_s or 0.0))


def _longer(one: Limit, other: Limit) -> str:
    """Say by how much one limit is longer than another."""
    other_s = other.cut_s or 0.0
    if one.cut_s is None:
        return f"at least {seconds((one.survived_s or 0.0) - other_s)} s longer"
    return f"{seconds(one.cut_s - other_s)} s longer"


def _named(names: Sequence[str], places: Sequence[int]) -> str:
    return ", ".join(names[place] for place in sorted(places))


def _manners(results: Sequence[Result], names: Sequence[str]) -> str:
    manners: dict[str, list[int]] = {}
    for place, one in enumerate(results):
        if one.limit.manner is not None:
            manners.setdefault(how_words(one.limit), []).append(place)
    if len(manners) < 2:
        return ""
    told = "; ".join(f"{how} on {_named(names, places)}" for how, places in manners.items())
    return f"Sessions die in different manners: {told}."


def _or_dash(text: str | None) -> str:
    return text or "-"


def _whole_s(value: float | None) -> str:
    return "-" if value is None else f"{seconds(value)} s"


_ROWS: Final[dict[str, Callable[[Result], str]]] = {
    "survives": lambda one: _whole_s(one.limit.survived_s),
    "cut at": lambda one: (
        "nothing was cut" if one.limit.is_known and one.limit.cut_s is None else _whole_s(one.limit.cut_s)
    ),
    "dies": lambda one: how_words(one.limit) if one.limit.manner is not None else "-",
    "cause": lambda one: _or_dash("; or ".join(cause.meaning for cause in one.limit.causes)),
    "cut by": lambda one: _or_dash(one.cut_by),
    "Direct Push": lambda one: "-" if one.verdict is None else push_words(one.verdict).removeprefix("Direct Push: "),
    "do": lambda one: _or_dash("; ".join(step.removesuffix(";") for step in to_do(one))),
    "but": lambda one: _or_dash("; ".join(text for _, text in doubts(one))),
    "sure": lambda one: "-" if one.confidence is None else confidence_words(one.confidence, one.noise),
    "trials": lambda one: counted(len(one.trials), "trial"),
    "path": path_words,
    "target": lambda one: one.target,
    "from": lambda one: _or_dash(one.origin.source),
    "IP version": lambda one: one.origin.family,
    "method": lambda one: one.method,
    "began": lambda one: _or_dash(one.started_at and one.started_at.replace("T", " ").replace("Z", " UTC")),
    "hbprobe": lambda one: one.hbprobe,
}
"""What is compared, in this order."""
