"""The same boxes in several processes that share one port, for more flows than one process has descriptors.

The kernel spreads connections over the listening sockets of a port (SO_REUSEPORT, socket(7); Linux). Each worker has
all boxes of the row, and keeps its own flows. The first process serves nobody: it asks the workers, one question at a
time, and adds up what they say, so that a control API finds boxes as of one process. What happens to flows they tell
it unasked, on a line of its own.
"""

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.middlebox.chain import Chain
from hbprobe.middlebox.events import FlowCounts
from hbprobe.middlebox.faults.staged_relay import What
from hbprobe.middlebox.faults.toxic_box import Note, ToxicBox
from hbprobe.middlebox.faults.toxics import Toxic
from hbprobe.middlebox.running_box import FlowState, RunningBox
from hbprobe.net.event_feed import EventFeed, time_of_day
from hbprobe.profiles.model import Profile

_STOP = "stop"
_AT_ONCE = 100
_MOST_WAITING = 10_000
_News = tuple[float, str, Mapping[str, object], Mapping[str, object]]


class WorkerLines(NamedTuple):
    """A worker's two lines to the first process."""

    asked: Connection
    """Questions come, and answers go."""
    news: Connection
    """What happens goes."""


Serve = Callable[[int, tuple[str, int], WorkerLines], None]
"""What a worker runs: its number, from 0; where to listen; and the lines to the first process."""


# In a worker


def _begin(
    serve: Serve, number: int, listen: tuple[str, int], lines: WorkerLines, firsts: Sequence[Connection]
) -> None:
    for end in firsts:  # a fork has the first process's ends, too, and would not hear that they are closed
        end.close()
    for told in (signal.SIGINT, signal.SIGTERM):  # which reach the first process, too, and it says what follows
        signal.signal(told, signal.SIG_IGN)
    try:
        serve(number, listen, lines)
    except UserError as error:
        lines.asked.send(error)


async def work(chain: Chain, listen: tuple[str, int], line: Connection) -> None:
    """Listen, tell where or why not, and answer the first process until it says stop or is gone."""
    try:
        line.send(await chain.listen(*listen, share_port=True))
    except OSError as error:
        line.send(error)
        return
    stopped = asyncio.Event()

    def answer() -> None:
        try:
            name, place, *arguments = line.recv()
        except EOFError:
            name = _STOP
        if name == _STOP:
            asyncio.get_running_loop().remove_reader(line.fileno())
            stopped.set()
        else:
            line.send(_ANSWERS[name](chain.relays[place], *arguments))

    asyncio.get_running_loop().add_reader(line.fileno(), answer)
    await stopped.wait()
    chain.close()
    with contextlib.suppress(OSError):  # nobody is there to hear it
        line.send([relay.counts for relay in chain.relays])


def numbers(number: int, count: int) -> Iterator[int]:
    """Return the numbers of a worker's flows, which no other worker's have."""
    return itertools.count(number + 1, count)


class Outbox:
    """What a worker tells of its flows: the first process is never waited for."""

    def __init__(self, line: Connection) -> None:
        self._line = line
        self._waiting: deque[_News] = deque(maxlen=_MOST_WAITING)
        self._lost = 0

    def note(self, event: str, more: Mapping[str, object], of: Mapping[str, object]) -> None:
        """Send an event on, as `EventFeed.note` takes it."""
        if not self._waiting:
            asyncio.get_running_loop().add_writer(self._line.fileno(), self._send)
        self._lost += len(self._waiting) == _MOST_WAITING
        self._waiting.append((time_of_day(), event, more, of))

    def _send(self) -> None:
        """Send some: a socket that can be written to has room for so many, so that this does not block."""
        some = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        if self._lost:
            some.insert(0, (some[0][0], "missed", {"events": self._lost}, {}))
            self._lost = 0
        with contextlib.suppress(OSError):  # the first process is gone, and this one soon
            self._line.send(some)
        if not self._waiting:
            asyncio.get_running_loop().remove_writer(self._line.fileno())


def _have(box: ToxicBox, toxics: Sequence[tuple[Toxic, float]]) -> None:
    now = asyncio.get_running_loop().time()
    box.have([replace(toxic, since=now - age_s) for toxic, age_s in toxics])


_ANSWERS: dict[str, Callable[..., object]] = {
    "length": len,
    "counts": lambda box: box.counts,
    "flows": lambda box: box.flows(),
    "connections": lambda box: box.connections(),
    "change": lambda box, profile: box.change(profile),
    "expire": lambda box, number: box.expire(number),
    "expire_all": lambda box: box.expire_all(),
    "have": _have,
    "blackhole": lambda box: box.blackhole(),
    "heal": lambda box: box.heal(),
    "drain": lambda box: box.drain(),
}


# In the first process


