"""The requests of a simulated company as records, which IIS's log is then written from: logs whose truth is known.

Devices are those of `hbprobe.fleet.reference`, and so the requests are the very ones that `hbprobe.fleet.simulation`
counts. Exchange sees less than devices do: where a path dies in silence its answer goes out on time all the same, and
since 2013 a device's next Ping ends the one that still waits. The answer to a Ping is so small that IIS takes it for
sent while a path is silent; where a front end is told of a cut, its line ends then. A connection that a device has
left, or gave up in silence, stands at the server until HTTP.sys finds it idle. What a box asks again is a request of
its own.
"""

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from hbprobe.eas.commands import PingStatus
from hbprobe.eas.iis_log import CONNECTION_TIMEOUT_S
from hbprobe.eas.request_record import Access, ClientGone, IdleConnection, RequestRecord
from hbprobe.exchange.window import Event1040
from hbprobe.fleet.merge import Fired
from hbprobe.fleet.paths import PathTable
from hbprobe.fleet.reference import PlainDevice, Reference
from hbprobe.fleet.states import RequestEnd
from hbprobe.fleet.world import World
from hbprobe.records.simulations import FiredPart, TrueFirewallPart, TrueLimitPart, TrueNetworkPart, TruthPart

_LATEST_ANSWER_S: Final = 0.013
"""How much longer than its interval a Ping takes: seen in a published line."""
STOLEN: Final = "NMStolen"
_FIRST_PORT: Final = 49_152
"""Of those that Windows and others give to clients: RFC 6335, section 6."""
_AGENTS: Final = {
    "ios": ("iPhone", "Apple-iPhone12C1/1806.72"),
    "windows-mobile": ("PocketPC", "MSFT-PPC/5.2.5082"),
    "outlook-540": ("Outlook", "Outlook-iOS-Android/1.0"),
    "outlook-180": ("Outlook", "Outlook-iOS-Android/1.0"),
}


class _Watched(PlainDevice):
    """A device that tells how its last request ended, on which of the paths it was, and when a box asked again."""

    __slots__ = ("asked_again_s", "cut_s", "end", "mail_s", "path")

    @property
    def is_connected(self) -> bool:
        """Whether it keeps the connection of its last request."""
        return self._connected

    def _fate(self, asked_s: float, first_s: float, cut_s: float, mail_s: float) -> tuple[RequestEnd, float]:
        self.mail_s, self.cut_s = mail_s, cut_s
        self.path = self.network()
        return super()._fate(asked_s, first_s, cut_s, mail_s)

    def _ask_again(self, asked_s: float, first_s: float, next_s: float) -> list[float]:
        self.asked_again_s = super()._ask_again(asked_s, first_s, next_s)
        return self.asked_again_s

    def _close(self, end: RequestEnd, asked_s: float, cut_s: float, next_s: float) -> None:
        self.end = end
        super()._close(end, asked_s, cut_s, next_s)


def requests(world: World, until_s: float, *, steals: bool = True) -> Iterator[RequestRecord]:
    """Give the Pings of a fleet in the order in which they end, as Exchange sees them; see `logged`."""
    return (entry for entry in logged(world, until_s, steals=steals) if isinstance(entry, RequestRecord))


def logged(
    world: World, until_s: float, from_s: float = 0.0, *, steals: bool = True
) -> Iterator[RequestRecord | ClientGone | IdleConnection]:
    """Give what IIS logs of a fleet, in order: Pings as they end, and connections that were idle for too long.

    Where a client is gone, its Ping ends at the front end before it does at the back end.

    Only those of Pings that began at `from_s` or later. `steals`: a new Ping ends the one of the same device that
    waits, as since Exchange Server 2013.
    """
    paths, seen = PathTable(world.paths), Reference()
    devices = [_Watched(world, paths, seen, number) for number in range(world.devices)]
    heap = [(device.due_s, device.number) for device in devices]
    heapq.heapify(heap)
    over: list[tuple[float, int, RequestRecord | ClientGone | IdleConnection]] = []
    count = 0
    while heap and heap[0][0] < until_s:
        asked_s, number = heap[0]
        while over and over[0][0] <= asked_s:
            yield heapq.heappop(over)[2]
        device = devices[number]
        heartbeat_s = device.step()
        for at_s, entry in _entries(world, device, asked_s, heartbeat_s, from_s, steals=steals):
            count += 1
            heapq.heappush(over, (at_s, count, entry))
        heapq.heapreplace(heap, (device.due_s, number))
    while over and over[0][0] <= until_s:
        yield heapq.heappop(over)[2]


