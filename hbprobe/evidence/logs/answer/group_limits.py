"""The limit of each group of silences (networks, devices, kinds, servers), and what it rests on."""

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hbprobe.evidence.limits import (
    LEAST_ANSWERED,
    LEAST_DEVICES,
    LEAST_HIT,
    LimitStatus,
    PassiveLimit,
    Silences,
    limit_of,
)
from hbprobe.evidence.logs.lines.clocks import AT_ONCE_S
from hbprobe.evidence.logs.lines.sql_tables import Tables
from hbprobe.evidence.logs.silences.following import Followed, Named, followed_of
from hbprobe.evidence.logs.silences.networks import judged_together
from hbprobe.manner import Manner
from hbprobe.records.logs import BoundsPart, PassiveLimitPart

COARSE_S: Final = 1.0
"""Times in IIS's log are whole seconds."""
NOWHERE: Final = "-"
"""The network of requests without a client's address."""
_SURE_SHARE: Final = 0.01
"""Of what is lost in silence so much is surely lost, where a path loses it: mail comes at any time."""
_Judge = Callable[[Silences], PassiveLimit]


def limits_by(tables: Tables, by: str) -> tuple[list[tuple[PassiveLimitPart, PassiveLimit]], list[str]]:
    """Judge each network, device, kind or server, the one with the most devices first.

    Returned, too, is which of them are judged otherwise where other margins are assumed.
    """
    column = "who" if by == "device" else by
    judged = functools.partial(limit_of, coarse_s=COARSE_S, least_devices=1 if by == "device" else LEAST_DEVICES)
    followed = followed_of(tables, (column, "kind"))
    counts = followed.counts(column)
    groups = judged_together(counts) if by == "network" else {name: name for name in counts}
    asked = _longest_asked(tables, column, groups)
    found = []
    for key, mine in _rows_by_group(followed.keys[column], groups):
        limit = judged(followed.chosen(mine))
        stays, rests = _without_each(followed, mine, limit, judged)
        bounds = [_bounds(followed.chosen(mine, unknown), judged) for unknown in ("lost", "answered")]
        if limit.judgement is LimitStatus.NONE_SEEN and any(is_limited(bound) for bound in bounds):
            limit = replace(limit, judgement=LimitStatus.TOO_LITTLE)
        doubtful = () if stays and not rests else _own_doing(followed, mine, limit, rests)
        found.append((_part(by, key, limit, asked.get(key), bounds, (stays, rests, doubtful)), limit))
    found.sort(key=lambda one: (not is_limited(one[0]), -one[1].devices, -one[1].silences, one[0].key))
    return found, _sensitive(tables, column, groups, {part.key: limit for part, limit in found}, judged)


