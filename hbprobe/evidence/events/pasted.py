"""Events 1040 and 3033 out of whatever somebody pasted or exported: an entry of any form, or its sentence alone."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hbprobe.errors import UserError
from hbprobe.evidence.events.entry import AVERAGE_TOO_LOW, EventEntry, average_too_low
from hbprobe.evidence.events.readers import read_evtx, read_json, read_text, read_xml
from hbprobe.evidence.logs.lines.log_sources import encoding_of
from hbprobe.exchange.event_reading import AlertEvent

_MOST_BYTES: Final = 64 << 20
_SENTENCE_ID: Final = 1040
_SAMPLES: Final = 200
"""Where neither id nor command say of which release a sentence is, this may be the number of samples (2003)."""
_PASTE: Final = "paste the event as the Event Viewer shows it, with its numbers in square brackets"


def read_pasted(name: str) -> tuple[AlertEvent, ...]:
    """Read a file, or standard input for `-`: each event that differs, with how often it is there.

    Raises UserError for what holds no such event, or one that cannot be.
    """
    said = "standard input" if name == "-" else name
    data = _bytes_of(name, said)
    try:
        entries = list(_entries(name, data))
    except ValueError as error:
        raise UserError(f"{said}: {error}") from None
    events = Counter(event for event in map(_event, entries) if event is not None)
    if not events:
        raise UserError(f"{said}: {_what_instead(entries)}")
    for event in events:
        if event.average_s is not None and event.average_s > event.threshold_s:
            raise UserError(
                f"{said}: the average {event.average_s} is above the threshold {event.threshold_s}, which raises no "
                f"event: {_PASTE}"
            )
    return tuple(
        AlertEvent(event.average_s, event.threshold_s, event.command, times) for event, times in events.items()
    )


def _bytes_of(name: str, said: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(_MOST_BYTES)
        with Path(name).open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        raise UserError(f"{said}: cannot be read: {error.strerror}") from None


def _entries(name: str, data: bytes) -> Iterator[EventEntry]:
    if data.startswith(b"ElfFile\0"):
        if name == "-":
            raise ValueError("is an event log in .evtx, which is read from a file: name it")
        yield from read_evtx(Path(name))
        return
    try:
        text = data.decode(encoding_of(data)).removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    start = text.lstrip()
    if not start:
        raise ValueError(f"is empty: {_PASTE}")
    read = read_xml if start.startswith("<") else read_json if re.match(r"\{|\[\s*[\{\]]", start) else read_text
    entries = list(read(text))
    yield from entries or [EventEntry(_SENTENCE_ID, "", None, False, "", (), text)]


def _event(entry: EventEntry) -> AlertEvent | None:
    """Read what an entry says; other programs log events of these numbers too, such as MsiInstaller."""
    if entry.source and "activesync" not in entry.source.lower().replace(" ", ""):
        return None
    said = average_too_low(entry)
    if said is None or said.threshold_s is None:
        return None
    is_bare = not entry.source and said.command is None
    average_s = None if is_bare and said.average_s == _SAMPLES else said.average_s
    return AlertEvent(average_s, said.threshold_s, said.command)


def _what_instead(entries: list[EventEntry]) -> str:
    others = Counter(f"{entry.id} of {entry.source}" for entry in entries if entry.source)
    if not others or any(entry.id in AVERAGE_TOO_LOW and "activesync" in entry.source.lower() for entry in entries):
        return f"the numbers of event 1040 or 3033 are not in it: {_PASTE}"
    named = ", ".join(name for name, _ in others.most_common(3))
    return f"holds no event 1040 or 3033 of ActiveSync, but {named}: filter the log by source MSExchange ActiveSync"
