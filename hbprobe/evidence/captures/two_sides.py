"""One connection in two captures, at the client's side and at the server's: matched, and what one side alone saw.

A packet that reached one end and was never sent by the other was made in between. That decides, where the captures
are otherwise complete; how complete they are is measured on the packets that have no reason to be missing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from hbprobe.evidence.captures.fate import (
    Comment,
    ConnectionFate,
    ConnectionVerdict,
    Maker,
    Sign,
    Weight,
)
from hbprobe.evidence.captures.retention import ACK, FIN, RST, SYN
from hbprobe.evidence.captures.tcp_flow import Endpoint, Packet, TcpFlow, is_before, numbers_between
from hbprobe.manner import Manner
from hbprobe.text import counted
from hbprobe.trial.outcome import Cause

_LEAST_COMMON = 2
"""So many packets of payload make a match where the handshake was not seen."""
_REASON_S = 1.0
"""After a silence as long as this a box may have forgotten a connection; no timer for TCP is shorter."""
COMPLETE = 0.005
"""Captures that miss no more than this of each other's packets are complete. In others the packet that one
side alone has may be among those that the other has lost."""
_SLACK_S = 1.0
_TELLING_BYTES = 32
"""Less payload may well be the same in two connections."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One connection at both sides."""

    client_side: TcpFlow
    server_side: TcpFlow

    @property
    def is_translated(self) -> bool:
        """A box between the captures rewrites addresses."""
        near, far = self.client_side, self.server_side
        return (near.client, near.client_port, near.server, near.server_port) != (
            far.client,
            far.client_port,
            far.server,
            far.server_port,
        )


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """By how much the clock of the server's side differs from that of the client's."""

    ahead_s: float
    pairs: int
    """So many connections told."""


def matched(client_side: Iterable[TcpFlow], server_side: Iterable[TcpFlow]) -> list[Pair]:
    """Return the connections that both sides have seen: by addresses, else by sequence numbers, else by payload."""
    by_name: dict[str, list[TcpFlow]] = defaultdict(list)
    by_numbers: dict[tuple[int, ...], list[TcpFlow]] = defaultdict(list)
    by_payload: dict[tuple[int, int], list[TcpFlow]] = defaultdict(list)
    for flow in server_side:
        by_name[flow.name].append(flow)
        numbers = _numbers(flow)
        if numbers is not None:
            by_numbers[numbers].append(flow)
        for key in _payloads(flow):
            by_payload[key].append(flow)
    pairs, taken = [], set[int]()
    for flow in client_side:
        numbers = _numbers(flow)
        candidates = [] if numbers is None else sorted(by_numbers[numbers], key=lambda one: one.name != flow.name)
        candidates = candidates or [one for one in by_name[flow.name] if _overlap(flow, one)]
        other = next((one for one in candidates if id(one) not in taken), None) or _by_payload(
            flow, by_payload, taken
        )
        if other is not None:
            taken.add(id(other))
            pairs.append(Pair(flow, other))
    return pairs


def _numbers(flow: TcpFlow) -> tuple[int, ...] | None:
    """Return both initial sequence numbers, which a translation of addresses leaves as they are."""
    syn = next((one for one in flow.packets[:6] if one.is_opening), None)
    both = next((one for one in flow.packets[:6] if one.has(SYN) and one.has(ACK)), None)
    if syn is None or both is None:
        return None
    return syn.sequence, both.sequence


def _payloads(flow: TcpFlow) -> set[tuple[int, int]]:
    return {
        (one.check, one.length)
        for one in flow.packets
        if one.sender is Endpoint.CLIENT and one.length > 32 and one.check
    }


def _overlap(one: TcpFlow, other: TcpFlow) -> bool:
    """Whether two connections of the same addresses may be one: their numbers do not contradict that."""
    numbers, others = _numbers(one), _numbers(other)
    return numbers is None or others is None or numbers[0] != others[0] or numbers == others


