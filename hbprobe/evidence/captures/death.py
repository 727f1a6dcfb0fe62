"""From the packets of one connection to how it ended, and what it died of. Facts in, reasons out."""

from collections.abc import Sequence
from dataclasses import replace

from hbprobe.duration import format_duration, format_precisely
from hbprobe.evidence.captures.fate import (
    Comment,
    ConnectionFate,
    ConnectionVerdict,
    Maker,
    Sign,
    Survived,
    Weight,
)
from hbprobe.evidence.captures.makers import both_ends, closers, maker_of, makers_signs, nearness
from hbprobe.evidence.captures.retention import FIN, RST
from hbprobe.evidence.captures.story import Story, is_close_notify
from hbprobe.evidence.captures.tcp_flow import Endpoint, Packet, TcpFlow
from hbprobe.manner import Manner
from hbprobe.text import counted
from hbprobe.trial.outcome import Cause

LEAST_IDLE_S = 2.0
"""A connection that was quiet for less has not died of idleness."""
_LEAST_REPEATS = 2
_LEAST_VOID_S, _LEAST_VOID_TRIPS = 0.5, 5
"""Data counts as lost when it was repeated so often, over so many seconds and round trips, and nothing came."""
_PROMPT_S, _PROMPT_TRIPS = 0.05, 3.0
"""What follows a packet within so many round trips, and a little, answers it."""


def judge(flow: TcpFlow, *, end_s: float, least_idle_s: float = LEAST_IDLE_S) -> ConnectionVerdict:
    """Say what became of a connection in a capture that ended at `end_s`."""
    story = Story.of(flow)
    verdict = _never_stood(story) or _void(story, end_s, least_idle_s) or _ended(story, least_idle_s)
    if verdict is None:
        verdict = _unended(story, end_s, least_idle_s)
    return _with_silences(story, verdict)


# Silences


def _with_silences(story: Story, verdict: ConnectionVerdict) -> ConnectionVerdict:
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


def _was_answered(story: Story, place: int) -> bool:
    """Whether the packet arrived: the other end sent something afterwards that is no RST."""
    sender = story.packets[place].sender
    return any(one.sender is not sender and not one.has(RST) for one in story.packets[place + 1 :])


# No connection


def _never_stood(story: Story) -> ConnectionVerdict | None:
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


def _void(story: Story, end_s: float, least_idle_s: float) -> ConnectionVerdict | None:
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


def _wants_answer(story: Story, place: int) -> bool:
    packet = story.packets[place]
    return not packet.has(RST) and (packet.occupies > 0 or place in story.keep_alives)


def _too_little(
    story: Story, calls: Sequence[int], repeats: int, end_s: float, least_idle_s: float
) -> ConnectionVerdict | None:
    """Say that data went unanswered, but not for long enough to mean anything."""
    first = story.packets[calls[0]]
    if first.gap_s < least_idle_s or first.has(FIN) or is_close_notify(first):
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
    story: Story, speaker: Endpoint, calls: Sequence[int], repeats: int, least_idle_s: float
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


def _ended(story: Story, least_idle_s: float) -> ConnectionVerdict | None:
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
        if packet.has(RST) or is_prompt or maker_of([*makers_signs(story, place)]) is Maker.BOX:
            return _on_next(story, place, breaker, prompt_s)
    begin = place
    while begin and story.packets[begin - 1].sender is packet.sender and is_close_notify(story.packets[begin - 1]):
        begin -= 1
    if story.packets[begin].gap_s >= least_idle_s:
        return _unprompted(story, place, story.packets[begin])
    return _in_traffic(story, place)


def _run_before(story: Story, place: int, sender: Endpoint) -> list[int]:
    """Return the packets just before one that all come from one end, the first of them first."""
    run: list[int] = []
    for one in range(place - 1, -1, -1):
        if story.packets[one].sender is not sender:
            break
        run.insert(0, one)
    return run


def _on_next(story: Story, place: int, breaker: int, prompt_s: float) -> ConnectionVerdict:
    """Tell of a packet that broke a silence, and was answered with RST or FIN."""
    packet, broke = story.packets[place], story.packets[breaker]
    after_s = packet.at_s - broke.at_s
    kind = "RST" if packet.has(RST) else "FIN"
    lead = f"{kind} came {format_precisely(after_s)} after the {broke.sender}'s packet that broke a silence"
    signs = [Sign(Weight.STRONG, lead), *makers_signs(story, place), *nearness(story, place, broke)]
    maker = maker_of(signs)
    is_late = after_s > prompt_s
    if is_late:
        signs.append(
            Sign(Weight.WEAK, "until then it went unanswered, as at a server that was down and is back", Maker.SERVER)
        )
    if packet.has(FIN) and not packet.has(RST):
        causes = closers(maker, signs, packet.sender)
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


def _unprompted(story: Story, place: int, begin: Packet) -> ConnectionVerdict:
    """Tell of an RST or FIN that came out of a silence."""
    packet = story.packets[place]
    kind = "RST" if packet.has(RST) else "FIN"
    signs = [
        Sign(Weight.STRONG, f"{kind} came out of a silence of {format_precisely(begin.gap_s)}; nothing asked for it"),
        *makers_signs(story, place),
        *both_ends(story, place),
    ]
    maker = maker_of(signs)
    if packet.sender is Endpoint.CLIENT and maker is not Maker.BOX:
        return _hung_up(story, place, begin, maker, signs)
    if kind == "FIN":
        causes = closers(maker, signs, packet.sender)
    elif maker is Maker.BOX:
        causes = (Cause.RESET_BY_BOX,)
    elif maker is Maker.SERVER:
        causes = (Cause.RESET_BY_SERVER,)
    else:
        causes = (Cause.RESET_BY_BOX, Cause.RESET_BY_SERVER)
    ending = ConnectionFate.IDLE_DEATH if maker is Maker.BOX else ConnectionFate.ENDED_IDLE
    return _of_end(story, place, ending, causes, maker, signs, idle=begin, exact=True)


def _hung_up(story: Story, place: int, begin: Packet, maker: Maker, signs: list[Sign]) -> ConnectionVerdict:
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


def _refusal(story: Story, place: int) -> int | None:
    """Return the place of an RST that answers a FIN which broke a silence."""
    if story.packets[place].has(RST):
        return None
    answers = range(place + 1, len(story.packets))
    return next(
        (one for one in answers if story.packets[one].sender is Endpoint.SERVER and story.packets[one].has(RST)), None
    )


def _in_traffic(story: Story, place: int) -> ConnectionVerdict:
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
        *makers_signs(story, place),
    ]
    maker = maker_of(signs)
    causes = (Cause.RESET_BY_BOX,) if maker is Maker.BOX else ()
    return _of_end(story, place, ConnectionFate.BROKEN, causes, maker, signs, idle=packet)


def _of_end(
    story: Story,
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


# No end


def _unended(story: Story, end_s: float, least_idle_s: float) -> ConnectionVerdict:
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
    words = f"Silence of {format_precisely(packet.gap_s)} before this packet."
    if packet.data_gap_s is not None and packet.data_gap_s > packet.gap_s + 1:
        words += f" No payload for {format_precisely(packet.data_gap_s)}."
    return words
