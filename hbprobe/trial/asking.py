"""One question of a diagnosis, asked: a request held past the limit, and all that both ends saw of it."""

import asyncio
import contextlib
import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from hbprobe.farend.hold_request import hold_query, hold_token, without_drip
from hbprobe.manner import Aftermath, Manner
from hbprobe.net.liveness import keep_alive
from hbprobe.net.replies import Answer, Broken, End, Reply
from hbprobe.net.wire import Dialer, DialError, Wire
from hbprobe.trial.classify import classify, in_answer
from hbprobe.trial.evidence import Ask, FarEndState, Observation, Question, page_words
from hbprobe.trial.http import Conversation
from hbprobe.trial.outcome import Kind, Outcome
from hbprobe.trial.postmortem import WitnessClient, examine

_FIRST_ANSWER_S = 30.0
_LATE_S = 10.0
"""So long is a late answer waited for, where the server says that it will come."""
_MOST_NAMED = 80
_MOST_PAGE_BYTES = 10_000
_ANNOUNCED = re.compile(r"timeout\s*=\s*([0-9]{1,7})", re.ASCII)
_FROM_CLIENT = (Question.CLIENT_DRIP, Question.BOTH_DRIP)
_FROM_SERVER = (Question.SERVER_DRIP, Question.BOTH_DRIP)


Quiet = Callable[[Wire, float], contextlib.AbstractAsyncContextManager[object]]
"""What is done while a connection is quiet for so many seconds, such as sending keep-alives."""


def nothing_meanwhile(_wire: Wire, _hold_s: float) -> contextlib.AbstractAsyncContextManager[object]:
    """Leave a quiet connection quiet."""
    return contextlib.nullcontext()


async def on_a_connection(dialer: Dialer, ask: Ask, see: Callable[[Wire], Awaitable[Observation]]) -> Observation:
    """Open one connection, with TCP keep-alives where they are asked about, see, and close it whatever happens."""
    if ask.question is Question.KEEP_ALIVE:
        dialer = dialer.prepared(keep_alive(ask.interval_s or 1.0))
    try:
        wire = await dialer.open()
    except DialError as error:
        failed = Outcome(Kind.FAILED, 0.0, reason=str(error), again=error.passing, outage=error.passing)
        return Observation(ask, failed)
    try:
        seen = await see(wire)
        return replace(seen, outcome=replace(seen.outcome, connection=wire.connection))
    finally:
        wire.close()


