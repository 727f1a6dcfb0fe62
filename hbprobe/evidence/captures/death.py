"""From the packets of one connection to how it ended, who ended it, and why one thinks so. Facts in, reasons out.

No single weak sign names a maker, and what a sign leaves open stays open: the false alarm is the known disease of
tools that detect forged packets (https://www.ndss-symposium.org/ndss2009/detecting-forged-tcp-reset-packets/).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hbprobe.duration import format_duration
from hbprobe.evidence.captures.retention import ACK, FIN, RST, SYN
from hbprobe.evidence.captures.tcp_flow import Endpoint, Packet, TcpFlow, is_before
from hbprobe.manner import Manner
from hbprobe.text import counted
from hbprobe.trial.outcome import Cause
from hbprobe.word import Word

LEAST_IDLE_S = 2.0
"""A connection that was quiet for less has not died of idleness."""
_LEAST_REPEATS = 2
_LEAST_VOID_S, _LEAST_VOID_TRIPS = 0.5, 5
"""Data counts as lost when it was repeated so often, over so many seconds and round trips, and nothing came."""
_PROMPT_S, _PROMPT_TRIPS = 0.05, 3.0
"""What follows a packet within so many round trips, and a little, answers it."""
_NEARER = 0.5
"""What comes back in less than this part of the round trip cannot come from the other end."""
_TELLING_TRIP_S = 0.005
_WRAP = 1 << 32


class ConnectionFate(Word):
    """What became of a connection."""

    ALIVE = "alive", "still alive when the capture ended"
    ORDERLY = "orderly", "ended in good order"
    IDLE_DEATH = "idle-death", "died of idleness"
    LATE_ANSWER = "late-answer", "the client hung up before the server answered; the path was alive"
    ENDED_IDLE = "ended-idle", "one end, or a box in its name, ended it while it was idle"
    BROKEN = "broken", "broke in the midst of traffic, not of idleness"
    REFUSED = "refused", "was refused, or never answered"
    CANNOT_TELL = "cannot-tell", "cannot tell"


class Maker(Word):
    """Who made the packet that ended a connection."""

    CLIENT = "client", "the client itself"
    SERVER = "server", "the server itself"
    BOX = "box", "a box on the path"
    UNKNOWN = "unknown", "cannot tell whether an end or a box in its name"


class Weight(StrEnum):
    """How much a sign proves."""

    DECIDES = "decides"
    STRONG = "strong"
    WEAK = "weak"
    """Alone it proves nothing."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One reason, and how much it proves."""

    weight: Weight
    text: str
    speaks_for: Maker | None = None
    """None for what tells how, not who."""


@dataclass(frozen=True, slots=True)
class Comment:
    """What to say of one packet to somebody who looks at it."""

    file: int
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Survived:
    """The longest silence that a connection came through."""

    started_s: float
    length_s: float


@dataclass(frozen=True, slots=True)
class ConnectionVerdict:
    """What became of one connection, and what shows it. Times in seconds since 1970, lengths in seconds."""

    flow: TcpFlow
    ending: ConnectionFate
    causes: tuple[Cause, ...] = ()
    """What it died of, the likeliest first; several where the evidence leaves them open."""
    maker: Maker | None = None
    """Who made the packet that ended it; None where none did."""
    in_name_of: Endpoint | None = None
    """Whose address that packet bears; for a silent death the end that did not answer."""
    client_saw: Manner | None = None
    server_saw: Manner | None = None
    """None for an end that ended it, and where the capture cannot tell."""
    at_s: float | None = None
    """When it ended, or when its loss showed first."""
    idle_s: float | None = None
    """How long no packet had passed then."""
    data_idle_s: float | None = None
    """How long no payload had passed then."""
    exact: bool = False
    """The timer struck at that age; otherwise at or before it."""
    on_next: bool = False
    """The RST or FIN answered a packet that broke the silence."""
    silence: Survived | None = None
    """The longest time without a packet that it came through."""
    data_silence: Survived | None = None
    """The longest time without payload that it came through, keep-alives or not."""
    longest_s: float = 0.0
    """The longest time without a packet, survived or not."""
    keep_alives: int = 0
    answered_keep_alives: int = 0
    repeats: int = 0
    """How often data was sent again that nobody acknowledged."""
    signs: tuple[Sign, ...] = ()
    comments: tuple[Comment, ...] = ()
    hints: tuple[str, ...] = ()
    """Which protocol it may be."""

    @property
    def how(self) -> Manner | None:
        """How it ended, as an end saw it: the client, where that is known."""
        return self.client_saw or self.server_saw

    @property
    def is_death(self) -> bool:
        """Whether it died, or was ended, while it was idle."""
        return self.ending in (ConnectionFate.IDLE_DEATH, ConnectionFate.ENDED_IDLE)


