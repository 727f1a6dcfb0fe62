"""Which protocol a connection may speak, without keys: by its first bytes in clear, else by timing and size."""

from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from hbprobe.evidence.captures.tcp_flow import Endpoint, Packet, TcpFlow

_REQUESTS = (b"GET ", b"POST ", b"HEAD ", b"OPTIONS ", b"PUT ", b"CONNECT ")
_LEAST_HELD_S, _MOST_HELD_S = 60.0, 3600.0
_MOST_ANSWER_BYTES = 2000
_LEAST_HELD = 2
_ALIKE_S = 2.0


def hints(flow: TcpFlow) -> tuple[str, ...]:
    """Return what the connection seems to be; nothing where nothing tells."""
    return tuple(_hints(flow))


def _hints(flow: TcpFlow) -> Iterator[str]:
    said = [packet for packet in flow.packets if packet.length > 1]
    opening = next((one for one in said if one.sender is Endpoint.CLIENT), None)
    answer = next((one for one in said if one.sender is Endpoint.SERVER), None)
    if any(one.head[0] in (20, 21, 22, 23) and one.head[1] == 3 for one in said):
        yield "TLS"
    elif opening is not None and opening.head.startswith(b"PRI * HTTP/2"):
        yield "HTTP/2 in clear"
    elif answer is not None and answer.head.startswith(b"HTTP/1.1 101"):
        yield "an upgraded connection, such as WebSocket, in clear"
    elif opening is not None and opening.head.startswith(_REQUESTS):
        yield "HTTP/1 in clear"
    held = list(_held(said))
    if len(held) >= _LEAST_HELD and max(held) - min(held) <= _ALIKE_S:
        yield f"held requests of {median(held):.0f} s, as of ActiveSync (a guess, by timing and size)"


def _held(said: list[Packet]) -> Iterator[float]:
    """Return how long small answers were waited for that came after a long silence."""
    for asked, answer in pairwise(said):
        waited_s = answer.at_s - asked.at_s
        if (
            asked.sender is Endpoint.CLIENT
            and answer.sender is Endpoint.SERVER
            and answer.length <= _MOST_ANSWER_BYTES
            and _LEAST_HELD_S <= waited_s <= _MOST_HELD_S
        ):
            yield waited_s
