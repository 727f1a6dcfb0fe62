"""What each protocol's talk is: bytes in, bytes out, and what they add up to. No sockets, no clocks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, TypeAlias

from hbprobe.text import cut_short, without_query_values

MOST_BYTES = 1 << 20
"""No server says more before it answers."""
MOST_LINE_BYTES = 1 << 13
_MOST_LINE_TOLD = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOptions:
    """What a user says of a talk, beside its URL."""

    user: str = ""
    """Who logs in; empty for nobody."""
    password: str = field(default="", repr=False)
    starttls: bool = False
    """TLS begins in the middle of the talk, by the protocol's own command."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Of the HTTP request that begins it."""
    subprotocols: tuple[str, ...] = ()
    """Of WebSocket (RFC 6455, 1.9), the one that is wished for most first."""
    send: bytes = b""
    """What is sent after the silence, where the protocol is not known."""
    expect: bytes = b""
    """What an answer to that must hold; empty where any will do."""


NO_OPTIONS = TalkOptions()


@dataclass(frozen=True, slots=True)
class Where:
    """What a talk must know of its server, and of this trial."""

    authority: str
    """HOST, with the port where that is not the usual one."""
    path: str = "/"
    hold_s: float = 0.0
    """So long will be silent, on the loop's clock."""
    options: TalkOptions = NO_OPTIONS
    nonce: str = "hbprobe"
    """Nobody has said it before: letters and digits."""


class Talk:
    """One conversation: it begins, stands, is silent, and asks something that shows whether it still stands."""

    alpn: ClassVar[str] = ""
    """What must be agreed on in TLS (RFC 7301); empty for a protocol that needs no such thing."""
    asks = True
    """Something can be asked that is answered; otherwise one more packet must do, which is only acknowledged."""
    repeats = True
    """It can be asked again and again on one connection: the protocol's own ping."""
    whispers: ClassVar[bool] = False
    """Something can be said that no server answers: bytes from the client alone."""
    end_to_end: ClassVar[bool] = True
    """Proxies relay it without understanding it: who says goodbye in it is the server."""

    otherwise: ClassVar[str] = ""
    """What a user can do where nothing is asked, and the packet sent instead ends the connection, in words."""
    since: ClassVar[str] = "the request came"
    """From what on `hbprobe serve` counts the times that it tells of the connection, in words."""

    def __init__(self, where: Where) -> None:
        self.where = where
        self.stands = False
        """The server has said all that belongs to the beginning: silence may begin."""
        self.answered = False
        """What was asked is answered."""
        self.trouble = ""
        """Why it can never stand, or is no talk in this protocol, in words."""
        self.disconnect_notice = ""
        """What the server said before it ended the connection, in words."""
        self.witness_nonce = ""
        """By this `hbprobe serve`, which has announced it, tells what it saw of the connection; empty with others."""
        self.due = False
        """The server will speak by itself after the hold, and that is the answer."""
        self.wants_tls = False
        """Both have agreed to begin TLS now; `secured` goes on."""
        self.first = b""
        """What the server began with, where the talk collects it."""
        self.instead = ""
        """What came in the place of the answer, in words."""

    def begin(self) -> bytes:
        """Return what the client says first; nothing where the server does."""
        return b""

    def take(self, data: bytes) -> bytes:
        """Take what came, in whatever pieces; return what must be said to it at once."""
        raise NotImplementedError

    def ask(self) -> bytes:
        """Return a question that any server of the protocol answers; `answered` tells when it has."""
        raise NotImplementedError

    def whisper(self) -> bytes:
        """Return something that no server answers."""
        raise NotImplementedError

    def secured(self) -> bytes:
        """Go on in TLS, and return what is said there first."""
        self.wants_tls = False
        return b""


MakeTalk: TypeAlias = Callable[[Where], Talk]


class Buffered(Talk):
    """A talk that collects bytes until something whole has come."""

    def __init__(self, where: Where) -> None:
        super().__init__(where)
        self._buffer = bytearray()

    def take(self, data: bytes) -> bytes:
        """Take bytes, and what is whole out of them."""
        self.first = self.first or data[:_MOST_LINE_TOLD]
        self._buffer += data
        if self.trouble:
            return b""
        if len(self._buffer) > MOST_BYTES:
            self.trouble = "the server talks without end"
            return b""
        return b"".join(iter(self._next, None))

    def secured(self) -> bytes:
        """Go on in TLS; what came in the clear beside the agreement is nobody's word (RFC 3207, section 6)."""
        self._buffer.clear()
        return super().secured()

    def _next(self) -> bytes | None:
        """Take one whole thing off the buffer and return what must be said to it; None where there is none."""
        raise NotImplementedError

    def _refused(self, what: str, said: bytes) -> None:
        """Note that the server does not do what it was asked for."""
        self.trouble = f"the server refuses {what}: {told(said)}"

    def _not(self, protocol: str) -> None:
        """Note that what came is not the protocol; nothing after it means anything."""
        self.trouble = f"the server does not speak {protocol}: {told(bytes(self._buffer))}"
        self._buffer.clear()


class Lines(Buffered):
    """A protocol whose messages are lines, such as SMTP and IMAP."""

    def _next(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > MOST_LINE_BYTES:
                self.trouble = "the server sends a line without end"
            return None
        line = bytes(self._buffer[: end + 1])
        said = self._line(line.rstrip(b"\r\n"))
        del self._buffer[: end + 1]
        return None if self.trouble else said

    def _line(self, line: bytes) -> bytes:
        """Take one line, without its end; return what must be said to it."""
        raise NotImplementedError


def told(data: bytes) -> str:
    """Return the beginning of what came, for a message of one line."""
    line = data.split(b"\n")[0][:_MOST_LINE_TOLD].decode("ascii", "backslashreplace").rstrip("\r")
    return "'" + "".join(character if character.isprintable() else "." for character in line)[:_MOST_LINE_TOLD] + "'"


def refusal(
    status: int, what: str, headers: Iterable[tuple[bytes, bytes]] = (), own: Mapping[int, str] = MappingProxyType({})
) -> str:
    """Say why a stream over HTTP was not opened; `own` has what is said of a status in its protocol alone."""
    if known := own.get(status) or _REFUSALS.get(status):
        why = known
    elif 300 <= status < 400:
        place = next((value for name, value in headers if name.lower() == b"location"), b"another place")
        why = f"it is at {cut_short(without_query_values(place.decode('ascii', 'backslashreplace')))}"
    elif status >= 500:
        why = "the server, or a proxy that cannot reach it, is in trouble"
    else:
        why = "there is none at this path"
    return f"status {status} instead of {what}: {why}"


_REFUSALS = {
    400: "the server does not take the request, perhaps for want of a header (--headers-file)",
    401: "it wants a login, or another than it was given",
    403: "it forbids it, perhaps for want of an Origin that it knows",
    404: "there is nothing at this path",
    407: "a proxy wants a login",
    429: "too many requests came: try again later",
}