@dataclass(slots=True)
class _Story:
    """A connection, packet by packet, with what is needed to understand each."""

    flow: TcpFlow
    packets: tuple[Packet, ...]
    keep_alives: set[int] = field(default_factory=set)
    """By place."""
    repeated: set[int] = field(default_factory=set)
    answered: int = 0

    @classmethod
    def of(cls, flow: TcpFlow) -> "_Story":
        story = cls(flow, flow.packets)
        sent: dict[Endpoint, int] = {}
        waiting: Endpoint | None = None
        for place, packet in enumerate(flow.packets):
            if waiting is packet.sender.other and not packet.has(RST):
                story.answered += 1
                waiting = None
            ahead = sent.get(packet.sender)
            if ahead is None:
                peer = next((one for one in reversed(flow.packets[:place]) if one.sender is not packet.sender), None)
                ahead = peer.acknowledgment if peer is not None and peer.has(ACK) else None
            if _is_keep_alive(packet, ahead):
                story.keep_alives.add(place)
                waiting = packet.sender
                continue
            if packet.has(RST):
                continue
            if packet.occupies and ahead is not None and is_before(packet.sequence, ahead):
                story.repeated.add(place)
            if ahead is None or is_before(ahead, packet.following):
                sent[packet.sender] = packet.following
        return story

    def last_of(self, end: Endpoint) -> int:
        """Return the place of an end's last packet; -1 where it sent none."""
        return next(
            (place for place in range(len(self.packets) - 1, -1, -1) if self.packets[place].sender is end), -1
        )


def _is_keep_alive(packet: Packet, ahead: int | None) -> bool:
    """Whether it is a TCP keep-alive (RFC 9293, 3.8.4): one byte before what was sent, with that byte or none."""
    if packet.length > 1 or packet.has(SYN | FIN | RST) or ahead is None:
        return False
    return packet.sequence == (ahead - 1) % _WRAP and packet.gap_s > 0


def judge(flow: TcpFlow, *, end_s: float, least_idle_s: float = LEAST_IDLE_S) -> ConnectionVerdict:
    """Say what became of a connection in a capture that ended at `end_s`."""
    story = _Story.of(flow)
    verdict = _never_stood(story) or _void(story, end_s, least_idle_s) or _ended(story, least_idle_s)
    if verdict is None:
        verdict = _unended(story, end_s, least_idle_s)
    return _with_silences(story, verdict)


# Silences


def _with_silences(story: _Story, verdict: ConnectionVerdict) -> ConnectionVerdict:
    """Add the silences that the connection came through, and its keep-alives."""
    died_s = verdict.at_s if verdict.ending not in (ConnectionFate.ALIVE, ConnectionFate.CANNOT_TELL) else None
    packets = story.packets
    best = data = None
    for place, packet in enumerate(packets):
        if died_s is not None and packet.at_s >= died_s:
            break
        if not _was_answered(story, place):
            continue
        if packet.gap_s > (best.length_s if best else 0.0):
            best = Survived(packet.at_s - packet.gap_s, packet.gap_s)
        if (
            packet.length > 1
            and packet.data_gap_s is not None
            and packet.data_gap_s > (data.length_s if data else 0.0)
        ):
            data = Survived(packet.at_s - packet.data_gap_s, packet.data_gap_s)
    return replace(
        verdict,
        silence=best,
        data_silence=data,
        longest_s=max((packet.gap_s for packet in packets), default=0.0),
        keep_alives=len(story.keep_alives),
        answered_keep_alives=min(story.answered, len(story.keep_alives)),
    )


def _was_answered(story: _Story, place: int) -> bool:
    """Whether the packet arrived: the other end sent something afterwards that is no RST."""
    sender = story.packets[place].sender
    return any(one.sender is not sender and not one.has(RST) for one in story.packets[place + 1 :])


