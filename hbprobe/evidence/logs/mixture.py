"""A mix for `hbprobe fleet` and `size`, with the shares that logs show: kinds of devices, paths, mail and moves.

All shares are of time: `share` of a path in a mix is the share of the devices that are on it at any time, and one on
a path with a short limit asks more often.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hbprobe.duration import format_duration
from hbprobe.errors import UserError
from hbprobe.evidence.limits import has_unexplained_losses
from hbprobe.evidence.logs.following import Named
from hbprobe.evidence.logs.lived import LEAST_SHARE, NOTHING, LivedLimit, Met, steps_of
from hbprobe.evidence.logs.networks import judged_together
from hbprobe.records.logs import PassiveLimitPart
from hbprobe.text import seconds

if TYPE_CHECKING:
    from hbprobe.evidence.logs.sql_tables import Tables

_FIXED: Final = {600: "ios", 540: "outlook-540", 180: "outlook-180"}
_EARLY: Final = {290 + 180 * step for step in range(10)} | {1790}
_LATER: Final = {480 + 300 * step for step in range(5)} | {1800}
_WINDOWS: Final = ("wp", "pocketpc", "windows", "msft", "smartphone")
_HOURS: Final = 24
_DAY_S: Final = 86_400.0
_UNSEEN_S: Final = 3600.0
"""After its last request in the logs a device is taken to wait for so long with another that has no line yet:
Exchange lets none wait longer. What comes later is a device that was off."""
_COARSE_S: Final = 1.0
"""Times in IIS's log are whole seconds."""
_SHORTEST_S: Final = 5.0
"""An answer that was lost so soon after the request was lost by no timer."""
_MET: Final = ("kind_of", "asked_s", "held_s", "since_s")
_MOST_NAMED: Final = 5
_SEVERAL: Final = (
    "several limits, or one that varies: in the mix they are fixed, with shares of the time that devices were there, "
    "and moves within such a network are not seen"
)
_LEFT_OUT: Final = "left out, for waiting requests die there, and the logs do not tell after which times"
_TOO_LITTLE: Final = "taken for open, for what waited there tells too little"
_ENOUGH_S: Final = 600.0
"""Of an hour of the day: where the logs have less, they do not tell how much mail comes in it."""
_LIVED: Final = """
SELECT who, network, kind_of, started_ms / 1000.0 AS started_s, CAST(asked_s AS DOUBLE) AS asked_s,
  CAST(command_status AS DOUBLE) AS command_status, held_s, since_s
FROM all_silences ORDER BY who, started_ms, since_s NULLS LAST, network, kind_of, held_s, asked_s NULLS LAST,
  command_status NULLS LAST
"""
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


class MixOfLogs(NamedTuple):
    """A mix, and what is to be told of it."""

    text: str
    """As YAML."""
    strange: int
    """How many devices fit no known algorithm."""
    assumed: tuple[str, ...]
    """What it takes for given though the logs do not tell it."""


def mix_of(tables: "Tables", limits: Sequence[PassiveLimitPart]) -> MixOfLogs:
    """Return the mix. Raises UserError where the logs do not tell which devices or paths there are."""
    kinds, strange = _kinds(tables)
    if not kinds and strange:
        raise UserError("--mix: no device in the logs asks for such intervals as a known one does")
    if not kinds:
        raise UserError(
            "--mix: nothing in the logs tells for which intervals devices ask: give the back end's log, W3SVC2"
        )
    lived = _Lived.of(tables)
    paths, assumed = _paths(limits, lived)
    if not paths:
        raise UserError(f"--mix: the logs do not tell what any network carries: {'; '.join(assumed)}")
    days = max(lived.stay_s.sum() / _DAY_S, 1e-6)
    by_hour = _mail_by_hour(tables, lived, float(days))
    lines = [_HEAD + "devices:"]
    lines += [f"  {kind}: {count}" for kind, count in sorted(kinds.items(), key=lambda one: (-one[1], one[0]))]
    if strange:
        lines.append(f"# {strange} more asked for intervals as none of the known devices does.")
    lines += ["", "# Shares are hours that devices spent there.", "paths:", *paths]
    lines += [
        "",
        "# Answers that mail ended, in a day of one device and by hour; one that the logs do not have is as others.",
        "mail:",
        f"  per_day: {sum(by_hour):.1f}",
        f"  by_hour: [{', '.join(f'{mails:.3f}' for mails in by_hour if any(by_hour)) or ', '.join('1' * _HOURS)}]",
        "",
        "# So many that as many lead to another network as requests came from another than the one before.",
        f"moves_per_day: {lived.moves() / days:.2f}",
        "",
        "# Assumed.",
        "after_loss:",
        "  at_once: 0.5",
        "  wait: 1min",
    ]
    if assumed:
        lines += ["", "# Repeated by fleet and size.", "assumed:", *(f"  - {_quoted(one)}" for one in assumed)]
    return MixOfLogs("\n".join(lines) + "\n", strange, tuple(assumed))


