"""The two logs beside IIS's: HTTP.sys's own of what no worker answered, and HttpProxy's of what a front end passed
on.

HTTPERR: https://learn.microsoft.com/en-us/troubleshoot/developer/webapps/aspnet/site-behavior-performance/error-logging-http-apis.
The columns of HttpProxy's log differ from build to build, so its `#Fields` line decides.
"""

from collections.abc import Mapping
from typing import Final

from hbprobe.evidence.logs.lines.log_sources import NotReadError
from hbprobe.evidence.logs.lines.rows import PACKED, REQUESTS, likely_ms, moment, normal_user

HTTPERR: Final = {
    "ended_ms": "BIGINT",
    "client": "VARCHAR",
    "client_port": "INTEGER",
    "server_ip": "VARCHAR",
    "port": "INTEGER",
    "method": "VARCHAR",
    "uri": "VARCHAR",
    "status": "INTEGER",
    "site_id": "VARCHAR",
    "reason": "VARCHAR",
    "queue": "VARCHAR",
    "source": "VARCHAR",
}
_WANTED: Final = ("DateTime", "Protocol", "UrlStem", "UrlQuery", "HttpStatus", "TotalRequestTime", "ClientIpAddress")


def httperr_rows(columns: Mapping[str, str], lines: str) -> str:
    """Return the SQL that makes rows of the lines of an HTTPERR log."""

    def of(name: str, kind: str = "VARCHAR") -> str:
        return f'TRY_CAST("{name}" AS {kind})' if name in columns else f"CAST(NULL AS {kind})"

    return f"""
    SELECT {moment('"date"', '"time"')} AS ended_ms, {of("c-ip")} AS client, {of("c-port", "INTEGER")} AS client_port,
      {of("s-ip")} AS server_ip, {of("s-port", "INTEGER")} AS port, {of("cs-method")} AS method,
      {of("cs-uri")} AS uri, {of("sc-status", "INTEGER")} AS status, {of("s-siteid")} AS site_id,
      {of("s-reason")} AS reason, {of("s-queuename")} AS queue, $source AS source
    FROM {lines} WHERE $folder IS NOT NULL
    """


def proxy_rows(columns: Mapping[str, str], lines: str) -> str:
    """Return the SQL that makes rows of the lines of HttpProxy's log. Raises NotReadError where one is missing."""
    if missing := [name for name in _WANTED if name.lower() not in columns]:
        raise NotReadError(f"has no column {missing[0]}: give the log as the front end wrote it")
    made: dict[str, str] = {
        "started_ms": "ended_ms - took_ms",
        "ended_ms": "ended_ms",
        "took_ms": "took_ms",
        "is_exact": "true",
        "role": "'proxy'",
        "server": f"coalesce({_optional('ServerHostName', columns)}, $folder)",
        "host": _optional("UrlHost", columns),
        "client": _optional("ClientIpAddress", columns),
        "method": _optional("Method", columns),
        "stem": '"UrlStem"',
        "command": _parameter("Cmd", 1),
        "user_name": f"nullif({normal_user(_user(columns))}, '')",
        "user_raw": _user(columns),
        "login": _optional("AuthenticatedUser", columns),
        "device": f"upper({_parameter('DeviceId', 3)})",
        "device_type": _parameter("DeviceType", 4),
        "user_agent": _optional("UserAgent", columns),
        "status": 'TRY_CAST("HttpStatus" AS INTEGER)',
        "bytes_out": f"TRY_CAST({_optional('ResponseBytes', columns)} AS BIGINT)",
        "bytes_in": f"TRY_CAST({_optional('RequestBytes', columns)} AS BIGINT)",
        "error": _optional("ErrorCode", columns),
        "mailbox_server": _optional("TargetServer", columns),
        "is_blob_cut": "false",
        "is_expired": "false",
        "source": "$source",
    }
    listed = ", ".join(f"{made.get(name, f'CAST(NULL AS {kind})')} AS {name}" for name, kind in REQUESTS.items())
    return f"""
    WITH lines AS (
      SELECT *, replace(ltrim("UrlQuery", '?'), '&amp;', '&') AS query,
        {moment('CAST("DateTime" AS DATE)', 'CAST("DateTime" AS TIME)')} AS ended_ms,
        {likely_ms('TRY_CAST("TotalRequestTime" AS BIGINT)')} AS took_ms
      FROM {lines} WHERE lower("Protocol") = 'eas'
    ), parts AS (
      SELECT *, split_part(query, '&', 1) AS first,
        CASE WHEN NOT contains(rtrim(first, '='), '=') AND first <> '' THEN nullif({PACKED}(first), '') END AS packed
      FROM lines
    )
    SELECT {listed} FROM parts
    """


def _optional(name: str, columns: Mapping[str, str]) -> str:
    return f'"{name}"' if name.lower() in columns else "CAST(NULL AS VARCHAR)"


def _user(columns: Mapping[str, str]) -> str:
    return f"coalesce({_parameter('User', 2)}, {_optional('AuthenticatedUser', columns)})"


def _parameter(name: str, place: int) -> str:
    found = f"regexp_extract(query, '(?i)(?:^|[?&]){name}=([^&]*)', 1)"
    plain = f"coalesce(TRY(url_decode({found})), {found})"
    return f"nullif(CASE WHEN packed IS NOT NULL THEN split_part(packed, '\x1f', {place}) ELSE {plain} END, '')"
