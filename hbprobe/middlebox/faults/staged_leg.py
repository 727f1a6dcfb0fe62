"""A client's connection to an http box, with stages between the client and the box: on the plain bytes inside TLS."""

import socket
import ssl
from collections.abc import Callable, Sequence

from hbprobe.middlebox.alarm import Alarm
from hbprobe.middlebox.graceful_close import GracefulClose
from hbprobe.middlebox.http.leg import Leg, LegEnd, Owner
from hbprobe.middlebox.stages.pipe import Pipe, StagePlan
from hbprobe.middlebox.stages.stage import Item, StreamEnd


class LegPipe(Pipe):
    """The stages of one direction of a leg."""

    def __init__(self, leg: "StagedLeg") -> None:
        super().__init__()
        self.leg = leg
        self.is_pumped = False


class StagedLeg(Leg):
    """What the peer says comes to the owner late, and what the owner says to the peer, its end, too."""

    __slots__ = ("_acted", "_done", "_due", "_has_left", "_heard_end", "_leaving", "names", "pipes")

    def __init__(
        self,
        sock: socket.socket,
        owner: Owner,
        closing: set[GracefulClose],
        tls: ssl.SSLContext | None,
        *,
        due: Alarm[LegPipe],
        acted: Callable[[str], object],
        done: Callable[[], object],
    ) -> None:
        """Take over a connected socket; raises OSError when the connection is gone already.

        `due` watches its pipes, `acted` is told which stage has changed something, `done` that the socket is gone.
        """
        self._due, self._acted, self._done = due, acted, done
        self.pipes = (LegPipe(self), LegPipe(self))
        """What comes from the peer passes the first, what goes to it the second."""
        self.names: Sequence[str] = ()
        """What degrades it."""
        self._heard_end: tuple[LegEnd, str] | None = None
        self._has_left = False
        """The owner hears no more."""
        self._leaving = (True, False)
        super().__init__(sock, owner, closing, tls)

    @property
    def has_left(self) -> bool:
        """Whether the owner hears no more, and only stages hold it."""
        return self._has_left

    @property
    def closed_by(self) -> str:
        """The stage that closed the connection, if one did."""
        return self.pipes[0].closed_by or self.pipes[1].closed_by

    def set_stages(self, plans: tuple[Sequence[StagePlan], Sequence[StagePlan]], now: float) -> None:
        """Have these stages from now on."""
        for pipe, wanted in zip(self.pipes, plans, strict=True):
            if pipe or wanted:
                pipe.change(wanted, now)
                self.pump(pipe)

    def pump(self, pipe: LegPipe) -> None:
        """Hand on what is due."""
        if pipe.is_pumped or self._is_still:
            return
        was_blocked, pipe.is_pumped = self.blocked, True
        for item in pipe.pump(self._loop.time()):
            if isinstance(item, StreamEnd):
                self._tell_acted(pipe)
            (self._take if pipe is self.pipes[0] else self._give)(item)
            if self.is_gone:
                break
        pipe.is_pumped = False
        self._tell_acted(pipe)
        if self.is_gone:
            return
        self._due.watch(pipe)
        self._regulate()
        if was_blocked and not self.blocked and not self._has_left:
            self.owner.drained(self)

    # What the owner does

    @property
    def blocked(self) -> bool:
        """Whether what was sent waits for the peer to take it, or fills a stage."""
        return super().blocked or self.pipes[1].full

    def send(self, data: bytes) -> None:
        """Send bytes through the stages."""
        pipe = self.pipes[1]
        if not pipe:
            super().send(data)
        elif not self.is_gone:
            pipe.feed(data, self._loop.time())
            self.pump(pipe)

    def pause(self) -> None:
        """Hand over nothing more until `resume`."""
        self.pipes[0].blocked = True
        self._regulate()

    def resume(self) -> None:
        """Hand over again."""
        pipe = self.pipes[0]
        if pipe.blocked:
            pipe.blocked = False
            self.pump(pipe)
        self._regulate()

    def stand_still(self) -> None:
        """Neither read nor send until `go_on`; what stages hold waits, too."""
        super().stand_still()
        for pipe in self.pipes:
            self._due.forget(pipe)

    def go_on(self) -> None:
        """Go on with what was done before."""
        super().go_on()
        if self._heard_end is not None or self._has_left:
            self._loop.remove_reader(self.sock.fileno())
        for pipe in self.pipes:
            self.pump(pipe)

    def leave(self, *, complete: bool = True, linger: bool = False) -> None:
        """Send what is unsent, then FIN, behind what is delayed."""
        if not self._has_left:
            self._leaving = (complete, linger)
            self._end_with(StreamEnd.FIN)

    def reset(self) -> None:
        """Send RST, behind what is delayed."""
        if not self._has_left:
            self._end_with(StreamEnd.RESET)

    def cut_short(self) -> None:
        """Send RST now."""
        super().reset()

    def give_up(self) -> socket.socket:
        """Hand the socket back, open."""
        self._has_left = True
        for pipe in self.pipes:
            self._due.forget(pipe)
        sock = super().give_up()
        self._done()
        return sock

    def _end_with(self, end: StreamEnd) -> None:
        self._has_left = True
        pipe = self.pipes[1]
        if not pipe:
            self._give(end)
            return
        self._loop.remove_reader(self.sock.fileno())
        self._due.forget(self.pipes[0])
        pipe.feed(end, self._loop.time())
        self.pump(pipe)

    # What the peer does

    def _came(self, data: bytes) -> None:
        pipe = self.pipes[0]
        if not pipe:
            super()._came(data)
            return
        pipe.feed(data, self._loop.time())
        self.pump(pipe)

    def _end(self, end: LegEnd, detail: str = "") -> None:
        pipe = self.pipes[0]
        if not pipe:
            super()._end(end, detail)
            return
        self._loop.remove_reader(self.sock.fileno())
        self._heard_end = end, detail
        pipe.feed(StreamEnd.FIN if end in (LegEnd.FIN, LegEnd.TRUNCATED) else StreamEnd.RESET, self._loop.time())
        self.pump(pipe)

    def _drained(self) -> None:
        pipe = self.pipes[1]
        if not pipe:
            super()._drained()
            return
        pipe.blocked = False
        self.pump(pipe)
        if not (self._has_left or self.blocked):
            self.owner.drained(self)

    # What comes out of the stages

    def _take(self, item: Item) -> None:
        if self._has_left:
            return
        if isinstance(item, bytes):
            super()._came(item)
        elif item is StreamEnd.CLOSE:
            self._close()
        else:
            assert self._heard_end is not None
            super()._end(*self._heard_end)

    def _give(self, item: Item) -> None:
        if isinstance(item, bytes):
            super().send(item)
            self.pipes[1].blocked = super().blocked
        elif item is StreamEnd.FIN:
            complete, linger = self._leaving
            super().leave(complete=complete, linger=linger)
        elif item is StreamEnd.RESET:
            super().reset()
        else:
            self._close()

    def _close(self) -> None:
        """Send FIN, whatever the owner would do, and let it hear that the peer is gone."""
        had_left, self._has_left = self._has_left, True
        super().leave(complete=False, linger=True)
        if not had_left:
            self.owner.ended(self, LegEnd.FIN, "")

    def _regulate(self) -> None:
        """Read as fast as what is read is taken."""
        if self._has_left or self._heard_end is not None:
            return
        if self.pipes[0].full:
            super().pause()
        else:
            super().resume()

    def _tell_acted(self, pipe: LegPipe) -> None:
        for name in pipe.newly_acted():
            self._acted(name)
