"""What is told of a connection: its name in the logs of boxes, and what came back on it, an answer or its end."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP connection, as its client saw it. A NAT shows the server another source."""

    source: str
    source_port: int
    destination: str
    destination_port: int
    opened_at: str
    """In UTC, as in 2026-11-22T02:17:00.250Z."""
    closed_at: str


class EndKind(StrEnum):
    """How the other side ended a connection."""

    FIN = "fin"
    RST = "rst"
    UNREACHABLE = "unreachable"
    """The system gave up: no route was left, or what came was damaged."""
    TIMED_OUT = "timed-out"
    """The system gave up: bytes of ours were sent again and again, and never acknowledged."""

    @classmethod
    def of(cls, told: Exception | None) -> Self:
        """Return what a system's error says of a connection; None is what asyncio has for FIN.

        ECONNABORTED is Windows' word for a connection that was given up after sending again and again
        (WSAECONNABORTED in https://learn.microsoft.com/en-us/windows/win32/winsock/windows-sockets-error-codes-2).
        """
        match told:
            case None:
                return cls.FIN
            case ConnectionResetError() | BrokenPipeError():
                return cls.RST
            case TimeoutError() | ConnectionAbortedError():
                return cls.TIMED_OUT
            case _:
                return cls.UNREACHABLE


@dataclass(frozen=True, slots=True)
class End:
    """The end of a connection, as far as its other side made it."""

    kind: EndKind
    at_s: float
    """On the loop's clock."""
    signed: bool = False
    """TLS's close_notify came first: whoever ended it holds the keys of this connection."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes
    at_s: float
    headers: dict[str, str]
    """Names in lower case; of a header that came several times the values in a row."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that is not HTTP, or an answer that ended before it was whole."""

    end: End | None
    """None when it was no HTTP at all."""
    detail: str
    at_s: float


Reply = Answer | End | Broken | None
"""None: nothing came."""