def _by_payload(flow: TcpFlow, known: dict[tuple[int, int], list[TcpFlow]], taken: set[int]) -> TcpFlow | None:
    """Find the connection that carries the same payload, for boxes that rewrite sequence numbers, too."""
    common: dict[int, int] = defaultdict(int)
    flows: dict[int, TcpFlow] = {}
    mine = _payloads(flow)
    for key in mine:
        for other in known.get(key, ()):
            if id(other) not in taken:
                common[id(other)] += 1
                flows[id(other)] = other
    needed = min(_LEAST_COMMON, len(mine))
    best = sorted(common, key=lambda one: -common[one])
    if not best or common[best[0]] < needed or (len(best) > 1 and common[best[1]] == common[best[0]]):
        return None
    return flows[best[0]]


# Which side is which


def is_client_side(one: Sequence[TcpFlow], other: Sequence[TcpFlow]) -> bool | None:
    """Say whether the first of two captures is nearer to the clients; None where nothing tells.

    What a client sends passes there first, and what a server sends last: by how much, does not depend on what the
    clocks differ by. And each router takes one off the TTL, unless a proxy begins anew.
    """
    votes = 0
    for pair in matched(one, other):
        there, back = _transits(pair)
        if there and back:
            votes += _sign(median(there) - median(back))
        if _shifts(pair) == _NO_SHIFT:
            for end, sign in ((Endpoint.CLIENT, 1), (Endpoint.SERVER, -1)):
                near, far = pair.client_side.usual_ttl(end), pair.server_side.usual_ttl(end)
                if near is not None and far is not None:
                    votes += sign * _sign(near - far)
    return None if votes == 0 else votes > 0


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


# Clocks


def clock(pairs: Sequence[Pair]) -> ClockOffset | None:
    """Return the clock difference: half of what the two directions' transits differ by (as NTP does)."""
    there: list[float] = []
    back: list[float] = []
    for pair in pairs:
        one, other = _transits(pair)
        there += one
        back += other
    if not there or not back:
        return None
    return ClockOffset((median(there) + median(back)) / 2, len(pairs))


def _transits(pair: Pair) -> tuple[list[float], list[float]]:
    """Return how much later by its clock the second capture saw the client's packets, and the server's.

    Where a box between them rewrites sequence numbers, only payload has passed: handshakes may be its own.
    """
    there: list[float] = []
    back: list[float] = []
    has_passed = _shifts(pair) == _NO_SHIFT
    for packet, other in common(pair):
        if not has_passed and not packet.length:
            continue
        (there if packet.sender is Endpoint.CLIENT else back).append(other.at_s - packet.at_s)
    return there, back


def common(pair: Pair) -> list[tuple[Packet, Packet]]:
    """Return the packets that both sides saw, the first time that each passed."""
    shift = _shifts(pair)
    known = {_key(packet, shift): packet for packet in reversed(pair.server_side.packets)}
    found = []
    seen: set[tuple[object, ...]] = set()
    for packet in pair.client_side.packets:
        key = _key(packet, _NO_SHIFT)
        if key in known and key not in seen:
            found.append((packet, known[key]))
        seen.add(key)
    return found


_NO_SHIFT = {Endpoint.CLIENT: 0, Endpoint.SERVER: 0}
_WRAP = 1 << 32


def _shifts(pair: Pair) -> dict[Endpoint, int]:
    """Return by how much a box between the captures shifts each end's sequence numbers."""
    near, far = _numbers(pair.client_side), _numbers(pair.server_side)
    if near is None or far is None:
        return _NO_SHIFT
    return {Endpoint.CLIENT: (near[0] - far[0]) % _WRAP, Endpoint.SERVER: (near[1] - far[1]) % _WRAP}


