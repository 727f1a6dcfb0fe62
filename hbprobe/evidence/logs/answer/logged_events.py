"""Events 1040 as logs have them: those that are rebuilt, beside those that were logged."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hbprobe.evidence.events.entry import POOL, RECYCLES, AverageTooLow, EventEntry, average_too_low, is_of_pool
from hbprobe.evidence.logs.answer.httperr_reasons import ABANDONED
from hbprobe.evidence.logs.answer.windows import SAME_S, SAMPLES, Emptied, Rebuilt, Servers, Windows, edge_s, rebuild
from hbprobe.evidence.logs.questions.reports import utc
from hbprobe.records.logs import EventPart

if TYPE_CHECKING:
    from hbprobe.evidence.logs.request import OpenLogs
    from hbprobe.exchange.settings import Settings


def restarts_of(logs: "OpenLogs") -> tuple[list[Emptied], int]:
    """Return when ActiveSync's pool was recycled, and how many recycles are of a pool that is not told.

    These are taken for another pool's: Exchange has a dozen, and a window that was not emptied is right again after
    200 requests, while one that is emptied for nothing loses its events.
    """
    found, untold = set[Emptied](), 0
    for entry in logs.entries:
        if entry.id in RECYCLES and entry.at_s is not None and entry.is_utc:
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


def servers_of(logs: "OpenLogs") -> Servers:
    """Return the addresses that stand beside the names of servers."""
    found: dict[str, set[str]] = {}
    sql = "SELECT DISTINCT server, server_ip FROM lines WHERE server_ip IS NOT NULL AND server <> server_ip"
    for server, address in logs.tables.each(sql):
        found.setdefault(server, set()).add(address)
    return Servers({server: frozenset(addresses) for server, addresses in found.items()})


def windows_of(logs: "OpenLogs", restarts: Sequence[Emptied], servers: Servers) -> Windows:
    """Put all samples through the windows of their servers."""
    ends = logs.tables.each(
        "SELECT coalesce(back_end, server) AS server, max(ended_ms) / 1000.0 FROM all_requests "
        "GROUP BY coalesce(back_end, server)"
    )
    ends_s = {server: float(end) for server, end in ends if server is not None and end is not None}
    samples = logs.tables.each(SAMPLES)  # not all at once: there are as many as requests
    return rebuild(samples, ends_s, logs.asked.settings, restarts, servers)


def events_of(logs: "OpenLogs", windows: Windows, servers: Servers) -> tuple[list[EventPart], int]:
    """Hold the rebuilt events against the logged ones."""
    logged = [(entry, said) for entry in logs.entries if (said := average_too_low(entry)) is not None]
    same = _same_events(windows.events, logged, servers, logs.asked.settings)
    found = [
        EventPart(
            at=_when(entry), server=entry.computer, command=said.command,
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


def _when(entry: EventEntry) -> str | None:
    at = None if entry.at_s is None else utc(entry.at_s * 1000)
    return at if at is None or entry.is_utc else at.removesuffix("Z")


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
