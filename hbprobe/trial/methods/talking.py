"""A protocol's talk on a connection: it stands, is silent for the hold, and is asked what any server answers.

What the server says by itself breaks the silence, and is never taken for a limit: a trial in which it spoke is no
evidence of the hold that was to be silent. What it says when it ends the connection (GOAWAY, BYE, Close) is kept.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from importlib import import_module

from hbprobe.duration import format_duration
from hbprobe.manner import Aftermath, Manner
from hbprobe.net.replies import End, EndKind
from hbprobe.net.target import HTTP_1_1, Target
from hbprobe.net.wire import Dialer, DialError, Wire
from hbprobe.trial.asking import on_a_connection
from hbprobe.trial.classify import PROMPT_S, came_early, classify, in_answer
from hbprobe.trial.evidence import Ask, FarEndState, Observation, Question
from hbprobe.trial.methods.method import Environment, OneConnection
from hbprobe.trial.outcome import Kind, Outcome, SocketSaw
from hbprobe.trial.postmortem import WitnessClient, examine, look, may_answer
from hbprobe.trial.proof import speaks_tls
from hbprobe.trial.talks.talk import MakeTalk, Talk, Where, told

_BEGIN_S = 30.0
"""So long may the beginning take, which nothing is meant to hold up."""
_CLOSING_S = 10.0
"""So long after its last words does a server close the connection, at most."""
_AT_ONCE = Ask(Question.POST_MORTEM, 0.0)


@dataclass(frozen=True, slots=True)
class _Farewell:
    """What a server said before it ended the connection, or should have."""

    said_s: float
    """When, on the loop's clock."""
    end: End | None
    """None where none came."""


