"""How clients choose the next heartbeat: state machines, free of clocks.

A device asks for `heartbeat_s` and is told what came of it: `answered`, `lost` or `corrected`. All intervals are
whole seconds, as in the protocol. `hbprobe.exchange.devices` says where each algorithm is known from.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from hbprobe.manner import Manner


@dataclass(slots=True)
class Device(ABC):
    """A client with an algorithm that chooses its heartbeat."""

    margin_s: ClassVar[int] = 10
    """How long past the heartbeat the device waits for an answer. Nacho Mail's is taken where no source says."""
    reuses_connection: ClassVar[bool] = True
    """Whether the next request goes on the connection of one that was answered. Taken so where no source says."""

    heartbeat_s: int = field(init=False)
    """What the device asks for next."""

    @property
    def timeout_s(self) -> int:
        """How long after the request the device gives up, when it hears nothing at all."""
        return self.heartbeat_s + self.margin_s

    @abstractmethod
    def answered(self) -> None:
        """Take status 1: the interval ran out and nothing had changed."""

    @abstractmethod
    def lost(self, how: Manner) -> None:
        """Take it that no answer of Exchange's came."""

    @abstractmethod
    def corrected(self, bound_s: int) -> None:
        """Take status 5: the server admits `bound_s` at most, or at least, whichever is nearer."""

    def moved(self) -> None:  # noqa: B027 (most devices do nothing, and that is an answer)
        """Take it that the device is on another network, and that the request at hand went with the old one."""


@dataclass(slots=True)
class FixedInterval(Device):
    """Always asks for the same, whatever happens on the path."""

    interval_s: int
    heeds_server: bool = True
    """Whether status 5 changes what it asks for."""

    def __post_init__(self) -> None:
        self.heartbeat_s = self.interval_s

    def answered(self) -> None:
        """Change nothing."""

    def lost(self, how: Manner) -> None:
        """Change nothing."""

    def corrected(self, bound_s: int) -> None:
        """Take over the server's value, if the device is one that does."""
        if self.heeds_server:
            self.heartbeat_s = bound_s


@dataclass(slots=True)
class StepsWithin(Device):
    """Moves between two bounds, which the server's corrections widen or narrow."""

    min_s: int
    max_s: int

    def corrected(self, bound_s: int) -> None:
        """Move the bound that was wrong to the server's value, and ask for that."""
        if bound_s > self.heartbeat_s:
            self.min_s = max(self.min_s, bound_s)
            self.max_s = max(self.max_s, self.min_s)
        else:
            self.max_s = bound_s
            self.min_s = min(self.min_s, self.max_s)
        self.heartbeat_s = bound_s


@dataclass(slots=True)
class WindowsMobile(StepsWithin):
    """Steps up after an answer; goes back to where it was when a step up fails, and to its minimum otherwise.

    Every loss counts as no response: the document does not tell manners of loss apart, nor does it mention status 5.
    """

    min_s: int = 480
    max_s: int = 1800
    increment_s: int = 300
    answers_needed: int = 1
    """Successive answers before a step up. The documents say "successive round trips" and give no number."""
    _answers: int = field(default=0, init=False)
    _before_step_s: int | None = field(default=None, init=False)
    """What was asked for before the step up; None where the last answer brought none."""

    def __post_init__(self) -> None:
        self.heartbeat_s = self.min_s

    def answered(self) -> None:
        """Step up, once enough answers came in a row."""
        self._before_step_s = None
        if self.heartbeat_s >= self.max_s:
            return
        self._answers += 1
        if self._answers == self.answers_needed:
            self._before_step_s, self._answers = self.heartbeat_s, 0
            self.heartbeat_s = min(self.max_s, self.heartbeat_s + self.increment_s)

    def lost(self, how: Manner) -> None:  # noqa: ARG002 (each loss is the same to it)
        """Undo the last step up, or fall to the minimum where there was none."""
        self.heartbeat_s = self.min_s if self._before_step_s is None else self._before_step_s
        self._before_step_s, self._answers = None, 0

    def moved(self) -> None:
        """Keep the heartbeat, and forget the step: no document tells of a change of network."""
        self._before_step_s, self._answers = None, 0

    def corrected(self, bound_s: int) -> None:
        """Move the bound, and forget the step."""
        # Not super(): the decorator makes a class with slots anew, and super() looks for the one before.
        StepsWithin.corrected(self, bound_s)
        self._before_step_s, self._answers = None, 0