# No connection


def _never_stood(story: _Story) -> ConnectionVerdict | None:
    """Tell of a connection that was refused, or whose SYN nobody answered."""
    packets = story.packets
    if not packets[0].is_opening:
        return None
    if any(packet.sender is Endpoint.SERVER and not packet.has(RST) for packet in packets):
        return None
    refusal = next((packet for packet in packets if packet.sender is Endpoint.SERVER), None)
    if refusal is None:
        text = f"SYN was sent {counted(len(packets), 'time')} and nobody answered"
        sign = Sign(Weight.STRONG, text)
        return ConnectionVerdict(
            story.flow, ConnectionFate.REFUSED, client_saw=Manner.SILENT, at_s=packets[0].at_s, signs=(sign,)
        )
    sign = Sign(Weight.STRONG, "SYN was answered with RST: nobody listens there, or a box refuses it")
    return ConnectionVerdict(
        story.flow,
        ConnectionFate.REFUSED,
        in_name_of=Endpoint.SERVER,
        client_saw=Manner.RESET,
        at_s=refusal.at_s,
        signs=(sign,),
    )


# Silence


def _void(story: _Story, end_s: float, least_idle_s: float) -> ConnectionVerdict | None:
    """Tell of a connection one of whose ends speaks and is never heard again."""
    for speaker in Endpoint:
        mute = story.last_of(speaker.other)
        run = [place for place in range(mute + 1, len(story.packets)) if story.packets[place].sender is speaker]
        calls = [place for place in run if _wants_answer(story, place)]
        if not calls or mute < 0:
            continue
        first = story.packets[calls[0]]
        endings = [one for one in story.packets[: mute + 1] if one.sender is not speaker and one.has(RST | FIN)]
        if endings and (first.gap_s < least_idle_s or endings[-1].has(RST)):
            continue  # what is said to an end that has just ended it is only the rest
        repeats = sum(place in story.repeated or place in story.keep_alives for place in calls[1:])
        lasted_s = max(story.packets[calls[-1]].at_s, story.packets[run[-1]].at_s) - first.at_s
        least_s = max(_LEAST_VOID_S, _LEAST_VOID_TRIPS * story.flow.round_trip_s)
        if repeats < _LEAST_REPEATS or lasted_s < least_s:
            return _too_little(story, calls, repeats, end_s, least_idle_s)
        return _lost(story, speaker, calls, repeats, least_idle_s)
    return None


def _wants_answer(story: _Story, place: int) -> bool:
    packet = story.packets[place]
    return not packet.has(RST) and (packet.occupies > 0 or place in story.keep_alives)


def _too_little(
    story: _Story, calls: Sequence[int], repeats: int, end_s: float, least_idle_s: float
) -> ConnectionVerdict | None:
    """Say that data went unanswered, but not for long enough to mean anything."""
    first = story.packets[calls[0]]
    if first.gap_s < least_idle_s or first.has(FIN) or _is_close_notify(first):
        return None
    end = next((one for one in story.packets if one.has(RST | FIN)), None)
    if end is not None and end.sender is not first.sender:  # the other end had ended it
        return None
    times = counted(repeats, "repeat")
    text = f"what the {first.sender} sent after a silence was not answered before the capture ended ({times})"
    if end_s - first.at_s > 60 and not repeats:
        text += "; a packet may be missing here"
    comment = _comment(first, f"{_silence_words(first)} The capture shows no answer, and too little to say why.")
    return ConnectionVerdict(
        story.flow, ConnectionFate.CANNOT_TELL, at_s=first.at_s, signs=(Sign(Weight.WEAK, text),), comments=(comment,)
    )


