"""Readers of event logs: .evtx, the XML of wevtutil, the JSON of Get-WinEvent, and text that somebody pasted."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from hbprobe.evidence.events.entry import EventEntry

_DATE: Final = re.compile(r"/Date\((-?\d{1,18})([+-]\d{4})?\)/")
_END_S: Final = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_FRACTION: Final = re.compile(r"(\.\d{6})\d+")
_BLOCK: Final = re.compile(r"^Log Name:", re.MULTILINE)
_SYSLOG: Final = re.compile(
    r"^(?P<time>\w{3} +\d+ \d\d:\d\d:\d\d|\S+) (?P<host>\S+) (?P<source>[^:\[]*ActiveSync)(?:\[\d+\])?: "
    r"(?P<id>\d{3,4}): (?P<text>.*)$",
    re.MULTILINE,
)
_COLUMNS: Final = {
    "id": {"event id", "id", "eventid"},
    "time": {"date and time", "timecreated", "timegenerated"},
    "source": {"source", "providername"},
    "computer": {"computer", "machinename"},
    "message": {"message"},
}
"""The columns of events in tables, by what the Event Viewer, Get-WinEvent and Get-EventLog call them."""
_FORMS: Final = (
    "%m/%d/%Y %I:%M:%S %p",
    "%Y-%m-%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
)


def read_evtx(path: Path) -> Iterator[EventEntry]:
    """Read a Windows event log. Raises ValueError for a damaged one."""
    from evtx import PyEvtxParser

    try:
        for record in PyEvtxParser(str(path)).records_json():
            if record is not None:
                yield _of_system(json.loads(record["data"])["Event"])
    except (RuntimeError, OSError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"is damaged ({error}): export the log again as .evtx") from None


def _of_system(event: Mapping[str, Any]) -> EventEntry:
    system = event["System"]
    event_id, provider = system["EventID"], system["Provider"]
    number = event_id["#text"] if isinstance(event_id, Mapping) else event_id
    created = system["TimeCreated"]["#attributes"]["SystemTime"]
    name = provider.get("#attributes", provider).get("Name", "")
    data = (event.get("EventData") or {}).get("Data")
    inserts = data.get("#text") if isinstance(data, Mapping) else data
    listed = inserts if isinstance(inserts, list) else [] if inserts is None else [inserts]
    return EventEntry(
        int(number), str(name), _seconds(created), True, str(system.get("Computer") or ""), _texts(listed)
    )


def _texts(values: list[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values if value is not None)


def read_xml(text: str) -> Iterator[EventEntry]:
    """Read what `wevtutil qe` writes: events one after another, with an element around them or without.

    Raises ValueError for what is no such XML; entities are not resolved.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("declares entities, which no event log does: export it again with wevtutil qe /f:xml")
    body = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    try:
        root = ElementTree.fromstring(f"<all>{body}</all>")
    except ElementTree.ParseError as error:
        raise ValueError(f"is not well-formed XML ({error}): export it again with wevtutil qe /f:xml") from None
    for event in root.iter():
        if _local(event) == "Event":
            parts = {_local(part): part for part in event.iter()}
            identity, created, provider = parts.get("EventID"), parts.get("TimeCreated"), parts.get("Provider")
            if identity is None or not (identity.text or "").strip().isdecimal():
                continue
            at = created.get("SystemTime", "") if created is not None else ""
            inserts = tuple(part.text or "" for part in event.iter() if _local(part) == "Data")
            source = provider.get("Name", "") if provider is not None else ""
            computer, message = parts.get("Computer"), parts.get("Message")
            yield EventEntry(
                int((identity.text or "").strip()),
                source,
                _seconds(at) if at else None,
                True,
                (computer.text or "") if computer is not None else "",
                inserts,
                (message.text or "") if message is not None else "",
            )


def _local(element: "ElementTree.Element") -> str:
    return element.tag.rpartition("}")[2]