def _key(packet: Packet, shift: dict[Endpoint, int]) -> tuple[object, ...]:
    sequence = (packet.sequence + shift[packet.sender]) % _WRAP
    acknowledgment = (packet.acknowledgment + shift[packet.sender.other]) % _WRAP if packet.has(ACK) else 0
    return packet.sender, packet.flags & (SYN | FIN | RST | ACK), sequence, acknowledgment, packet.length


def missing_share(pairs: Sequence[Pair]) -> float:
    """Return which share of packets a capture lacks though nothing on the path had a reason to drop them.

    That is what the captures lost. Of what one side alone has, only the beginning tells that: after a silence and at
    the end a box may have a reason. What an end acknowledged has passed, whenever that was.
    """
    missing = whole = 0
    for pair in pairs:
        runs = [*_runs(pair.client_side), *_runs(pair.server_side)]
        for sent, unseen in (_acknowledged_unseen(run, end) for run in runs for end in Endpoint):
            whole += sent + unseen
            missing += unseen
        shift = _shifts(pair)
        sides = (
            {_key(one, _NO_SHIFT) for one in pair.client_side.packets},
            {_key(one, shift) for one in pair.server_side.packets},
        )
        for packets, keys, other in (
            (pair.client_side.packets[:4], _NO_SHIFT, sides[1]),
            (pair.server_side.packets[:4], shift, sides[0]),
        ):
            for packet in packets:
                if packet.has(RST | FIN) or packet.gap_s >= _REASON_S:
                    break
                whole += 1
                missing += _key(packet, keys) not in other
    return missing / whole if whole else 1.0


def _runs(flow: TcpFlow) -> Iterator[Sequence[Packet]]:
    """Yield the packets of a connection in pieces of which none was let go in between."""
    packets = [one for one in flow.packets if not one.has(RST)]
    breaks = [
        place
        for place in range(1, len(packets))
        if packets[place].at_s - packets[place - 1].at_s - packets[place].gap_s > _CLOCK_TICK_S
    ]
    for begin, end in pairwise([0, *breaks, len(packets)]):
        yield packets[begin:end]


_CLOCK_TICK_S = 1e-6


def _acknowledged_unseen(run: Sequence[Packet], end: Endpoint) -> tuple[int, int]:
    """Return how many packets with numbers of their own an end sent, and how many more the other acknowledged.

    A single number more does not count: a box may have sent FIN in its name.
    """
    own = [one for one in run if one.sender is end]
    if not own:
        return 0, 0
    sent = [one for one in own if one.occupies]
    base = sent[0].sequence if sent else own[-1].sequence
    spans = sorted((numbers_between(base, one.sequence), one.occupies) for one in sent)
    heard = [one.acknowledgment for one in run if one.sender is not end and one.has(ACK)]
    acknowledged = max((numbers_between(base, number) for number in heard), default=0)
    unseen = reached = 0
    for begin, length in [*spans, (acknowledged, 0)]:
        unseen += min(begin, acknowledged) > reached + 1
        reached = max(reached, begin + length)
    return len(sent), unseen


# Verdicts


def joined(
    pair: Pair, near: ConnectionVerdict, far: ConnectionVerdict, missing: float, ends_s: tuple[float, float]
) -> ConnectionVerdict:
    """Return one verdict out of what each side showed, from the client's side on.

    `ends_s` says when each capture ended, the client's first, by its own clock. The verdict's times are those of the
    side that saw the end.
    """
    weight = Weight.DECIDES if missing <= COMPLETE else Weight.WEAK
    if near.ending is ConnectionFate.REFUSED or far.ending is ConnectionFate.REFUSED:
        return replace(near, hints=near.hints or far.hints)
    verdict = _of_one_sided_end(pair, near, far, weight) or _of_void(pair, near, far, weight, ends_s)
    if verdict is None:
        verdict = max((near, far), key=_tells)
    return replace(verdict, comments=tuple(dict.fromkeys((*verdict.comments, *near.comments, *far.comments))))


