"""What Exchange says of an ActiveSync request in the query of IIS's log, behind `&Log=`.

Elements end with `_`, which in their text is `%5F`. There are two dialects: until 2013 a number follows its name
(`Hb480_Rto1_S1_`), later builds put a colon between (`Hb:480_Rto:1_`) and say SC1 for S, and Ver1 for V. The
elements: http://technet.microsoft.com/en-us/library/bb201675.aspx and
http://www.theexchangewiki.com/ExchangeActiveSyncProtocolLogging; what else there is, published lines show. The
writer leaves out what the stand-in does not have: budgets, counts of items, latencies; the reader keeps whatever
comes. Exchange Server 2003 writes another blob, in which nothing about a Ping is known; here it writes none.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import Access, RequestRecord

Utc = Callable[[float], str]
"""Turns a time of a record into date and time, as in "2030-01-02 08:00:00.500"."""

_WITH_COLONS: Final = {Release.V2016, Release.V2019}
_DETAILED: Final = {Release.V2013, *_WITH_COLONS}


class Form(Enum):
    """How the value of an element stands behind its name."""

    NUMBER = "number"
    """Digits; a colon before them in the later dialect only."""
    TEXT = "text"
    """Encoded, with a colon before it in both dialects."""
    TIME = "time"
    """A time of day in UTC, not encoded, as in 08:10:00.0005220; a colon before it in the later dialect only."""


ELEMENTS: Final = {
    **dict.fromkeys(("SC1", "Ver1", "V", "S", "Fc", "Hb", "Rto", "Erq", "Ers", "Fet", "Throttle", "E"), Form.NUMBER),
    **dict.fromkeys(("Cpo", "Hang", "Pk", "Pa", "Filt", "Filts", "Sk", "Sks", "Ssnf", "Oof", "Io"), Form.NUMBER),
    **dict.fromkeys(("As", "Cafe", "Error", "Fid", "HH", "Mbx", "PrxFrom", "PrxTo", "SmtpAdrs"), Form.TEXT),
    **dict.fromkeys(("Ty", "St", "Cli", "Srv", "Svr", "DevOS", "DevModel", "DevAgent", "Msg", "Dc"), Form.TEXT),
    **dict.fromkeys(("TmRcv", "TmCmpl"), Form.TIME),
}
"""The elements that are known by name; the writer, the reader and the queries over whole logs go by this table."""
_NAME: Final = re.compile("([A-Za-z]+)(:?)")
_LONGEST_FIRST: Final = sorted(ELEMENTS, key=len, reverse=True)
_ESCAPE: Final = re.compile("%..")
_ACCESS: Final = {Access.ALLOW: "Allowed", Access.BLOCK: "Blocked", Access.QUARANTINE: "Quarantined"}


@dataclass(frozen=True, slots=True)
class Site:
    """What the log of a server says of the server itself."""

    address: str = "127.0.0.1"
    computer: str = "STANDIN"


def log_blob(record: RequestRecord, release: Release, site: Site, utc: Utc) -> str:
    """Return the elements for a request that came as far as Exchange."""
    who, what, when = _who(record, release, site), _what(record, release), _when(record, release, site, utc)
    return "".join(_element(name, value, release) for part in (who, what, when) for name, value in part)


def _element(name: str, value: str | int, release: Release) -> str:
    form = ELEMENTS[name]
    colon = ":" if release in _WITH_COLONS or form is Form.TEXT else ""
    return f"{name}{colon}{value if form is Form.TIME else _encoded(str(value))}_"


def _who(record: RequestRecord, release: Release, site: Site) -> Iterator[tuple[str, str | int]]:
    version = (record.version or "0").replace(".", "")
    if release in _WITH_COLONS:
        if record.command_status is not None:
            yield "SC1", record.command_status
        yield "PrxFrom", site.address
        yield "Ver1", version
    else:
        yield "V", version
    if release in _DETAILED:
        if record.host:
            yield "HH", record.host
        if record.user is not None and "@" in record.user:
            yield "SmtpAdrs", record.user


def _what(record: RequestRecord, release: Release) -> Iterator[tuple[str, str | int]]:
    if record.folders:
        yield "Fc", len(record.folders)
    for folder in record.folders:
        yield "Fid", folder
    if record.heartbeat_s is not None:
        yield "Hb", record.heartbeat_s
    if record.expired:
        yield "Rto", 1  # 1: it may use Direct Push
    if release not in _WITH_COLONS and record.error is not None:
        yield "E", 1
    if release not in _WITH_COLONS and record.command_status is not None:
        yield "S", record.command_status
    if record.error is not None:
        yield "Error", record.error


def _when(record: RequestRecord, release: Release, site: Site, utc: Utc) -> Iterator[tuple[str, str | int]]:
    if release in _DETAILED:
        yield from _emptiness(record)
        yield "Fet", round((record.ended_s - record.started_s) * 1000)
    if release is not Release.V2007:
        if record.access is not None:
            yield "As", _ACCESS[record.access] + ("R" if record.by_rule else "G")
        yield "Mbx", site.computer
        yield "Throttle", 0
    if release in _DETAILED:
        yield "TmRcv", _time(utc(record.started_s))
        yield "TmCmpl", _time(utc(record.ended_s))


def _emptiness(record: RequestRecord) -> Iterator[tuple[str, int]]:
    if not record.received_bytes:
        yield "Erq", 1
    if not record.sent_bytes:
        yield "Ers", 1


def _time(date_and_time: str) -> str:
    return date_and_time.partition(" ")[2]


@lru_cache(1 << 12)
def _encoded(text: str) -> str:
    """Encode as .NET does, digits in lower case, and `_`, too, which would end the element."""
    quoted = _ESCAPE.sub(lambda escape: escape[0].lower(), quote_plus(text, safe="!*()", errors="replace"))
    return quoted.replace("~", "%7e").replace("_", "%5F")


@dataclass(frozen=True, slots=True)
class Blob:
    """What was read of a blob."""

    elements: tuple[tuple[str, str], ...]
    """Names and decoded values, in the order in which they stand; a group of a folder begins with Fid."""
    is_cut: bool
    """The end is missing: an element is not closed."""

    def first(self, *names: str) -> str | None:
        """Return the value of the first element that has one of these names."""
        return next((value for name, value in self.elements if name in names), None)

    def number(self, *names: str) -> int | None:
        """Return the first value under one of these names, where it is a number."""
        value = self.first(*names)
        return int(value) if value is not None and value.isascii() and value.isdecimal() else None

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of each element of this name."""
        return tuple(value for found, value in self.elements if found == name)

    def folders(self) -> Iterator[dict[str, str]]:
        """Give the elements of each folder, by name."""
        group: dict[str, str] | None = None
        for name, value in self.elements:
            if name == "Fid":
                if group is not None:
                    yield group
                group = {}
            if group is not None:
                group.setdefault(name, value)
        if group is not None:
            yield group


def read_blob(text: str) -> Blob:
    """Read the elements behind `&Log=`, of either dialect and of a mixture; it takes any text.

    An element that is not known is kept under the letters it begins with. What is not closed is left out.
    """
    *closed, rest = text.split("_")
    return Blob(tuple(_read_element(element) for element in closed if element), bool(rest))


def _read_element(text: str) -> tuple[str, str]:
    """Divide an element into name and value: `Hb480`, `Hb:480`, and `SC1:1`, where the digit is the name's."""
    name = next((name for name in _LONGEST_FIRST if text.startswith(name) and _ends(name, text)), None)
    if name is None:
        match = _NAME.match(text)
        name = match[1] if match else ""
    value = text[len(name) :].removeprefix(":")
    return name, value if ELEMENTS.get(name) is Form.TIME else unquote_plus(value, errors="replace")


def _ends(name: str, text: str) -> bool:
    """Say whether a name is the whole name: what follows cannot belong to it."""
    following = text[len(name) : len(name) + 1]
    return following == ":" or (ELEMENTS[name] is not Form.TEXT and (not following or following.isdecimal()))
