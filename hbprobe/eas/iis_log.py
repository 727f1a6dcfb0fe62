"""Lines of the two logs of IIS about requests to the stand-in: W3C's, as Exchange's sites write it, and HTTPERR.

The format: https://www.w3.org/TR/WD-logfile.html. Until 2010 there is one site. Since 2013 each request comes through
two, the front end, whose query ends in ids, and the back end at port 444, which adds what Exchange says of it:
https://learn.microsoft.com/en-us/exchange/architecture/architecture. The line is written when the request is over; a
front end's ends early where its client's connection is gone.

HTTPERR is HTTP.sys's own log, of requests whose client went before they were answered, and of connections that it
ended itself. Its format, and what each reason says:
https://learn.microsoft.com/en-us/troubleshoot/developer/webapps/aspnet/site-behavior-performance/error-logging-http-apis.
Of the reasons there the stand-in has `Connection_Dropped`, and `Timer_ConnectionIdle` where it is told to have that
timer. It has no others, such as Timer_EntityBody, and no worker process of it dies.
"""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from hbprobe.eas.log_blob import Site, Utc, log_blob
from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import IdleConnection, RequestRecord

FIELDS: Final = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
    "sc-status sc-substatus sc-win32-status time-taken"
)
FORWARDED_FIELDS: Final = f"{FIELDS} X-Forwarded-For"
"""With a field of the administrator's own, which IIS 8.5 and later put last."""
_SOFTWARE: Final = {
    Release.V2003: "6.0",
    Release.V2007: "7.0",
    Release.V2010: "7.5",
    Release.V2013: "8.5",
    Release.V2016: "10.0",
    Release.V2019: "10.0",
}
"""The version of IIS in a Windows Server that the release runs on."""
_STEM: Final = "/Microsoft-Server-ActiveSync/default.eas"
_PROXIED_STEM: Final = "/Microsoft-Server-ActiveSync/Proxy/default.eas"
_WITHOUT_BLOB: Final = {Release.V2003}
_ONE_SITE: Final = {Release.V2003, Release.V2007, Release.V2010}
_NOT_ESCAPED: Final = "".join(map(chr, range(0x21, 0x7F)))
_NAME_NO_LONGER_AVAILABLE: Final = 64
"""The Windows error of a connection that was gone when the answer was sent:
http://it-notebook.org/iis/article/scwin32status_64_scstatus_200.htm"""


class LogFolder(StrEnum):
    """Where a site's log is, below the folder of all."""

    CLIENT_FACING = "W3SVC1"
    BACK_END = "W3SVC2"


def head(release: Release, time: str, fields: str = FIELDS) -> str:
    """Return the lines with which a log begins; `time` as in "2030-01-02 08:00:00"."""
    return (
        f"#Software: Microsoft Internet Information Services {_SOFTWARE[release]}\n"
        f"#Version: 1.0\n#Date: {time}\n#Fields: {fields}\n"
    )


def file_name(date: str) -> str:
    """Return what the log of a day ("2030-01-02") is called."""
    return f"u_ex{date[2:].replace('-', '')}.log"


def log_lines(
    record: RequestRecord,
    release: Release,
    site: Site,
    utc: Utc,
    request_id: str,
    balancer: str | None = None,
) -> Iterator[tuple[LogFolder, str]]:
    """Give the lines about a request, each with the site that writes it.

    `request_id` is the GUID that a front end gives to the request. `balancer` is the address of what the request came
    through: the client's own is then in X-Forwarded-For, the last of `FORWARDED_FIELDS`.
    """
    came_to_exchange = record.status != 401 and not record.substatus  # IIS itself answers strangers, and filters
    blob = ""
    if came_to_exchange and release not in _WITHOUT_BLOB:
        blob = f"&Log={log_blob(record, release, site, utc)}"
    win32 = 0 if record.is_delivered else _NAME_NO_LONGER_AVAILABLE
    forwarded = "" if balancer is None else f" {_field(record.peer)}"
    if release in _ONE_SITE:
        line = _line(record, utc, site, (_STEM, 443), balancer or record.peer, blob, win32)
        yield LogFolder.CLIENT_FACING, line + forwarded
        return
    ids = f"&CorrelationID=<empty>;&ClientId={site.computer}&cafeReqId={request_id};"
    early = record if record.gone_s is None else replace(record, ended_s=record.gone_s)
    line = _line(early, utc, site, (_STEM, 443), balancer or record.peer, ids, win32)
    yield LogFolder.CLIENT_FACING, line + forwarded
    if came_to_exchange:
        win32 = win32 if record.gone_s is None else 0  # the front end was there
        yield LogFolder.BACK_END, _line(record, utc, site, (_PROXIED_STEM, 444), site.address, blob, win32)


