"""What captures showed, as values and as the document."""

from collections import Counter
from dataclasses import dataclass

from hbprobe.evidence.captures.capture_file import CaptureFile
from hbprobe.evidence.captures.fate import ConnectionVerdict, Survived
from hbprobe.evidence.captures.idle_timers import IdleTimer
from hbprobe.evidence.captures.tcp_flow import Endpoint
from hbprobe.evidence.captures.two_sides import ClockOffset, Pair
from hbprobe.records.capture import (
    CaptureLimitPart,
    CaptureRecord,
    CaptureSourcePart,
    CaptureTimerPart,
    ClockPart,
    FlowPart,
    ProductPart,
    SignPart,
    SilencePart,
)


@dataclass(frozen=True, slots=True)
class CaptureFindings:
    """What captures showed."""

    files: tuple[CaptureFile, ...]
    sides: tuple[Endpoint | None, ...]
    """Which end each file was taken nearer to; None where there is one capture point."""
    connections: int
    verdicts: tuple[ConnectionVerdict, ...]
    pairs: tuple[Pair, ...] = ()
    clock: ClockOffset | None = None
    missing: float | None = None
    timers: tuple[IdleTimer, ...] = ()
    notes: tuple[str, ...] = ()


def record(findings: CaptureFindings) -> CaptureRecord:
    """Return the document."""

    paired = {id(pair.client_side) for pair in findings.pairs} | {id(pair.server_side) for pair in findings.pairs}
    sources = tuple(
        CaptureSourcePart(
            path=str(file.path),
            kind=file.kind,
            side=side,
            bytes=file.size,
            packets=file.counts.packets,
            tcp=file.counts.tcp,
            skipped={
                name: count
                for name in ("other", "fragments", "cut", "unknown_link")
                if (count := getattr(file.counts, name))
            },
            first=None if file.first_ns is None else file.first_ns / 1e9,
            last=None if file.last_ns is None else file.last_ns / 1e9,
            notes=tuple(file.notes),
        )
        for file, side in zip(findings.files, findings.sides, strict=True)
    )
    clock = findings.clock
    return CaptureRecord(
        sources=sources,
        connections=findings.connections,
        judged=len(findings.verdicts),
        endings=dict(Counter(str(one.ending) for one in findings.verdicts)),
        timers=tuple(_timer_part(one, findings) for one in findings.timers),
        flows=tuple(_flow_part(one, findings, paired) for one in findings.verdicts),
        clock=None if clock is None else ClockPart(ahead=round(clock.ahead_s, 6), connections=clock.pairs),
        missing_share=findings.missing,
        notes=findings.notes,
    )


def _flow_part(verdict: ConnectionVerdict, findings: CaptureFindings, paired: set[int]) -> FlowPart:

    def silence(one: Survived | None) -> SilencePart | None:
        return None if one is None else SilencePart(started=round(one.started_s, 6), length=round(one.length_s, 6))

    flow = verdict.flow
    sides = {side for side in findings.sides if side is not None}
    own = findings.sides[flow.packets[0].file]
    seen = tuple(sorted(sides)) if id(flow) in paired else () if own is None else (own,)
    client, _, server = flow.name.partition(" > ")
    return FlowPart(
        client=client,
        server=server,
        seen=seen,
        started=round(flow.packets[0].at_s, 6),
        ended=round(flow.packets[-1].at_s, 6),
        ending=verdict.ending,
        causes=verdict.causes,
        maker=verdict.maker,
        in_name_of=verdict.in_name_of,
        client_saw=verdict.client_saw,
        server_saw=verdict.server_saw,
        at=_rounded(verdict.at_s),
        idle=_rounded(verdict.idle_s),
        data_idle=_rounded(verdict.data_idle_s),
        exact=verdict.exact,
        on_next=verdict.on_next,
        longest_silence=round(verdict.longest_s, 6),
        survived=silence(verdict.silence),
        survived_without_data=silence(verdict.data_silence),
        keep_alives=verdict.keep_alives,
        answered_keep_alives=verdict.answered_keep_alives,
        repeats=verdict.repeats,
        signs=tuple(
            SignPart(weight=sign.weight, text=sign.text, speaks_for=sign.speaks_for) for sign in verdict.signs
        ),
        hints=verdict.hints,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _timer_part(timer: IdleTimer, findings: CaptureFindings) -> CaptureTimerPart:
    decided = all(any(sign.weight == "decides" for sign in one.signs) for one in timer.flows)
    return CaptureTimerPart(
        limit=CaptureLimitPart.of(timer.limit),
        confidence=int(timer.confidence * 10_000) / 10_000,
        flows=len(timer.flows),
        earliest=round(timer.earliest_s, 6),
        latest=round(timer.latest_s, 6),
        age=round(timer.age_s, 6),
        maker=timer.maker,
        in_name_of=timer.in_name_of,
        counts=timer.counts,
        between_captures=bool(findings.pairs) and decided,
        servers=tuple(sorted({one.flow.server for one in timer.flows})),
        products=tuple(
            ProductPart(id=match.profile.id, name=match.profile.name, reasons=match.reasons)
            for match in timer.products
        ),
        doubts=timer.doubts,
    )
