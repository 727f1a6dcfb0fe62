"""From logs that were read to what they show: limits, events, findings, and what to do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from hbprobe.evidence.limits import shared
from hbprobe.evidence.logs.answer.group_limits import NOWHERE, limits_by
from hbprobe.evidence.logs.answer.httperr_reasons import httperr_findings
from hbprobe.evidence.logs.answer.log_findings import COUNTED_BY, findings_of
from hbprobe.evidence.logs.answer.log_notes import note_restarts, notes_of
from hbprobe.evidence.logs.answer.logged_events import events_of, restarts_of, servers_of, windows_of
from hbprobe.evidence.logs.questions.reports import reports, utc
from hbprobe.records.logs import (
    NOTHING_READ,
    BadLinePart,
    CoveragePart,
    LogEvidence,
    LogFindingPart,
    NotReadPart,
    SourcePart,
    SpanPart,
    WindowsPart,
)

if TYPE_CHECKING:
    from hbprobe.evidence.logs.request import OpenLogs

_MOST_EVENTS: Final = 500


def evidence_of(logs: "OpenLogs") -> LogEvidence:
    """Tell everything."""
    (restarts, pools_untold), servers = restarts_of(logs), servers_of(logs)
    with ThreadPoolExecutor(1, "rebuilding windows") as beside:
        rebuilding = beside.submit(
            windows_of, logs, restarts, servers
        )  # a loop of Python's: the database has time for the others
        span, coverage, counts, httperr = _span(logs), _coverage(logs), _counts(logs), _httperr(logs)
        limits, sensitivity = limits_by(logs.tables, logs.asked.by.value)
        windows = rebuilding.result()
    events, both = events_of(logs, windows, servers)
    network_limits = [one for _, one in limits]
    together = shared(network_limits) if logs.asked.by.value == "network" else None
    parts = tuple(part for part, _ in limits)
    windows_part = WindowsPart(
        samples=windows.samples,
        full=windows.full,
        lowest_s=windows.lowest_s,
        judged_until=utc(max(windows.judged_until_s.values()) * 1000) if windows.judged_until_s else None,
        rebuilt=len(windows.events),
        logged=sum(event.logged for event in events),
        both=both,
    )
    findings = [
        *_nothing_found(logs, coverage),
        *findings_of(parts, together, windows_part, events, counts, coverage, is_held_against=bool(logs.event_files)),
        *httperr_findings(httperr),
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
        windows=windows_part,
        events=tuple(events[:_MOST_EVENTS]),
        counts=counts,
        httperr=httperr,
        findings=tuple(sorted(findings, key=lambda finding: finding.severity != "problem")),
        notes=(
            *notes_of(logs, parts, coverage, windows),
            *(note_restarts(restarts, pools_untold, servers, windows) if windows.samples else ()),
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
        f"SELECT count(*) FROM all_silences WHERE kind_of IN ('told', 'silent') AND network = '{NOWHERE}'"
    )
    failed = logs.tables.each(
        "SELECT CAST(floor(held_s) AS BIGINT) AS took_s, count(*) FROM all_silences "
        "WHERE kind_of = 'failed' AND held_s IS NOT NULL GROUP BY 1 HAVING count(DISTINCT who) > 1 "
        "ORDER BY 2 DESC, 1"
    )
    failed_after, failed_then = next(iter(failed), (None, 0))
    each = {
        name: kinds.get(name, 0) for name in ("answered", "told", "silent", "moved", "unknown", "failed", "refused")
    }
    return CoveragePart(
        requests=requests, devices=devices, users=users, waits=sum(kinds.values()), **each, heartbeat_from_blob=told,
        heartbeat_from_time_taken=taken, lost_without_address=lost,
        failed_after=failed_after, failed_then=failed_then,
    )  # fmt: skip


def _counts(logs: "OpenLogs") -> dict[str, int]:
    known = reports()
    counts = {}
    for name, report in COUNTED_BY.items():
        found = known[report].sql.rstrip()  # a row for each device and user: a device may have several
        sql = (
            "WITH requests AS (SELECT * FROM all_requests) "  # the answer is of all devices, whatever reports are of
            f"SELECT count(DISTINCT coalesce(device, user_name, '-')) FROM ({found}) AS found"
        )
        ((counts[name],),) = logs.tables.each(sql)
    return counts


def _nothing_found(logs: "OpenLogs", coverage: CoveragePart) -> Iterator[LogFindingPart]:
    if logs.nothing_read is not None:
        yield LogFindingPart(code=NOTHING_READ, severity="problem", text=logs.nothing_read)
    elif not coverage.requests and not logs.entries:
        what = "line" if logs.reads else "event"
        when = "" if logs.asked.since is None and logs.asked.until is None else " of the time that was asked for"
        yield LogFindingPart(code="no-activesync", severity="note", text=f"no {what}{when} tells of ActiveSync")


def _httperr(logs: "OpenLogs") -> dict[str, int]:
    sql = "SELECT coalesce(reason, '-') AS name, count(*) FROM httperr GROUP BY 1 ORDER BY 2 DESC, 1"
    return dict(logs.tables.each(sql))
