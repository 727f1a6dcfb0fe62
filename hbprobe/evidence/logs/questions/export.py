"""The six files of Export-ActiveSyncLog, with the columns that are documented, and a seventh about heartbeats.

https://learn.microsoft.com/en-us/powershell/module/exchange/export-activesynclog. "Sent" is from the server to the
device.
Items are those added and changed, by class; what a message on its way out is (SendMail, SmartReply, SmartForward)
counts as an e-mail received. A cell is empty where nothing in the log tells it. Times are UTC.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hbprobe.eas.log_blob import read_blob
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.evidence.logs.questions.reports import csv_text
from hbprobe.files import gave_out

if TYPE_CHECKING:
    from hbprobe.evidence.logs.lines.sql_tables import Tables

_CLASSES: Final = {"Em": "Emails", "Ca": "Calendar", "Co": "Contacts", "Ta": "Tasks", "Nt": "Notes"}
_COUNTS: Final = re.compile(r"(\d+)(fs|sd|[A-Za-z])")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIRST_DAY: Final = _DAYS.index("Thursday")
"""1 January 1970 was one."""
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


def export(tables: "Tables", folder: Path) -> list[Path]:
    """Write the seven files; return them. Raises UserError or CannotMeasureError where they cannot be written."""
    files = {
        "Users.csv": (_USERS, _users(tables)),
        "Servers.csv": _servers(tables),
        "Hourly.csv": _hourly(tables),
        "StatusCodes.csv": _ratios(tables, ("Status", "SubStatus"), ("status", "substatus")),
        "PolicyCompliance.csv": _policy(tables),
        "UserAgents.csv": _agents(tables),
        "Heartbeats.csv": _heartbeats(tables),
    }
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, (columns, rows) in files.items():
            (folder / name).write_text(csv_text(columns, rows), encoding="utf-8-sig", newline="")
            written.append(folder / name)
    except OSError as error:
        kind = CannotMeasureError if gave_out(error) else UserError
        raise kind(f"--export {folder}: cannot be written: {error.strerror}: name another folder") from None
    return written


def _users(tables: "Tables") -> Rows:
    items = _items(tables)
    _, found = tables.rows(
        """
        SELECT user_name, device, min(device_type) AS device_type, count(*) AS hits, sum(bytes_out) AS bytes_out,
          sum(bytes_in) AS bytes_in, count(CASE WHEN command = 'Search' THEN 1 END) AS searches,
          count(CASE WHEN command = 'GetAttachment' THEN 1 END) AS attachments,
          count(CASE WHEN command IN ('SendMail', 'SmartReply', 'SmartForward') AND status = 200 THEN 1 END) AS mails,
          max(CASE WHEN acked = 1 THEN policy_ack END) AS policy
        FROM (
          SELECT *, row_number() OVER (PARTITION BY user_name, device
            ORDER BY CASE WHEN policy_ack IS NULL THEN 1 ELSE 0 END, ended_ms DESC, policy_ack DESC) AS acked
          FROM requests) AS numbered
        GROUP BY user_name, device ORDER BY user_name NULLS LAST, device NULLS LAST
        """,
    )
    rows, totals = Rows(), list[int | None]([0, 0, 0, None, None])
    for row in found:
        moved = items[row["user_name"], row["device"]]
        moved.received["Em"] += row["mails"]
        sums = [
            sum(moved.sent.values()),
            sum(moved.received.values()),
            row["hits"],
            *(None if row[way] is None else int(row[way]) for way in ("bytes_out", "bytes_in")),
        ]
        totals = [total if one is None else one + (total or 0) for total, one in zip(totals, sums, strict=True)]
        by_class = [way[name] for name in _CLASSES for way in (moved.sent, moved.received)]
        rows.append((
            row["user_name"], row["device"], row["device_type"], *sums, *by_class, None, None, row["searches"], None,
            None,
            row["attachments"], None, _COMPLIANCE.get(row["policy"], "Unknown"),
        ))  # fmt: skip
    return [*rows, ("*** Total ***", None, None, *totals, *[None] * (len(_USERS) - 8))]


def _items(tables: "Tables") -> dict[tuple[str | None, str | None], _Items]:
    items: dict[tuple[str | None, str | None], _Items] = defaultdict(_Items)
    for user, device, folders in tables.each(
        "SELECT user_name, device, folders FROM requests WHERE folders IS NOT NULL"
    ):
        of_device = items[user, device]
        for group in read_blob(str(folders)).folders():
            name = group.get("Ty", "")
            if name in _CLASSES:
                of_device.received[name] += _moved(group.get("Cli", ""))
                of_device.sent[name] += _moved(group.get("Svr") or group.get("Srv") or "")
    return items


def _moved(counts: str) -> int:
    """Return how many items were added or changed, as in 1a0c2d0s0e0r."""
    return sum(int(number) for number, what in _COUNTS.findall(counts) if what in ("a", "c"))


def _servers(tables: "Tables") -> tuple[tuple[str, ...], Rows]:
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
        SELECT server, host, server_ip, round(avg(devices), 1), CAST(sum(hits) AS BIGINT), CAST(sum(sent) AS BIGINT),
          CAST(sum(received) AS BIGINT)
        FROM (
          SELECT server, host, server_ip, count(DISTINCT device) AS devices, count(*) AS hits,
            sum(bytes_out) AS sent, sum(bytes_in) AS received
          FROM requests GROUP BY server, host, server_ip, CAST(floor(ended_ms / 86400000) AS BIGINT)) AS by_day
        GROUP BY server, host, server_ip ORDER BY server NULLS LAST, host NULLS LAST, server_ip NULLS LAST
        """
    return columns, list(tables.each(sql))


