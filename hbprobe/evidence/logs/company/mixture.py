"""A mix for `hbprobe fleet` and `size`, with the shares that logs show: kinds of devices, paths, mail and moves.

All shares are of time: `share` of a path in a mix is the share of the devices that are on it at any time, and one on
a path with a short limit asks more often.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hbprobe.errors import UserError
from hbprobe.evidence.limits import has_unexplained_losses
from hbprobe.evidence.logs.answer.group_limits import NOWHERE
from hbprobe.evidence.logs.company.lived import LEAST_SHARE, NOTHING, LivedLimit, Met, steps_of
from hbprobe.evidence.logs.company.mix_paths import (
    MixPath,
    behind,
    box_of,
    how_of,
    may_be_of_a_box,
    one_limit,
    open_path,
    several,
)
from hbprobe.evidence.logs.silences.following import Named
from hbprobe.evidence.logs.silences.networks import judged_together
from hbprobe.records.logs import PassiveLimitPart
from hbprobe.text import counted, seconds

if TYPE_CHECKING:
    from hbprobe.evidence.logs.lines.sql_tables import Tables

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
    "several limits, or one that varies: in the mix they are fixed, with shares of the time that devices were there"
)
_LEFT_OUT: Final = "left out, for waiting requests die there, and the logs do not tell after which times"
_TOO_LITTLE: Final = "taken for open, for what waited there tells too little"
_BOX: Final = (
    "a limit of {limit} s, which these networks share and none is seen to exceed, is taken for that of a box before "
    "the server, as firewall; each network may have it by itself"
)
_OWN: Final = (
    "taken for the network's own, which size does not lengthen; no network is seen to carry more, so it may be that "
    "of a box before the server, and belong under firewall"
)
_AFTER_LOSS: Final = (
    "after half of the losses devices ask again at once, after the others they wait for a minute first"
)
_MINUTE: Final = "devices that do not ask again at once after a loss wait for a minute first"
_LEAST_LOST: Final = 50
_AT_ONCE_S: Final = 50.0
"""A device that heard nothing asks 5 to 35 s after its interval, or a minute later: `following.MARGIN_S`."""
_ENOUGH_S: Final = 600.0
"""Of an hour of the day: where the logs have less, they do not tell how much mail comes in it."""
_IS_DEVICE: Final = "device IS NOT NULL AND coalesce(device_type, '') NOT LIKE 'TestActiveSyncConnectivity%'"
_LIVED: Final = """
SELECT who, pinging.device IS NOT NULL AS pings, network, kind_of, started_ms / 1000.0 AS started_s,
  CAST(asked_s AS DOUBLE) AS asked_s, CAST(command_status AS DOUBLE) AS command_status, held_s, since_s
FROM all_silences LEFT JOIN (
  SELECT DISTINCT device FROM all_requests WHERE command = 'Ping' AND device IS NOT NULL
) AS pinging ON pinging.device = who
ORDER BY who, started_ms, since_s NULLS LAST, network, kind_of, held_s, asked_s NULLS LAST, command_status NULLS LAST
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
    kinds = _Kinds.of(tables)
    if not kinds.counts and kinds.strange:
        raise UserError("--mix: no device in the logs asks for such intervals as a known one does")
    if not kinds.counts:
        raise UserError(
            "--mix: nothing in the logs tells for which intervals devices ask: give the back end's log, W3SVC2"
        )
    lived = _Lived.of(tables)
    found = _paths(limits, lived)
    if not found.paths:
        raise UserError(f"--mix: the logs do not tell what any network carries: {'; '.join(found.assumed)}")
    days = max(lived.stay_s.sum() / _DAY_S, 1e-6)
    (by_hour, unseen), at_once = _mail_by_hour(tables, lived), lived.at_once()
    assumed = (
        *kinds.assumed(),
        *found.assumed,
        *(
            [f"as much mail in the hours of the day that the logs do not have as in the others: {unseen} of 24"]
            if unseen
            else []
        ),
        *lived.moves_unseen(),
        _AFTER_LOSS if at_once is None else _MINUTE,
    )
    lines = [_HEAD + "devices:"]
    counts = sorted(kinds.counts.items(), key=lambda one: (-one[1], one[0]))
    lines += [f"  {kind}: {number}" for kind, number in counts]
    if found.box is not None:
        box = found.box
        lines += ["", "# Networks share it.", "firewall:", f"  limit: {box.limit_s:g}", f"  how: {how_of(box)}"]
    names = set[str]()
    lines += ["", "# Shares are hours that devices spent there.", "paths:"]
    for path in found.paths:
        lines += [f"  - name: {_name(path.network + path.suffix, names)}", *path.lines()]
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
        "# Assumed." if at_once is None else "# Counted where devices heard nothing; the minute is assumed.",
        "after_loss:",
        f"  at_once: {0.5 if at_once is None else at_once:.2g}",
        "  wait: 1min",
        "",
        "# Repeated by fleet and size.",
        "assumed:",
        *(f"  - {_quoted(one)}" for one in assumed),
    ]
    return MixOfLogs("\n".join(lines) + "\n", kinds.strange, assumed)