class Workers:
    """Processes with the same boxes."""

    def __init__(
        self,
        profiles: Sequence[Profile],
        count: int,
        serve: Serve,
        listen: tuple[str, int],
        feed: EventFeed | None = None,
        seed: int = 0,
    ) -> None:
        """Start them; to be called before there is a loop or a thread, for they are forks.

        With a `feed`, their boxes can be given toxics, as those of a `Chain` with this seed, and it is told what
        happens. Raises OSError when the address cannot be had.
        """
        _check_that_nobody_listens(listen)
        context = multiprocessing.get_context("fork")
        self.lines: list[Connection] = []
        self._news: list[Connection] = []
        self._feed = feed
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self.address = listen
        self.final: list[list[FlowCounts]] | None = None
        """What each worker had counted at its end, for each box."""
        for number in range(count):
            line, asked = context.Pipe()
            news, told = context.Pipe()
            lines = WorkerLines(asked, told)
            firsts = (line, news, *self.lines, *self._news)
            process = context.Process(target=_begin, args=(serve, number, self.address, lines, firsts), daemon=True)
            process.start()
            for theirs in lines:
                theirs.close()
            self.lines.append(line)
            self._news.append(news)
            self._processes.append(process)
            taken = self._receive(number)
            if isinstance(taken, OSError | UserError):
                self.stop()
                raise taken
            self.address = taken
        self.boxes: list[RunningBox] = [
            _SharedBox(self, place, profile)
            if feed is None
            else _SharedToxicBox(self, place, profile, f"{seed}/{place}", feed.note)
            for place, profile in enumerate(profiles)
        ]

    def ask(self, name: str, place: int, *arguments: object) -> list[Any]:
        """Return the answer of each worker."""
        if self.final is not None:
            return [counts[place] for counts in self.final] if name == "counts" else []
        for line in self.lines:
            line.send((name, place, *arguments))
        return [self._receive(number) for number in range(len(self.lines))]

    async def one_died(self) -> None:
        """Pass on what happens until a worker ends that was not told to; raises CannotMeasureError then."""
        loop, died = asyncio.get_running_loop(), asyncio.Event()
        for process, news in zip(self._processes, self._news, strict=True):
            loop.add_reader(process.sentinel, died.set)
            loop.add_reader(news.fileno(), self._hear, news)
        try:
            await died.wait()
        finally:
            for process, news in zip(self._processes, self._news, strict=True):
                loop.remove_reader(process.sentinel)
                loop.remove_reader(news.fileno())
        raise CannotMeasureError("a worker has ended that was not told to: the others are stopped")

    def _hear(self, news: Connection) -> None:
        try:
            events = news.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(news.fileno())
            return
        assert self._feed is not None  # or they would tell nothing
        for at_s, event, more, of in events:
            self._feed.add(at_s, event, more, of)
            if event == What.ENDED and isinstance(box := self.boxes[of["box"]], ToxicBox):
                box.ended(more["connection"])

    def stop(self) -> None:
        """End all workers, and keep what they counted."""
        if self.final is not None:
            return
        final = []
        for number, line in enumerate(self.lines):
            try:
                line.send((_STOP, 0))
                final.append(self._receive(number))
            except (OSError, CannotMeasureError):  # it is gone already, and its sums with it
                continue
        for process in self._processes:
            process.join()
        for ours in (*self.lines, *self._news):
            ours.close()
        self.final = [counts for counts in final if isinstance(counts, list)]

    def _receive(self, number: int) -> Any:  # noqa: ANN401  each question has an answer of its own kind
        try:
            return self.lines[number].recv()
        except (EOFError, ConnectionResetError):
            raise CannotMeasureError(f"worker {number + 1} has ended that was not told to") from None


class _SharedBox:
    """One box of the row, in all workers together."""

    def __init__(self, workers: Workers, place: int, profile: Profile) -> None:
        self.profile = profile
        self._workers = workers
        self._place = place

    @property
    def counts(self) -> FlowCounts:
        """The sums over all processes, asked for now."""
        total = FlowCounts()
        for counts in self._workers.ask("counts", self._place):
            for field in fields(FlowCounts):
                setattr(total, field.name, getattr(total, field.name) + getattr(counts, field.name))
        return total

    def __len__(self) -> int:
        return sum(self._workers.ask("length", self._place))

    async def listen(self, host: str, port: int, *, share_port: bool = False) -> tuple[str, int]:
        """Return where the workers listen: they do since they were started."""
        del host, port, share_port
        return self._workers.address

    def flows(self) -> list[FlowState]:
        """Return the live flows of all workers."""
        found = self._workers.ask("flows", self._place)
        return sorted((flow for flows in found for flow in flows), key=lambda flow: flow.number)

    def change(self, profile: Profile) -> None:
        """Go on by another profile, in all workers."""
        self.profile = profile
        self._workers.ask("change", self._place, profile)

    def expire(self, number: int) -> bool:
        """End a flow now, whichever worker has it."""
        return any(self._workers.ask("expire", self._place, number))

    def expire_all(self) -> int:
        """End all flows now, in all workers."""
        return sum(self._workers.ask("expire_all", self._place))

    def blackhole(self) -> None:
        """Let nothing pass, in any worker."""
        self._workers.ask("blackhole", self._place)

    def heal(self) -> None:
        """Let everything pass again."""
        self._workers.ask("heal", self._place)

    def drain(self) -> None:
        """Take no more connections."""
        self._workers.ask("drain", self._place)

    def close(self) -> None:
        """End all workers."""
        self._workers.stop()


class _SharedToxicBox(_SharedBox, ToxicBox):
    """One box of the row that takes toxics. They are checked and told of here, and each worker has the same."""

    def __init__(self, workers: Workers, place: int, profile: Profile, seed: str, note: Note) -> None:
        _SharedBox.__init__(self, workers, place, profile)
        ToxicBox.__init__(self, seed, note, {"box": place})

    def connections(self) -> list[dict[str, Any]]:
        """Return the live flows of all workers as documents."""
        found = self._workers.ask("connections", self._place)
        return sorted((one for connections in found for one in connections), key=lambda one: int(one["number"]))

    def _treat_flows(self) -> None:
        now = asyncio.get_running_loop().time()
        self._workers.ask("have", self._place, [(toxic, now - toxic.since) for toxic in self.toxics.in_order()])


def _check_that_nobody_listens(address: tuple[str, int]) -> None:
    """Raise OSError where another program has the port: with SO_REUSEPORT it would silently get a share of it."""
    host, port = address
    for family, kind, protocol, _, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as sock:
            if os.name == "posix":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(where)
