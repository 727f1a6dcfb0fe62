"""The lines of IIS's log as rows: which columns there are, and the SQL that makes them of a stretch."""

from collections.abc import Mapping, Sequence
from typing import Final

from hbprobe.eas.log_blob import ELEMENTS, Form
from hbprobe.eas.query import QueryError, parse_query

REQUESTS: Final = {
    "started_ms": "BIGINT",
    "ended_ms": "BIGINT",
    "took_ms": "BIGINT",
    "is_exact": "BOOLEAN",
    "role": "VARCHAR",
    "server": "VARCHAR",
    "site": "VARCHAR",
    "server_ip": "VARCHAR",
    "port": "INTEGER",
    "host": "VARCHAR",
    "client": "VARCHAR",
    "forwarded_for": "VARCHAR",
    "method": "VARCHAR",
    "stem": "VARCHAR",
    "query": "VARCHAR",
    "command": "VARCHAR",
    "user_name": "VARCHAR",
    "user_raw": "VARCHAR",
    "login": "VARCHAR",
    "device": "VARCHAR",
    "device_type": "VARCHAR",
    "user_agent": "VARCHAR",
    "status": "INTEGER",
    "substatus": "INTEGER",
    "win32": "BIGINT",
    "bytes_out": "BIGINT",
    "bytes_in": "BIGINT",
    "protocol": "INTEGER",
    "command_status": "INTEGER",
    "heartbeat_s": "INTEGER",
    "is_expired": "BOOLEAN",
    "fet_ms": "BIGINT",
    "throttle_ms": "BIGINT",
    "policy_ack": "INTEGER",
    "error": "VARCHAR",
    "access": "VARCHAR",
    "mailbox_server": "VARCHAR",
    "front_end": "VARCHAR",
    "sync_type": "VARCHAR",
    "folders": "VARCHAR",
    "is_blob_cut": "BOOLEAN",
    "source": "VARCHAR",
}
"""The columns of a request, with their types. Times are milliseconds since 1970 in UTC; `role` is `client` for what a
client asked, `back` for the same request at the back end, `proxy` for it in HttpProxy's log. `is_exact`: the start is
known to the millisecond, from TmRcv; otherwise to the second. `folders` is the part of the blob that tells of
them."""

_TYPES: Final = {
    "date": "DATE",
    "time": "TIME",
    "s-port": "INTEGER",
    "sc-status": "INTEGER",
    "sc-substatus": "INTEGER",
    "sc-win32-status": "UBIGINT",
    "time-taken": "BIGINT",
    "sc-bytes": "UBIGINT",
    "cs-bytes": "UBIGINT",
}
_ALIASES: Final = {"date-local": "date", "time-local": "time", "timetakenms": "time-taken"}
"""IIS Advanced Logging calls them otherwise."""
_STEM: Final = "/microsoft-server-activesync"
_CELL: Final = "\x1f"
PACKED: Final = "read_packed_query"
"""The function of this module under the name that the SQL calls it by."""


def columns_of(fields: Sequence[str]) -> dict[str, str]:
    """Return the columns of a stretch with their types, in the order of its fields."""
    columns: dict[str, str] = {}
    for field in fields:
        name = _ALIASES.get(field.lower(), field.lower())
        while name in columns:
            name += "'"
        columns[name] = _TYPES.get(name, "VARCHAR")
    return columns


def reading(columns: Mapping[str, str], *, quoted: bool) -> str:
    """Return the SQL that reads the lines of a file: `$file`, and `$skip` lines before them."""
    listed = ", ".join(f"{_text(name)}: {_text(kind)}" for name, kind in columns.items())
    quote = "'\"'" if quoted else "''"
    return (
        f"read_csv($file, delim=' ', quote={quote}, escape='', header=false, skip=$skip, columns={{{listed}}}, "
        "auto_detect=false, nullstr='-', max_line_size=1000000, store_rejects=true)"
    )


