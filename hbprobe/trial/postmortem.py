"""What a dead request tells: one more packet on its connection, and, over a second one, what its far end saw."""

import asyncio
from dataclasses import replace
from json import JSONDecodeError, loads
from typing import Annotated, Any, Literal

from pydantic import AllowInfNan, BaseModel, ConfigDict, Field, ValidationError

from hbprobe.farend.hold_request import witness_path
from hbprobe.manner import Aftermath, Manner
from hbprobe.net.replies import Answer, End, EndKind
from hbprobe.net.wire import Dialer, DialError, Wire
from hbprobe.trial.classify import unless_by_far_end
from hbprobe.trial.evidence import FarEndSaw, FarEndState, Observation
from hbprobe.trial.http import Conversation
from hbprobe.trial.outcome import SocketSaw

_PATIENCE_S = 1.0
_ROUND_TRIPS = 4
_ANSWER_S = 0.1
"""So long may who gets a packet take to end the connection for it, beside the way there and back."""


_AFTERMATH = {
    EndKind.RST: Aftermath.RESET,
    EndKind.FIN: Aftermath.CLOSED,
    EndKind.TIMED_OUT: Aftermath.NOTHING,
    EndKind.UNREACHABLE: Aftermath.NOTHING,
}


async def examine(wire: Wire, packet: bytes = b"\r\n") -> SocketSaw:
    """Send one more packet on a silent connection, and watch for RST, FIN, an ACK, or nothing."""
    return (await look(wire, packet))[0]


async def look(wire: Wire, packet: bytes = b"\r\n") -> tuple[SocketSaw, End | None]:
    """Send one more packet on a connection; return what came of it, and the end if one came, in answer or not.

    The packet must be nothing to whoever gets it after all: an empty line before a request is none in HTTP (RFC 9112,
    section 2.2). Takes a second and four round trips at most.
    """
    before = wire.info()
    wire.send(packet)
    until_s = asyncio.get_running_loop().time() + _PATIENCE_S + _ROUND_TRIPS * wire.round_trip_s
    woke = False
    while (event := await wire.receive(until_s)) is not None:
        if isinstance(event, End):
            return SocketSaw(_AFTERMATH[event.kind], woke=woke), event
        woke = True
    after = wire.info()
    if before is None or after is None:
        return SocketSaw(None, woke=woke), None
    aftermath = Aftermath.NOTHING if after.unacknowledged else Aftermath.ACKNOWLEDGED
    return SocketSaw(aftermath, after.retransmits, woke), None


def may_answer(wire: Wire, after_s: float) -> bool:
    """Say whether what came so long after a packet may be the answer to it; later, it came by itself."""
    return after_s <= _ANSWER_S + _ROUND_TRIPS * wire.round_trip_s


_WITNESS_PATIENCE_S = 10.0
_OTHER_END_S = 0.5
"""So long after this end does the other one hear of the same timer, at most."""
NOBODY = "0"
"""No request has this nonce: to ask for it is to ask who is there."""

Seconds = Annotated[float, AllowInfNan(False), Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class Statement(BaseModel):
    """What `GET /hold/NONCE` answers (hbprobe.farend.witness)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    hbprobe: str | None = None
    """Its version; older ones do not tell."""
    up_s: Seconds
    seen: bool
    times: Count = 1
    now_s: Seconds = 0.0
    held: bool = True
    answered_s: Seconds | None = None
    ended_s: Seconds | None = None
    ending: Literal["reset", "closed", "gave-up"] | None = None
    unacknowledged: Count | None = None
    stalled_s: Seconds | None = None
    full_s: Seconds | None = None

    def means(self, asked_s: float) -> FarEndSaw:
        """Say what it means for a request that was sent so many seconds ago."""
        was_full = self.full_s is not None and self.full_s <= asked_s
        if not self.seen:
            state = FarEndState.RESTARTED if self.up_s < asked_s else FarEndState.NEVER_ARRIVED
            return FarEndSaw(state, was_full=was_full)
        state = self._standing() if self.ending is None else FarEndState(self.ending)
        return FarEndSaw(state, self.ended_s, self.answered_s, self.times, self.stalled_s, was_full)

    def _standing(self) -> FarEndState:
        if self.answered_s is None:
            return FarEndState.WAITING if self.held else FarEndState.UNASKED
        if self.unacknowledged is None:
            return FarEndState.ANSWERED
        return FarEndState.UNACKNOWLEDGED if self.unacknowledged else FarEndState.ACKNOWLEDGED


class WitnessClient:
    """The far end as a witness."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._loop = asyncio.get_running_loop()

    async def is_there(self) -> bool:
        """Return whether a far end is there that bears witness."""
        return isinstance(await self._ask(NOBODY), Statement)

    async def saw(self, nonce: str, sent_s: float) -> FarEndSaw | None:
        """Ask about a request that was sent at that time of the loop's clock; None where nobody bears witness."""
        said = await self._ask(nonce)
        return said.means(self._loop.time() - sent_s) if isinstance(said, Statement) else said

    async def add_to(self, seen: Observation, nonce: str, sent_s: float, grace_s: float) -> Observation:
        """Ask about a request that was cut here, and return what both ends saw of it."""
        if seen.outcome.how is not Manner.SILENT:
            await asyncio.sleep(_OTHER_END_S)
        far_end = await self.saw(nonce, sent_s)
        return replace(seen, far_end=far_end, outcome=unless_by_far_end(seen.outcome, far_end, grace_s, seen.ask))

    async def _ask(self, nonce: str) -> Statement | FarEndSaw | None:
        until_s = self._loop.time() + _WITNESS_PATIENCE_S
        try:
            async with asyncio.timeout_at(until_s):
                wire = await self._dialer.open()
        except (DialError, TimeoutError):
            return FarEndSaw(FarEndState.UNREACHABLE)
        try:
            conversation = Conversation(wire, self._dialer.target.authority)
            conversation.ask("GET", witness_path(nonce))
            reply = await conversation.reply(until_s)
        finally:
            wire.close()
        return testimony(reply.body) if isinstance(reply, Answer) and reply.status == 200 else None


def testimony(body: bytes) -> Statement | None:
    """Read an answer; None for one that is no witness's."""
    try:
        said: Any = loads(body)
        return Statement.model_validate(said)
    except (JSONDecodeError, UnicodeDecodeError, RecursionError, ValidationError):
        return None
