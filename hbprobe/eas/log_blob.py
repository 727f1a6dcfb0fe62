"""What Exchange says of an ActiveSync request in the query of IIS's log, behind `&Log=`.

Elements end with `_`, which in their text is `%5F`. There are two dialects: until 2013 a number follows its name
(`Hb480_Rto1_S1_`), later builds put a colon between (`Hb:480_Rto:1_`) and say SC1 for S, and Ver1 for V. The
elements: http://technet.microsoft.com/en-us/library/bb201675.aspx and
http://www.theexchangewiki.com/ExchangeActiveSyncProtocolLogging; what else there is, published lines show. Left out
is what the stand-in does not have: budgets, counts of items, latencies. Exchange Server 2003 writes another blob, in
which nothing about a Ping is known; here it writes none.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus

from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import Access, RequestRecord

Utc = Callable[[float], str]
"""Turns a time of a record into date and time, as in "2030-01-02 08:00:00.500"."""

_WITH_COLONS: Final = {Release.V2016, Release.V2019}
_DETAILED: Final = {Release.V2013, *_WITH_COLONS}
_TEXTS: Final = {"As", "Cafe", "Error", "Fid", "HH", "Mbx", "PrxFrom", "SmtpAdrs"}
"""What has a colon in both dialects."""
_TIMES: Final = {"TmRcv", "TmCmpl"}
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
    colon = ":" if release in _WITH_COLONS or name in _TEXTS else ""
    return f"{name}{colon}{value if name in _TIMES else _encoded(str(value))}_"


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


def _encoded(text: str) -> str:
    """Encode as .NET does, digits in lower case, and `_`, too, which would end the element."""
    quoted = _ESCAPE.sub(lambda escape: escape[0].lower(), quote_plus(text, safe="!*()", errors="replace"))
    return quoted.replace("~", "%7e").replace("_", "%5F")
