"""Ports for programs that must be told one before they listen."""

import contextlib
import random
import socket

_BELOW_CONNECTIONS = range(20_000, 32_000)
"""The kernel gives connections ports from 32768 on (ip_local_port_range): there any may be taken at any moment."""


def free_port() -> int:
    """Return a port on which nobody listens, and which no connection is given."""
    chance = random.SystemRandom()  # processes side by side must not draw the same
    while True:
        port = chance.choice(_BELOW_CONNECTIONS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
