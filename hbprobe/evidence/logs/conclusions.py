"""From logs that were read to what they show: limits, events, findings, and what to do."""

import functools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hbprobe.duration import format_duration
from hbprobe.evidence.events.entry import POOL, RECYCLES, AverageTooLow, EventEntry, average_too_low, is_of_pool
from hbprobe.evidence.limits import (
    LEAST_DEVICES,
    LimitStatus,
    PassiveLimit,
    Silences,
    has_unexplained_losses,
    limit_of,
    shared,
)
from hbprobe.evidence.logs.clocks import AT_ONCE_S
from hbprobe.evidence.logs.following import Followed, Named, followed_of
from hbprobe.evidence.logs.http_tables import ABANDONED, GONE, IDLE, SLOW, TURNED_AWAY
from hbprobe.evidence.logs.log_sources import LogKind
from hbprobe.evidence.logs.networks import judged_together
from hbprobe.evidence.logs.reports import reports, utc
from hbprobe.evidence.logs.windows import SAME_S, SAMPLES, Emptied, Rebuilt, Servers, Windows, edge_s, rebuild
from hbprobe.records.logs import (
    NOTHING_READ,
    BadLinePart,
    BoundsPart,
    CoveragePart,
    EventPart,
    LogEvidence,
    LogFindingPart,
    NotReadPart,
    PassiveLimitPart,
    SourcePart,
    SpanPart,
    WindowsPart,
)
from hbprobe.text import counted, seconds

if TYPE_CHECKING:
    from hbprobe.evidence.logs.request import OpenLogs
    from hbprobe.exchange.settings import Settings

_NOWHERE: Final = "-"
"""The network of requests without a client's address."""
_COARSE_S: Final = 1.0
_MOST_EVENTS: Final = 500
_MOST_SET_BACK: Final = 5
_MOST_NAMED: Final = 5
_PATH_NOTE: Final = (
    "a limit is read off what devices did next, with margins that are assumed (docs/statistics.md): confirm it with "
    "hbprobe probe before a box is changed for it"
)
_Judge = Callable[[Silences], PassiveLimit]
_COUNTED: Final = {
    "blocked": "blocked",
    "throttled": "throttled",
    "provisioning": "provisioning",
    "login_loops": "logins",
    "excessive": "excessive",
}


def evidence_of(logs: "OpenLogs") -> LogEvidence:
    """Tell everything."""
    (restarts, pools_untold), servers = _restarts(logs), _servers(logs)
    with ThreadPoolExecutor(1, "rebuilding windows") as beside:
        rebuilding = beside.submit(
            _windows, logs, restarts, servers
        )  # a loop of Python's: the database has time for the others
        span, coverage, counts, httperr = _span(logs), _coverage(logs), _counts(logs), _httperr(logs)
        limits, sensitivity = _limits(logs)
        windows = rebuilding.result()
    events, both = _events(logs, windows, servers)
    network_limits = [one for _, one in limits]
    together = shared(network_limits) if logs.asked.by.value == "network" else None
    parts = tuple(part for part, _ in limits)
    findings = [
        *_nothing_found(logs, coverage),
        *_findings(parts, together, windows, events, both, counts, coverage, is_held_against=bool(logs.event_files)),
        *_httperr_findings(httperr),
    ]
    return LogEvidence(
        by=logs.asked.by.value,
        span=span,
        sources=tuple(_sources(logs)),
        not_read=tuple(NotReadPart(path=path, reason=reason) for path, reason in logs.not_read),
        coverage=coverage,
        limits=parts,
        shared_by_all=together,
        sensitivity=tuple(sensitivity),
        windows=WindowsPart(
            samples=windows.samples,
            full=windows.full,
            lowest_s=windows.lowest_s,
            judged_until=utc(max(windows.judged_until_s.values()) * 1000) if windows.judged_until_s else None,
            rebuilt=len(windows.events),
            logged=sum(event.logged for event in events),
            both=both,
        ),
        events=tuple(events[:_MOST_EVENTS]),
        counts=counts,
        httperr=httperr,
        findings=tuple(sorted(findings, key=lambda finding: finding.severity != "problem")),
        notes=(
            *_notes(logs, parts, coverage, windows),
            *(_note_restarts(restarts, pools_untold, servers, windows) if windows.samples else ()),
        ),
    )


