"""One ActiveSync request from beginning to end, as logs tell of it."""

from dataclasses import dataclass
from enum import StrEnum


class Access(StrEnum):
    """What becomes of a device."""

    ALLOW = "allow"
    BLOCK = "block"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request from beginning to end. Times are seconds on the server's clock."""

    started_s: float
    ended_s: float
    peer: str
    host: str
    """What it called the server."""
    user_agent: str
    method: str
    path: str
    query: str
    """As it came, undecoded."""
    status: int
    """Of HTTP."""
    substatus: int
    is_delivered: bool
    """False where the client was gone before its answer."""
    received_bytes: int
    """In the request's body."""
    sent_bytes: int
    user: str | None = None
    """As it was logged in with; None for a stranger."""
    command: str | None = None
    """None, as all that follows, where the request did not come so far."""
    version: str | None = None
    device_id: str | None = None
    device_type: str | None = None
    policy_key: int | None = None
    access: Access | None = None
    by_rule: bool = False
    """A rule about this kind of device says so, not the default."""
    heartbeat_s: int | None = None
    """The interval that entered the window of event 1040."""
    folders: tuple[str, ...] = ()
    """The ids of those that the request watches."""
    command_status: int | None = None
    """The Status in the answer."""
    error: str | None = None
    """How Exchange calls what went wrong."""
    expired: bool = False
    """It waited, and its time was over."""
    peer_port: int | None = None
    gone_s: float | None = None
    """When the client's connection to a front end was gone, where Exchange's answer came later."""

    @property
    def took_s(self) -> float:
        """How long it was open."""
        return self.ended_s - self.started_s


@dataclass(frozen=True, slots=True)
class ClientGone:
    """The end of a request at a front end whose client is gone, before Exchange's answer comes."""

    record: RequestRecord


@dataclass(frozen=True, slots=True)
class IdleConnection:
    """A connection that the server ended by its timer: no request came after the last answer."""

    ended_s: float
    """On the server's clock."""
    peer: str
    peer_port: int | None
