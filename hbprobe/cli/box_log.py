"""The log of a box while it runs: a line for each thing that happens, with its time, and many written at once.

To write a line takes as long as to end a flow. Where thousands of flows are due within a moment, a line each would
make the later ones late; so lines wait until a moment passes in which nothing happened, a second at most.
"""

import asyncio
import datetime
import functools
import sys
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hbprobe.middlebox.events import Event

_QUIET_S = 0.05
_LATEST_S = 1.0
_AT_ONCE = 256
"""So many lines are written before sockets get their turn."""


class BoxLog:
    """Lines on the standard output. Whoever has a loop run `flush`es before it ends."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[datetime.datetime, str, Event]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._seen = 0
        self._since_s = 0.0

    def tell(self, box: str, event: "Event") -> None:
        """Write soon what happened in a box."""
        self._waiting.append((datetime.datetime.now(datetime.UTC), box, event))
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._seen, self._since_s = 1, loop.time()
            self._timer = loop.call_later(_QUIET_S, self._look, loop)

    def flush(self) -> None:
        """Write all that waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            self._write()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write where nothing has happened since the last look, or it is time."""
        happens_still = len(self._waiting) > self._seen and loop.time() < self._since_s + _LATEST_S
        if not happens_still:
            self._write()
        self._seen = len(self._waiting)
        if happens_still:
            self._timer = loop.call_later(_QUIET_S, self._look, loop)
        elif self._waiting:
            self._timer = loop.call_later(0, self._look, loop)
        else:
            self._timer = None

    def _write(self) -> None:
        some = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        _write("".join(f"{_words_of(at)} {box}: {line_of(event)}\n" for at, box, event in some))


def say(text: str) -> None:
    """Write a line with the time of day at once."""
    _write(f"{_words_of(datetime.datetime.now(datetime.UTC))} {text}\n")


def line_of(event: "Event") -> str:
    """Say in a line what a box tells."""
    from hbprobe.middlebox.events import FlowExpired, FlowRefused, FlowRevived

    match event:
        case FlowExpired():
            silenced = f" ({', '.join(sorted(event.ways))})" if event.ways else ""
            return (
                f"flow {event.number} from {event.client}: {event.timer} ran out after {event.quiet_s:.3f} s "
                f"(age {event.age_s:.3f} s): {event.expiry}{silenced}"
            )
        case FlowRevived():
            return f"flow {event.number} from {event.client}: a packet has brought it back"
        case FlowRefused():
            return f"refused {event.client}: {event.reason}"
        case _:
            return event.text


def _write(lines: str) -> None:
    # With the last line's end in one piece: workers share the log, and unbuffered Python writes piece by piece.
    sys.stdout.write(lines)
    sys.stdout.flush()


def _words_of(at: datetime.datetime) -> str:
    """Write a time of day."""
    return _words_of_second(at.replace(microsecond=0))


@functools.lru_cache(maxsize=1)
def _words_of_second(second: datetime.datetime) -> str:
    """Write it once where thousands of lines want the same one."""
    return second.strftime("%H:%M:%S")