def _rows_by_group(named: Named, groups: Mapping[str, str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Say of each group which silences belong to it."""
    keys = sorted(set(groups.values()))
    place = {key: number for number, key in enumerate(keys)}
    of_name = np.array([place.get(groups.get(name, ""), -1) for name in named.names], np.int64)
    of_row = of_name[named.number] if len(named.number) else named.number
    for key, number in place.items():
        yield key, np.asarray(of_row == number, np.bool_)


def _longest_asked(tables: Tables, column: str, groups: dict[str, str]) -> dict[str, float]:
    """Return it where the log tells it: what a front end cut may have been asked for longer than any other."""
    found: dict[str, float] = {}
    rows = tables.each(f"SELECT {column}, max(asked_s) FROM all_silences WHERE is_told GROUP BY {column}")
    for name, longest in rows:
        group = groups.get(str(name))
        if group is not None:
            found[group] = max(found.get(group, 0.0), float(longest))
    return found


def _bounds(silences: Silences, judged: _Judge) -> BoundsPart:
    limit = judged(silences)
    return BoundsPart(judgement=limit.judgement, survived=limit.survived_s, cut=limit.cut_s)


def is_limited(one: PassiveLimit | PassiveLimitPart | BoundsPart) -> bool:
    """Say whether a timer ends requests there, fixed or not."""
    return one.judgement in ("limit", "several")


def _without_each(
    followed: Followed, mine: NDArray[np.bool_], limit: PassiveLimit, judged: _Judge
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Leave out one kind of device after another: a timer is there for all kinds."""
    if not is_limited(limit):
        return (), ()
    stays, rests = list[str](), list[str]()
    kinds = followed.keys["kind"]
    counts = np.bincount(kinds.number[mine & ~followed.is_unknown], minlength=len(kinds.names))
    common = sorted(np.flatnonzero(counts).tolist(), key=lambda kind: (-counts[kind], kinds.names[kind]))[:8]
    for kind in common if len(common) > 1 else []:
        other = judged(followed.chosen(mine & (kinds.number != kind)))
        (stays if _agree(limit, other) else rests).append(kinds.names[kind])
    return tuple(stays), tuple(rests)


def _own_doing(
    followed: Followed, mine: NDArray[np.bool_], limit: PassiveLimit, rests: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the kinds of devices whose own doing a silent limit may be: what is seen of it, they could do alone."""
    if not is_limited(limit) or limit.how is not Manner.SILENT:
        return ()
    silences, kinds = followed.silences, followed.keys["kind"]
    lost = mine & silences.is_cut & ~silences.is_exact
    if (mine & followed.is_surely_lost).sum() >= max(LEAST_ANSWERED, _SURE_SHARE * lost.sum()):
        return ()
    return rests or tuple(sorted({kinds.names[kind] for kind in kinds.number[lost].tolist()}))


def _agree(one: PassiveLimit, other: PassiveLimit) -> bool:
    """Say whether the other has a limit, too, and at the same time where the one has a single one."""
    if not is_limited(other) or one.judgement is LimitStatus.SEVERAL:
        return is_limited(other)
    low_s, high_s = (
        max(one.survived_s or 0.0, other.survived_s or 0.0),
        min(one.cut_s or math.inf, other.cut_s or math.inf),
    )
    return other.hit >= LEAST_HIT and low_s <= high_s + 2 * COARSE_S


def _sensitive(
    tables: Tables, column: str, groups: dict[str, str], limits: dict[str, PassiveLimit], judged: _Judge
) -> list[str]:
    """Return what is judged otherwise where a device is assumed to ask again in half, or twice, the time."""
    named = {key: limit for key, limit in limits.items() if limit.judgement is LimitStatus.LIMIT}
    changed = set[str]()
    for at_once_s in (AT_ONCE_S / 2, AT_ONCE_S * 2) if named else ():
        followed = followed_of(tables, (column,), at_once_s)
        for key, mine in _rows_by_group(followed.keys[column], groups):
            if key in named and not _agree(named[key], judged(followed.chosen(mine))):
                changed.add(key)
    return sorted(changed)


def _part(
    by: str, key: str, limit: PassiveLimit, asked_s: float | None, bounds: Sequence[BoundsPart],
    kinds: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
) -> PassiveLimitPart:  # fmt: skip
    how = None if limit.survived_s is None else (limit.how or "told")
    stays, rests, doubtful = kinds
    return PassiveLimitPart(
        by=by,
        key=key,
        judgement=limit.judgement.value,
        survived=limit.survived_s,
        cut=limit.cut_s,
        how=how,
        confidence=None if limit.confidence is None else math.floor(limit.confidence * 10_000) / 10_000,
        gain=round(limit.gain, 1),
        eps=round(limit.eps, 4),
        hit=round(limit.hit, 4),
        silences=limit.silences,
        losses=limit.losses,
        devices=limit.devices,
        longest_answered=limit.longest_answered_s,
        longest_asked=asked_s,
        curve=tuple((round(at_s, 1), round(share, 4)) for at_s, share in limit.curve),
        if_unknown_lost=bounds[0],
        if_unknown_answered=bounds[1],
        holds_without=stays,
        rests_on=rests,
        own_doing=doubtful,
    )
