"""What a report says of a location, in the words of the terminal: read from `hbprobe.location/1`."""

from hbprobe.locate.finding import Code
from hbprobe.records.location import Location
from hbprobe.report.documents.blocks import Chapter, Facts, Prose, Section, Table
from hbprobe.report.documents.pictures import path_picture
from hbprobe.report.documents.sections import listing, versions
from hbprobe.report.drawn_path import hops_of
from hbprobe.report.terminal.location import HOP_COLUMNS, hop_rows, location_answer, location_facts


def location_chapter(location: Location) -> Chapter:
    """Return all that there is to say of which hop forgets."""
    told = location_answer(location)
    found = Section(
        "What was found",
        (
            path_picture(hops_of(location)),
            Facts(tuple(location_facts(location))),
            *listing("What may be otherwise", [text for name, text in told if name == "but"]),
            *listing("Notes", location.notes),
        ),
    )
    sections = [found]
    if steps := [text for name, text in told if name == "do"]:
        sections.insert(0, Section("What to change", tuple(Prose(_sentence(text)) for text in steps)))
    if rows := hop_rows(location):
        words = frozenset(HOP_COLUMNS) - {"hop", "round trip"}
        table = Table("Requests whose keep-alives reach only so far", HOP_COLUMNS, tuple(rows), words)
        sections.append(Section("Evidence", (table,)))
    lead = " ".join(_sentence(text) for name, text in told if name != "but")
    title = f"Which hop forgets on the path to {location.label or location.target}"
    return Chapter(title, _state(location), lead, (*sections, versions(location.hbprobe, "locate")))


def _state(location: Location) -> str:
    if not location.complete or location.finding.code is Code.NOT_KNOWN:
        return "note"
    return "healthy" if location.finding.code is Code.OPEN else "problem"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."