def _quoted(text: str) -> str:
    """Quote it for YAML, which takes what JSON does, but no character in two halves, as JSON escapes an emoji."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)


def _kinds(tables: "Tables") -> tuple[Counter[str], int]:
    sql = """
        SELECT array_agg(DISTINCT heartbeat_s), concat_ws(' ', min(device_type), min(user_agent)) FROM all_requests
        WHERE heartbeat_s IS NOT NULL AND command = 'Ping' AND device IS NOT NULL
          AND coalesce(device_type, '') NOT LIKE 'TestActiveSyncConnectivity%'
        GROUP BY device
        """
    found = [kind_of(heartbeats, name) for heartbeats, name in tables.each(sql)]
    return Counter(kind for kind in found if kind is not None), found.count(None)


_Path = tuple[str, list[str]]
"""What is put behind the name of the network, and the lines below it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Lived:
    """All requests that waited, in the order in which each device asked, and how long it stayed where it was."""

    column: Mapping[str, NDArray[Any]]
    stay_s: NDArray[np.float64]
    who: Named
    network: Named

    @classmethod
    def of(cls, tables: "Tables") -> Self:
        column = tables.arrays(_LIVED)
        ((end_ms,),) = tables.each("SELECT max(ended_ms) FROM lines")
        held_s = np.nan_to_num(column["held_s"])
        held_s = np.where((held_s > 0) & (held_s <= _DAY_S), held_s, 0.0)
        # The last request of a device is followed by one that still waited when the log ended.
        since_s = np.where(np.isnan(column["since_s"]), (end_ms or 0) / 1000 - column["started_s"], column["since_s"])
        stay_s = np.clip(since_s, 0.0, held_s + _UNSEEN_S)
        return cls(column, stay_s, *(Named.of(column[name].tolist()) for name in ("who", "network")))

    def grouped(self) -> dict[str, NDArray[np.intp]]:
        """Return for each group of networks that is judged together the places of its requests."""
        known = np.isin(self.column["kind_of"], ("answered", "told", "silent"))
        counts = np.bincount(self.network.number[known], minlength=len(self.network.names)).tolist()
        groups = judged_together({name: many for name, many in zip(self.network.names, counts, strict=True) if many})
        named = Named.of([groups.get(name, "") for name in self.network.names])
        of_row = named.number[self.network.number]
        order = np.argsort(of_row, kind="stable")
        places = np.split(order, np.searchsorted(of_row[order], np.arange(1, len(named.names))))
        return dict(zip(named.names, places, strict=True))

    def met(self, those: NDArray[np.intp]) -> Iterator[Met]:
        """Give what requests met; a visit to a network ends where the next request came from another."""
        visits = np.concatenate(([0], np.cumsum(self._is_change(self.who) | self._is_change(self.network))))
        columns = (
            self.who.number, visits, self.stay_s, *(self.column[name] for name in _MET)
        )  # fmt: skip
        last = -1
        for who, visit, stay_s, kind, asked_s, held_s, since_s in zip(
            *(column[those].tolist() for column in columns), strict=True
        ):
            if visit != last:
                last = visit
                yield NOTHING
            most_s = math.inf if math.isnan(asked_s) else asked_s
            above_s, upto_s = 0.0, math.inf
            if kind == "answered":
                above_s = min(held_s, most_s)
            elif kind == "silent" and held_s > _SHORTEST_S:
                upto_s = min(held_s, most_s)  # the answer was sent then, and did not arrive
            elif kind == "told":
                upto_s = min(since_s + _COARSE_S, most_s)
            yield Met(who, above_s, upto_s, kind == "told", stay_s)

    @staticmethod
    def _is_change(of: Named) -> NDArray[np.bool_]:
        return np.asarray(of.number[1:] != of.number[:-1], np.bool_)

    def mails(self) -> list[int]:
        """Count the answers of each hour of the day that mail ended; one that did not arrive is given again."""
        ended = (self.column["kind_of"] == "answered") & (self.column["command_status"] == 2)
        hours = (self.column["started_s"] + np.nan_to_num(self.column["held_s"]))[ended] // 3600 % _HOURS
        return [int(mails) for mails in np.bincount(hours.astype(np.int64), minlength=_HOURS)]

    def moves(self) -> float:
        """Return how many moves there were, each to a network that is drawn by the shares of time.

        Only those to another network than before are seen in a log.
        """
        known = np.array([name != "-" for name in self.network.names], np.bool_)[self.network.number]
        who, network = self.who.number[known], self.network.number[known]
        seen = int(np.count_nonzero((who[1:] == who[:-1]) & (network[1:] != network[:-1])))
        times_s = np.bincount(network, self.stay_s[known])
        again = float(((times_s / max(times_s.sum(), 1e-6)) ** 2).sum())
        return seen / max(1.0 - again, 1e-3)