def read_json(text: str) -> Iterator[EventEntry]:
    """Read what `Get-WinEvent | ConvertTo-Json` writes, or an event a line. Raises ValueError for other JSON."""
    try:
        whole = json.loads(text)
        events = whole if isinstance(whole, list) else [whole]
    except json.JSONDecodeError:
        events = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    events.append(json.loads(line))
                except json.JSONDecodeError as error:
                    raise ValueError(f"line {number} is not JSON ({error.msg}): export it again") from None
    for event in events:
        if not isinstance(event, Mapping):
            continue
        event_id = next((event[key] for key in ("Id", "EventID", "EventId") if key in event), None)
        if not isinstance(event_id, int):
            continue
        at_s, is_utc = _time_of_json(event.get("TimeCreated") or event.get("TimeGenerated") or "")
        inserts = event.get("Properties") or event.get("ReplacementStrings") or []
        values = [one.get("Value") if isinstance(one, Mapping) else one for one in inserts]
        source = str(event.get("ProviderName") or event.get("Source") or "")
        computer = str(event.get("MachineName") or "")
        yield EventEntry(event_id, source, at_s, is_utc, computer, _texts(values), str(event.get("Message") or ""))


def _time_of_json(said: object) -> tuple[float | None, bool]:
    text = str(said.get("value") or said.get("DateTime") or "") if isinstance(said, Mapping) else str(said)
    if match := _DATE.search(text):
        return _likely(int(match[1]) / 1000), True
    at_s = _seconds(text)
    return at_s, text.endswith("Z") or bool(re.search(r"[+-]\d\d:?\d\d$", text))


def read_text(text: str) -> Iterator[EventEntry]:
    """Read text of the Event Viewer, its CSV, or lines of syslog. Times are those of whoever looked.

    Raises ValueError for a table that is damaged.
    """
    if is_event_table(text):
        try:
            yield from _of_csv(text)
        except csv.Error as error:
            raise ValueError(f"is damaged, by a quote without its end perhaps ({error}): export it again") from None
        return
    for block in _BLOCK.split(text)[1:] or ([text] if re.search(r"^Event ID:", text, re.MULTILINE) else []):
        yield from _of_block(block)
    for match in _SYSLOG.finditer(text):
        at_s = _seconds(match["time"])
        yield EventEntry(int(match["id"]), match["source"].strip(), at_s, False, match["host"], (), match["text"])


def _of_block(block: str) -> Iterator[EventEntry]:
    head, _, message = block.partition("Description:")
    named = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in head.splitlines())}
    if named.get("Event ID", "").isdecimal():
        at_s = _seconds(named.get("Date", ""))
        message = message.strip()
        computer = named.get("Computer", "")
        yield EventEntry(int(named["Event ID"]), named.get("Source", ""), at_s, False, computer, (), message)


def is_event_table(text: str) -> bool:
    """Say whether it is the Event Viewer's CSV, or what Export-Csv makes of Get-WinEvent or Get-EventLog."""
    names = _columns(_without_type(text).partition("\n")[0])
    return not _COLUMNS["id"].isdisjoint(names) and not _COLUMNS["source"].isdisjoint(names)


def _without_type(text: str) -> str:
    return text.partition("\n")[2] if text.startswith("#TYPE ") else text


def _columns(line: str) -> list[str]:
    return [name.strip().strip('"').lower() for name in line.split(",")]


def _of_csv(text: str) -> Iterator[EventEntry]:
    head, _, body = _without_type(text).partition("\n")
    place = {what: at for at, name in enumerate(_columns(head)) for what, known in _COLUMNS.items() if name in known}
    for row in csv.reader(io.StringIO(body)):
        said = {what: row[place[what]] if place.get(what, len(row)) < len(row) else "" for what in _COLUMNS}
        if said["id"].strip().isdecimal():
            message = said["message"] if "message" in place else row[-1]
            at_s = _seconds(said["time"])
            yield EventEntry(int(said["id"]), said["source"], at_s, False, said["computer"], (), message)


def _seconds(text: str) -> float | None:
    """Read a time; one without a zone is taken as UTC, and whoever asks knows whether that is so."""
    text = _FRACTION.sub(r"\1", text.strip()).replace(" UTC", "Z")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        for form in _FORMS:
            try:
                moment = datetime.strptime(text, form)  # noqa: DTZ007
                break
            except ValueError:
                continue
        else:
            return None
    return _likely((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _likely(at_s: float) -> float | None:
    """Return a time that an event may have: what has none is of the year 1, or of 1601, in Windows."""
    return at_s if 0 <= at_s < _END_S else None


READERS: Final[Mapping[str, Callable[[str], Iterator[EventEntry]]]] = {
    "event-xml": read_xml,
    "event-json": read_json,
    "event-text": read_text,
}
"""By the kind of file; .evtx is binary, and read from its file."""
