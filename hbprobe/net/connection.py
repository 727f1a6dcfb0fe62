"""The name of a connection, as the boxes on its path wrote it into their logs: addresses, ports, and when."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP connection, as its client saw it. A NAT shows the server another source."""

    source: str
    source_port: int
    destination: str
    destination_port: int
    opened_at: str
    """In UTC, as in 2026-11-22T02:17:00.250Z."""
    closed_at: str
