"""The six files of Export-ActiveSyncLog, with the columns that are documented, and a seventh about heartbeats.

https://learn.microsoft.com/en-us/powershell/module/exchange/export-activesynclog. "Sent" is from the server to the
device.
Items are those added and changed, by class; what a message on its way out is (SendMail, SmartReply, SmartForward)
counts as an e-mail received. A cell is empty where no element of the log is known that tells it. Times are UTC.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hbprobe.eas.log_blob import read_blob
from hbprobe.errors import UserError
from hbprobe.evidence.logs.engine import rows_of
from hbprobe.evidence.logs.reports import csv_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CLASSES: Final = {"Em": "Emails", "Ca": "Calendar", "Co": "Contacts", "Ta": "Tasks", "Nt": "Notes"}
_COUNTS: Final = re.compile(r"(\d+)(fs|sd|[A-Za-z])")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_USERS: Final = (
    "User Name", "Device ID", "Device Type", "Items Sent", "Items Received", "Hits", "Total Bytes Sent",
    "Total Bytes Received",
    *(f"Total {name} {way}" for name in _CLASSES.values() for way in ("Sent", "Received")),
    "Total OOF Messages Set by Client", "Total OOF Messages Retrieved from Server", "Total Searches requested",
    "Total SharePoint Access", "Total UNC Access", "Total Attachment Downloads", "Total Attachment Size",
    "Currently Compliant with Policy",
)  # fmt: skip
_COMPLIANCE: Final = {1: "Compliant", 2: "Partially Compliant", 3: "Not Compliant"}
Rows = list[tuple[object, ...]]


@dataclass(slots=True)
class _Items:
    sent: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)


def export(connection: "DuckDBPyConnection", folder: Path) -> list[Path]:
    """Write the seven files; return them. Raises UserError where they cannot be written."""
    tables = {
        "Users.csv": (_USERS, _users(connection)),
        "Servers.csv": _servers(connection),
        "Hourly.csv": _hourly(connection),
        "StatusCodes.csv": _ratios(connection, ("Status", "SubStatus"), "status, substatus"),
        "PolicyCompliance.csv": _policy(connection),
        "UserAgents.csv": _agents(connection),
        "Heartbeats.csv": _heartbeats(connection),
    }
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (columns, rows) in tables.items():
            (folder / name).write_text(csv_text(columns, rows), encoding="utf-8-sig", newline="")
            written.append(folder / name)
    except OSError as error:
        raise UserError(f"--export {folder}: cannot be written: {error.strerror}: name a folder that can") from None
    return written


def _users(connection: "DuckDBPyConnection") -> Rows:
    items = _items(connection)
    found = rows_of(
        connection,
        """
        SELECT user_name, device, min(device_type) AS device_type, count(*) AS hits, sum(bytes_out) AS bytes_out,
          sum(bytes_in) AS bytes_in, count(*) FILTER (command = 'Search') AS searches,
          count(*) FILTER (command = 'GetAttachment') AS attachments,
          count(*) FILTER (command IN ('SendMail', 'SmartReply', 'SmartForward') AND status = 200) AS mails,
          arg_max(policy_ack, (ended_ms, policy_ack)) FILTER (policy_ack IS NOT NULL) AS policy
        FROM requests GROUP BY user_name, device ORDER BY user_name NULLS LAST, device NULLS LAST
        """,
    )
    rows, totals = Rows(), [0] * 5
    for row in found:
        moved = items[row["user_name"], row["device"]]
        moved.received["Em"] += row["mails"]
        sums = [
            sum(moved.sent.values()),
            sum(moved.received.values()),
            row["hits"],
            int(row["bytes_out"] or 0),
            int(row["bytes_in"] or 0),
        ]
        totals = [total + one for total, one in zip(totals, sums, strict=True)]
        by_class = [way[name] for name in _CLASSES for way in (moved.sent, moved.received)]
        rows.append((
            row["user_name"], row["device"], row["device_type"], *sums, *by_class, None, None, row["searches"], None,
            None,
            row["attachments"], None, _COMPLIANCE.get(row["policy"], "Unknown"),
        ))  # fmt: skip
    return [*rows, ("*** Total ***", None, None, *totals, *[None] * (len(_USERS) - 8))]


def _items(connection: "DuckDBPyConnection") -> dict[tuple[str | None, str | None], _Items]:
    items: dict[tuple[str | None, str | None], _Items] = defaultdict(_Items)
    cursor = connection.execute("SELECT user_name, device, folders FROM requests WHERE folders IS NOT NULL")
    for user, device, folders in _fetched(cursor):
        of_device = items[user, device]
        for group in read_blob(str(folders)).folders():
            name = group.get("Ty", "")
            if name in _CLASSES:
                of_device.received[name] += _moved(group.get("Cli", ""))
                of_device.sent[name] += _moved(group.get("Svr") or group.get("Srv") or "")
    return items


def _fetched(cursor: "DuckDBPyConnection") -> Iterator[tuple[str | None, str | None, str]]:
    while batch := cursor.fetchmany(20_000):
        yield from batch


def _moved(counts: str) -> int:
    """Return how many items were added or changed, as in 1a0c2d0s0e0r."""
    return sum(int(number) for number, what in _COUNTS.findall(counts) if what in ("a", "c"))


def _servers(connection: "DuckDBPyConnection") -> tuple[tuple[str, ...], Rows]:
    columns = (
        "Server",
        "Host",
        "IP Address",
        "Average Unique Devices",
        "Hits",
        "Total Bytes Sent",
        "Total Bytes Received",
    )
    sql = """
        SELECT server, host, server_ip, round(avg(devices), 1), sum(hits)::BIGINT, sum(bytes_out)::BIGINT,
        sum(bytes_in)::BIGINT FROM (
          SELECT server, host, server_ip, ended_ms // 86400000 AS day, count(DISTINCT device) AS devices, count(*) AS
          hits,
            coalesce(sum(bytes_out), 0) AS bytes_out, coalesce(sum(bytes_in), 0) AS bytes_in
          FROM requests GROUP BY ALL)
        GROUP BY server, host, server_ip ORDER BY ALL NULLS LAST
        """
    return columns, connection.execute(sql).fetchall()


def _hourly(connection: "DuckDBPyConnection") -> tuple[tuple[str, ...], Rows]:
    sql = """
        SELECT isodow(make_timestamp(ended_ms * 1000)) AS day, hour(make_timestamp(ended_ms * 1000)) AS hour,
          count(DISTINCT device), count(*) FILTER (command IN ('Sync', 'GetItemEstimate'))
        FROM requests GROUP BY ALL
        """
    found = {(day, hour): (devices, syncs) for day, hour, devices, syncs in connection.execute(sql).fetchall()}
    rows: Rows = [
        (name, hour, *found.get((day, hour), (0, 0))) for day, name in enumerate(_DAYS, 1) for hour in range(24)
    ]
    return ("Day", "Hour", "Unique Devices", "Sync Related Requests"), rows


def _ratios(connection: "DuckDBPyConnection", names: tuple[str, ...], columns: str) -> tuple[tuple[str, ...], Rows]:
    sql = f"""
        SELECT {columns}, count(*) AS hits, round(count(*) / sum(count(*)) OVER (), 6)
        FROM requests GROUP BY {columns} ORDER BY hits DESC, {columns}
        """
    return (*names, "Hits", "Ratio"), connection.execute(sql).fetchall()


def _policy(connection: "DuckDBPyConnection") -> tuple[tuple[str, ...], Rows]:
    sql = """
        SELECT arg_max(policy_ack, (ended_ms, policy_ack)) FILTER (policy_ack IS NOT NULL) AS policy FROM requests
        WHERE device IS NOT NULL GROUP BY device
        """
    counts = Counter(_COMPLIANCE.get(policy, "Unknown") for (policy,) in connection.execute(sql).fetchall())
    whole = max(1, counts.total())
    rows: Rows = [(name, counts[name], round(counts[name] / whole, 6)) for name in ("Unknown", *_COMPLIANCE.values())]
    return ("Compliance Type", "Total", "Ratio"), rows


def _agents(connection: "DuckDBPyConnection") -> tuple[tuple[str, ...], Rows]:
    sql = """
        SELECT user_agent, count(*) AS hits, count(DISTINCT device) AS devices FROM requests
        GROUP BY user_agent ORDER BY hits DESC, user_agent NULLS LAST
        """
    return ("User Agent", "Hits", "Unique Devices"), connection.execute(sql).fetchall()


def _heartbeats(connection: "DuckDBPyConnection") -> tuple[tuple[str, ...], Rows]:
    """Return what each device asked for and got, which no file of the cmdlet shows."""
    columns = (
        "User Name", "Device ID", "Device Type", "Network", "Waiting Requests", "Shortest Interval",
        "Longest Interval",
        "Average Interval", "Answered", "Lost in Silence", "Told of a Cut", "Moved", "Unknown", "Longest Answered",
    )  # fmt: skip
    sql = """
        SELECT users.user_name, silences.who, min(kind), network, count(*), min(asked_s), max(asked_s),
        round(avg(asked_s), 1),
          count(*) FILTER (kind_of = 'answered'), count(*) FILTER (kind_of = 'silent'), count(*) FILTER (kind_of =
          'told'),
          count(*) FILTER (kind_of = 'moved'), count(*) FILTER (kind_of IN ('unknown', 'failed', 'refused')),
          round(max(held_s) FILTER (kind_of = 'answered'), 1)
        FROM silences
        LEFT JOIN (SELECT device, min(user_name) AS user_name FROM requests WHERE device IS NOT NULL GROUP BY device)
        AS users
          ON users.device = silences.who
        GROUP BY users.user_name, silences.who, network ORDER BY 1 NULLS LAST, 2, 4
        """
    return columns, connection.execute(sql).fetchall()