def _hourly(tables: "Tables") -> tuple[tuple[str, ...], Rows]:
    sql = """
        SELECT CAST(floor(ended_ms / 3600000) AS BIGINT) % 168 AS hour, count(DISTINCT device),
          count(CASE WHEN command IN ('Sync', 'GetItemEstimate') THEN 1 END)
        FROM requests GROUP BY CAST(floor(ended_ms / 3600000) AS BIGINT) % 168
        """
    found = {hour: (devices, syncs) for hour, devices, syncs in tables.each(sql)}
    rows: Rows = [
        (name, hour, *found.get((24 * (day - _FIRST_DAY) + hour) % 168, (0, 0)))
        for day, name in enumerate(_DAYS) for hour in range(24)
    ]  # fmt: skip
    return ("Day", "Hour", "Unique Devices", "Sync Related Requests"), rows


def _ratios(tables: "Tables", names: tuple[str, ...], listed: tuple[str, ...]) -> tuple[tuple[str, ...], Rows]:
    columns = ", ".join(listed)
    sql = f"""
        SELECT {columns}, count(*) AS hits, round(count(*) / sum(count(*)) OVER (), 6)
        FROM requests GROUP BY {columns} ORDER BY hits DESC, {", ".join(f"{name} NULLS LAST" for name in listed)}
        """
    return (*names, "Hits", "Ratio"), list(tables.each(sql))


def _policy(tables: "Tables") -> tuple[tuple[str, ...], Rows]:
    sql = """
        SELECT policy_ack FROM (
          SELECT policy_ack, row_number() OVER (PARTITION BY device
            ORDER BY CASE WHEN policy_ack IS NULL THEN 1 ELSE 0 END, ended_ms DESC, policy_ack DESC) AS acked
          FROM requests WHERE device IS NOT NULL) AS numbered
        WHERE acked = 1
        """
    counts = Counter(_COMPLIANCE.get(policy, "Unknown") for (policy,) in tables.each(sql))
    whole = max(1, counts.total())
    rows: Rows = [(name, counts[name], round(counts[name] / whole, 6)) for name in ("Unknown", *_COMPLIANCE.values())]
    return ("Compliance Type", "Total", "Ratio"), rows


def _agents(tables: "Tables") -> tuple[tuple[str, ...], Rows]:
    sql = """
        SELECT user_agent, count(*) AS hits, count(DISTINCT device) AS devices FROM requests
        GROUP BY user_agent ORDER BY hits DESC, user_agent NULLS LAST
        """
    return ("User Agent", "Hits", "Unique Devices"), list(tables.each(sql))


def _heartbeats(tables: "Tables") -> tuple[tuple[str, ...], Rows]:
    """Return what each device asked for and got, which no file of the cmdlet shows."""
    columns = (
        "User Name", "Device ID", "Device Type", "Network", "Waiting Requests", "Shortest Interval",
        "Longest Interval",
        "Average Interval", "Answered", "Lost in Silence", "Told of a Cut", "Moved", "Unknown", "HTTP Errors",
        "Refused", "Longest Answered",
    )  # fmt: skip
    sql = """
        SELECT users.user_name, silences.who, min(kind), network, count(*), min(asked_s), max(asked_s),
          round(avg(asked_s), 1),
          count(CASE WHEN kind_of = 'answered' THEN 1 END), count(CASE WHEN kind_of = 'silent' THEN 1 END),
          count(CASE WHEN kind_of = 'told' THEN 1 END), count(CASE WHEN kind_of = 'moved' THEN 1 END),
          count(CASE WHEN kind_of = 'unknown' THEN 1 END), count(CASE WHEN kind_of = 'failed' THEN 1 END),
          count(CASE WHEN kind_of = 'refused' THEN 1 END),
          round(max(CASE WHEN kind_of = 'answered' THEN held_s END), 1)
        FROM silences
        LEFT JOIN (SELECT device, min(user_name) AS user_name FROM requests WHERE device IS NOT NULL GROUP BY device)
        AS users
          ON users.device = silences.who
        GROUP BY users.user_name, silences.who, network
        ORDER BY users.user_name NULLS LAST, silences.who, network
        """
    return columns, list(tables.each(sql))
