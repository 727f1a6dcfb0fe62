"""Clients that load a relay, in a process of their own; what they measured is one line of JSON.

They run as `python load.py ping_pong|connections|stream|keep|expire|storm|silent PORT '{"argument": value}'`.
"""

import contextlib
import json
import multiprocessing
import multiprocessing.connection
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from rig import BUFFER_BYTES, raise_descriptor_limit

_WARM_UP = 200


def ping_pong(port: int, rounds: int, size: int = 64) -> dict[str, float]:
    """One connection, one message at a time. Microseconds."""
    message, took = b"x" * size, []
    with _dial(port) as sock:
        for _ in range(rounds + _WARM_UP):
            began = time.perf_counter()
            sock.sendall(message)
            sock.recv(size, socket.MSG_WAITALL)
            took.append((time.perf_counter() - began) * 1e6)
    return _quantiles(took[_WARM_UP:]) | {"rounds": len(took)}


def connections(port: int, count: int) -> dict[str, float]:
    """Connect, one byte there and back, close; one after the other. Connections a second."""
    began = time.perf_counter()
    for _ in range(count):
        _flow(port).close()
    return {"per_s": count / (time.perf_counter() - began)}


def stream(port: int, connections: int, seconds: float) -> dict[str, float]:
    """Send as fast as it goes on some connections; the time ends when the far end has taken it all."""
    with multiprocessing.get_context("fork").Pool(connections) as pool:
        done = pool.starmap(_send_and_receive, [(port, seconds)] * connections, chunksize=1)
    took_s = max(ended for _, _, ended in done) - min(began for _, began, _ in done)
    return {"mb_per_s": sum(sent for sent, _, _ in done) / took_s / 1e6}


def _send_and_receive(port: int, seconds: float) -> tuple[int, float, float]:
    """Send for some seconds, then wait until the far end, having read it all, closes."""
    data, sent, began = bytes(BUFFER_BYTES), 0, time.perf_counter()
    with _dial(port) as sock:
        receiver = threading.Thread(target=_drain, args=[sock])
        receiver.start()
        while time.perf_counter() < began + seconds:
            sock.sendall(data)
            sent += len(data)
        sock.shutdown(socket.SHUT_WR)
        receiver.join()
    return sent, began, time.perf_counter()


def _drain(sock: socket.socket) -> None:
    buffer = bytearray(BUFFER_BYTES)
    while sock.recv_into(buffer):
        pass


def keep(port: int, flows: int) -> NoReturn:
    """Open quiet flows, say how many, and keep them until the parent closes our input."""
    kept = [_flow(port) for _ in range(flows)]
    _report(len(kept))
    sys.stdin.read()
    sys.exit()


def expire(port: int, flows: int, idle_s: float, spread_s: float) -> dict[str, float]:
    """Open flows, spread over a time, and see when the relay ends each. Milliseconds after the idle time."""
    poll, opened, late_ms = select.epoll(), {}, []
    began = time.perf_counter()
    for number in range(flows):
        time.sleep(max(0.0, began + number * spread_s / flows - time.perf_counter()))  # noqa: TID251  no loop here
        sock = _flow(port)
        opened[sock.fileno()] = sock, time.perf_counter()
        poll.register(sock, select.EPOLLIN)
    while opened:
        ready = poll.poll(idle_s + 10)
        now = time.perf_counter()
        assert ready, f"{len(opened)} flows did not end"
        for descriptor, _ in ready:
            sock, since = opened.pop(descriptor)
            late_ms.append((now - since - idle_s) * 1e3)
            sock.close()
    return _quantiles(late_ms)


def storm(port: int, flows: int, idle_s: float, spread_s: float) -> dict[str, float]:
    """Have all flows due within `spread_s`; see when each ends, and how long newcomers wait. Milliseconds."""
    told, tell = multiprocessing.Pipe()
    newcomers = multiprocessing.get_context("fork").Process(target=_newcomers, args=(port, idle_s, spread_s, tell))
    newcomers.start()  # before there are sockets that it would keep open
    poll, opened, late_ms = select.epoll(), {}, []
    for _ in range(flows):
        sock = _flow(port)
        opened[sock.fileno()] = sock
        poll.register(sock, select.EPOLLIN)
    began, touched = time.perf_counter(), {}
    for number, (descriptor, sock) in enumerate(opened.items()):
        time.sleep(max(0.0, began + number * spread_s / flows - time.perf_counter()))  # noqa: TID251  no loop here
        sock.send(b"x")
        touched[descriptor] = time.perf_counter()
    told.send("the last was touched")
    while opened:
        ready = poll.poll(idle_s + 30)
        now = time.perf_counter()
        assert ready, f"{len(opened)} flows did not end"
        for descriptor, _ in ready:
            opened.pop(descriptor).close()
            late_ms.append((now - touched[descriptor] - idle_s) * 1e3)
    waited_ms = told.recv()
    newcomers.join()
    return _quantiles(late_ms) | {f"newcomer {name}": value for name, value in _quantiles(waited_ms).items()}


def silent(port: int, flows: int, idle_s: float, silent_s: float) -> dict[str, float]:
    """Open flows, speak on them long after they have expired, and see which share of them is answered."""
    poll, opened = select.poll(), [_flow(port) for _ in range(flows)]
    time.sleep(idle_s + silent_s)  # noqa: TID251  no loop here
    for sock in opened:
        with contextlib.suppress(OSError):  # one that was reset already is found below
            sock.send(b"still there?")
        poll.register(sock, select.POLLIN | select.POLLHUP)
    time.sleep(2)  # noqa: TID251  no loop here
    return {"answered": len(poll.poll(0)) / flows}


def _newcomers(port: int, idle_s: float, spread_s: float, tell: "multiprocessing.connection.Connection") -> None:
    """Connect again and again from just before the storm until it must be over."""
    tell.recv()
    time.sleep(idle_s - spread_s - 0.1)  # noqa: TID251  no loop here
    ends, waited_ms = time.perf_counter() + 2 * spread_s + 1.5, []
    while (began := time.perf_counter()) < ends:
        _flow(port).close()
        waited_ms.append((time.perf_counter() - began) * 1e3)
        time.sleep(0.01)  # noqa: TID251  no loop here
    tell.send(waited_ms)


def _dial(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _flow(port: int) -> socket.socket:
    """Open a connection through to the far end: a byte has been there and back."""
    sock = _dial(port)
    sock.sendall(b"x")
    assert sock.recv(1) == b"x"
    return sock


def _quantiles(values: list[float]) -> dict[str, float]:
    values.sort()
    return {"p50": values[len(values) // 2], "p99": values[len(values) * 99 // 100], "max": values[-1]}


def _report(result: object) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


_LOADS: dict[str, Callable[..., dict[str, float]]] = {
    load.__name__: load for load in (ping_pong, connections, stream, keep, expire, storm, silent)
}

if __name__ == "__main__":
    raise_descriptor_limit()
    _report(_LOADS[sys.argv[1]](int(sys.argv[2]), **json.loads(sys.argv[3])))