class TalkMethod(OneConnection):
    """Silence in the middle of a talk."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._new: MakeTalk = import_module(f"hbprobe.trial.talks.{environment.traits.talk}").make
        self._witness = WitnessClient(self._dialer.offering(HTTP_1_1))

    async def prove(self) -> Outcome | None:
        """Have one talk without silence: a server that never answers would look like a path that cuts everything."""
        outcome = (await on_a_connection(self._dialer, _AT_ONCE, self._proven)).outcome
        if outcome.kind is Kind.SURVIVED:
            return None
        other = self._other_scheme()
        if other is None or self._dialer.address is None:
            return outcome
        if other.tls and await speaks_tls(self._dialer):
            mend = f"this port speaks TLS: write {other}"
        elif outcome.reason.startswith("TLS: ") and not other.tls and await self._speaks_plain(other):
            mend = f"this port does not speak TLS: write {other}"
        else:
            return outcome
        return replace(outcome, reason=f"{outcome.reason}; {mend}", again=False, outage=False)

    def _other_scheme(self) -> Target | None:
        """Return the target with TLS instead of without, or the other way round; None where no scheme says that."""
        target, schemes = self._dialer.target, self._environment.traits.schemes
        name = next((name for name, scheme in schemes.items() if scheme.tls is not target.tls), "")
        return replace(target, tls=not target.tls, scheme=name) if name and self._dialer.tls is target.tls else None

    async def _speaks_plain(self, target: Target) -> bool:
        """Return whether the talk goes on without TLS; nothing is said there that a user has given us."""
        talk = self._new(Where(target.authority))
        if talk.stands:  # nothing would show that anybody speaks
            return False
        dialer = Dialer(target, None, start=self._dialer.start)
        seen = await on_a_connection(dialer, _AT_ONCE, lambda wire: self._proven(wire, talk))
        return seen.outcome.kind is Kind.SURVIVED

    @property
    def asks(self) -> frozenset[Question]:
        """What the talk allows: not all can be asked again and again, and few say something that is not answered."""
        talk, asks = self._talk(0.0), super().asks
        if talk.whispers:
            asks |= {Question.CLIENT_DRIP}
        return asks if talk.repeats else asks - {Question.BOTH_DRIP}

    @property
    def notes(self) -> tuple[str, ...]:
        """A login and STARTTLS change what the server's own limits are, and what the path sees."""
        options = self._environment.talk
        login = (f"logged in as {options.user}: what a server allows before the login does not count",)
        return (*(login if options.user else ()), *(("TLS began by STARTTLS",) if options.starttls else ()))

    async def ask(self, ask: Ask) -> Observation:
        """Ask one question; a drip from both ends is the protocol's own ping, with what answers it, and one from the
        client something that is not answered."""
        environment = self._environment
        return await on_a_connection(
            self._dialer,
            ask,
            lambda wire: _Trial(wire, self._talk(ask.hold_s), ask, environment, self._witness).seen(),
        )

    async def _proven(self, wire: Wire, talk: Talk | None = None) -> Observation:
        talk = talk or self._talk(0.0)
        outcome = await _begun(wire, talk)
        if outcome is None and talk.asks:
            wire.send(talk.ask())
            end = await _heard(wire, talk, asyncio.get_running_loop().time() + _BEGIN_S)
            if not talk.answered:
                text = talk.instead or "the server does not answer a question that is asked at once"
                outcome = _objection(text, talk, end)
        elif outcome is None and not talk.due:
            outcome = await self._poke_proven(wire, talk)
        return Observation(_AT_ONCE, outcome or Outcome(Kind.SURVIVED, 0.0))

    async def _poke_proven(self, wire: Wire, talk: Talk) -> Outcome | None:
        """See at once what one more packet does to the connection: later that would look like the path's doing."""
        saw, end = await look(wire)
        if saw.woke or saw.aftermath in (Aftermath.ACKNOWLEDGED, None):
            return None
        if end is None:
            text = "one more packet is not acknowledged, though it is sent at once"
            return Outcome(Kind.FAILED, 0.0, reason=text, again=True, outage=True)
        unasked = (await on_a_connection(self._dialer, _AT_ONCE, self._left_alone)).outcome
        if unasked.kind is Kind.FAILED:
            return unasked
        what = "one more packet, which is to show whether the connection stands, is answered with"
        text = f"{what} {end.kind.upper()} at once: {talk.otherwise}"
        return Outcome(Kind.FAILED, 0.0, reason=text)

    async def _left_alone(self, wire: Wire) -> Observation:
        """See whether the connection ends though nothing is sent after its beginning."""
        talk = self._talk(0.0)
        outcome, until_s = await _begun(wire, talk), asyncio.get_running_loop().time() + PROMPT_S
        while outcome is None and (event := await wire.receive(until_s)) is not None:
            if isinstance(event, End):
                outcome = _objection("the connection ends at once", talk, event)
        return Observation(_AT_ONCE, outcome or Outcome(Kind.SURVIVED, 0.0))

    def _talk(self, hold_s: float) -> Talk:
        target, environment = self._dialer.target, self._environment
        nonce = f"{environment.rng.getrandbits(128):032x}"
        return self._new(Where(target.authority, target.path, hold_s, environment.talk, nonce))