class Asking:
    """Asks questions of one path."""

    def __init__(
        self,
        dialer: Dialer,
        grace_s: float,
        rng: random.Random,
        *,
        holds: bool,
        quiet: Quiet = nothing_meanwhile,
    ) -> None:
        """`holds`: `hbprobe serve` is there, and holds requests; otherwise quiet lies between two requests."""
        self._dialer = dialer
        self._grace_s = grace_s
        self._rng = rng
        self._holds = holds
        self._quiet = quiet
        self._witness = WitnessClient(dialer)
        self._loop = asyncio.get_running_loop()

    async def ask(self, ask: Ask) -> Observation:
        """Make the request, and tell what it showed; never raises for what the path or its far end does."""
        holds = self._holds and ask.question is not Question.BETWEEN_REQUESTS
        see = self._held if holds else self._between
        return await on_a_connection(self._dialer, ask, lambda wire: see(ask, wire))

    # A request that is held

    async def _held(self, ask: Ask, wire: Wire) -> Observation:
        conversation = Conversation(wire, self._dialer.target.authority)
        async with self._quiet(wire, ask.hold_s):
            return await self._held_on(ask, wire, conversation)

    async def _held_on(self, ask: Ask, wire: Wire, conversation: Conversation) -> Observation:
        nonce, started_s = f"{self._rng.getrandbits(128):032x}", self._loop.time()
        due_s = started_s + ask.hold_s
        drip_s = ask.interval_s if ask.question in _FROM_SERVER else None
        if ask.question in _FROM_CLIENT:  # the far end answers as soon as the request is whole
            seconds = 0.0
            conversation.begin(hold_query(seconds, nonce, drip_s))
            every_s = ask.interval_s or ask.hold_s
            reply = await conversation.reply_while_dripping(every_s, due_s, due_s + self._grace_s)
        else:
            seconds = ask.hold_s
            conversation.ask("POST", hold_query(seconds, nonce, drip_s))
            reply = await conversation.reply(due_s + self._grace_s)
        if isinstance(reply, Answer):
            reply = replace(reply, body=without_drip(reply.body))
        token, now_s = hold_token(seconds, nonce), self._loop.time()
        outcome = classify(reply, hold_s=ask.hold_s, started_s=started_s, now_s=now_s, expected=token)
        via = _said(reply, "via") if isinstance(reply, Answer) else ""
        page = _page(reply) if isinstance(reply, Answer) and outcome.kind is Kind.CUT else ""
        seen = Observation(ask, outcome, signed=_is_signed(reply), server=_name(reply, outcome), via=via, page=page)
        if outcome.kind is not Kind.CUT:
            return seen
        if ask.question is Question.POST_MORTEM:
            return await self._examined(seen, wire, conversation, nonce, started_s)
        return await self._witness.add_to(seen, nonce, started_s, self._grace_s)

    async def _examined(
        self, seen: Observation, wire: Wire, conversation: Conversation, nonce: str, started_s: float
    ) -> Observation:
        """Examine the dead connection, and ask the far end."""
        socket = await examine(wire) if seen.outcome.how is Manner.SILENT else None
        seen = await self._witness.add_to(replace(seen, socket=socket), nonce, started_s, self._grace_s)
        if seen.outcome.kind is Kind.FAILED:
            return seen
        is_late = seen.far_end is not None and seen.far_end.state is FarEndState.WAITING and seen.far_end.times == 1
        if socket is None or not is_late or socket.aftermath not in (Aftermath.ACKNOWLEDGED, None):
            return seen
        due_s = started_s + seen.ask.hold_s
        reply = await conversation.reply(self._loop.time() + _LATE_S)
        return replace(seen, late_s=max(0.0, reply.at_s - due_s)) if isinstance(reply, Answer) else seen

    # Quiet between two requests

    async def _between(self, ask: Ask, wire: Wire) -> Observation:
        conversation, path = Conversation(wire, self._dialer.target.authority), self._dialer.target.path
        nonce, began_s = f"{self._rng.getrandbits(128):032x}" if self._holds else "", self._loop.time()
        first = await self._warm_up(conversation, path, nonce)
        if isinstance(first, Outcome):
            return Observation(ask, first, quiet=True)
        quiet_s = self._loop.time()
        async with self._quiet(wire, ask.hold_s):
            reply: Reply = await conversation.silence(quiet_s + ask.hold_s)
            asked = reply is None
            if asked:
                conversation.ask("GET", path)
                reply = await conversation.reply(self._loop.time() + self._grace_s)
        now_s = self._loop.time() if reply is None else reply.at_s
        outcome = classify(reply, hold_s=ask.hold_s, started_s=quiet_s, now_s=now_s, expected=None)
        if asked and isinstance(reply, End):
            outcome = in_answer(outcome, reply, "the next request")
        socket = await examine(wire) if outcome.how is Manner.SILENT else None
        seen = Observation(
            ask,
            outcome,
            signed=_is_signed(reply),
            server=_said(first, "server"),
            via=_said(first, "via"),
            quiet=not asked,
            announced_s=_announced(first),
            socket=socket,
        )
        if not nonce or outcome.kind is not Kind.CUT:
            return seen
        return await self._witness.add_to(seen, nonce, began_s, self._grace_s)

    async def _warm_up(self, conversation: Conversation, path: str, nonce: str) -> Answer | Outcome:
        """Ask once, for something that the far end bears witness of where there is a nonce.

        Return why nothing can be measured if the connection does not stay open after the answer.
        """
        started_s = self._loop.time()
        if nonce:
            conversation.ask("POST", hold_query(0.0, nonce))
        else:
            conversation.ask("GET", path)
        reply = await conversation.reply(started_s + _FIRST_ANSWER_S)
        if not isinstance(reply, Answer):
            passes = not isinstance(reply, Broken)
            why = reply.detail if isinstance(reply, End | Broken) else ""
            text = "the server did not answer the first request" + (f": {why}" if why else "")
            return Outcome(Kind.FAILED, 0.0, reason=text, again=passes, outage=passes)
        if not conversation.next_turn():
            text = "the server closes the connection after each answer, so there is no idle time to measure"
            return Outcome(Kind.FAILED, self._loop.time() - started_s, reason=text)
        return reply


def _is_signed(reply: Reply) -> bool:
    end = reply.end if isinstance(reply, Broken) else reply
    return isinstance(end, End) and end.signed


def _name(reply: Reply, outcome: Outcome) -> str:
    """Return how whoever answered calls itself, where the answer was not the far end's."""
    named = isinstance(reply, Answer) and outcome.kind is Kind.CUT
    return _said(reply, "server") if named and isinstance(reply, Answer) else ""


def _said(answer: Answer, header: str) -> str:
    return answer.headers.get(header, "")[:_MOST_NAMED]


def _page(answer: Answer) -> str:
    return page_words(answer.body[:_MOST_PAGE_BYTES].decode("utf-8", "replace"))


def _announced(reply: Answer) -> float | None:
    """Read `Keep-Alive: timeout=75` (https://datatracker.ietf.org/doc/html/draft-thomson-hybi-http-timeout)."""
    found = _ANNOUNCED.search(reply.headers.get("keep-alive", ""))
    return float(found[1]) if found else None
