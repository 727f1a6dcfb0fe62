"""The same boxes in several processes that share one port, for more flows than one process has descriptors.

The kernel spreads connections over the listening sockets of a port (SO_REUSEPORT, socket(7); Linux). Each worker has
all boxes of the row, and keeps its own flows. The first process serves nobody: it asks the workers, one question at a
time, and adds up what they say, so that a control API finds boxes as of one process.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from multiprocessing.connection import Connection
from typing import Any

from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.middlebox.chain import Chain
from hbprobe.middlebox.events import Event, FlowCounts, FlowExpired, FlowRevived, Observer
from hbprobe.middlebox.running_box import FlowState, RunningBox
from hbprobe.profiles.model import Profile

_STOP = "stop"
Serve = Callable[[int, tuple[str, int], Connection], None]
"""What a worker runs: its number, from 0; where to listen; and the line to the first process."""


# In a worker


def _begin(serve: Serve, number: int, listen: tuple[str, int], line: Connection) -> None:
    for told in (signal.SIGINT, signal.SIGTERM):  # which reach the first process, too, and it says what follows
        signal.signal(told, signal.SIG_IGN)
    try:
        serve(number, listen, line)
    except UserError as error:
        line.send(error)


async def work(chain: Chain, listen: tuple[str, int], line: Connection, number: int, count: int) -> None:
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
            line.send(_ANSWERS[name](chain.relays[place], number, count, *arguments))

    asyncio.get_running_loop().add_reader(line.fileno(), answer)
    await stopped.wait()
    chain.close()
    line.send([relay.counts for relay in chain.relays])


def numbered(observer: Observer, number: int, count: int) -> Observer:
    """Give the flows in what a worker tells numbers that no other worker's have."""

    def tell(event: Event) -> None:
        if isinstance(event, FlowExpired | FlowRevived):
            event = replace(event, number=_shared(event.number, number, count))
        observer(event)

    return tell


def _shared(flow: int, number: int, count: int) -> int:
    return (flow - 1) * count + number + 1


def _flows(box: RunningBox, number: int, count: int) -> list[FlowState]:
    return [replace(flow, number=_shared(flow.number, number, count)) for flow in box.flows()]


def _expire(box: RunningBox, number: int, count: int, flow: int) -> bool:
    own, of = divmod(flow - 1, count)
    return of == number and box.expire(own + 1)


_ANSWERS: dict[str, Callable[..., object]] = {
    "length": lambda box, *_: len(box),
    "counts": lambda box, *_: box.counts,
    "flows": _flows,
    "change": lambda box, _number, _count, profile: box.change(profile),
    "expire": _expire,
    "blackhole": lambda box, *_: box.blackhole(),
    "heal": lambda box, *_: box.heal(),
    "drain": lambda box, *_: box.drain(),
}


# In the first process


class Workers:
    """Processes with the same boxes."""

    def __init__(self, profiles: Sequence[Profile], count: int, serve: Serve, listen: tuple[str, int]) -> None:
        """Start them; to be called before there is a loop or a thread, for they are forks.

        Raises OSError when the address cannot be had.
        """
        _check_that_nobody_listens(listen)
        context = multiprocessing.get_context("fork")
        self.lines: list[Connection] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self.address = listen
        self.final: list[list[FlowCounts]] | None = None
        """What each worker had counted at its end, for each box."""
        for number in range(count):
            line, theirs = context.Pipe()
            process = context.Process(target=_begin, args=(serve, number, self.address, theirs), daemon=True)
            process.start()
            theirs.close()
            self.lines.append(line)
            self._processes.append(process)
            taken = self._receive(number)
            if isinstance(taken, OSError | UserError):
                self.stop()
                raise taken
            self.address = taken
        self.boxes: list[RunningBox] = [_SharedBox(self, place, profile) for place, profile in enumerate(profiles)]

    def ask(self, name: str, place: int, *arguments: object) -> list[Any]:
        """Return the answer of each worker."""
        if self.final is not None:
            return [counts[place] for counts in self.final] if name == "counts" else []
        for line in self.lines:
            line.send((name, place, *arguments))
        return [self._receive(number) for number in range(len(self.lines))]

    async def one_died(self) -> None:
        """Wait until a worker ends that was not told to; raises CannotMeasureError then."""
        loop, died = asyncio.get_running_loop(), asyncio.Event()
        for process in self._processes:
            loop.add_reader(process.sentinel, died.set)
        try:
            await died.wait()
        finally:
            for process in self._processes:
                loop.remove_reader(process.sentinel)
        raise CannotMeasureError("a worker has ended that was not told to: the others are stopped")

    def stop(self) -> None:
        """End all workers, and keep what they counted."""
        final = []
        for number, line in enumerate(self.lines):
            try:
                line.send((_STOP, 0))
                final.append(self._receive(number))
            except (OSError, CannotMeasureError):  # it is gone already, and its sums with it
                continue
        for process in self._processes:
            process.join()
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
