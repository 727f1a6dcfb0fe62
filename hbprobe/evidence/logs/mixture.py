"""A mix for `hbprobe fleet` and `size`, with the shares that logs show: kinds of devices, paths, mail and moves."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hbprobe.duration import format_duration
from hbprobe.errors import UserError
from hbprobe.records.logs import PassiveLimitPart

if TYPE_CHECKING:
    from hbprobe.evidence.logs.sql_tables import Tables

_FIXED: Final = {600: "ios", 540: "outlook-540", 180: "outlook-180"}
_EARLY: Final = {290 + 180 * step for step in range(10)} | {1790}
_LATER: Final = {480 + 300 * step for step in range(5)} | {1800}
_WINDOWS: Final = ("wp", "pocketpc", "windows", "msft", "smartphone")
_HEAD: Final = """\
# The fleet that the logs show, for hbprobe fleet --mix and hbprobe size --mix.
# What is marked "assumed" is not in a log.

"""


def kind_of(heartbeats: Sequence[int], name: str) -> str | None:
    """Return which known algorithm asks for such intervals; None for none. `name` is the device's type and agent."""
    asked = set(heartbeats)
    if len(asked) == 1 and (fixed := _FIXED.get(next(iter(asked)))) is not None:
        return fixed
    if asked <= _LATER:
        return "windows-mobile" if any(word in name.lower() for word in _WINDOWS) else "android-4.4"
    if asked <= _EARLY:
        return "android-4.1" if max(asked) > 1010 else "android-4.0"
    return None


def mix_of(tables: "Tables", limits: Sequence[PassiveLimitPart]) -> tuple[str, int]:
    """Return the mix as YAML, and how many devices fit no known algorithm. Raises UserError where there are none."""
    kinds, strange = _kinds(tables)
    if not kinds and strange:
        raise UserError("--mix: no device in the logs asks for such intervals as a known one does")
    if not kinds:
        raise UserError(
            "--mix: nothing in the logs tells for which intervals devices ask: give the back end's log, W3SVC2"
        )
    lines = [_HEAD + "devices:"]
    lines += [f"  {kind}: {count}" for kind, count in sorted(kinds.items(), key=lambda one: (-one[1], one[0]))]
    if strange:
        lines.append(f"# {strange} more asked for intervals as none of the known devices does.")
    lines += ["", "paths:"]
    for limit in limits:
        lines += _path(limit)
    per_day, by_hour, moves = _habits(tables)
    lines += [
        "",
        "# Answers that mail ended, of one device.",
        "mail:",
        f"  per_day: {per_day:.1f}",
        f"  by_hour: [{', '.join(map(str, by_hour))}]",
        "",
        "# Requests from another network than the one before.",
        f"moves_per_day: {moves:.1f}",
        "",
        "# Assumed.",
        "after_loss:",
        "  at_once: 0.5",
        "  wait: 1min",
    ]
    return "\n".join(lines) + "\n", strange


def _kinds(tables: "Tables") -> tuple[Counter[str], int]:
    sql = """
        SELECT array_agg(DISTINCT heartbeat_s), concat_ws(' ', min(device_type), min(user_agent)) FROM requests
        WHERE heartbeat_s IS NOT NULL AND command = 'Ping' AND device IS NOT NULL
          AND coalesce(device_type, '') NOT LIKE 'TestActiveSyncConnectivity%'
        GROUP BY device
        """
    found = [kind_of(heartbeats, name) for heartbeats, name in tables.each(sql)]
    return Counter(kind for kind in found if kind is not None), found.count(None)


def _path(limit: PassiveLimitPart) -> list[str]:
    name = (
        "".join(character if character.isalnum() else "-" for character in limit.key.lower()).strip("-") or "unknown"
    )
    lines = [f"  - name: {name}", f"    share: {max(1, limit.silences)}"]
    if limit.judgement == "limit" and limit.cut is not None:
        lines += [f"    limit: {limit.cut:g}", f"    how: {'silent' if limit.how == 'silent' else 'reset'}"]
    elif limit.judgement == "several" and limit.cut is not None:
        lines += [
            f"    limit: {limit.cut:g}   # several limits, or one that varies: here the first",
            "    how: silent",
        ]
    else:
        seen = "nothing" if limit.longest_answered is None else format_duration(limit.longest_answered)
        lines.append(f"    profile: open-path   # no limit seen up to {seen}; beyond that nobody tried")
    return lines


def _habits(tables: "Tables") -> tuple[float, list[int], float]:
    ((days, changes),) = tables.each(
        """
        SELECT count(*), coalesce(CAST(sum(changes) AS BIGINT), 0) FROM (
          SELECT count(CASE WHEN command = 'Ping' AND command_status = 2 THEN 1 END) AS changes
          FROM requests WHERE device IS NOT NULL
          GROUP BY device, CAST(floor(ended_ms / 86400000) AS BIGINT)) AS by_day
        """
    )
    hours = dict(
        tables.each(
            """
            SELECT CAST(floor(ended_ms / 3600000) AS BIGINT) % 24, count(*) FROM requests
            WHERE command = 'Ping' AND command_status = 2 GROUP BY CAST(floor(ended_ms / 3600000) AS BIGINT) % 24
            """
        )
    )
    ((moved,),) = tables.each(
        """
        SELECT count(*) FROM (
          SELECT network, lag(network) OVER (PARTITION BY who ORDER BY started_ms, network) AS before
          FROM silences) AS visits
        WHERE network <> before
        """
    )
    by_hour = [int(hours.get(hour, 0)) for hour in range(24)] if hours else [1] * 24
    return changes / max(1, days), by_hour, moved / max(1, days)
