"""A server behind the relay under test, as cheap as can be, so that the relay is what is measured.

It runs as `python far_end.py echo|swallow|keep PORT`. `echo` and `swallow` serve up to 16 connections, each in a
process of its own with blocking calls. `keep` echoes the first byte of each connection and leaves it open, for
thousands.
"""

import contextlib
import os
import socket
import sys

from rig import BUFFER_BYTES, raise_descriptor_limit

_PROCESSES = 16


def main() -> None:
    """Serve until killed, with the processes that are forked here."""
    mode, port = sys.argv[1], int(sys.argv[2])
    raise_descriptor_limit()
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    if mode == "keep":
        _keep(listener)
    for _ in range(_PROCESSES - 1):
        if os.fork() == 0:
            break
    _serve_one_after_the_other(listener, echo=mode == "echo")


def _serve_one_after_the_other(listener: socket.socket, *, echo: bool) -> None:
    buffer = memoryview(bytearray(BUFFER_BYTES))
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, contextlib.suppress(ConnectionError):
            while count := connection.recv_into(buffer):
                if echo:
                    connection.sendall(buffer[:count])


def _keep(listener: socket.socket) -> None:
    kept = []
    while True:
        connection, _ = listener.accept()
        kept.append(connection)
        with contextlib.suppress(ConnectionError):
            connection.sendall(connection.recv(1))


if __name__ == "__main__":
    main()