def _tells(verdict: ConnectionVerdict) -> int:
    order = (
        ConnectionFate.ALIVE,
        ConnectionFate.CANNOT_TELL,
        ConnectionFate.ORDERLY,
        ConnectionFate.BROKEN,
        ConnectionFate.ENDED_IDLE,
    )
    return order.index(verdict.ending) if verdict.ending in order else len(order)


def _of_one_sided_end(
    pair: Pair, near: ConnectionVerdict, far: ConnectionVerdict, weight: Weight
) -> ConnectionVerdict | None:
    """Judge an RST or FIN that one side saw arrive, by whether the other side saw it leave."""
    arrivals = []
    if near.in_name_of is Endpoint.SERVER and near.client_saw in (Manner.RESET, Manner.CLOSED):
        arrivals.append(near)
    if far.in_name_of is Endpoint.CLIENT and far.server_saw in (Manner.RESET, Manner.CLOSED):
        arrivals.append(far)
    # the first to be struck; of two at one moment the client
    for verdict in sorted(arrivals, key=lambda one: (one.idle_s or 0.0) - _SAME_MOMENT_S * (one is near)):
        end = Endpoint.SERVER if verdict is near else Endpoint.CLIENT
        source = pair.server_side if verdict is near else pair.client_side
        word = "RST" if verdict.how is Manner.RESET else "FIN"
        left = _left(pair, verdict, end)
        if not left and word == "FIN" and _acknowledged_fin(source, end):
            continue
        if left:
            if verdict.maker is Maker.UNKNOWN:
                return _made_beyond(verdict, end, word)
            continue
        text = f"the {word} in the {end}'s name is in the capture at the {end.other}'s side alone"
        sign = Sign(weight, f"{text}: the {end} sent none", Maker.BOX)
        if weight is Weight.WEAK:
            return replace(verdict, signs=(*verdict.signs, sign))
        return _made_between(verdict, near, far, sign)
    return None


def _left(pair: Pair, verdict: ConnectionVerdict, end: Endpoint) -> bool:
    """Whether the packet that ended it left the end in whose name it came.

    An end that was told to end answers in kind, later: that is another packet.
    """
    kind = RST if verdict.how is Manner.RESET else FIN
    shift = _shifts(pair)
    here, there = (
        (pair.client_side, pair.server_side) if end is Endpoint.SERVER else (pair.server_side, pair.client_side)
    )
    mine, others = (_NO_SHIFT, shift) if end is Endpoint.SERVER else (shift, _NO_SHIFT)
    came = [one for one in here.packets if one.sender is end and one.has(kind)]
    sent = [one for one in there.packets if one.sender is end and one.has(kind)]
    if {_key(one, mine) for one in came} & {_key(one, others) for one in sent}:
        return True
    offset_s = _offset(pair, from_near=end is Endpoint.CLIENT)
    return any(one.at_s - offset_s < came[0].at_s - _SAME_MOMENT_S for one in sent) if came else bool(sent)


_SAME_MOMENT_S = 0.05
"""Clocks of two captures are compared no better."""


def _acknowledged_fin(flow: TcpFlow, end: Endpoint) -> bool:
    """Whether the other end acknowledged a FIN that this capture has missed."""
    ends = [one.following for one in flow.packets if one.sender is end and not one.has(RST)]
    if not ends:
        return False
    return any(
        one.sender is not end and one.has(ACK) and not one.has(RST) and is_before(ends[-1], one.acknowledgment)
        for one in flow.packets
    )


