"""With which caution the answer of logs is to be read: what was assumed, and what they cannot tell."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from hbprobe.duration import format_duration
from hbprobe.evidence.events.entry import AVERAGE_TOO_LOW, POOL, RECYCLES
from hbprobe.evidence.limits import LEAST_LOSSES
from hbprobe.evidence.logs.answer.group_limits import COARSE_S, NOWHERE, is_limited
from hbprobe.evidence.logs.answer.windows import Emptied, Servers, Windows
from hbprobe.evidence.logs.lines.log_sources import LogKind
from hbprobe.evidence.logs.questions.reports import utc
from hbprobe.records.logs import CoveragePart, PassiveLimitPart
from hbprobe.text import counted, seconds

if TYPE_CHECKING:
    from hbprobe.evidence.logs.request import OpenLogs

_MOST_SET_BACK: Final = 5
_MOST_NAMED: Final = 5
_LEAST_SHARE: Final = 0.01
"""Of what waited; less of it is left over at the edges of a log."""
_PATH_NOTE: Final = (
    "a limit is read off what devices did next, with margins that are assumed (docs/statistics.md): confirm it with "
    "hbprobe probe before a box is changed for it"
)


def notes_of(
    logs: "OpenLogs", limits: Sequence[PassiveLimitPart], coverage: CoveragePart, windows: Windows
) -> Iterator[str]:
    """Say it in sentences."""
    yield from logs.notes
    if any(is_limited(limit) for limit in limits):
        yield _PATH_NOTE
    hanging = [
        one
        for one in limits
        if one.judgement == "too-little"
        and any(bound is not None and is_limited(bound) for bound in (one.if_unknown_lost, one.if_unknown_answered))
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
            "and of what is longer than the longest answer the log cannot tell"
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
    yield from _note_gone(logs, coverage)
    yield from _note_time_taken(logs)
    yield from _note_zoneless(logs)
    yield from _note_heads(logs)
    yield from _note_set_back(logs)
    yield from _note_overlaps(logs)
    yield from _note_clocks(logs)
    yield from _note_unpaired(logs, coverage)
    yield from _note_balancer(logs, coverage)


def _note_gone(logs: "OpenLogs", coverage: CoveragePart) -> Iterator[str]:
    """Say what an end after the same time for many may be, where the log has no interval to hold it against."""
    sql = (
        "SELECT CAST(floor(held_s) AS BIGINT) AS took_s, count(*) FROM all_silences "
        "WHERE kind_of = 'unknown' AND is_gone AND asked_s IS NULL AND held_s IS NOT NULL GROUP BY 1 "
        "ORDER BY 2 DESC, 1"
    )
    times = list(logs.tables.each(sql))
    gone = sum(count for _, count in times)
    if times and times[0][1] >= LEAST_LOSSES and gone > _LEAST_SHARE * coverage.waits:
        yield (
            f"{counted(gone, 'waiting request')} ended as their connection was gone, {times[0][1]} of them after "
            f"{times[0][0]} s: a box that tells devices of its cut, a front end that gives up, or one that closes "
            "connections after good answers; which, the back end's log can tell (W3SVC2, since 2013)"
        )


def note_restarts(
    restarts: Sequence[Emptied], pools_untold: int, servers: Servers, windows: Windows
) -> Iterator[str]:
    """Say which recycles of worker processes could not be followed."""
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


def _note_unpaired(logs: "OpenLogs", coverage: CoveragePart) -> Iterator[str]:
    """Say how many lines of both sides may be of the same requests, though they were not found to be."""
    if not logs.has_both_sides:
        return
    sql = """
    SELECT coalesce(sum(CASE WHEN fronts < backs THEN fronts ELSE backs END), 0) FROM (
      SELECT count(CASE WHEN role <> 'back' THEN 1 END) AS fronts, count(CASE WHEN role = 'back' THEN 1 END) AS backs
      FROM all_requests WHERE NOT is_joined AND coalesce(status, 0) <> 401
      GROUP BY coalesce(device, user_name), command, CAST(floor(ended_ms / 600000.0) AS BIGINT)
    ) AS of_ten_minutes
    """
    ((count,),) = logs.tables.each(sql)
    if count > _LEAST_SHARE * coverage.requests:
        yield (
            f"{counted(int(count), 'request')} may count twice: lines of the front end and of the back end that are "
            "of the same devices and minutes do not fit together; clocks that are more than half a minute apart do "
            "that, and lines that are missing"
        )


def _note_time_taken(logs: "OpenLogs") -> Iterator[str]:
    of_requests = [read for read in logs.reads if read.kind is LogKind.W3C and read.requests]
    without = [read.name for read in of_requests if "time-taken" not in read.fields]
    if without:
        others = f" and {counted(len(without) - 1, 'other log')} of {len(of_requests)}" if len(without) > 1 else ""
        which = "the log has" if len(without) == len(of_requests) else f"{without[0]}{others}: there is"
        yield f"{which} no time-taken: switch it on in IIS; without it nothing can be said of limits"


def _note_zoneless(logs: "OpenLogs") -> Iterator[str]:
    count = sum(
        not entry.is_utc and entry.at_s is not None and (entry.id in RECYCLES or entry.id in AVERAGE_TOO_LOW)
        for entry in logs.entries
    )
    if count:
        yield (
            f"{counted(count, 'event')} with a time without a zone (the Event Viewer's text and CSV, syslog): it "
            "stands as written, without Z; it is held against no rebuilt event, empties no window, and "
            "--since and --until take it as UTC: give the log as .evtx, or as wevtutil writes it"
        )


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
        for one in (step for step in read.set_back if logs.asked.is_asked_of(step.to_s, step.from_s)):
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


def _note_overlaps(logs: "OpenLogs") -> Iterator[str]:
    for overlap in logs.overlaps[:_MOST_SET_BACK]:
        one, other = overlap.one, overlap.other
        what = (
            "requests of that time may count twice, and event 1040 may be off there"
            if overlap.set_back is None
            else "requests of that time are unknown, some may count twice, and event 1040 may be off there"
        )
        yield (
            f"{one.name} and {other.name} both tell of {one.server} from {utc(overlap.begin_s * 1000)} to "
            f"{utc(overlap.end_s * 1000)}: lines stand in both, or they are of two servers or sites that the lines "
            f"do not tell apart, or the clock was set back from one to the other; {what}"
        )
    if len(logs.overlaps) > _MOST_SET_BACK:
        more = counted(len(logs.overlaps) - _MOST_SET_BACK, "other pair")
        yield f"{more} of logs tell of one time of one server: the same holds there"


def _note_clocks(logs: "OpenLogs") -> Iterator[str]:
    for pair in logs.clocks:
        if pair.ahead_s is not None and abs(pair.ahead_s) >= COARSE_S:
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
    ((nowhere,),) = logs.tables.each(f"SELECT count(*) FROM all_silences WHERE network = '{NOWHERE}'")
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