class _Trial:
    """One connection of a talk."""

    def __init__(self, wire: Wire, talk: Talk, ask: Ask, environment: Environment, witness: WitnessClient) -> None:
        self._wire = wire
        self._talk = talk
        self._ask = ask
        self._witness = witness
        self._grace_s = environment.grace_s
        self._quiet = environment.quiet
        traits = environment.traits
        self._own_limit = traits.own_limit_in_session if environment.talk.user else traits.own_limit
        self._loop = asyncio.get_running_loop()
        self._since_s = 0.0
        """Since when it is silent."""
        self._heard_s = 0.0
        """When the server was heard last, or the silence began."""
        self._spoke: list[float] = []
        """How long the silences were that the server broke by itself."""
        self._said = b""
        """What it said last."""
        self._socket: SocketSaw | None = None
        self._has_asked = False
        """No silence is kept any more."""
        self._lingered_s = 0.0
        """So long after its last words did the server end the connection."""

    async def seen(self) -> Observation:
        """Keep the connection silent, and tell what came of it, and what the far end saw if it bears witness."""
        sent_s = self._loop.time()
        if (objection := await _begun(self._wire, self._talk)) is not None:
            return Observation(self._ask, objection)
        self._since_s = self._heard_s = self._loop.time()
        async with self._quiet(self._wire, self._ask.hold_s):
            match self._ask.question:
                case Question.BOTH_DRIP:
                    outcome = await self._dripped(self._asked)
                case Question.CLIENT_DRIP:
                    outcome = await self._dripped(self._whispered)
                case _:
                    outcome = await self._silent()
        if outcome.how is Manner.SILENT and self._socket is None:
            self._socket = await self._examine()
        seen = Observation(
            self._ask,
            outcome,
            signed=self._wire.signed,
            socket=self._socket,
            disconnect_notice=self._last_words() if outcome.kind is Kind.CUT else "",
            lingered_s=self._lingered_s,
            by_server=self._talk.end_to_end and not self._wire.in_the_clear,
            own_limit=self._own_limit.words,
            own_limit_s=self._own_limit.least_s,
            since=self._talk.since,
            quiet=outcome.how is Manner.SILENT and not (self._talk.asks or self._talk.due),
        )
        nonce = self._talk.witness_nonce
        if not nonce or outcome.kind is not Kind.CUT:
            return seen
        seen = await self._witness.add_to(seen, nonce, sent_s, self._grace_s)
        if seen.far_end is not None and seen.far_end.state is FarEndState.NEVER_ARRIVED:  # it is not who announced it
            return replace(seen, far_end=None)
        return seen

    async def _examine(self) -> SocketSaw:
        """Send one more packet, which is one of the protocol's where it has one that is not answered."""
        packet = self._talk.whisper() if self._talk.whispers else b""
        return await (examine(self._wire, packet) if packet else examine(self._wire))

    def _last_words(self) -> str:
        clear = self._wire.in_the_clear
        return self._talk.disconnect_notice or (f"{clear!r} in the clear, in the middle of TLS" if clear else "")

    # What is done meanwhile

    async def _silent(self) -> Outcome:
        talk = self._talk
        end = await self._listen(self._grace_s if talk.due else 0.0)
        if talk.due and talk.answered:
            return self._answered()
        if talk.trouble:
            return Outcome(Kind.FAILED, self._elapsed_s, reason=talk.trouble)
        if end is not None:
            return self._ended(end)
        if self._spoke:
            return self._not_silent()
        if talk.due:
            return Outcome(Kind.CUT, self._elapsed_s, Manner.SILENT, reason="nothing came")
        return await (self._asked() if talk.asks else self._poked())

    async def _dripped(self, drip: Callable[[], Awaitable[Outcome | None]]) -> Outcome:
        """Say something at every interval, and ask at the end where none of it is answered."""
        due_s, every_s = self._since_s + self._ask.hold_s, self._ask.interval_s or self._ask.hold_s
        outcome: Outcome | None = None
        while (now_s := self._loop.time()) < due_s:
            end = await self._hear(min(now_s + every_s, due_s))
            if end is not None:
                return self._ended(end)
            outcome = await drip()
            if outcome is not None and outcome.kind is not Kind.SURVIVED:
                return outcome
        return outcome or await self._asked()

    async def _whispered(self) -> None:
        """Say something that is not answered."""
        self._wire.send(self._talk.whisper())

    async def _asked(self) -> Outcome:
        """Ask, and wait for the answer; an end that comes with it ends no silence, but it does a row of questions."""
        self._has_asked = True
        self._wire.send(self._talk.ask())
        end = await _heard(self._wire, self._talk, self._loop.time() + self._grace_s)
        if self._talk.answered and (end is None or self._ask.question is not Question.BOTH_DRIP):
            return Outcome(Kind.SURVIVED, self._elapsed_s)
        if wrong := self._talk.trouble or self._talk.instead:
            return Outcome(Kind.FAILED, self._elapsed_s, reason=wrong)
        if end is None:
            return Outcome(Kind.CUT, self._elapsed_s, Manner.SILENT, reason="nothing came")
        return self._ended_in_answer(end, "the next packet")

    async def _poked(self) -> Outcome:
        """Send one more packet, and see what becomes of it."""
        elapsed_s, poked_s = self._elapsed_s, self._loop.time()
        saw, end = await look(self._wire)
        if saw.woke or saw.aftermath is Aftermath.ACKNOWLEDGED:
            return Outcome(Kind.SURVIVED, elapsed_s)
        if end is not None and end.kind in (EndKind.FIN, EndKind.RST):
            if may_answer(self._wire, end.at_s - poked_s):
                return self._ended_in_answer(end, "one more packet")
            return Outcome(Kind.SURVIVED, elapsed_s, reason=f"{end.kind.upper()} came later, and by itself")
        if saw.aftermath is None:
            text = "this system does not tell whether one more packet was acknowledged, and nothing else can be asked"
            return Outcome(Kind.FAILED, elapsed_s, reason=text)
        self._socket = saw
        return Outcome(Kind.CUT, elapsed_s, Manner.SILENT, reason="one more packet was not taken")

    # What it means

    @property
    def _elapsed_s(self) -> float:
        return self._loop.time() - self._since_s

    def _answered(self) -> Outcome:
        """Tell of an answer that was due after the hold."""
        elapsed_s, hold_s = self._heard_s - self._since_s, self._ask.hold_s
        if came_early(elapsed_s, hold_s):
            text = f"the server spoke after {elapsed_s:.3f} s instead of {hold_s:g} s: it does not do as it is asked"
            return Outcome(Kind.FAILED, elapsed_s, reason=text)
        return Outcome(Kind.SURVIVED, elapsed_s)

    def _ended_in_answer(self, end: End | _Farewell, to: str) -> Outcome:
        outcome, last = self._ended(end), end.end if isinstance(end, _Farewell) else end
        return outcome if last is None else in_answer(outcome, last, to)

    def _ended(self, end: End | _Farewell) -> Outcome:
        """Tell of an end, which struck when it was announced; where the server spoke before, silence began then."""
        if isinstance(end, _Farewell):
            if end.end is None:
                return self._not_ended(end)
            self._lingered_s = end.end.at_s - end.said_s
            end = replace(end.end, at_s=end.said_s)
        since_s = self._heard_s if self._spoke else self._since_s
        if self._spoke and end.at_s - since_s < PROMPT_S:
            text = f"the server spoke by itself, and ended the connection at once: {told(self._said)}"
            return Outcome(Kind.FAILED, max(0.0, end.at_s - self._since_s), reason=text, again=True)
        return classify(end, hold_s=self._ask.hold_s, started_s=since_s, now_s=end.at_s, expected=None)

    def _not_ended(self, farewell: _Farewell) -> Outcome:
        """Tell of words that should have been the last: what longer silence meets cannot be told after them."""
        elapsed_s = max(0.0, farewell.said_s - self._since_s)
        text = (
            f"after {format_duration(elapsed_s)} came {self._talk.disconnect_notice}, and no end of the connection "
            f"within {_CLOSING_S:g} s: longer silence cannot be tested"
        )
        return Outcome(Kind.FAILED, elapsed_s, reason=text, again=True)

    def _not_silent(self) -> Outcome:
        every_s = max(self._spoke)
        text = (
            f"the server speaks by itself every {format_duration(every_s)} or sooner: longer silence cannot be tested"
        )
        return Outcome(Kind.FAILED, self._elapsed_s, reason=text)

    # What is heard

    async def _listen(self, more_s: float) -> End | _Farewell | None:
        """Listen until the hold is over, and as much longer."""
        while self._loop.time() < (until_s := self._since_s + self._ask.hold_s + more_s):
            end = await self._hear(until_s)
            if end is not None or self._talk.trouble or (self._talk.due and self._talk.answered):
                return end
        return None

    async def _hear(self, until_s: float) -> End | _Farewell | None:
        """Wait for what comes next; what comes within a second of the beginning belongs to it.

        An answer that nobody has asked for breaks the silence as anything does.
        """
        event = await self._wire.receive(until_s)
        if event is None or isinstance(event, End):
            return event
        now_s, self._said = self._loop.time(), event
        if said := self._talk.take(event):
            self._wire.send(said)
        if self._talk.disconnect_notice:
            return await _farewell(self._wire, now_s)
        if now_s - self._heard_s < PROMPT_S and not (self._spoke or self._talk.due or self._has_asked):
            self._since_s = now_s
        elif not (self._has_asked or (self._talk.due and self._talk.answered)):
            self._spoke.append(now_s - self._heard_s)
        self._heard_s = now_s
        return None


