"""What a diagnosis asks of a path, and what each request showed."""

import re
from dataclasses import dataclass, replace

from hbprobe.trial.outcome import Kind, Outcome, SocketSaw
from hbprobe.word import Word


class Question(Word):
    """One thing to know about a limit; each is one request that is held longer than that."""

    POST_MORTEM = "post-mortem", "What does a request die of that is quiet for longer than the limit?"
    KEEP_ALIVE = "keep-alive", "Do TCP keep-alives save it?"
    SERVER_DRIP = "server-drip", "Does a byte now and then from the server save it?"
    CLIENT_DRIP = "client-drip", "Does a byte now and then from the client save it?"
    BOTH_DRIP = "both-drip", "Do bytes from both ends save it?"
    BETWEEN_REQUESTS = "between-requests", "Does a connection die as well on which nothing is asked?"
    ELSEWHERE = "elsewhere", "Does the same request die at the other address, too?"


class FarEndState(Word):
    """What the far end saw of a request."""

    WAITING = "waiting", "it has not answered yet, and its connection stands"
    UNASKED = "unasked", "nothing came to it that it had to answer, and its connection stands"
    UNACKNOWLEDGED = "answered-unacknowledged", "it has answered, and nobody acknowledges the answer"
    ACKNOWLEDGED = "answered-acknowledged", "it has answered, and the answer was acknowledged"
    ANSWERED = "answered", "it has answered"
    RESET = "reset", "its connection was reset"
    CLOSED = "closed", "its connection was closed"
    GAVE_UP = "gave-up", "its system gave the connection up: nothing was acknowledged"
    NEVER_ARRIVED = "never-arrived", "the request never arrived"
    RESTARTED = "restarted", "it was restarted after the request came"
    UNREACHABLE = "unreachable", "no new connection to it can be made"


@dataclass(frozen=True, slots=True)
class FarEndSaw:
    """What the far end saw of a request, asked over a second connection. Times since the request came there."""

    state: FarEndState
    at_s: float | None = None
    """When the connection ended there."""
    answered_s: float | None = None
    """When the answer was sent."""
    times: int = 1
    """How often the request came."""
    stalled_s: float | None = None
    """How long its process stood still at the longest, meanwhile; None where it does not tell."""
    was_full: bool = False
    """It turned connections away meanwhile, for want of descriptors."""

    def paced(self, rate: float) -> "FarEndSaw":
        """Return the same on a clock on which so many seconds pass in one."""
        return replace(
            self,
            at_s=_times(self.at_s, rate),
            answered_s=_times(self.answered_s, rate),
            stalled_s=_times(self.stalled_s, rate),
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to be made."""

    question: Question
    hold_s: float
    interval_s: float | None = None
    """For keep-alives and drips: how often."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one such request showed."""

    ask: Ask
    outcome: Outcome
    signed: bool = False
    """TLS's close_notify came before the end: whoever ended the connection holds its keys."""
    server: str = ""
    """The Server header of whoever answered, where that was not the far end."""
    announced_s: float | None = None
    """The idle time that the server says it allows (`Keep-Alive: timeout=N`)."""
    socket: SocketSaw | None = None
    """For a silent cut."""
    far_end: FarEndSaw | None = None
    """None where the far end cannot be asked."""
    since: str = "the request came"
    """From what on the far end counts its times, in words."""
    disconnect_notice: str = ""
    """What was said before the connection ended, in the words of its protocol."""
    lingered_s: float = 0.0
    """So long after that did it end; `outcome` tells when that was said."""
    by_server: bool = False
    """Who says goodbye in this protocol is the server itself, and no proxy."""
    own_limit: str = ""
    """What a server of this protocol may have of its own that ends a quiet connection without a word."""
    own_limit_s: float | None = None
    """So long at least is that, by its standard or as shipped; None where nobody says."""
    late_s: float | None = None
    """So long after it was due did the answer come after all."""
    via: str = ""
    """The Via header of an answer: the proxies that it says it came through."""
    page: str = ""
    """What an answer in the server's place says to people, without markup."""
    quiet: bool = False
    """Nothing was asked when the connection ended: the silence lay between two requests."""

    @property
    def survived(self) -> bool | None:
        """Whether the request lived; None where it could not be asked."""
        return None if self.outcome.kind is Kind.FAILED else self.outcome.kind is Kind.SURVIVED

    @property
    def is_far_below_own_limit(self) -> bool:
        """Whether it ended so early that a server of this protocol would have to be set far below the usual."""
        return self.own_limit_s is not None and self.outcome.elapsed_s < _FAR_BELOW * self.own_limit_s

    def paced(self, rate: float) -> "Observation":
        """Return the same on a clock on which so many seconds pass in one."""
        return replace(
            self,
            ask=replace(self.ask, hold_s=self.ask.hold_s * rate),
            outcome=replace(self.outcome, elapsed_s=self.outcome.elapsed_s * rate),
            announced_s=_times(self.announced_s, rate),
            far_end=None if self.far_end is None else self.far_end.paced(rate),
            late_s=_times(self.late_s, rate),
            lingered_s=self.lingered_s * rate,
        )


_FAR_BELOW = 0.2
"""Of the usual. Whoever hardens a server sets some limits to a third or a quarter of that: 5 min for Active
Directory's 15 (DISA STIG, WN16-DC-000160), 30 s for OpenSSH's 2 min (https://github.com/dev-sec/chef-ssh-hardening)."""
_MOST_PAGE = 200


def page_words(body: str) -> str:
    """Return what a page says, without markup, on one line, and cut short."""
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())[:_MOST_PAGE]


def _times(seconds: float | None, rate: float) -> float | None:
    return None if seconds is None else seconds * rate