@dataclass(slots=True)
class AndroidEarly(StepsWithin):
    """Android 4.0 to 4.3: steps up until a step fails, then stays where it is until its service restarts.

    What happens depends on the manner of loss:

    - silent: an alarm 30 s past the read time-out ends the request, and the device steps down. (The read time-out
      itself does not run while a phone sleeps. On a phone that is awake it comes first, and counts as `CLOSED`.)
    - reset: steps down.
    - closed: an error of no known kind ends the service, and a new one starts from scratch after a pause.
    - status: the loop goes on with the same heartbeat.

    After status 5 the source compares the server's value with the heartbeat that its loop of 30 minutes began with,
    here it is the heartbeat at hand.
    """

    margin_s: ClassVar[int] = 5 + 30
    reuses_connection: ClassVar[bool] = False  # each Ping says Connection: close
    start_s: ClassVar[int] = 470
    step_s: ClassVar[int] = 180

    min_s: int = 290
    max_s: int = 1010
    _own_bounds: tuple[int, int] = field(init=False)
    _longest_answered_s: int = field(init=False)
    _dropped: bool = field(init=False)

    def __post_init__(self) -> None:
        self._own_bounds = self.min_s, self.max_s
        self._start_over()

    def _start_over(self) -> None:
        self.min_s, self.max_s = self._own_bounds
        self.heartbeat_s = self.start_s
        self._longest_answered_s = 0
        self._dropped = False

    def answered(self) -> None:
        """Step up, unless a step down came before."""
        self._longest_answered_s = max(self._longest_answered_s, self.heartbeat_s)
        if not self._dropped:
            self.heartbeat_s = min(self.max_s, self.heartbeat_s + self.step_s)

    def lost(self, how: Manner) -> None:
        """Step down, start over or go on, as the manner of the loss has it."""
        if how is Manner.CLOSED:
            self._start_over()
        elif how is not Manner.STATUS and self.heartbeat_s > max(self.min_s, self._longest_answered_s):
            self.heartbeat_s = max(self.min_s, self.heartbeat_s - self.step_s)
            self._dropped = True

    def corrected(self, bound_s: int) -> None:
        """Move the bound, and allow steps up again."""
        StepsWithin.corrected(self, bound_s)
        self._dropped = False

    def moved(self) -> None:
        """Begin from scratch: a change of network restarts the service."""
        self._start_over()


@dataclass(slots=True)
class AndroidLater(Device):
    """Android 4.4 and later: a step up after each answer, a step down after each loss, so a saw-tooth.

    An HTTP status that is no success changes nothing: only a failed connection counts as a loss.
    """

    margin_s: ClassVar[int] = 5
    min_s: ClassVar[int] = 480
    max_s: ClassVar[int] = 1680
    step_s: ClassVar[int] = 300

    def __post_init__(self) -> None:
        self.heartbeat_s = self.min_s

    def answered(self) -> None:
        """Step up."""
        self.heartbeat_s = min(self.max_s, self.heartbeat_s + self.step_s)

    def lost(self, how: Manner) -> None:
        """Step down."""
        if how is not Manner.STATUS:
            self.heartbeat_s = max(self.min_s, self.heartbeat_s - self.step_s)

    def corrected(self, bound_s: int) -> None:
        """Take over the server's value, even outside the device's own bounds."""
        self.heartbeat_s = bound_s


@dataclass(slots=True)
class Textbook(Device):
    """The client of the worked example in the Direct Push literature: an example, not a product.

    On a path that carries 10 minutes it asks for 15, which is lost, 8, which is answered, 12, which is lost, and
    stays at 8. The example gives no rule. One that does precisely this is to halve, in whole minutes, between the
    longest heartbeat that was answered (1 minute at first) and the shortest that was lost, until they are 4 minutes
    apart. Where nothing is lost, it stays at 15.
    """

    floor_s: ClassVar[int] = 60
    start_s: ClassVar[int] = 900
    close_enough_s: ClassVar[int] = 240

    _low_s: int = field(default=60, init=False)
    _high_s: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.heartbeat_s = self.start_s

    def answered(self) -> None:
        """Know a longer heartbeat that gets through."""
        self._low_s = self.heartbeat_s
        self._choose()

    def lost(self, how: Manner) -> None:  # noqa: ARG002 (each loss is the same to it)
        """Know a shorter heartbeat that is lost; where that is one that got through before, begin below it."""
        self._high_s = self.heartbeat_s
        if self._high_s <= self._low_s:
            self._low_s = min(self.floor_s, self._high_s)
        self._choose()

    def corrected(self, bound_s: int) -> None:
        """Ask for the server's value; what is known of the path beyond it no longer matters."""
        if bound_s < self.heartbeat_s:
            self._low_s, self._high_s = min(self._low_s, bound_s), None
        self.heartbeat_s = bound_s

    def moved(self) -> None:
        """Begin anew: what is known is known of another path. The example does not go so far."""
        self._low_s, self._high_s, self.heartbeat_s = self.floor_s, None, self.start_s

    def _choose(self) -> None:
        if self._high_s is None or self._high_s - self._low_s <= self.close_enough_s:
            self.heartbeat_s = self._low_s
        else:
            self.heartbeat_s = (self._low_s + self._high_s + 60) // 120 * 60