def _lost(
    story: _Story, speaker: Endpoint, calls: Sequence[int], repeats: int, least_idle_s: float
) -> ConnectionVerdict:
    first = story.packets[calls[0]]
    last = story.packets[calls[-1]]
    idle = max(first.gap_s, (first.data_gap_s or 0.0) if calls[0] in story.keep_alives else 0.0) >= least_idle_s
    what = (
        "keep-alives" if calls[0] in story.keep_alives else "FIN" if first.has(FIN) and not first.length else "data"
    )
    span = format_duration(last.at_s - first.at_s)
    lead = f"the {speaker}'s {what} went unanswered: repeated {counted(repeats, 'time')} over {span}"
    signs = [Sign(Weight.STRONG, f"{lead}; nothing at all came from the {speaker.other}")]
    causes: tuple[Cause, ...] = (Cause.STATE_LOST_SILENTLY, Cause.PATH_DOWN)
    if not idle:
        causes = (Cause.PATH_DOWN,)
        signs.append(Sign(Weight.WEAK, f"only {format_duration(first.gap_s)} of silence came before that"))
    return ConnectionVerdict(
        story.flow,
        ConnectionFate.IDLE_DEATH if idle else ConnectionFate.BROKEN,
        causes,
        in_name_of=speaker.other,
        client_saw=Manner.SILENT if speaker is Endpoint.CLIENT else None,
        server_saw=Manner.SILENT if speaker is Endpoint.SERVER else None,
        at_s=first.at_s,
        idle_s=first.gap_s,
        data_idle_s=first.data_gap_s,
        repeats=repeats,
        signs=tuple(signs),
        comments=(
            _comment(first, f"{_silence_words(first)} From here on nothing comes from the {speaker.other}."),
            _comment(last, f"Repeated into the void, {counted(repeats, 'time')} in all."),
        ),
    )


# RST and FIN


def _ended(story: _Story, least_idle_s: float) -> ConnectionVerdict | None:
    """Tell of a connection that RST or FIN ended: the first of them counts, what follows is tidying up.

    One before the last SYN has ended what the server still held of an older connection with the same ports (RFC 9293,
    3.5.1).
    """
    opened = max((place for place, packet in enumerate(story.packets) if packet.is_opening), default=0)
    ends = (place for place, packet in enumerate(story.packets) if packet.has(RST | FIN) and place >= opened)
    place = next(ends, None)
    if place is None:
        return None
    packet = story.packets[place]
    receiver = packet.sender.other
    run = _run_before(story, place, receiver)
    prompt_s = _PROMPT_S + _PROMPT_TRIPS * story.flow.round_trip_s
    breaker = next((one for one in run if story.packets[one].gap_s >= least_idle_s), None)
    if breaker is not None and packet.gap_s < least_idle_s:
        is_thanks = packet.sender is Endpoint.CLIENT and not packet.has(RST) and story.packets[breaker].length > 1
        is_prompt = packet.at_s - story.packets[breaker].at_s <= prompt_s and not is_thanks
        if packet.has(RST) or is_prompt or _maker([*_makers_signs(story, place)]) is Maker.BOX:
            return _on_next(story, place, breaker, prompt_s)
    begin = place
    while begin and story.packets[begin - 1].sender is packet.sender and _is_close_notify(story.packets[begin - 1]):
        begin -= 1
    if story.packets[begin].gap_s >= least_idle_s:
        return _unprompted(story, place, story.packets[begin])
    return _in_traffic(story, place)


def _is_close_notify(packet: Packet) -> bool:
    """Whether it says no more than TLS's close_notify."""
    return packet.signed and packet.length <= _CLOSE_NOTIFY_BYTES


_CLOSE_NOTIFY_BYTES = 64


def _run_before(story: _Story, place: int, sender: Endpoint) -> list[int]:
    """Return the packets just before one that all come from one end, the first of them first."""
    run: list[int] = []
    for one in range(place - 1, -1, -1):
        if story.packets[one].sender is not sender:
            break
        run.insert(0, one)
    return run