def _span(logs: "OpenLogs") -> SpanPart | None:
    ((first, last),) = logs.tables.each("SELECT min(ended_ms), max(ended_ms) FROM lines")
    return None if first is None else SpanPart(first=utc(first) or "", last=utc(last) or "")


def _sources(logs: "OpenLogs") -> Iterator[SourcePart]:
    for read in logs.reads:
        bad = tuple(
            BadLinePart(line=one.line, offset=None if one.offset < 0 else one.offset, reason=one.reason)
            for one in read.bad_lines
        )
        yield SourcePart(
            path=read.name, kind=read.kind, encoding=read.encoding, lines=read.lines, requests=read.requests,
            mended=read.mended, bad=read.bad, bad_lines=bad,
        )  # fmt: skip
    for name, kind, mine, whole in logs.event_files:
        yield SourcePart(path=name, kind=kind, lines=whole, requests=mine)


def _coverage(logs: "OpenLogs") -> CoveragePart:
    ((requests, devices, users),) = logs.tables.each(
        "SELECT count(*), count(DISTINCT device), count(DISTINCT user_name) FROM all_requests"
    )
    kinds = dict(logs.tables.each("SELECT kind_of, count(*) FROM all_silences GROUP BY kind_of"))
    ((told, taken),) = logs.tables.each(
        "SELECT count(CASE WHEN is_told THEN 1 END), count(CASE WHEN NOT is_told THEN asked_s END) FROM all_silences"
    )
    ((lost,),) = logs.tables.each(
        f"SELECT count(*) FROM all_silences WHERE kind_of IN ('told', 'silent') AND network = '{_NOWHERE}'"
    )
    each = {
        name: kinds.get(name, 0) for name in ("answered", "told", "silent", "moved", "unknown", "failed", "refused")
    }
    return CoveragePart(
        requests=requests, devices=devices, users=users, waits=sum(kinds.values()), **each, heartbeat_from_blob=told,
        heartbeat_from_time_taken=taken, lost_without_address=lost,
    )  # fmt: skip


# Limits


def _limits(logs: "OpenLogs") -> tuple[list[tuple[PassiveLimitPart, PassiveLimit]], list[str]]:
    by = logs.asked.by.value
    column = "who" if by == "device" else by
    judged = functools.partial(limit_of, coarse_s=_COARSE_S, least_devices=1 if by == "device" else LEAST_DEVICES)
    followed = followed_of(logs.tables, (column, "kind"))
    counts = followed.counts(column)
    groups = judged_together(counts) if by == "network" else {name: name for name in counts}
    asked = _longest_asked(logs, column, groups)
    found = []
    for key, mine in _rows_by_group(followed.keys[column], groups):
        limit = judged(followed.chosen(mine))
        stays, rests = _without_each(followed, mine, limit, judged)
        bounds = [_bounds(followed.chosen(mine, unknown), judged) for unknown in ("lost", "answered")]
        if limit.judgement is LimitStatus.NONE_SEEN and any(_is_limited(bound) for bound in bounds):
            limit = replace(limit, judgement=LimitStatus.TOO_LITTLE)
        found.append((_part(by, key, limit, asked.get(key), bounds, stays, rests), limit))
    found.sort(key=lambda one: (-one[1].devices, -one[1].silences, one[0].key))
    return found, _sensitive(logs, column, groups, {part.key: limit for part, limit in found}, judged)


