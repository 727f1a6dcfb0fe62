"""Addresses as people write them: HOST:PORT."""

import errno
import os
from dataclasses import dataclass

from hbprobe.errors import UserError


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
        host, colon, port = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(f"{text!r}: write an IPv6 address in brackets, [{host}]:{port}")
        if not (colon and host and port.isascii() and port.isdecimal() and int(port) <= 65535):
            raise ValueError(f"{text!r} is no HOST:PORT: write 127.0.0.1:8443 or [::1]:8443")
        return cls(host, int(port))


def name_of(sockaddr: tuple[str | int, ...]) -> str:
    """Write an address as the socket module gives it, IPv4 or IPv6."""
    return str(Address(str(sockaddr[0]), int(sockaddr[1])))


def cannot_listen(address: Address, error: OSError) -> UserError:
    """Put the system's refusal to listen there into words, with the mend."""
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
    mend = "stop what listens there or " if error.errno == errno.EADDRINUSE else ""
    return UserError(f"cannot listen on {address}: {reason}; {mend}choose another with --listen HOST:PORT")