def _on_next(story: _Story, place: int, breaker: int, prompt_s: float) -> ConnectionVerdict:
    """Tell of a packet that broke a silence, and was answered with RST or FIN."""
    packet, broke = story.packets[place], story.packets[breaker]
    after_s = packet.at_s - broke.at_s
    kind = "RST" if packet.has(RST) else "FIN"
    lead = f"{kind} came {_precise(after_s)} after the {broke.sender}'s packet that broke a silence"
    signs = [Sign(Weight.STRONG, lead), *_makers_signs(story, place), *_nearness(story, place, broke)]
    maker = _maker(signs)
    is_late = after_s > prompt_s
    if is_late:
        signs.append(
            Sign(Weight.WEAK, "until then it went unanswered, as at a server that was down and is back", Maker.SERVER)
        )
    if packet.has(FIN) and not packet.has(RST):
        causes = _closers(maker, signs, packet.sender)
    elif maker is Maker.BOX:
        causes = (Cause.STATE_LOST_RESET_ON_NEXT,)
    elif maker in (Maker.SERVER, Maker.CLIENT):
        causes = (Cause.RESET_BY_SERVER,) if maker is Maker.SERVER else ()
    elif packet.sender is Endpoint.CLIENT:
        causes = (Cause.STATE_LOST_RESET_ON_NEXT,)
        signs.append(Sign(Weight.WEAK, "a client that has closed its socket answers so, too", Maker.CLIENT))
    else:
        both = (Cause.STATE_LOST_RESET_ON_NEXT, Cause.RESET_BY_SERVER)
        causes = both[::-1] if is_late else both
    gives_up = packet.sender is Endpoint.CLIENT and maker is not Maker.BOX
    note = f"{_silence_words(broke)} This packet broke it, and {kind} answers it."
    return _of_end(
        story,
        place,
        ConnectionFate.ENDED_IDLE if gives_up else ConnectionFate.IDLE_DEATH,
        causes,
        maker,
        signs,
        idle=broke,
        on_next=True,
        comments=(_comment(broke, note),),
    )


def _unprompted(story: _Story, place: int, begin: Packet) -> ConnectionVerdict:
    """Tell of an RST or FIN that came out of a silence."""
    packet = story.packets[place]
    kind = "RST" if packet.has(RST) else "FIN"
    signs = [
        Sign(Weight.STRONG, f"{kind} came out of a silence of {_precise(begin.gap_s)}; nothing asked for it"),
        *_makers_signs(story, place),
        *_both_ends(story, place),
    ]
    maker = _maker(signs)
    if packet.sender is Endpoint.CLIENT and maker is not Maker.BOX:
        return _hung_up(story, place, begin, maker, signs)
    if kind == "FIN":
        causes = _closers(maker, signs, packet.sender)
    elif maker is Maker.BOX:
        causes = (Cause.RESET_BY_BOX,)
    elif maker is Maker.SERVER:
        causes = (Cause.RESET_BY_SERVER,)
    else:
        causes = (Cause.RESET_BY_BOX, Cause.RESET_BY_SERVER)
    ending = ConnectionFate.IDLE_DEATH if maker is Maker.BOX else ConnectionFate.ENDED_IDLE
    return _of_end(story, place, ending, causes, maker, signs, idle=begin, exact=True)


def _hung_up(story: _Story, place: int, begin: Packet, maker: Maker, signs: list[Sign]) -> ConnectionVerdict:
    """Tell of a client that ended it while it was idle."""
    packet = story.packets[place]
    later = [one for one in story.packets[place + 1 :] if one.sender is Endpoint.SERVER and not one.has(RST)]
    answer = next((one for one in later if one.length > 1), None)
    if answer is not None:
        late = format_duration(answer.at_s - packet.at_s)
        signs.append(Sign(Weight.STRONG, f"the server's answer came {late} after that"))
        comment = _comment(answer, "The answer comes, after that FIN or RST.")
        return _of_end(
            story,
            place,
            ConnectionFate.LATE_ANSWER,
            (Cause.ANSWERED_LATE,),
            Maker.CLIENT,
            signs,
            idle=begin,
            comments=(comment,),
        )
    refused = _refusal(story, place)
    if refused is not None and not later:
        return _on_next(story, refused, place, _PROMPT_S + _PROMPT_TRIPS * story.flow.round_trip_s)
    if packet.has(FIN) and later:
        signs.append(Sign(Weight.STRONG, "the server answered the client's FIN: the path was alive", Maker.CLIENT))
        return _of_end(story, place, ConnectionFate.ORDERLY, (), Maker.CLIENT, signs, idle=begin)
    signs.append(Sign(Weight.WEAK, "a client that has waited long enough hangs up so", Maker.CLIENT))
    return _of_end(story, place, ConnectionFate.ENDED_IDLE, (), maker, signs, idle=begin, exact=True)


def _refusal(story: _Story, place: int) -> int | None:
    """Return the place of an RST that answers a FIN which broke a silence."""
    if story.packets[place].has(RST):
        return None
    answers = range(place + 1, len(story.packets))
    return next(
        (one for one in answers if story.packets[one].sender is Endpoint.SERVER and story.packets[one].has(RST)), None
    )


