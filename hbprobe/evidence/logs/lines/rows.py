"""The lines of IIS's log as rows: which columns there are, and the SQL that makes them of a stretch."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

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
FOR_EVIDENCE: Final = frozenset(
    (
        "started_ms", "ended_ms", "took_ms", "is_exact", "role", "server", "server_ip", "client", "forwarded_for",
        "command", "user_name", "device", "device_type", "user_agent", "status", "win32", "command_status",
        "heartbeat_s", "is_expired", "throttle_ms", "error", "access",
    )
)  # fmt: skip
"""The columns that `hbprobe.evidence.logs.answer.conclusions`, and what it puts together, have a use for."""


class Layout(Enum):
    """What divides the values of a line, as the CSV reader has it: mark, quote, escape, and the text of no value."""

    BLANKS = (" ", "", "", "-")
    QUOTED = (" ", '"', "", "-")
    """As Advanced Logging writes what has blanks."""
    COMMAS = (",", '"', '"', "")

    @property
    def none(self) -> str:
        """What stands where there is no value."""
        return self.value[3]


_TYPES: Final = {
    "date": "DATE",
    "time": "TIME",
    "datetime": "TIMESTAMP",
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
_LONGEST_LINE: Final = 1_000_000
_PIECE: Final = 16 * _LONGEST_LINE
"""What one thread reads at a time: small enough for the log of one day to keep all threads busy."""
_LONGEST_S: Final = 604_800
"""A week, which is more than Exchange holds a request: a larger number in a log is none, and must not be reckoned
with."""
_PLACES: Final = {"Cmd": (1, 4), "User": (2, 1), "DeviceId": (3, 2), "DeviceType": (4, 3)}
"""Where parameters stand in most queries: Exchange's own order, and that of old clients."""
_STEM: Final = "/microsoft-server-activesync"
_TIME_OF_DAY: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
"""DuckDB takes 24:00:00 for one, too, and that is the midnight before as well as the one after."""
_CELL: Final = "\x1f"
PACKED: Final = "read_packed_query"
"""The function of this module under the name that the SQL calls it by."""


def columns_of(fields: Sequence[str]) -> dict[str, str]:
    """Return the columns of a stretch with their types, in the order of its fields."""
    columns: dict[str, str] = {}
    for field in fields:
        name = field.lower().replace('"', "'")
        name = _ALIASES.get(name, name)
        while not name or name in columns:
            name += "'"
        columns[name] = _TYPES.get(name, "VARCHAR")
    return columns


def reading(columns: Mapping[str, str], layout: Layout) -> str:
    """Return the SQL that reads the lines of a file, which all end alike: `$file`, and `$skip` lines before them."""
    listed = ", ".join(f"{sql_text(name)}: {sql_text(kind)}" for name, kind in columns.items())
    mark, quote, escape, none = map(sql_text, layout.value)
    return (
        f"read_csv($file, delim={mark}, quote={quote}, escape={escape}, header=false, skip=$skip, "
        f"columns={{{listed}}}, auto_detect=false, nullstr={none}, max_line_size={_LONGEST_LINE}, "
        f"buffer_size={_PIECE}, store_rejects=true)"
    )