def _line(
    record: RequestRecord, utc: Utc, site: Site, where: tuple[str, int], client: str, appended: str, win32: int
) -> str:
    stem, port = where
    fields = (
        utc(record.ended_s).partition(".")[0],
        site.address,
        _field(record.method),
        stem,
        uri_query(record) + appended or "-",
        port,
        _field(record.user or ""),
        _field(client),
        _field(record.user_agent),
        "-",
        record.status,
        record.substatus,
        win32,
        round((record.ended_s - record.started_s) * 1000),
    )
    return " ".join(map(str, fields))


def uri_query(record: RequestRecord) -> str:
    """Return the query as a log has it: no character of it ends the field."""
    return quote(record.query, safe=_NOT_ESCAPED, errors="replace")


@lru_cache(1 << 12)
def _field(text: str) -> str:
    """Write a header as IIS does: + for a space, and for whatever else could end the field or the line."""
    return "".join("+" if character == " " or not character.isprintable() else character for character in text) or "-"


HTTPERR_FIELDS: Final = (
    "date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename"
)
HTTPERR_PATH: Final = "HTTPERR/httperr1.log"
"""Below the folder of all logs. HTTP.sys begins another file after some size, not after a day."""
CONNECTION_TIMEOUT_S: Final = 120.0
"""So long does HTTP.sys keep a connection without a request, unless a site's connectionTimeout says otherwise:
https://learn.microsoft.com/en-us/iis/configuration/system.applicationhost/sites/site/limits."""
_HTTPS_PORT: Final = 443
_DEFAULT_WEB_SITE: Final = 1
_POOL: Final = "MSExchangeSyncAppPool"


def httperr_head(time: str) -> str:
    """Return the lines with which the log begins; `time` as in "2030-01-02 08:00:00"."""
    return f"#Software: Microsoft HTTP API 2.0\n#Version: 1.0\n#Date: {time}\n#Fields: {HTTPERR_FIELDS}\n"


def httperr_line(record: RequestRecord, site: Site, utc: Utc, client: str) -> str | None:
    """Return the line about a request of which the connection was gone; None for others, which have none.

    `client` is the address that the connection came from.
    """
    if record.is_delivered:
        return None
    at_s = record.ended_s if record.gone_s is None else record.gone_s
    uri = f"{record.path}?{uri_query(record)}" if record.query else record.path
    request = ("HTTP/1.1", record.method, uri, "-", _DEFAULT_WEB_SITE, "Connection_Dropped", _POOL)
    return _httperr(utc(at_s), (client, record.peer_port), site, request)


def idle_line(connection: IdleConnection, site: Site, utc: Utc, client: str) -> str:
    """Return the line about a connection that was idle for too long: of a request it says nothing.

    `client` is the address that the connection came from.
    """
    no_request = ("-", "-", "-", "-", "-", "Timer_ConnectionIdle", "-")
    return _httperr(utc(connection.ended_s), (client, connection.peer_port), site, no_request)


def _httperr(time: str, client: tuple[str, int | None], site: Site, request: tuple[object, ...]) -> str:
    address, port = client
    fields = (time.partition(".")[0], address, "-" if port is None else port, site.address, _HTTPS_PORT, *request)
    return " ".join(map(str, fields))