def _entries(
    world: World, device: _Watched, asked_s: float, heartbeat_s: int | None, from_s: float, *, steals: bool
) -> Iterator[tuple[float, RequestRecord | ClientGone | IdleConnection]]:
    """Give what is logged of the last request of a device, and of those that a box made of it, with the time."""
    again_s = device.asked_again_s if heartbeat_s is not None else ()
    begins_s = [asked_s, *again_s]
    for started_s, next_s in zip(begins_s, [*again_s, device.due_s], strict=True):
        if started_s < from_s:
            continue
        record = _record(world, device, (started_s, next_s), heartbeat_s, steals=steals)
        if record.gone_s is not None:
            yield record.gone_s, ClientGone(record)
        yield record.ended_s, record
        if started_s == begins_s[-1] and (idle := _idle(device, record)) is not None:
            yield idle.ended_s, idle


def _record(
    world: World, device: _Watched, between_s: tuple[float, float], heartbeat_s: int | None, *, steals: bool
) -> RequestRecord:
    kind = world.kinds[world.kind_of(device.number)]
    device_type, agent = _AGENTS.get(kind.id, ("Android", f"Android/{kind.id}-EAS-2.0"))
    asked_s, next_s = between_s
    ended_s, status, error, expired = _at_exchange(device, between_s, heartbeat_s, steals=steals)
    is_last = next_s == device.due_s
    is_told = not is_last or RequestEnd.SILENT < device.end < RequestEnd.REFUSED
    cut_s = device.cut_s if is_last else next_s
    name = f"user{device.number}"
    device_id = f"{kind.id.replace('-', '').replace('.', '').upper()}{device.number:06d}"
    return RequestRecord(
        started_s=asked_s,
        ended_s=ended_s,
        peer=_address(device.path, 1 + device.number % 250),
        peer_port=_FIRST_PORT + device.number,
        host="mail.example.test",
        user_agent=agent,
        method="POST",
        path="/Microsoft-Server-ActiveSync",
        query=f"Cmd=Ping&User={name}&DeviceId={device_id}&DeviceType={device_type}",
        status=200,
        substatus=0,
        is_delivered=not is_told,
        received_bytes=0,
        sent_bytes=13,
        user=name,
        command="Ping",
        version="14.1",
        device_id=device_id,
        device_type=device_type,
        access=Access.ALLOW,
        heartbeat_s=heartbeat_s,
        folders=("5",),
        command_status=status,
        error=error,
        expired=expired,
        gone_s=cut_s if is_told and cut_s < ended_s else None,
    )


def _idle(device: _Watched, record: RequestRecord) -> IdleConnection | None:
    """Return the end of the connection of a request on which nothing follows, where the server hears of no other."""
    ended_s = record.ended_s + CONNECTION_TIMEOUT_S
    is_left = device.end in (RequestEnd.LEFT, RequestEnd.SILENT) or (device.is_connected and device.due_s > ended_s)
    return IdleConnection(ended_s, record.peer, record.peer_port) if is_left else None


def _at_exchange(
    device: _Watched, between_s: tuple[float, float], heartbeat_s: int | None, *, steals: bool
) -> tuple[float, PingStatus, str | None, bool]:
    """Return when Exchange's answer to a request goes out, the next being known, with which status, and why."""
    asked_s, next_s = between_s
    if heartbeat_s is None:
        return asked_s + _LATEST_ANSWER_S, PingStatus.INTERVAL_OUT_OF_RANGE, "Ping.HbiTooLow", False
    if device.end is RequestEnd.AT_ONCE:
        return asked_s + _LATEST_ANSWER_S, PingStatus.CHANGES, None, False
    ends_s = asked_s + heartbeat_s + _LATEST_ANSWER_S
    if device.mail_s < ends_s:
        if not steals or device.mail_s <= next_s:
            return device.mail_s, PingStatus.CHANGES, None, False
    elif not steals or ends_s <= next_s + 2 * _LATEST_ANSWER_S:
        return ends_s, PingStatus.QUIET, None, True
    return next_s, PingStatus.QUIET, STOLEN, False


def _address(path: int, host: int) -> str:
    """Return an address of those that are for measurements (RFC 2544); each path has a network of its own."""
    return f"198.{18 + path // 250}.{path % 250}.{host}"


def network_of_path(number: int) -> str:
    """Return the network from which devices on a path come."""
    return _address(number, 0) + "/24"


def truth_of(
    world: World, events: Sequence[Fired | Event1040], network: Callable[[int], str] = network_of_path
) -> TruthPart:
    """Return what the paths do, by network, and when event 1040 came, for whoever reads the logs."""
    networks = (
        TrueNetworkPart(
            network=network(number),
            path=path.name,
            limits=tuple(
                TrueLimitPart(
                    low_s=_finite(span.low_s),
                    high_s=_finite(span.high_s),
                    spread=span.cut.spread_s,
                    how=span.cut.manner,
                )
                for span in path.spans
            ),
        )
        for number, path in enumerate(world.paths)
    )
    firewall = TrueFirewallPart(limit=_finite(world.firewall.limit_s), how=world.firewall.manner)
    return TruthPart(
        devices=world.devices, networks=tuple(networks), firewall=firewall, events=tuple(map(FiredPart.of, events))
    )


def _finite(seconds: float) -> float | None:
    return None if math.isinf(seconds) else seconds