def _made_between(
    verdict: ConnectionVerdict, near: ConnectionVerdict, far: ConnectionVerdict, sign: Sign
) -> ConnectionVerdict:
    """Return the verdict on a packet that was made between the captures.

    What looked to the server like a client that hung up before the answer was none.
    """
    hung_up = verdict.ending is ConnectionFate.LATE_ANSWER
    idle = hung_up or verdict.ending in (ConnectionFate.IDLE_DEATH, ConnectionFate.ENDED_IDLE)
    if verdict.how is Manner.CLOSED:
        causes: tuple[Cause, ...] = (Cause.CLOSED_BY_PROXY,)
    elif verdict.on_next:
        causes = (Cause.STATE_LOST_RESET_ON_NEXT,)
    else:
        causes = (Cause.RESET_BY_BOX,)
    comments = tuple(
        replace(one, text=f"{one.text} Two captures: {sign.text}.") if one in verdict.comments[-1:] else one
        for one in verdict.comments
    )
    return replace(
        verdict,
        ending=ConnectionFate.IDLE_DEATH if idle else verdict.ending,
        causes=causes,
        maker=Maker.BOX,
        exact=hung_up or verdict.exact,
        client_saw=near.client_saw,
        server_saw=far.server_saw,
        signs=(sign, *verdict.signs),
        comments=comments,
    )


def _made_beyond(verdict: ConnectionVerdict, end: Endpoint, word: str) -> ConnectionVerdict:
    """Return the verdict on a packet that came from an end's side of both captures."""
    text = f"the {word} passed both captures: the {end} sent it, or a box nearer to it than the second capture"
    sign = Sign(Weight.STRONG, text)
    ends_own = (Cause.RESET_BY_SERVER, Cause.CLOSED_BY_SERVER)
    causes = tuple(sorted(verdict.causes, key=lambda cause: cause not in ends_own))
    return replace(verdict, causes=causes, signs=(*verdict.signs, sign))


def _of_void(
    pair: Pair, near: ConnectionVerdict, far: ConnectionVerdict, weight: Weight, ends_s: tuple[float, float]
) -> ConnectionVerdict | None:
    """Judge data that went unanswered at one side, by what the other side saw of it."""
    shift = _shifts(pair)
    silent = [one for one in (near, far) if one.how is Manner.SILENT and one.is_death]
    if not silent:
        return None
    verdict = min(silent, key=lambda one: one.idle_s or 0.0)
    from_near = verdict is near
    speaker = Endpoint.CLIENT if from_near else Endpoint.SERVER
    source, target = (pair.client_side, pair.server_side) if from_near else (pair.server_side, pair.client_side)
    keys = {_key(one, shift if from_near else _NO_SHIFT) for one in target.packets}
    since_s = verdict.at_s or 0.0
    sent = [one for one in source.packets if one.sender is speaker and one.at_s >= since_s]
    calls = [one for one in sent if one.occupies or not one.has(RST)]
    arrived = [one for one in calls if _key(one, _NO_SHIFT if from_near else shift) in keys]
    if ends_s[1 if from_near else 0] + _SLACK_S < (verdict.at_s or 0.0) - _offset(pair, from_near=from_near):
        return None
    both = replace(verdict, client_saw=near.client_saw, server_saw=far.server_saw)
    if not arrived:
        text = f"none of the {counted(len(calls), 'packet')} after the silence reached the other capture"
        sign = Sign(weight, text, Maker.BOX if weight is not Weight.WEAK else None)
        causes = (Cause.STATE_LOST_SILENTLY,) if weight is not Weight.WEAK else verdict.causes
        never = f"It never reached the {speaker.other}'s side."
        comments = [Comment(one.file, one.number, never) for one in calls[:1]]
        return replace(
            both,
            causes=causes,
            maker=None,
            signs=(sign, *verdict.signs),
            comments=(*verdict.comments, *comments),
        )
    text = f"{len(arrived)} of the {counted(len(calls), 'packet')} after the silence reached the other capture, too"
    sign = Sign(Weight.STRONG, f"{text}: nothing between the captures forgot the connection")
    return replace(both, causes=(Cause.PATH_DOWN, Cause.STATE_LOST_SILENTLY), signs=(sign, *verdict.signs))


def _offset(pair: Pair, *, from_near: bool) -> float:
    found = clock([pair])
    ahead_s = 0.0 if found is None else found.ahead_s
    return -ahead_s if from_near else ahead_s