def _in_traffic(story: _Story, place: int) -> ConnectionVerdict:
    """Tell of an RST or FIN that came while things moved."""
    packet = story.packets[place]
    if packet.has(FIN) and not packet.has(RST):
        return ConnectionVerdict(
            story.flow, ConnectionFate.ORDERLY, maker=None, in_name_of=packet.sender, at_s=packet.at_s
        )
    signs = [
        Sign(
            Weight.WEAK, f"RST in the {packet.sender}'s name, {format_duration(packet.gap_s)} after the packet before"
        ),
        *_makers_signs(story, place),
    ]
    maker = _maker(signs)
    causes = (Cause.RESET_BY_BOX,) if maker is Maker.BOX else ()
    return _of_end(story, place, ConnectionFate.BROKEN, causes, maker, signs, idle=packet)


def _of_end(
    story: _Story,
    place: int,
    ending: ConnectionFate,
    causes: tuple[Cause, ...],
    maker: Maker,
    signs: Sequence[Sign],
    *,
    idle: Packet,
    exact: bool = False,
    on_next: bool = False,
    comments: tuple[Comment, ...] = (),
) -> ConnectionVerdict:
    packet = story.packets[place]
    how = Manner.RESET if packet.has(RST) else Manner.CLOSED
    to_client = packet.sender is Endpoint.SERVER
    kind = "RST" if packet.has(RST) else "FIN"
    whose = f"{kind} in the {packet.sender}'s name, made by {maker.meaning}." if maker is not Maker.UNKNOWN else ""
    told = whose or f"{kind} in the {packet.sender}'s name: {maker.meaning}."
    if not on_next and idle.gap_s >= LEAST_IDLE_S:
        told = f"{_silence_words(idle)} {told}"
    told += "".join(f" {sign.text[0].upper()}{sign.text[1:]} ({sign.weight})." for sign in signs)
    mine = () if ending is ConnectionFate.ORDERLY else (_comment(packet, told),)
    return ConnectionVerdict(
        story.flow,
        ending,
        causes,
        maker,
        packet.sender,
        client_saw=how if to_client else None,
        server_saw=None if to_client else how,
        at_s=packet.at_s,
        idle_s=idle.gap_s,
        data_idle_s=idle.data_gap_s,
        exact=exact,
        on_next=on_next,
        signs=tuple(signs),
        comments=(*comments, *mine),
    )


# Who made it


def _makers_signs(story: _Story, place: int) -> Iterator[Sign]:
    """Hold the packet against the others that its end sent."""
    packet = story.packets[place]
    whose = story.flow.usual_ttl(packet.sender, packet)
    if whose is not None and packet.ttl != whose:
        yield Sign(
            Weight.STRONG, f"its TTL is {packet.ttl}, the {packet.sender}'s other packets had {whose}", Maker.BOX
        )
    earlier = [one for one in story.packets[:place] if one.sender is packet.sender and not one.has(RST)]
    if packet.has(FIN) and not packet.has(RST):
        yield from _of_close_notify(story, place, earlier)
        return
    stamped = sum(one.timestamps for one in earlier)
    if earlier and stamped == len(earlier) and not packet.timestamps:
        yield Sign(
            Weight.WEAK, "it has no timestamp option, and the others had; so has many a system's own RST", Maker.BOX
        )
    if packet.window == 0 and earlier and all(one.window for one in earlier):
        yield Sign(Weight.WEAK, "its window is 0; so is that of many a system's own RST", Maker.BOX)
    expected = next(
        (one.acknowledgment for one in reversed(story.packets[:place]) if _acknowledges(one, packet)), None
    )
    if (
        expected is not None
        and packet.sequence != expected
        and not any(one.following == packet.sequence for one in earlier)
    ):
        yield Sign(Weight.WEAK, "its sequence number is not the next", Maker.BOX)
    if any(one.signed for one in earlier[-2:]):
        yield Sign(Weight.WEAK, f"TLS's close_notify came first: the {packet.sender}, or a proxy with its keys", None)


def _acknowledges(one: Packet, packet: Packet) -> bool:
    return one.sender is not packet.sender and one.has(ACK)


