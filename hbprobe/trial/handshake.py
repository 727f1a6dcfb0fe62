"""A handshake carried out: the requests of `exchange/client.py` go over connections of their own, one after another.

They are not the trial's: the connection that a Ping is held on has nothing behind it. Where the server throttles, the
same request is made again after the pause that it asks for. Nothing else that a server has seen is ever asked twice,
logins least of all.
"""

import asyncio
from collections.abc import Callable

from hbprobe.eas.client import Handshake, HttpRequest, Step
from hbprobe.eas.refusal import Refusal, RefusedError
from hbprobe.net.replies import Answer, Broken, End, Reply
from hbprobe.net.wire import Dialer, Wire
from hbprobe.trial.http import Conversation

LONGEST_PAUSE_S = 1800.0
"""A server that asks for a longer pause is not waited for."""
PATIENCE_S = 60.0
"""Exchange delays its errors by 20 s."""
_MOST_PAUSES = 3
_NOT_THE_SERVER = "see whether a box on the path ends connections, and whether the server answers at all"


class RequestSender:
    """Carries requests to one server, over one connection as long as it lasts."""

    def __init__(self, dialer: Dialer, say: Callable[[str], None] = lambda _: None) -> None:
        """`say` is told when the server asks for a pause."""
        self._dialer = dialer
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._wire: Wire | None = None
        self._conversation: Conversation | None = None

    async def shake_hands(self, handshake: Handshake, done: Callable[[Step], None] = lambda _: None) -> None:
        """Take all steps until the device may send a Ping, and tell `done` of each.

        Raises RefusedError, and DialError for the path.
        """
        while (step := handshake.step) is not None:
            await handshake.account.renew()
            await self._step(handshake, step)
            done(step)

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = self._conversation = None

    async def _step(self, handshake: Handshake, step: Step) -> None:
        for pauses_left in reversed(range(_MOST_PAUSES + 1)):
            request = handshake.next()
            assert request is not None  # the step is not the last
            answer = answer_to(step, await self.ask(request, PATIENCE_S))
            try:
                handshake.take(answer.status, answer.headers, answer.body)
                return
            except RefusedError as error:
                await self._pause(error, pauses_left)
        raise AssertionError

    async def _pause(self, error: RefusedError, pauses_left: int) -> None:
        """Wait as long as the server asks for; raise what it said if that is too long, or too often."""
        pause_s = error.refusal.pause_s
        if pause_s is None or pause_s > LONGEST_PAUSE_S or not pauses_left:
            raise error
        self._say(f"{error}; waiting {pause_s:g} s")
        self.close()
        await asyncio.sleep(pause_s)

    async def ask(self, request: HttpRequest, patience_s: float) -> Reply:
        """Send one request, and wait for the answer or for what comes instead; raises DialError.

        Where a connection that was used before ends without a byte of an answer, the server had closed it before it
        saw the request, so a fresh one is tried, once (RFC 9112, section 9.3.1).
        """
        is_reused = self._conversation is not None
        reply = await self._ask(request, patience_s)
        if is_reused and isinstance(reply, End):
            return await self._ask(request, patience_s)
        return reply

    async def _ask(self, request: HttpRequest, patience_s: float) -> Reply:
        if self._conversation is None:
            self._wire = await self._dialer.open()
            self._conversation = Conversation(self._wire, self._dialer.target.authority)
        conversation = self._conversation
        conversation.ask(request.method, request.target, request.headers, request.body or None)
        reply = await conversation.reply(self._loop.time() + patience_s)
        if not (isinstance(reply, Answer) and conversation.next_turn()):
            self.close()
        return reply


def answer_to(step: Step, reply: Reply) -> Answer:
    """Return the answer to a step; raises RefusedError for what came instead."""
    match reply:
        case Answer():
            return reply
        case None:
            text = f"no answer within {PATIENCE_S:g} s"
        case Broken():
            text = reply.detail
        case End():
            text = f"the connection ended before the answer ({reply.kind.upper()})"
    raise RefusedError(Refusal(f"{step}: {text}", _NOT_THE_SERVER))
