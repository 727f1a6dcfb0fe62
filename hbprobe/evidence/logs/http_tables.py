"""The two logs beside IIS's: HTTP.sys's own of what no worker answered, and HttpProxy's of what a front end passed
on.

HTTPERR: https://learn.microsoft.com/en-us/troubleshoot/developer/webapps/aspnet/site-behavior-performance/error-logging-http-apis.
The columns of HttpProxy's log differ from build to build, so its `#Fields` line decides.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hbprobe.evidence.logs.log_sources import LogSource, NotReadError, encoding_of
from hbprobe.evidence.logs.rows import PACKED, REQUESTS, likely_ms, moment, normal_user, sql_text

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


def proxy_rows(source: LogSource, scratch: Path) -> tuple[str, dict[str, Any], str, list[tuple[int, int]]]:
    """Return the SQL that makes rows of HttpProxy's log, its values, its encoding, and which lines are left out.

    These have a quote without its end, by which the lines behind it would be one value: number and first byte. Raises
    NotReadError.
    """
    with source.open() as file:
        data = file.read()
    encoding = encoding_of(data[: 1 << 16])
    text = data.decode(encoding, errors="replace")
    fields, body, left, offset = list[str](), list[str](), list[tuple[int, int]](), 0
    for number, whole in enumerate(text.splitlines(keepends=True), 1):
        line, begin = whole.rstrip("\r\n"), offset
        offset += len(whole.encode())
        if line.startswith("#Fields:"):
            fields = [name.strip() for name in line.removeprefix("#Fields:").split(",")]
        elif line.startswith("DateTime,"):
            fields = fields or [name.strip() for name in line.split(",")]
        elif line.count('"') % 2:
            left.append((number, begin))
        elif line and not line.startswith("#"):
            body.append(line)
    if missing := [name for name in _WANTED if name not in fields]:
        raise NotReadError(f"has no column {missing[0]}: give the log as the front end wrote it")
    target = scratch / "proxy.csv"
    target.write_text("\n".join(body) + "\n", encoding="utf-8")
    return _proxy_sql(fields), {"file": str(target), "source": source.name}, encoding, left


def _proxy_sql(fields: list[str]) -> str:
    listed = ", ".join(f"{sql_text(name)}: 'VARCHAR'" for name in fields)
    made: dict[str, str] = {
        "started_ms": "ended_ms - took_ms",
        "ended_ms": "ended_ms",
        "took_ms": "took_ms",
        "is_exact": "true",
        "role": "'proxy'",
        "server": _optional("ServerHostName", fields),
        "host": _optional("UrlHost", fields),
        "client": _optional("ClientIpAddress", fields),
        "method": _optional("Method", fields),
        "stem": '"UrlStem"',
        "command": _parameter("Cmd", 1),
        "user_name": f"nullif({normal_user(_user(fields))}, '')",
        "user_raw": _user(fields),
        "login": _optional("AuthenticatedUser", fields),
        "device": f"upper({_parameter('DeviceId', 3)})",
        "device_type": _parameter("DeviceType", 4),
        "user_agent": _optional("UserAgent", fields),
        "status": 'TRY_CAST("HttpStatus" AS INTEGER)',
        "bytes_out": f"TRY_CAST({_optional('ResponseBytes', fields)} AS BIGINT)",
        "bytes_in": f"TRY_CAST({_optional('RequestBytes', fields)} AS BIGINT)",
        "error": _optional("ErrorCode", fields),
        "mailbox_server": _optional("TargetServer", fields),
        "is_blob_cut": "false",
        "is_expired": "false",
        "source": "$source",
    }
    columns = ", ".join(f"{made.get(name, f'CAST(NULL AS {kind})')} AS {name}" for name, kind in REQUESTS.items())
    return f"""
    WITH lines AS (
      SELECT *, replace(ltrim("UrlQuery", '?'), '&amp;', '&') AS query,
        TRY_CAST(replace("DateTime", 'Z', '') AS TIMESTAMP) AS ended,
        {moment("CAST(ended AS DATE)", "CAST(ended AS TIME)")} AS ended_ms,
        {likely_ms('TRY_CAST("TotalRequestTime" AS BIGINT)')} AS took_ms
      FROM read_csv($file, delim=',', quote='"', escape='"', header=false, columns={{{listed}}}, auto_detect=false,
        nullstr='', null_padding=true, max_line_size=1000000, store_rejects=true, parallel=false)
    ), parts AS (
      SELECT *, CASE WHEN strpos(query, '=') = 0 AND query <> '' THEN nullif({PACKED}(query), '') END AS packed FROM
      lines
    )
    SELECT {columns} FROM parts WHERE ended_ms IS NOT NULL AND lower("Protocol") = 'eas'
    """


def _optional(name: str, fields: list[str]) -> str:
    return f'"{name}"' if name in fields else "CAST(NULL AS VARCHAR)"


def _user(fields: list[str]) -> str:
    return f"coalesce({_parameter('User', 2)}, {_optional('AuthenticatedUser', fields)})"


def _parameter(name: str, place: int) -> str:
    found = f"regexp_extract(query, '(?i)(?:^|[?&]){name}=([^&]*)', 1)"
    plain = f"coalesce(TRY(url_decode({found})), {found})"
    return f"nullif(CASE WHEN packed IS NOT NULL THEN split_part(packed, '\x1f', {place}) ELSE {plain} END, '')"