def _of_close_notify(story: _Story, place: int, earlier: Sequence[Packet]) -> Iterator[Sign]:
    packet = story.packets[place]
    if packet.signed or any(one.signed for one in earlier[-2:]):
        yield Sign(Weight.WEAK, "TLS's close_notify came before the FIN: whoever sent it holds the keys")
    elif _speaks_tls(story.packets[:place]):
        yield Sign(Weight.WEAK, "no close_notify of TLS came before the FIN, as from a box without keys", Maker.BOX)


def _speaks_tls(packets: Sequence[Packet]) -> bool:
    return any(one.head[0] in (20, 21, 22, 23) and one.head[1] == 3 for one in packets if one.length and one.head)


def _nearness(story: _Story, place: int, asked: Packet) -> Iterator[Sign]:
    """Say whether the answer came sooner than the other end could have sent it."""
    packet = story.packets[place]
    to_server, to_client = story.flow.opening
    trip_s = to_server if packet.sender is Endpoint.SERVER else to_client
    took_s = packet.at_s - asked.at_s
    if trip_s is not None and trip_s >= _TELLING_TRIP_S and took_s < _NEARER * trip_s:
        yield Sign(
            Weight.STRONG,
            f"it came back after {_precise(took_s)}; to the {packet.sender} and back takes {_precise(trip_s)}",
            Maker.BOX,
        )


def _both_ends(story: _Story, place: int) -> Iterator[Sign]:
    """Say whether both ends were reset at once, the second not in answer to the first."""
    packet = story.packets[place]
    if not packet.has(RST):
        return
    within_s = story.flow.round_trip_s
    for other in story.packets[place + 1 :]:
        if other.at_s - packet.at_s > within_s:
            break
        if other.has(RST) and other.sender is not packet.sender:
            yield Sign(
                Weight.STRONG, "both ends were reset within one round trip; neither answers the other", Maker.BOX
            )
            return


def _maker(signs: Sequence[Sign]) -> Maker:
    """Name the maker where a sign decides, or a strong one stands uncontradicted; weak ones never suffice."""
    for weight in (Weight.DECIDES, Weight.STRONG):
        named = {sign.speaks_for for sign in signs if sign.weight is weight and sign.speaks_for is not None}
        if len(named) == 1:
            return named.pop()
        if named:
            break
    return Maker.UNKNOWN


def _closers(maker: Maker, signs: Sequence[Sign], sender: Endpoint) -> tuple[Cause, ...]:
    """Return the causes of a FIN; where nobody is named, the likelier of both first."""
    if maker is Maker.BOX:
        return (Cause.CLOSED_BY_PROXY,)
    if maker is Maker.SERVER:
        return (Cause.CLOSED_BY_SERVER,)
    if sender is Endpoint.CLIENT:
        return ()
    unsigned = any(sign.speaks_for is Maker.BOX for sign in signs)
    both = (Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER)
    return both if unsigned else both[::-1]


# No end


def _unended(story: _Story, end_s: float, least_idle_s: float) -> ConnectionVerdict:
    """Tell of a connection that was neither ended nor lost before the capture ended."""
    last = story.packets[-1]
    quiet_s = end_s - last.at_s
    signs: list[Sign] = []
    if story.keep_alives and story.answered:
        text = f"{counted(len(story.keep_alives), 'keep-alive')}, {story.answered} answered"
        signs.append(Sign(Weight.WEAK, f"{text}: they kept it, or there is no timer; a capture cannot tell which"))
    if quiet_s >= least_idle_s:
        signs.append(Sign(Weight.WEAK, f"quiet for {format_duration(quiet_s)} when the capture ended"))
    return ConnectionVerdict(story.flow, ConnectionFate.ALIVE, signs=tuple(signs))


# Words


def _comment(packet: Packet, text: str) -> Comment:
    return Comment(packet.file, packet.number, text)


def _silence_words(packet: Packet) -> str:
    words = f"Silence of {_precise(packet.gap_s)} before this packet."
    if packet.data_gap_s is not None and packet.data_gap_s > packet.gap_s + 1:
        words += f" No payload for {_precise(packet.data_gap_s)}."
    return words


def _precise(seconds: float) -> str:
    """Write a length of time to the tenth of a second: a timer is known by it."""
    if seconds < 1:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"
    return format_duration(seconds) if seconds < 60 else f"{seconds:.1f} s"