def selecting(columns: Mapping[str, str], lines: str) -> str:
    """Return the SQL that makes rows of lines; `$folder`, `$source`, `$with_query` are what the line does not say."""

    def of(*names: str, kind: str = "VARCHAR") -> str:
        there = [f'"{name}"' for name in names if name in columns]
        return f"coalesce({', '.join(there)}, NULL)" if there else f"CAST(NULL AS {kind})"

    return f"""
    WITH lines AS (
      SELECT
        {moment(of("date", kind="DATE"), of("time", kind="TIME"))} AS ended_ms,
        {likely_ms(of("time-taken", kind="BIGINT"))} AS took_ms,
        {of("cs-uri-stem")} AS stem,
        string_split(coalesce({of("cs-uri-query")}, ''), '&Log=') AS halves,
        {of("s-computername")} AS computer, {of("s-ip")} AS server_ip, {of("s-sitename")} AS sitename,
        {of("s-port", kind="INTEGER")} AS port, {of("cs-host")} AS host, {of("c-ip")} AS client,
        {of("x-forwarded-for", "cs(x-forwarded-for)", "x_forwarded_for")} AS forwarded,
        {of("cs-method")} AS method, {of("cs-username")} AS login, {of("cs(user-agent)")} AS user_agent,
        {of("sc-status", kind="INTEGER")} AS status, {of("sc-substatus", kind="INTEGER")} AS substatus,
        TRY_CAST({of("sc-win32-status", kind="UBIGINT")} AS BIGINT) AS win32,
        TRY_CAST({of("sc-bytes", kind="UBIGINT")} AS BIGINT) AS bytes_out,
        TRY_CAST({of("cs-bytes", kind="UBIGINT")} AS BIGINT) AS bytes_in
      FROM {lines}
      WHERE {of("cs-uri-stem")} ILIKE '{_STEM}%'
    ), divided AS (
      SELECT * EXCLUDE (halves), halves[1] AS query, string_split(halves[1], '&') AS parameters, halves[2] AS written,
        string_split(halves[2], '_Budget:')[1] AS head
      FROM lines
    ), blobs AS (
      SELECT *, coalesce('_' || head || CASE WHEN strlen(head) < strlen(written) THEN '_' ELSE '' END, '') AS blob
      FROM divided
    ), parts AS (
      SELECT * EXCLUDE (written, head, parameters),
        CASE WHEN starts_with(query, 'Cmd=') OR starts_with(query, 'User=') THEN NULL
             WHEN NOT contains(rtrim(parameters[1], '='), '=')
             THEN nullif({PACKED}(parameters[1]), '') END AS packed,
        written IS NOT NULL AND NOT ends_with(blob, '_') AS is_blob_cut,
        {_time_of_day("TmRcv")} AS received_ms,
        {_parameter("Cmd")} AS raw_command, {_parameter("User")} AS raw_user,
        {_parameter("DeviceId")} AS raw_device, {_parameter("DeviceType")} AS raw_type,
        {_element("HH")} AS raw_host, {_element("Error")} AS raw_error, {_element("As")} AS raw_access,
        {_element("Mbx")} AS raw_mailbox, {_element("Cafe")} AS raw_front, {_element("St")} AS raw_sync,
        CASE WHEN contains(blob, '_Fid:') THEN substr(blob, strpos(blob, '_Fid:') + 1) END AS folders
      FROM blobs
    ), named AS (
      SELECT *,
        {_or_packed("raw_command", 1)} AS command,
        nullif(coalesce({_or_packed("raw_user", 2)}, login), '') AS user_raw,
        {_or_packed("raw_device", 3)} AS device, {_or_packed("raw_type", 4)} AS device_type,
        {_number("Hb")} AS asked_s
      FROM parts
    )
    SELECT
      CASE WHEN received_ms IS NULL THEN ended_ms - took_ms
           ELSE {_nearest("received_ms", "ended_ms - took_ms")} END AS started_ms,
      ended_ms, took_ms, received_ms IS NOT NULL AS is_exact,
      CASE WHEN stem ILIKE '{_STEM}/proxy%' THEN 'back' ELSE 'client' END AS role,
      coalesce(computer, server_ip, $folder) AS server, coalesce(sitename, $folder) AS site,
      server_ip, port, coalesce(host, {_decoded("raw_host")}) AS host, client,
      {_or_null("trim(split_part(replace(forwarded, '+', ' '), ',', 1))")} AS forwarded_for,
      method, stem, CASE WHEN $with_query THEN query END AS query, command,
      {_or_null(normal_user("user_raw"))} AS user_name, user_raw, login,
      upper(device) AS device, device_type, {_or_null("replace(user_agent, '+', ' ')")} AS user_agent,
      status, substatus, win32, bytes_out, bytes_in,
      coalesce({_number("Ver1", "V")}, TRY_CAST(split_part(packed, '{_CELL}', 5) AS INTEGER)) AS protocol,
      {_number("SC1", "S")} AS command_status,
      CASE WHEN asked_s <= {_LONGEST_S} THEN asked_s END AS heartbeat_s,
      regexp_matches(blob, '{_numbered("Rto")}') AS is_expired,
      {_number("Throttle", kind="BIGINT")} AS throttle_ms,
      {_number("Pa")} AS policy_ack, {_decoded("raw_error")} AS error, {_decoded("raw_access")} AS access,
      {_decoded("raw_mailbox")} AS mailbox_server, {_decoded("raw_front")} AS front_end,
      {_decoded("raw_sync")} AS sync_type, folders, is_blob_cut, $source AS source
    FROM named
    """


def likely_ms(value: str) -> str:
    """Return the SQL for a time that a request may have taken, in milliseconds: no number where it is too large."""
    return f"CASE WHEN {value} BETWEEN 0 AND {_LONGEST_S * 1000} THEN {value} END"