def _paths(limits: Sequence[PassiveLimitPart], lived: _Lived) -> tuple[list[str], list[str]]:
    """Return the paths as lines, and what is assumed of them."""
    lines, several, left_out, too_little = list[str](), list[str](), list[str](), list[str]()
    names, groups = set[str](), lived.grouped()
    for limit in limits:
        if (those := groups.get(limit.key)) is None:
            continue
        hours = float(lived.stay_s[those].sum()) / 3600
        if limit.judgement in ("limit", "several") or has_unexplained_losses(limit):
            steps, rest = steps_of(lived.met(those))
            is_one = limit.judgement == "limit"
            found = _one_limit(limit, steps, hours) if is_one else _several(limit, steps, rest, hours)
            if not found:
                left_out.append(limit.key)
            elif not is_one:
                several.append(f"{limit.key} ({_shares_words(steps, rest)})")
        else:
            found = [_open(limit, hours, "")]
            if limit.judgement == "too-little":
                too_little.append(limit.key)
        for suffix, body in found:
            lines += [f"  - name: {_name(limit.key + suffix, names)}", *body]
    told = ((_SEVERAL, several), (_LEFT_OUT, left_out), (_TOO_LITTLE, too_little))
    return lines, [f"{words}: {_some(keys)}" for words, keys in told if keys]


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
    return ", ".join(keys[:_MOST_NAMED]) + more


def _shares_words(steps: Sequence[LivedLimit], rest: float) -> str:
    whole = rest + sum(step.share for step in steps)
    said = [f"{step.share / whole:.0%} {seconds(step.limit_s)} s" for step in steps]
    return ", ".join([*said, f"{rest / whole:.0%} none seen"] if rest >= LEAST_SHARE else said)


def _several(limit: PassiveLimitPart, steps: Sequence[LivedLimit], rest: float, hours: float) -> list[_Path]:
    """Make a path of each limit, and of the rest an open one; nothing where the evidence holds no limit."""
    if not steps:
        return []
    whole = rest + sum(step.share for step in steps)
    found = [_limited(step, f"-{step.limit_s:.0f}s", hours * step.share / whole) for step in steps]
    return [*found, _open(limit, hours * rest / whole, "-open")] if rest >= LEAST_SHARE else found


def _name(text: str, taken: set[str]) -> str:
    plain = "".join(letter if letter.isalnum() else "-" for letter in text.lower()).strip("-") or "unknown"
    name = next(name for number in count(1) if (name := plain if number == 1 else f"{plain}-{number}") not in taken)
    taken.add(name)
    return name


def _limited(step: LivedLimit, suffix: str, hours: float) -> _Path:
    within = f"{seconds(step.above_s)} to {seconds(step.upto_s)} s"
    limit = f"    limit: {step.limit_s:g}   # from what devices met: {within}"
    return suffix, [_share(hours), limit, f"    how: {'reset' if step.is_told else 'silent'}"]


def _one_limit(limit: PassiveLimitPart, steps: Sequence[LivedLimit], hours: float) -> list[_Path]:
    """Take what agrees best with the bracket: an interval that got through must get through in the mix, too."""
    low_s, high_s = limit.survived or 0.0, limit.cut or 0.0
    near = [step for step in steps if low_s <= step.limit_s <= high_s]
    best = max(near, key=lambda step: step.share, default=LivedLimit(1.0, low_s, high_s, (low_s + high_s) / 2, False))
    return [_limited(replace(best, is_told=limit.how != "silent"), "", hours)]


def _open(limit: PassiveLimitPart, hours: float, suffix: str) -> _Path:
    seen = "nothing" if limit.longest_answered is None else format_duration(limit.longest_answered)
    return suffix, [_share(hours), f"    profile: open-path   # no limit seen up to {seen}; beyond that nobody tried"]


def _share(hours: float) -> str:
    return f"    share: {max(0.01, hours):.2f}"


def _mail_by_hour(tables: "Tables", lived: _Lived, days: float) -> list[float]:
    """Return how many mails reach a device in each hour of a day; `days` is how long all devices were seen."""
    ((first_ms, last_ms),) = tables.each("SELECT min(ended_ms), max(ended_ms) FROM lines")
    mails = lived.mails()
    first_s, last_s = (first_ms or 0) / 1000, (last_ms or 0) / 1000
    devices = days * _DAY_S / max(last_s - first_s, 1.0)
    hours_s = [covered_s(hour, first_s, last_s) for hour in range(_HOURS)]
    usual = sum(mails) / days / _HOURS
    return [
        mails[hour] / devices * 3600 / hours_s[hour] if hours_s[hour] >= _ENOUGH_S else usual
        for hour in range(_HOURS)
    ]


def covered_s(hour: int, first_s: float, last_s: float) -> float:
    """Return how much of this hour of all days lies between two times: of each day between, all of it."""
    first_day, last_day = first_s // _DAY_S, last_s // _DAY_S
    if last_day > first_day:
        begins_s = [first_day * _DAY_S + hour * 3600, last_day * _DAY_S + hour * 3600]
        whole_s = (last_day - first_day - 1) * 3600
    else:
        begins_s, whole_s = [first_day * _DAY_S + hour * 3600], 0.0
    return whole_s + sum(max(0.0, min(last_s, begin_s + 3600) - max(first_s, begin_s)) for begin_s in begins_s)