def selecting(columns: Mapping[str, str], lines: str) -> str:
    """Return the SQL that makes rows of lines; `$folder`, `$source`, `$with_query` are what the line does not say."""

    def of(*names: str, kind: str = "VARCHAR") -> str:
        there = [f'"{name}"' for name in names if name in columns]
        return f"coalesce({', '.join(there)}, NULL)" if there else f"CAST(NULL AS {kind})"

    return f"""
    WITH lines AS (
      SELECT
        epoch_ms({of("date", kind="DATE")} + {of("time", kind="TIME")}) AS ended_ms,
        {of("time-taken", kind="BIGINT")} AS took_ms,
        {of("cs-uri-stem")} AS stem,
        {of("cs-uri-query")} AS whole,
        split_part(coalesce({of("cs-uri-query")}, ''), '&Log=', 1) AS query,
        '_' || split_part(split_part(coalesce({of("cs-uri-query")}, ''), '&Log=', 2), '_Budget:', 1)
          || CASE WHEN strpos({of("cs-uri-query")}, '_Budget:') > 0 THEN '_' ELSE '' END AS blob,
        {of("s-computername")} AS computer, {of("s-ip")} AS server_ip, {of("s-sitename")} AS sitename,
        {of("s-port", kind="INTEGER")} AS port, {of("cs-host")} AS host, {of("c-ip")} AS client,
        {of("x-forwarded-for", "cs(x-forwarded-for)", "x_forwarded_for")} AS forwarded,
        {of("cs-method")} AS method, {of("cs-username")} AS login, {of("cs(user-agent)")} AS user_agent,
        {of("sc-status", kind="INTEGER")} AS status, {of("sc-substatus", kind="INTEGER")} AS substatus,
        CAST({of("sc-win32-status", kind="UBIGINT")} AS BIGINT) AS win32,
        CAST({of("sc-bytes", kind="UBIGINT")} AS BIGINT) AS bytes_out,
        CAST({of("cs-bytes", kind="UBIGINT")} AS BIGINT) AS bytes_in
      FROM {lines}
      WHERE {of("cs-uri-stem")} ILIKE '{_STEM}%'
    ), parts AS (
      SELECT *,
        CASE WHEN strpos(query, '=') = 0 OR strpos(split_part(query, '&', 1), '=') >= length(split_part(query, '&',
        1))
             AND query <> '' THEN nullif({PACKED}(split_part(query, '&', 1)), '') END AS packed,
        {_time_of_day("TmRcv")} AS received_ms
      FROM lines
    ), named AS (
      SELECT *,
        {_parameter("Cmd", 1)} AS command, {_parameter("User", 2)} AS user_raw,
        {_parameter("DeviceId", 3)} AS device, {_parameter("DeviceType", 4)} AS device_type
      FROM parts
    )
    SELECT
      CASE WHEN received_ms IS NULL THEN ended_ms - took_ms
           ELSE {_nearest("received_ms", "ended_ms - took_ms")} END AS started_ms,
      ended_ms, took_ms, received_ms IS NOT NULL AS is_exact,
      CASE WHEN stem ILIKE '{_STEM}/proxy%' THEN 'back' ELSE 'client' END AS role,
      coalesce(computer, server_ip, $folder) AS server, coalesce(sitename, $folder) AS site,
      server_ip, port, {_or_null(f"coalesce(host, {_element('HH')})")} AS host, client,
      {_or_null("trim(split_part(replace(coalesce(forwarded, ''), '+', ' '), ',', 1))")} AS forwarded_for,
      method, stem, CASE WHEN $with_query THEN query END AS query, {_or_null("command")} AS command,
      {_or_null(normal_user("coalesce(nullif(user_raw, ''), login)"))} AS user_name,
      {_or_null("coalesce(nullif(user_raw, ''), login)")} AS user_raw, login,
      {_or_null("upper(device)")} AS device, {_or_null("device_type")} AS device_type,
      {_or_null("replace(user_agent, '+', ' ')")} AS user_agent,
      status, substatus, win32, bytes_out, bytes_in,
      coalesce({_number("Ver1")}, {_number("V")}, TRY_CAST(split_part(packed, '{_CELL}', 5) AS INTEGER)) AS protocol,
      coalesce({_number("SC1")}, {_number("S")}) AS command_status,
      {_number("Hb")} AS heartbeat_s, {_number("Rto")} IS NOT NULL AS is_expired,
      {_number("Fet", "BIGINT")} AS fet_ms, {_number("Throttle", "BIGINT")} AS throttle_ms,
      {_number("Pa")} AS policy_ack, {_or_null(_element("Error"))} AS error, {_or_null(_element("As"))} AS access,
      {_or_null(_element("Mbx"))} AS mailbox_server, {_or_null(_element("Cafe"))} AS front_end,
      {_or_null(_element("St"))} AS sync_type,
      {_or_null("regexp_extract(blob, '_(Fid:.*)$', 1)")} AS folders,
      strpos(coalesce(whole, ''), '&Log=') > 0 AND blob NOT LIKE '%\\_' ESCAPE '\\'
        AND strpos(whole, '_Budget:') = 0 AS is_blob_cut,
      $source AS source
    FROM named
    """


def normal_user(name: str) -> str:
    r"""Return the SQL for one name of `DOMAIN\u`, `DOMAIN%5Cu`, `u@domain` and `u`."""
    return f"lower(regexp_replace(regexp_replace({name}, '^.*(\\\\|%5[Cc])', ''), '@.*$', ''))"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _or_null(value: str) -> str:
    return f"nullif({value}, '')"


def _decoded(value: str) -> str:
    return f"coalesce(TRY(url_decode({value})), {value})"


def _parameter(name: str, place: int) -> str:
    found = f"regexp_extract(query, '(?i)(?:^|[?&]){name}=([^&]*)', 1)"
    return f"CASE WHEN packed IS NOT NULL THEN split_part(packed, '{_CELL}', {place}) ELSE {_decoded(found)} END"


def _element(name: str) -> str:
    """Return the SQL for the text of an element of the blob, from the table that the writer has, too."""
    colon = ":" if ELEMENTS[name] is Form.TEXT else ":?"
    return _decoded(f"split_part(split_part(blob, '_{name}{colon}', 2), '_', 1)")


def _number(name: str, kind: str = "INTEGER") -> str:
    assert ELEMENTS[name] is Form.NUMBER
    return f"TRY_CAST(regexp_extract(blob, '_{name}:?([0-9]+)_', 1) AS {kind})"


def _time_of_day(name: str) -> str:
    """Return the SQL for a time of day in milliseconds."""
    assert ELEMENTS[name] is Form.TIME
    found = f"regexp_extract(blob, '_{name}:?([0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\\.[0-9]{{1,6}})?)', 1)"
    return f"CAST(epoch(TRY_CAST({found} AS TIME)) * 1000 AS BIGINT)"


def _nearest(time_of_day_ms: str, near_ms: str) -> str:
    """Return the SQL for the moment with a time of day that is nearest to another moment."""
    day = 86_400_000
    return f"{time_of_day_ms} + {day} * CAST(round(({near_ms} - {time_of_day_ms}) / {day}.0) AS BIGINT)"


def read_packed_query(text: str) -> str:
    """Return command, user, device, device type and version of a packed query, divided by U+001F; "" for none."""
    try:
        query = parse_query(text.rstrip(";"))
    except QueryError:
        return ""
    version = (query.version or "").replace(".", "")
    return _CELL.join((query.command, query.user, query.device_id, query.device_type, version))
