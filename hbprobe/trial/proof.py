"""Whether `hbprobe serve`, or at least HTTP, is at the other end: it proves itself before anything is measured.

Without that, a 404 page or the banner of another protocol would look like the doing of a box on the path.
"""

import asyncio
import ssl
from dataclasses import dataclass, replace

from hbprobe.farend.hold_request import hold_query, hold_token, witness_path
from hbprobe.net.replies import Answer, Broken, End, Reply
from hbprobe.net.wire import Dialer, DialError
from hbprobe.trial.classify import objection, unexpected
from hbprobe.trial.http import Conversation
from hbprobe.trial.outcome import Kind, Outcome
from hbprobe.trial.postmortem import NOBODY, testimony

_PATIENCE_S = 10.0
_LOOK_S = 3.0
_MOST_SHOWN = 60
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")
"""An alert or a handshake of TLS (RFC 8446, section 5.1)."""
_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
_NO_SUCH_PAGE = (404, 405)


@dataclass(frozen=True, slots=True)
class FarEndProof:
    """What the far end has shown of itself."""

    version: str | None
    """Of its hbprobe; None where it is too old to tell."""
    bears_witness: bool
    """It can be asked what became of a request."""


async def prove_http(dialer: Dialer, *, stood: bool = False) -> Outcome | None:
    """Ask for the page once; returns a failed outcome where no HTTP answers, which says what does.

    `stood`: it has proved itself before.
    """
    try:
        reply, elapsed_s = await _asked(dialer, "GET", dialer.target.path)
    except DialError as error:
        return await _undialled(dialer, error)
    return None if isinstance(reply, Answer) else await _objection(dialer, reply, elapsed_s, stood=stood)


async def prove(dialer: Dialer, *, stood: bool = False) -> FarEndProof | Outcome:
    """Ask the far end who it is; returns a failed outcome where it is no `hbprobe serve`, or does not answer.

    `stood`: it has proved itself before.
    """
    try:
        reply, elapsed_s = await _asked(dialer, "GET", witness_path(NOBODY))
        if isinstance(reply, Answer) and reply.status == 200 and (said := testimony(reply.body)) is not None:
            return FarEndProof(said.hbprobe, bears_witness=True)
        if isinstance(reply, Answer) and reply.status in _NO_SUCH_PAGE and await _holds(dialer):
            return FarEndProof(None, bears_witness=False)
    except DialError as error:
        return await _undialled(dialer, error)
    return await _objection(dialer, reply, elapsed_s, stood=stood)


async def _undialled(dialer: Dialer, error: DialError) -> Outcome:
    if error.passing:
        return Outcome(Kind.FAILED, 0.0, reason=str(error), again=True, outage=True)
    return Outcome(Kind.FAILED, 0.0, reason=f"{error}{await _beside_tls(dialer, str(error))}")


async def _objection(dialer: Dialer, reply: Reply, elapsed_s: float, *, stood: bool) -> Outcome:
    match reply:
        case None:
            text = f"the server took the connection, and did not answer within {_PATIENCE_S:g} s"
            found = Outcome(Kind.FAILED, elapsed_s, reason=text, again=True, outage=True)
            speaks = await _spoken(dialer)
        case Answer():
            found = objection(reply, elapsed_s) or unexpected(reply, elapsed_s)
            speaks = await _spoken(dialer) if reply.status == 400 else ""
        case End():
            name = reply.kind.upper()
            text = f"{name} at once: another protocol, or a proxy that cannot reach the server"
            if stood:
                text = f"{name} at once: it was there before, so it went down, or a proxy cannot reach it any more"
            found = Outcome(Kind.FAILED, elapsed_s, reason=text, again=True, outage=True)
            speaks = await _spoken(dialer)
        case Broken():
            found, speaks = Outcome(Kind.FAILED, elapsed_s, reason=reply.detail), await _spoken(dialer)
    if speaks:  # that will not pass
        found = replace(found, again=False, outage=False)
    return replace(found, reason=f"{found.reason}{speaks}")


async def _holds(dialer: Dialer) -> bool:
    """Return whether it holds a request for no time at all, as an `hbprobe serve` that bears no witness does."""
    nonce = "0"
    reply, _ = await _asked(dialer, "POST", hold_query(0.0, nonce))
    return isinstance(reply, Answer) and reply.body == hold_token(0.0, nonce)


async def _asked(dialer: Dialer, verb: str, path: str) -> tuple[Reply, float]:
    loop = asyncio.get_running_loop()
    wire = await dialer.open()
    try:
        conversation, started_s = Conversation(wire, dialer.target.authority), loop.time()
        conversation.ask(verb, path)
        reply = await conversation.reply(started_s + _PATIENCE_S)
        return reply, loop.time() - started_s
    finally:
        wire.close()


async def _spoken(dialer: Dialer) -> str:
    """Say what is spoken at the port, if it is not what was asked for; empty where that does not show."""
    target = dialer.target
    if not target.tls and await speaks_tls(dialer):
        return f"; this port speaks TLS: write {replace(target, tls=True)}"
    first = await _first_bytes(Dialer(replace(target, tls=False), None, start=dialer.start))
    if first.startswith(b"HTTP/"):
        return f"; this port speaks plain HTTP: write {replace(target, tls=False)}" if target.tls else ""
    if not first or first.startswith(_TLS_RECORDS):
        return ""
    line = first.splitlines()[0][:_MOST_SHOWN].decode("latin-1")
    return f"; this port speaks another protocol: it says {line!r}"


async def _beside_tls(dialer: Dialer, trouble: str) -> str:
    """Say what to write for a port that does not speak TLS, or what it says of itself; empty where that was told."""
    if "plain HTTP" in trouble:
        return f": write {replace(dialer.target, tls=False)}"
    return await _spoken(dialer) if "does not speak TLS" in trouble else ""


async def speaks_tls(dialer: Dialer) -> bool:
    """Return whether a handshake comes about; nothing is sent over such a connection, so nobody need be trusted."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(_LOOK_S):
            (await Dialer(replace(dialer.target, tls=True), context, start=dialer.start, offers="").open()).close()
    except (DialError, TimeoutError):
        return False
    return True


async def _first_bytes(dialer: Dialer) -> bytes:
    """Return what a server says to a plain request; many say something even before."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOK_S):
            wire = await dialer.open()
    except (DialError, TimeoutError):
        return b""
    try:
        wire.send(_REQUEST)
        came = await wire.receive(loop.time() + _LOOK_S)
        return came if isinstance(came, bytes) else b""
    finally:
        wire.close()
