"""Addresses: as people write them, HOST:PORT, and as sockets take them."""

import errno
import ipaddress
import os
import socket
from dataclasses import dataclass

from hbprobe.errors import UserError

SocketAddress = tuple[socket.AddressFamily, tuple[str | int, ...]]
"""What a name stands for: the family of a socket, and what `connect` takes."""
PeerAddress = tuple[str | int, ...]
"""As `accept` and `getpeername` give it."""


@dataclass(frozen=True, slots=True)
class Address:
    """A host, by name or number, and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `127.0.0.1:8443`, `[::1]:8443` or `name:8443`; raises ValueError, in words a user can act on."""
        if "@" in text or "//" in text:  # somewhere in it may be a password
            raise ValueError("a URL, or a user's name, is no HOST:PORT: write 127.0.0.1:8443 or [::1]:8443")
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif _is_ipv6(host) and _is_port(port):
            raise ValueError(f"{text!r}: write an IPv6 address in brackets, [{host}]:{port}")
        elif ":" in host:
            host = ""
        if not (colon and host and _is_port(port)):
            raise ValueError(f"{text!r} is no HOST:PORT: write 127.0.0.1:8443 or [::1]:8443")
        return cls(host, int(port))


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len("65535") and int(text) <= 65535


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def name_of(sockaddr: PeerAddress) -> str:
    """Write an address as the socket module gives it, IPv4 or IPv6."""
    host, port = sockaddr[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def peer_name(sock: socket.socket) -> str:
    """Write the address of a connected socket's peer; `?` when it is gone already."""
    try:
        return name_of(sock.getpeername())
    except OSError:
        return "?"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a listener on that host; other names may lead anywhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def cannot_listen(address: Address, error: OSError, option: str = "--listen HOST:PORT") -> UserError:
    """Put the system's refusal to listen there into words, with the mend."""
    number = error.errno or 0
    reason = os.strerror(number) if number > 0 else error.strerror or str(error)
    mend = "stop what listens there or " if number == errno.EADDRINUSE else ""
    return UserError(f"cannot listen on {address}: {reason}; {mend}choose another with {option}")