async def _begun(wire: Wire, talk: Talk) -> Outcome | None:
    """Bring the talk to where silence may begin; return why it cannot be."""
    if talk.alpn and wire.alpn != talk.alpn:
        text = f"the server does not speak {talk.alpn}: in TLS it agrees on {wire.alpn or 'nothing'}"
        return Outcome(Kind.FAILED, 0.0, reason=text)
    if first := talk.begin():
        wire.send(first)
    if _stands(talk):
        return None
    until_s = asyncio.get_running_loop().time() + _BEGIN_S
    end = await _heard(wire, talk, until_s)
    if talk.wants_tls:
        try:
            await wire.start_tls()
        except DialError as error:
            return Outcome(Kind.FAILED, 0.0, reason=str(error), again=error.passing, outage=error.passing)
        if said := talk.secured():
            wire.send(said)
        if not _stands(talk):
            end = await _heard(wire, talk, until_s)
    if _stands(talk):
        return None if end is None else _objection("the server ends the connection once it stands", talk, end)
    return _objection("the server does not begin to talk", talk, end)


def _stands(talk: Talk) -> bool:
    return talk.stands and not talk.trouble


async def _heard(wire: Wire, talk: Talk, until_s: float) -> End | _Farewell | None:
    """Listen until the talk stands, or its question is answered, or it ends, or the time is over."""
    stood = talk.stands
    while not (talk.trouble or talk.answered or talk.wants_tls or (talk.stands and not stood)):
        event = await wire.receive(until_s)
        if event is None or isinstance(event, End):
            return event
        if said := talk.take(event):
            wire.send(said)
        if talk.disconnect_notice:
            return await _farewell(wire, asyncio.get_running_loop().time())
    return None


async def _farewell(wire: Wire, said_s: float) -> _Farewell:
    """Wait for the end that a server has announced."""
    until_s = said_s + _CLOSING_S
    while (event := await wire.receive(until_s)) is not None:
        if isinstance(event, End):
            return _Farewell(said_s, event)
    return _Farewell(said_s, None)


def _objection(text: str, talk: Talk, end: End | _Farewell | None) -> Outcome:
    """Say why there is no talk; where the connection only ended, it may be there in a while."""
    if talk.trouble:
        return Outcome(Kind.FAILED, 0.0, reason=talk.trouble)
    end = end.end if isinstance(end, _Farewell) else end
    ended = f"{end.kind.upper()}{f' ({end.detail})' if end.detail else ''}" if end else ""
    said = f"it says {told(talk.first)}" if talk.first and not talk.stands else ""
    why = talk.disconnect_notice or ", and ends it with ".join(filter(None, (said, ended)))
    return Outcome(Kind.FAILED, 0.0, reason=text + (f": {why}" if why else ""), again=True, outage=True)


make = TalkMethod
