"""What captures showed, as a document: `hbprobe.evidence/1` with the verb `capture` (docs/captures.md)."""

from typing import Annotated, Literal

from pydantic import Field

from hbprobe import __version__
from hbprobe.manner import Manner
from hbprobe.records.result_parts import Amount, Document, LimitPart, Part, rounded
from hbprobe.trial.outcome import Cause

Side = Literal["client", "server"]
UnixTime = Annotated[float, Field(ge=-1e10, le=1e10)]
"""Seconds since 1970; 64 bits of nanoseconds hold no more, and a calendar has a date for each."""


class CaptureSourcePart(Part):
    """A file that was read."""

    path: str
    kind: str
    side: Side | None
    """Which end it was taken nearer to; null for one capture point."""
    bytes: int
    packets: int
    tcp: int
    skipped: dict[str, int]
    """Packets that were not read as TCP, by reason."""
    first: UnixTime | None
    last: UnixTime | None
    """Times of its first and last packet, in seconds since 1970."""
    notes: tuple[str, ...] = ()


class SignPart(Part):
    """One reason for a verdict."""

    weight: Literal["decides", "strong", "weak"]
    text: str
    speaks_for: Literal["client", "server", "box"] | None = None


class SilencePart(Part):
    """A silence, by its beginning and its length."""

    started: UnixTime
    length: float


class FlowPart(Part):
    """One connection. Times are seconds since 1970, lengths seconds."""

    client: str
    server: str
    seen: tuple[Side, ...]
    """In which captures, where there are two."""
    started: UnixTime
    ended: UnixTime
    """Its first and last packet here."""
    ending: str
    causes: tuple[Cause, ...]
    maker: Literal["client", "server", "box", "unknown"] | None
    in_name_of: Side | None
    client_saw: Manner | None
    server_saw: Manner | None
    at: UnixTime | None
    idle: float | None
    data_idle: float | None
    exact: bool
    on_next: bool
    longest_silence: float
    survived: SilencePart | None
    survived_without_data: SilencePart | None
    keep_alives: int
    answered_keep_alives: int
    repeats: int
    signs: tuple[SignPart, ...]
    hints: tuple[str, ...] = ()


class ProductPart(Part):
    """A product whose timer this is, as it is shipped."""

    id: str
    name: str
    reasons: tuple[str, ...]


PacketTime = Annotated[Amount, rounded(6)]


class CaptureLimitPart(LimitPart):
    """The bracket that the connections leave, to the microsecond, as the packets' times are."""

    survived_s: PacketTime | None = Field(alias="survived")
    cut_s: PacketTime | None = Field(alias="cut")


class CaptureTimerPart(Part):
    """One timer, by the connections that it ended."""

    limit: CaptureLimitPart
    confidence: float
    flows: int
    earliest: float
    latest: float
    age: float
    """The middle of the ages at which it struck."""
    maker: Literal["client", "server", "box", "unknown"]
    in_name_of: str
    counts: Literal["packets", "data"] | None
    between_captures: bool
    servers: tuple[str, ...]
    products: tuple[ProductPart, ...] = ()
    doubts: tuple[str, ...] = ()


class ClockPart(Part):
    """How the clock of the server's side differs from that of the client's."""

    ahead: float
    connections: int


class CaptureRecord(Document):
    """What captures, or logs of the past, showed: docs/captures.md, docs/logs.md."""

    schema_: Literal["hbprobe.evidence/1"] = Field("hbprobe.evidence/1", alias="schema")
    hbprobe: str = __version__
    verb: Literal["capture"] = "capture"
    sources: tuple[CaptureSourcePart, ...]
    connections: int
    judged: int
    """So many had a silence or an RST; the others have nothing that could be explained."""
    endings: dict[str, int]
    """Of those that were judged."""
    timers: tuple[CaptureTimerPart, ...]
    flows: tuple[FlowPart, ...]
    clock: ClockPart | None = None
    missing_share: float | None = None
    """With two captures: the share of packets that one of them has lost."""
    notes: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 where no connection died of idleness, 1 where some did."""
        return 1 if self.endings.get("idle-death") or self.timers else 0
