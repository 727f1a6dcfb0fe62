"""One entry of a Windows event log, and what events 1040 and 3033 say in the inserts and in the text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hbprobe.exchange.window import Command

AVERAGE_TOO_LOW: Final = {1040, 3033}
RECYCLES: Final = {5074, 5075, 5076, 5077, 5078, 5079, 5080, 5117, 5186}
"""WAS: a worker process ended or was recycled, and its windows with it, where it was of ActiveSync's pool."""
POOL: Final = "MSExchangeSyncAppPool"
"""The application pool of ActiveSync, whose worker process has the windows; Exchange has a dozen others."""
_SOURCES: Final = ("activesync", "was")
_BRACKETS: Final = re.compile(r"\[([^\]\[]{1,40})\]")


@dataclass(frozen=True, slots=True)
class EventEntry:
    """An event as it stands in a log."""

    id: int
    source: str
    at_s: float | None
    """Seconds since 1970 in UTC; None where the text has no time that can be read."""
    is_utc: bool
    """False where the time is the clock of whoever looked at it, whose zone is not known."""
    computer: str
    inserts: tuple[str, ...]
    message: str = ""

    @property
    def is_of_interest(self) -> bool:
        """Whether it is about ActiveSync, or ends a worker process."""
        source = self.source.lower()
        return any(part in source for part in _SOURCES[:1]) or (self.id in RECYCLES and source.endswith("was"))


@dataclass(frozen=True, slots=True)
class AverageTooLow:
    """What event 1040, or 3033 of Exchange Server 2003, says."""

    average_s: int | None
    """None in 2003, which tells the number of samples in its place."""
    threshold_s: int | None
    command: Command | None


def average_too_low(entry: EventEntry) -> AverageTooLow | None:
    """Read the event, in any language: by its inserts, or by the brackets in its text; None for another event."""
    if entry.id not in AVERAGE_TOO_LOW:
        return None
    inserts = entry.inserts or tuple(_BRACKETS.findall(entry.message))
    numbers = [int(insert) for insert in inserts if insert.isascii() and insert.isdecimal()]
    command = next((Command(insert) for insert in inserts if insert in ("Ping", "Sync")), None)
    first, threshold_s = (numbers[0] if numbers else None), (numbers[1] if len(numbers) > 1 else None)
    return AverageTooLow(None if entry.id == 3033 else first, threshold_s, command)


def is_of_pool(entry: EventEntry) -> bool | None:
    """Say whether what WAS tells of is ActiveSync's pool; None where the event has no text that could name one."""
    said = " ".join((*entry.inserts, entry.message))
    return POOL.lower() in said.lower() if said.strip() else None


def distinct(entries: Iterable[EventEntry]) -> list[EventEntry]:
    """Return events without those that stand in another form, too: the same log as .evtx, and as text beside it."""
    found: dict[object, EventEntry] = {}
    for number, entry in enumerate(entries):
        said = average_too_low(entry) or (entry.inserts, entry.message)
        computer = entry.computer.partition(".")[0].lower()
        key = number if entry.at_s is None else (entry.id, int(entry.at_s), computer, said)
        if key not in found or (entry.is_utc and not found[key].is_utc):
            found[key] = entry
    return list(found.values())