def _rows_by_group(named: Named, groups: Mapping[str, str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Say of each group which silences belong to it."""
    keys = sorted(set(groups.values()))
    place = {key: number for number, key in enumerate(keys)}
    of_name = np.array([place.get(groups.get(name, ""), -1) for name in named.names], np.int64)
    of_row = of_name[named.number] if len(named.number) else named.number
    for key, number in place.items():
        yield key, np.asarray(of_row == number, np.bool_)


def _longest_asked(logs: "OpenLogs", column: str, groups: dict[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    rows = logs.tables.each(
        f"SELECT {column}, max(asked_s) FROM all_silences WHERE asked_s IS NOT NULL GROUP BY {column}"
    )
    for name, longest in rows:
        group = groups.get(str(name))
        if group is not None:
            found[group] = max(found.get(group, 0.0), float(longest))
    return found


def _bounds(silences: Silences, judged: _Judge) -> BoundsPart:
    limit = judged(silences)
    return BoundsPart(judgement=limit.judgement, survived=limit.survived_s, cut=limit.cut_s)


def _is_limited(one: PassiveLimitPart | BoundsPart) -> bool:
    return one.judgement in ("limit", "several")


def _without_each(
    followed: Followed, mine: NDArray[np.bool_], limit: PassiveLimit, judged: _Judge
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Leave out one kind of device after another: a timer is there for all kinds."""
    if limit.judgement is not LimitStatus.LIMIT:
        return (), ()
    stays, rests = list[str](), list[str]()
    kinds = followed.keys["kind"]
    counts = np.bincount(kinds.number[mine & ~followed.is_unknown], minlength=len(kinds.names))
    common = sorted(np.flatnonzero(counts).tolist(), key=lambda kind: (-counts[kind], kinds.names[kind]))[:8]
    for kind in common if len(common) > 1 else []:
        other = judged(followed.chosen(mine & (kinds.number != kind)))
        (stays if _agree(limit, other) else rests).append(kinds.names[kind])
    return tuple(stays), tuple(rests)


def _agree(one: PassiveLimit, other: PassiveLimit) -> bool:
    if one.judgement is not other.judgement:
        return False
    low_s, high_s = (
        max(one.survived_s or 0.0, other.survived_s or 0.0),
        min(one.cut_s or math.inf, other.cut_s or math.inf),
    )
    return low_s <= high_s + 2 * _COARSE_S


def _sensitive(
    logs: "OpenLogs", column: str, groups: dict[str, str], limits: dict[str, PassiveLimit], judged: _Judge
) -> list[str]:
    """Return what is judged otherwise where a device is assumed to ask again in half, or twice, the time."""
    named = {key: limit for key, limit in limits.items() if limit.judgement is LimitStatus.LIMIT}
    changed = set[str]()
    for at_once_s in (AT_ONCE_S / 2, AT_ONCE_S * 2) if named else ():
        followed = followed_of(logs.tables, (column,), at_once_s)
        for key, mine in _rows_by_group(followed.keys[column], groups):
            if key in named and not _agree(named[key], judged(followed.chosen(mine))):
                changed.add(key)
    return sorted(changed)


def _part(
    by: str, key: str, limit: PassiveLimit, asked_s: float | None, bounds: Sequence[BoundsPart],
    stays: tuple[str, ...], rests: tuple[str, ...],
) -> PassiveLimitPart:  # fmt: skip
    how = None if limit.survived_s is None else (limit.how or "told")
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
    )


# Event 1040


def _restarts(logs: "OpenLogs") -> tuple[list[Emptied], int]:
    """Return when ActiveSync's pool was recycled, and how many recycles are of a pool that is not told.

    These are taken for another pool's: Exchange has a dozen, and a window that was not emptied is right again after
    200 requests, while one that is emptied for nothing loses its events.
    """
    found, untold = set[Emptied](), 0
    for entry in logs.entries:
        if entry.id in RECYCLES and entry.at_s is not None:
            is_ours = is_of_pool(entry)
            untold += is_ours is None
            if is_ours:
                found.add(Emptied(entry.at_s, entry.computer))
    sql = (
        "SELECT ended_ms / 1000.0, coalesce(server_ip, ''), lower(queue) FROM httperr "
        f"WHERE reason = '{ABANDONED}' AND ended_ms IS NOT NULL GROUP BY 1, 2, 3"
    )
    for at_s, server, queue in logs.tables.each(sql):
        untold += queue is None
        if queue == POOL.lower():
            found.add(Emptied(float(at_s), server))
    return sorted(found, key=lambda one: (one.at_s, one.server)), untold


def _servers(logs: "OpenLogs") -> Servers:
    found: dict[str, set[str]] = {}
    sql = "SELECT DISTINCT server, server_ip FROM lines WHERE server_ip IS NOT NULL AND server <> server_ip"
    for server, address in logs.tables.each(sql):
        found.setdefault(server, set()).add(address)
    return Servers({server: frozenset(addresses) for server, addresses in found.items()})


def _windows(logs: "OpenLogs", restarts: Sequence[Emptied], servers: Servers) -> Windows:
    ends = logs.tables.each(
        "SELECT coalesce(back_end, server) AS server, max(ended_ms) / 1000.0 FROM all_requests "
        "GROUP BY coalesce(back_end, server)"
    )
    ends_s = {server: float(end) for server, end in ends if server is not None and end is not None}
    columns = logs.tables.arrays(SAMPLES).values()  # which takes half the time of rows
    samples = zip(*(column.tolist() for column in columns), strict=True)
    return rebuild(samples, ends_s, logs.asked.settings, restarts, servers)


def _events(logs: "OpenLogs", windows: Windows, servers: Servers) -> tuple[list[EventPart], int]:
    """Hold the rebuilt events against the logged ones."""
    logged = [(entry, said) for entry in logs.entries if (said := average_too_low(entry)) is not None]
    same = _same_events(windows.events, logged, servers, logs.asked.settings)
    found = [
        EventPart(
            at=None if entry.at_s is None else utc(entry.at_s * 1000), server=entry.computer, command=said.command,
            average_s=said.average_s, threshold_s=said.threshold_s, rebuilt=number in same, logged=True,
        )
        for number, (entry, said) in enumerate(logged)
    ]  # fmt: skip
    of_both = set(same.values())
    found += [
        EventPart(
            at=utc(event.at_s * 1000), server=event.server, command=event.command, average_s=event.average_s,
            threshold_s=event.threshold_s, rebuilt=True, logged=False,
        )
        for number, event in enumerate(windows.events) if number not in of_both
    ]  # fmt: skip
    return sorted(found, key=lambda event: event.at or ""), len(same)


def _same_events(
    rebuilt: Sequence[Rebuilt], logged: Sequence[tuple[EventEntry, AverageTooLow]], servers: Servers,
    settings: "Settings",
) -> dict[int, int]:  # fmt: skip
    """Return which logged event is which rebuilt one, the nearest first."""
    near = list[tuple[float, int, int, int]]()
    for number, (entry, said) in enumerate(logged):
        if entry.at_s is None or not entry.is_utc:
            continue
        first = bisect_left(rebuilt, entry.at_s - SAME_S, key=lambda event: event.at_s)
        last = bisect_right(rebuilt, entry.at_s + SAME_S, key=lambda event: event.at_s)
        for place in range(first, last):
            event = rebuilt[place]
            apart_s = 0 if said.average_s is None else abs(said.average_s - event.average_s)
            if (
                said.command in (None, event.command)
                and apart_s <= edge_s(settings)
                and servers.are_one(event.server, entry.computer) is not False
            ):
                near.append((abs(event.at_s - entry.at_s), apart_s, number, place))
    same = dict[int, int]()
    taken = set[int]()
    for _, _, number, place in sorted(near):
        if number not in same and place not in taken:
            same[number] = place
            taken.add(place)
    return same


# Findings


def _counts(logs: "OpenLogs") -> dict[str, int]:
    known = reports()
    counts = {}
    for name, report in _COUNTED.items():
        found = known[report].sql.rstrip()  # a row for each device and user: a device may have several
        sql = f"SELECT count(DISTINCT coalesce(device, user_name, '-')) FROM ({found}) AS found"
        ((counts[name],),) = logs.tables.each(sql)
    return counts


def _nothing_found(logs: "OpenLogs", coverage: CoveragePart) -> Iterator[LogFindingPart]:
    if logs.nothing_read is not None:
        yield LogFindingPart(code=NOTHING_READ, severity="problem", text=logs.nothing_read)
    elif not coverage.requests and not logs.entries:
        what = "line" if logs.reads else "event"
        when = "" if logs.asked.since is None and logs.asked.until is None else " of the time that was asked for"
        yield LogFindingPart(code="no-activesync", severity="note", text=f"no {what}{when} tells of ActiveSync")


def _findings(
    limits: Sequence[PassiveLimitPart], together: tuple[float, float] | None, windows: Windows,
    events: Sequence[EventPart],
    both: int, counts: dict[str, int], coverage: CoveragePart, *, is_held_against: bool,
) -> Iterator[LogFindingPart]:  # fmt: skip
    if together is not None:
        text = f"all networks share {bracket_words(*together)}: the box is on your side of them, before the server"
        yield LogFindingPart(code="shared-limit", severity="problem", text=text)
    limited = [limit for limit in limits if _is_limited(limit)]
    if limited and limited[0].by == "device":
        text = (
            f"{counted(len(limited), 'device')} with waiting requests that die after some time, as the table has it; "
            "what one device shows may be its own doing (switched off, out of reach): --by network tells of paths"
        )
        yield LogFindingPart(code="device-limits", severity="problem", text=text)
    else:
        for limit in limited:
            yield LogFindingPart(code="path-limit", severity="problem", text=_limit_finding(limit))
    for limit in limits:
        if has_unexplained_losses(limit):
            yield LogFindingPart(code="path-losses", severity="problem", text=_losses_finding(limit))
    yield from _event_findings(windows, events, both, is_held_against=is_held_against)
    for code, words in (
        ("blocked", "blocked or in quarantine"),
        ("throttled", "slowed down or turned away by Exchange"),
        ("provisioning", "not through provisioning (449, or status 142 to 144)"),
        ("login_loops", "refused at login ten times or more in a row"),
        ("excessive", "above 60 requests in a minute"),
    ):
        if counts[code]:
            text = f"{counted(counts[code], 'device')} {words}: hbprobe logs ... --report {_COUNTED[code]}"
            yield LogFindingPart(code=code.replace("_", "-"), severity="note", text=text)
    if coverage.failed:
        text = (
            f"{counted(coverage.failed, 'waiting request')} ended with an HTTP error, which says nothing of the "
            f"networks: "
            "hbprobe logs ... --report fixed-times"
        )
        yield LogFindingPart(code="http-errors", severity="note", text=text)


def bracket_words(low_s: float, high_s: float) -> str:
    """Say between which times, in seconds."""
    return f"{seconds(low_s)} to {seconds(high_s)} s" if low_s != high_s else f"{seconds(low_s)} s"


def sure_words(confidence: float) -> str:
    """Say how sure, and never that it is certain."""
    return ">99.9 %" if confidence > 0.999 else f"{100 * confidence:.1f} %"


def _limit_finding(limit: PassiveLimitPart) -> str:
    low_s, high_s = limit.survived or 0.0, limit.cut or 0.0
    manner = "in silence" if limit.how == "silent" else "and devices are told (RST, FIN or a status)"
    who = _who(limit)
    needed = max(limit.longest_asked or 0.0, high_s) + 60
    mend = f"its idle timer must be above {format_duration(needed)} for what devices ask for there"
    if limit.judgement == "several":
        return (
            f"{who}several limits, or one that varies; losses set in at {bracket_words(low_s, high_s)}, {manner}: "
            "see the curve in --json"
        )
    sure = f" ({sure_words(limit.confidence)} sure)" if limit.confidence is not None else ""
    return f"{who}waiting requests die at {bracket_words(low_s, high_s)}{sure}, {manner}; {mend}"


def _losses_finding(limit: PassiveLimitPart) -> str:
    moved = ", or moved to another network," if limit.by == "network" and limit.key == _NOWHERE else ""
    return (
        f"{_who(limit)}{limit.losses} of {counted(limit.silences, 'waiting request')} were lost{moved}: more than "
        "accident explains, and at no time that tells a limit from devices that were off"
    )


def _who(limit: PassiveLimitPart) -> str:
    if limit.by == "network" and limit.key == _NOWHERE:
        return "on networks that the log does not tell, of which there may be several: "
    return f"{limit.key}: "


def _event_findings(
    windows: Windows, events: Sequence[EventPart], both: int, *, is_held_against: bool
) -> Iterator[LogFindingPart]:
    rebuilt, logged = len(windows.events), sum(event.logged for event in events)
    if rebuilt or logged:
        averages = sorted(event.average_s for event in events if event.average_s is not None)
        lowest = ""
        if averages:
            between = f"averages from {averages[0]} to {averages[-1]} s"
            lowest = f", with {between if averages[0] != averages[-1] else f'an average of {averages[0]} s'}"
        times = f"{counted(rebuilt, 'time')} by the requests in the log"
        if is_held_against:
            times += f", {logged} logged, {both} of them the same"
        if not windows.samples:
            times = f"{counted(logged, 'time')} logged, and no log has the intervals that led to it"
        text = f"event 1040: {times}{lowest}"
        yield LogFindingPart(code="event-1040", severity="problem", text=text)
    elif windows.full:
        text = f"event 1040 does not fire: the lowest average is {windows.lowest_s} s"
        yield LogFindingPart(code="event-1040", severity="note", text=text)


def _httperr(logs: "OpenLogs") -> dict[str, int]:
    sql = "SELECT coalesce(reason, '-') AS name, count(*) FROM httperr GROUP BY 1 ORDER BY 2 DESC, 1"
    return dict(logs.tables.each(sql))


def _httperr_findings(httperr: Mapping[str, int]) -> Iterator[LogFindingPart]:
    """Say what HTTP.sys's log tells of; a reason that is not known here stands in the report only."""
    known: tuple[tuple[tuple[str, ...], Literal["problem", "note"], str], ...] = (
        ((IDLE,), "note", "idle after an answer, which is normal and no evidence of the path"),
        (GONE, "note", "with a request whose client was gone before its answer"),
        (SLOW, "note", "with a request that came too slowly"),
        ((ABANDONED,), "note", "with a request in a worker process that ended or was recycled"),
        (TURNED_AWAY, "problem", "with a request that it turned away: the pool is stopped, or has too much to do"),
    )
    for reasons, severity, words in known:
        found = {reason: httperr[reason] for reason in reasons if reason in httperr}
        if found:
            what = f"HTTP.sys ended {counted(sum(found.values()), 'connection')} {words} ({', '.join(found)})"
            text = f"{what}: hbprobe logs ... --report httperr"
            yield LogFindingPart(code="httperr", severity=severity, text=text)


def _notes(
    logs: "OpenLogs", limits: Sequence[PassiveLimitPart], coverage: CoveragePart, windows: Windows
) -> Iterator[str]:
    yield from logs.notes
    if any(_is_limited(limit) for limit in limits):
        yield _PATH_NOTE
    hanging = [
        one
        for one in limits
        if one.judgement == "too-little"
        and any(bound is not None and _is_limited(bound) for bound in (one.if_unknown_lost, one.if_unknown_answered))
    ]
    if hanging:
        named = ", ".join(one.key for one in hanging[:_MOST_NAMED])
        more = f" and {len(hanging) - _MOST_NAMED} more" if len(hanging) > _MOST_NAMED else ""
        yield (
            f"no limit is told of {named}{more}, but if each request of which nothing is known there was lost, or "
            "each answered, there would be one (if_unknown_lost and if_unknown_answered in --json): it cannot be told"
        )
    open_ended = [limit for limit in limits if limit.judgement == "none-seen" and limit.longest_asked]
    if open_ended:
        longest = max(limit.longest_asked or 0.0 for limit in open_ended)
        yield (
            f"where no limit was seen, devices asked for {seconds(longest)} s at most: what is longer nobody tried, "
            "and the log cannot tell of it"
        )
    if windows.samples:
        yield (
            f"of the last {logs.asked.settings.max_heartbeat_s} s of each server's log event 1040 is not judged: "
            f"requests that "
            "still waited have no line; the first window begins with the log, which Exchange's did not"
        )
    if coverage.waits and not coverage.heartbeat_from_blob:
        yield (
            "no line has Exchange's own text (Log=): since 2013 it is in the back end's log, W3SVC2; without it "
            "intervals are "
            "taken from the time that answers took, and event 1040 cannot be rebuilt"
        )
    yield from _note_time_taken(logs)
    yield from _note_heads(logs)
    yield from _note_set_back(logs)
    yield from _note_clocks(logs)
    yield from _note_balancer(logs, coverage)


def _note_restarts(
    restarts: Sequence[Emptied], pools_untold: int, servers: Servers, windows: Windows
) -> Iterator[str]:
    if pools_untold:
        yield (
            f"{counted(pools_untold, 'recycle')} of a worker process without its pool's name: taken for another "
            f"pool's than {POOL}, so Exchange's windows went on"
        )
    unsure, elsewhere = set[str](), set[str]()
    for name in {one.server for one in restarts}:
        are = [servers.are_one(server, name) for server in windows.judged_until_s]
        if not any(are):
            (unsure if None in are else elsewhere).add(name or "a server without a name")
    if unsure:
        yield (
            f"{POOL} was recycled at {', '.join(sorted(unsure))}, and the IIS logs call servers otherwise: the "
            "windows of each server that it may be began anew then"
        )
    if elsewhere:
        yield (
            f"{POOL} was recycled at {', '.join(sorted(elsewhere))}, which no line of the IIS logs is of: no window "
            "began anew"
        )


def _note_time_taken(logs: "OpenLogs") -> Iterator[str]:
    of_requests = [read for read in logs.reads if read.kind is LogKind.W3C and read.requests]
    without = [read.name for read in of_requests if "time-taken" not in read.fields]
    if without:
        others = f" and {counted(len(without) - 1, 'other log')} of {len(of_requests)}" if len(without) > 1 else ""
        which = "the log has" if len(without) == len(of_requests) else f"{without[0]}{others}: there is"
        yield f"{which} no time-taken: switch it on in IIS; without it nothing can be said of limits"


def _note_heads(logs: "OpenLogs") -> Iterator[str]:
    again = sum(len(read.heads_again) for read in logs.reads)
    if again:
        yield (
            f"{counted(again, 'head')} in the middle of a log: a restart or a change of fields; after a restart "
            f"Exchange's windows "
            "begin anew, which is followed only where the event log tells of it"
        )
    if any(read.is_local_time for read in logs.reads):
        yield "some logs (Advanced Logging) have local time; it was taken as UTC"


def _note_set_back(logs: "OpenLogs") -> Iterator[str]:
    places: dict[tuple[str, int, int], list[str]] = {}
    for read in logs.reads:
        for one in read.set_back:
            places.setdefault((one.server, one.from_s, one.to_s), []).append(f"{read.name}, line {one.line}")
    for (server, from_s, to_s), where in list(places.items())[:_MOST_SET_BACK]:
        yield (
            f"the time goes back by {format_duration(from_s - to_s)}, from {utc(from_s * 1000)} to "
            f"{utc(to_s * 1000)} ({'; '.join(where)}): the clock of {server} was set back, or another program put "
            "the lines in this order; requests of the time that is there twice are unknown, some may count twice, "
            "and in which order event 1040 took them cannot be told"
        )
    if len(places) > _MOST_SET_BACK:
        yield f"the time goes back at {counted(len(places) - _MOST_SET_BACK, 'more place')}: the same holds there"
    for read in logs.reads:
        if read.is_sorted_otherwise:
            yield (
                f"{read.name}: its lines do not stand in the order of time, in which IIS writes them: another "
                "program sorted them, perhaps, and whether a clock was set cannot be told"
            )


def _note_clocks(logs: "OpenLogs") -> Iterator[str]:
    for pair in logs.clocks:
        if pair.ahead_s is not None and abs(pair.ahead_s) >= _COARSE_S:
            ahead, behind = (pair.other, pair.one) if pair.ahead_s > 0 else (pair.one, pair.other)
            yield (
                f"the clock of {ahead} seems to be {seconds(abs(pair.ahead_s))} s ahead of that of {behind}: this is "
                "reckoned with where a device went from one to the other"
            )
    ((untimed,),) = logs.tables.each("SELECT count(*) FROM all_silences WHERE kind_of = 'unknown' AND NOT is_timed")
    if untimed:
        yield (
            f"{counted(untimed, 'waiting request')} with the next at another server, of which it cannot be told "
            "whether its clock agrees with the first one's: counted as unknown"
        )


def _note_balancer(logs: "OpenLogs", coverage: CoveragePart) -> Iterator[str]:
    ((nowhere,),) = logs.tables.each(f"SELECT count(*) FROM all_silences WHERE network = '{_NOWHERE}'")
    if nowhere:
        sql = "SELECT count(*) FROM all_requests WHERE role <> 'back' AND coalesce(forwarded_for, client) IS NULL"
        ((in_front,),) = logs.tables.each(sql)
        why, mend = (
            "which the back end's log (W3SVC2) does not have",
            "give the front end's log of that time, W3SVC1, too",
        )
        if in_front:
            why, mend = "which the log does not have", "let IIS log c-ip, or X-Forwarded-For behind a balancer"
        yield (
            f"{counted(nowhere, 'waiting request')} without a client's address, {why}: of which networks they are "
            "cannot be told, nor whether a device has moved to another or its request was cut "
            f"({coverage.lost_without_address} counted as lost); {mend}"
        )
    ((addresses, devices, forwarded),) = logs.tables.each(
        "SELECT count(DISTINCT client), count(DISTINCT device), count(forwarded_for) "
        "FROM all_requests WHERE client IS NOT NULL"
    )
    if devices >= 10 and addresses <= 2 and not forwarded:
        yield (
            f"all devices come from {counted(addresses, 'address')}, a balancer's perhaps: networks cannot be told "
            f"apart; log "
            "X-Forwarded-For in IIS (8.5 and later), or use --by kind"
        )