def _quoted(text: str) -> str:
    """Quote it for YAML, which takes what JSON does, but no character in two halves, as JSON escapes an emoji."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)


@dataclass(frozen=True, slots=True)
class _Kinds:
    """How many devices there are of which kind."""

    counts: Mapping[str, int]
    strange: int
    """Which ask for intervals as no known one does."""
    untold: int
    """Of which no Ping tells an interval."""

    @classmethod
    def of(cls, tables: "Tables") -> Self:
        sql = f"""
            SELECT array_agg(DISTINCT heartbeat_s), concat_ws(' ', min(device_type), min(user_agent))
            FROM all_requests WHERE heartbeat_s IS NOT NULL AND command = 'Ping' AND {_IS_DEVICE}
            GROUP BY device
            """
        found = [kind_of(heartbeats, name) for heartbeats, name in tables.each(sql)]
        ((devices,),) = tables.each(f"SELECT count(DISTINCT device) FROM all_requests WHERE {_IS_DEVICE}")
        counts = Counter(kind for kind in found if kind is not None)
        return cls(counts, found.count(None), devices - len(found))

    def assumed(self) -> Iterator[str]:
        """Say which devices are not in the mix, or may be others."""
        if self.strange:
            yield f"left out, for no known device asks for such intervals: {counted(self.strange, 'device')}"
        if self.untold:
            yield (
                "left out, for no Ping tells for which interval they ask (they wait with Sync, do not wait, or are "
                f"turned away): {counted(self.untold, 'device')}"
            )
        if early := self.counts.get("android-4.0"):
            yield (
                "taken for android-4.0, for they asked for 1010 s at most; where nothing longer gets through, "
                f"android-4.1, which would ask for 1790 s, does so, too: {counted(early, 'device')}"
            )


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

    @property
    def pings(self) -> NDArray[np.bool_]:
        """Which are of devices that wait with Ping, whose status alone tells of mail."""
        return np.asarray(self.column["pings"], np.bool_)

    def at_once(self) -> float | None:
        """Return after which share of losses that nothing told of devices asked again at once; None for too few."""
        late_s = (self.column["since_s"] - self.column["asked_s"])[self.column["kind_of"] == "silent"]
        return float((late_s <= _AT_ONCE_S).mean()) if len(late_s) >= _LEAST_LOST else None

    def mails(self) -> list[int]:
        """Count the answers of each hour of the day that mail ended; one that did not arrive is given again."""
        ended = (self.column["kind_of"] == "answered") & (self.column["command_status"] == 2) & self.pings
        hours = (self.column["started_s"] + np.nan_to_num(self.column["held_s"]))[ended] // 3600 % _HOURS
        return [int(mails) for mails in np.bincount(hours.astype(np.int64), minlength=_HOURS)]

    def moves_unseen(self) -> Iterator[str]:
        """Say where devices may move, and the logs do not tell."""
        known = [name for name in self.network.names if name != NOWHERE]
        if not known:
            yield "that no device moves: the logs have no addresses of devices"
        elif len(known) == 1:
            yield f"that no device moves: the logs have one network, {known[0]}, and moves within it are not seen"

    def moves(self) -> float:
        """Return how many moves there were, each to a network that is drawn by the shares of time.

        Only those to another network than before are seen in a log.
        """
        known = np.array([name != NOWHERE for name in self.network.names], np.bool_)[self.network.number]
        who, network = self.who.number[known], self.network.number[known]
        seen = int(np.count_nonzero((who[1:] == who[:-1]) & (network[1:] != network[:-1])))
        times_s = np.bincount(network, self.stay_s[known])
        again = float(((times_s / max(times_s.sum(), 1e-6)) ** 2).sum())
        return seen / max(1.0 - again, 1e-3)


@dataclass(frozen=True, slots=True)
class _Paths:
    """The paths of a mix, and what is assumed of them."""

    paths: Sequence[MixPath]
    box: LivedLimit | None
    """Before the server, where networks share a limit that none exceeds."""
    assumed: tuple[str, ...]


def _paths(limits: Sequence[PassiveLimitPart], lived: _Lived) -> _Paths:
    paths, several_limits, left_out, too_little = list[MixPath](), list[str](), list[str](), list[str]()
    groups = lived.grouped()
    for limit in limits:
        if (those := groups.get(limit.key)) is None:
            continue
        hours = float(lived.stay_s[those].sum()) / 3600
        if limit.judgement in ("limit", "several") or has_unexplained_losses(limit):
            steps, rest = steps_of(lived.met(those))
            is_one = limit.judgement == "limit"
            found = one_limit(limit, steps, hours) if is_one else several(limit, steps, rest, hours)
            if not found:
                left_out.append(limit.key)
            elif not is_one:
                several_limits.append(f"{limit.key} ({_shares_words(steps, rest)})")
            paths += found
        else:
            paths.append(open_path(limit, hours))
            if limit.judgement == "too-little":
                too_little.append(limit.key)
    doubtful = may_be_of_a_box(paths, max((limit.longest_answered or 0.0 for limit in limits), default=0.0))
    box = box_of(doubtful)
    if box is not None:
        paths = behind(box, paths, doubtful)
    shared = [path.network for path in doubtful] if box is not None else []
    own = [f"{path.network} ({path.limit.limit_s:g} s)" for path in doubtful if path.limit and box is None]
    told = (
        (_SEVERAL, several_limits),
        (_LEFT_OUT, left_out),
        (_TOO_LITTLE, too_little),
        (_BOX.format(limit=f"{box.limit_s:g}" if box else ""), shared),
        (_OWN, own),
    )
    return _Paths(paths, box, tuple(f"{words}: {_some(keys)}" for words, keys in told if keys))


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
    return ", ".join(keys[:_MOST_NAMED]) + more


def _shares_words(steps: Sequence[LivedLimit], rest: float) -> str:
    whole = rest + sum(step.share for step in steps)
    said = [f"{step.share / whole:.0%} {seconds(step.limit_s)} s" for step in steps]
    return ", ".join([*said, f"{rest / whole:.0%} none seen"] if rest >= LEAST_SHARE else said)


def _name(text: str, taken: set[str]) -> str:
    plain = "".join(letter if letter.isalnum() else "-" for letter in text.lower()).strip("-") or "unknown"
    name = next(name for number in count(1) if (name := plain if number == 1 else f"{plain}-{number}") not in taken)
    taken.add(name)
    return name


def _mail_by_hour(tables: "Tables", lived: _Lived) -> tuple[list[float], int]:
    """Return how many mails reach a device in each hour of a day, and how many hours the logs do not have."""
    days = max(float(lived.stay_s[lived.pings].sum()) / _DAY_S, 1e-6)
    ((first_ms, last_ms),) = tables.each("SELECT min(ended_ms), max(ended_ms) FROM lines")
    mails = lived.mails()
    first_s, last_s = (first_ms or 0) / 1000, (last_ms or 0) / 1000
    devices = days * _DAY_S / max(last_s - first_s, 1.0)
    hours_s = [covered_s(hour, first_s, last_s) for hour in range(_HOURS)]
    usual = sum(mails) / days / _HOURS
    by_hour = [
        mails[hour] / devices * 3600 / hours_s[hour] if hours_s[hour] >= _ENOUGH_S else usual
        for hour in range(_HOURS)
    ]
    return by_hour, sum(hour_s < _ENOUGH_S for hour_s in hours_s)


def covered_s(hour: int, first_s: float, last_s: float) -> float:
    """Return how much of this hour of all days lies between two times: of each day between, all of it."""
    first_day, last_day = first_s // _DAY_S, last_s // _DAY_S
    if last_day > first_day:
        begins_s = [first_day * _DAY_S + hour * 3600, last_day * _DAY_S + hour * 3600]
        whole_s = (last_day - first_day - 1) * 3600
    else:
        begins_s, whole_s = [first_day * _DAY_S + hour * 3600], 0.0
    return whole_s + sum(max(0.0, min(last_s, begin_s + 3600) - max(first_s, begin_s)) for begin_s in begins_s)