def moment(day: str, time: str) -> str:
    """Return the SQL for milliseconds since 1970 of a DATE and a TIME, which may be any that the engine can read."""
    is_one = f"{day} BETWEEN DATE '1970-01-01' AND DATE '9999-12-31' AND {time} < TIME '24:00:00'"
    return f"CASE WHEN {is_one} THEN epoch_ms({day} + {time}) END"


def normal_user(name: str) -> str:
    r"""Return the SQL for one name of `DOMAIN\u`, `DOMAIN%5Cu`, `u@domain` and `u`."""
    plain = f"""CASE WHEN contains({name}, '\\') OR contains({name}, '%') THEN
               regexp_replace({name}, '^.*(\\\\|%5[Cc])', '') ELSE {name} END"""
    return f"lower(string_split({plain}, '@')[1])"


def from_parquet(files: Iterable[str]) -> str:
    """Return the SQL for the rows of files of Parquet, which may have been written with other columns."""
    return f"read_parquet([{', '.join(map(sql_text, files))}], union_by_name=true, hive_partitioning=false)"


def sql_text(text: str) -> str:
    """Put quotes around it, and double those within."""
    return "'" + text.replace("'", "''") + "'"


def _or_null(value: str) -> str:
    return f"nullif({value}, '')"


def _decoded(value: str) -> str:
    """Return the SQL that decodes a value, NULL for an empty one; looking costs less than decoding."""
    decoded = f"coalesce(TRY(url_decode({value})), {value})"
    return f"CASE WHEN contains({value}, '%') THEN {decoded} ELSE nullif({value}, '') END"


def _parameter(name: str) -> str:
    """Return the SQL for the text of a parameter as it stands in the query; looking where most have it costs less."""
    mark, places = f"{name}=", _PLACES[name]
    whens = " ".join(
        f"WHEN starts_with(parameters[{place}], '{mark}') THEN substr(parameters[{place}], {len(mark) + 1})"
        for place in places
    )
    return f"CASE {whens} ELSE regexp_extract(query, '(?i)(?:^|[?&]){name}=([^&]*)', 1) END"


def _or_packed(value: str, place: int) -> str:
    unpacked = f"nullif(split_part(packed, '{_CELL}', {place}), '')"
    return f"CASE WHEN packed IS NOT NULL THEN {unpacked} ELSE {_decoded(value)} END"


def _element(name: str) -> str:
    """Return the SQL for the text of an element of the blob, from the table that the writer has, too."""
    assert ELEMENTS[name] is Form.TEXT
    return f"regexp_extract(blob, '_{name}:([^_]*)', 1)"


def _number(*names: str, kind: str = "INTEGER") -> str:
    """Return the SQL for the number of an element, which each dialect of the blob has a name for.

    Not to cast what was not found takes a third of the time.
    """
    assert all(ELEMENTS[name] is Form.NUMBER for name in names)
    found = f"regexp_extract(blob, '{_numbered(*names)}', 1)"
    return f"TRY_CAST({_or_null(found)} AS {kind})"


def _numbered(*names: str) -> str:
    """Return the regular expression of such an element."""
    return f"_(?:{'|'.join(names)}):?([0-9]+)_"


def _time_of_day(name: str) -> str:
    """Return the SQL for a time of day in milliseconds."""
    assert ELEMENTS[name] is Form.TIME
    found = f"regexp_extract(blob, '_{name}:?({_TIME_OF_DAY})', 1)"
    read = f"CAST(epoch(TRY_CAST({found} AS TIME)) * 1000 AS BIGINT)"
    return f"CASE WHEN contains(blob, '_{name}') THEN {read} END"


def _nearest(time_of_day_ms: str, near_ms: str) -> str:
    """Return the SQL for the moment with a time of day that is nearest to another moment."""
    day = 86_400_000
    return f"{time_of_day_ms} + {day} * CAST(round(({near_ms} - {time_of_day_ms}) / {day}.0) AS BIGINT)"


@lru_cache(1 << 16)
def read_packed_query(text: str) -> str:
    """Return command, user, device, device type and version of a packed query, divided by U+001F; "" for none.

    Not every device fills it up with `=`.
    """
    text = unquote(text.rstrip(";"))
    bare = text.rstrip("=")
    try:
        query = parse_query(text if "=" in bare else bare + "=" * (-len(bare) % 4))
    except QueryError:
        return ""
    version = (query.version or "").replace(".", "")
    return _CELL.join((query.command, query.user, query.device_id, query.device_type, version))
