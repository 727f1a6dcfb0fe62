"""What logs of the past showed, as a document: `hbprobe.evidence/1` with the verb `logs` (docs/logs.md)."""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from hbprobe import __version__
from hbprobe.errors import CannotMeasureError
from hbprobe.records.result_parts import Document, Part

NOTHING_READ: Final = "nothing-read"
"""The code of the finding that there was nothing to judge."""


class BadLinePart(Part):
    """A line that was not understood; `offset` is null for a last line whose end is missing."""

    line: int
    offset: int | None
    reason: str


class SourcePart(Part):
    """A file that was read."""

    path: str
    kind: str
    encoding: str = ""
    lines: int
    requests: int
    """Lines of ActiveSync, or events."""
    mended: int = 0
    bad: int = 0
    bad_lines: tuple[BadLinePart, ...] = ()


class NotReadPart(Part):
    """A file that was not read, and what to do."""

    path: str
    reason: str


class SpanPart(Part):
    """From when to when requests ended, in UTC."""

    first: str
    last: str


class CoveragePart(Part):
    """What became of the requests that wait: whose answer arrived, whose did not, of which nothing is known."""

    requests: int
    devices: int
    users: int
    waits: int
    answered: int
    told: int
    silent: int
    moved: int
    unknown: int
    failed: int
    refused: int
    heartbeat_from_blob: int
    heartbeat_from_time_taken: int
    failed_after: int | None = None
    """After so many seconds more of `failed` ended than after any other time; null where none did of two devices."""
    failed_then: int = 0
    lost_without_address: int = 0
    """Of `told` and `silent`: those of which the log has no client's address, so that they may have moved as well."""


class BoundsPart(Part):
    """What the limit would be, if all silences of which nothing is known had been lost, or answered."""

    judgement: str
    survived: float | None
    cut: float | None


class PassiveLimitPart(Part):
    """The limit of one network, device, kind or server. Times in seconds."""

    by: str
    key: str
    judgement: Literal["limit", "several", "none-seen", "too-little"]
    survived: float | None
    cut: float | None
    how: str | None
    """`silent`, `told` (RST, FIN or a status: the log cannot say which), or null."""
    confidence: float | None
    gain: float
    eps: float
    hit: float
    silences: int
    losses: int
    devices: int
    longest_answered: float | None
    longest_asked: float | None
    """The longest interval that a device asked for there: what is longer, nobody tried. Null where none is told."""
    curve: tuple[tuple[float, float], ...] = ()
    if_unknown_lost: BoundsPart | None = None
    if_unknown_answered: BoundsPart | None = None
    holds_without: tuple[str, ...] = ()
    """Kinds of devices without which the limit stays."""
    rests_on: tuple[str, ...] = ()
    """Kinds of devices without which it does not."""
    own_doing: tuple[str, ...] = ()
    """Kinds of devices that may do on their own what looks so: those that do not ask at once after an answer."""


class EventPart(Part):
    """An event 1040, or 3033 of Exchange Server 2003."""

    at: str | None
    """In UTC, with a Z; without one where the log does not say in which zone its times are."""
    server: str
    command: str | None
    average_s: int | None
    threshold_s: int | None
    rebuilt: bool
    logged: bool


class WindowsPart(Part):
    """The windows of event 1040, rebuilt."""

    samples: int
    full: bool
    lowest_s: int | None
    judged_until: str | None
    rebuilt: int
    logged: int
    both: int


class LogFindingPart(Part):
    """What was found, and what to do."""

    code: str
    severity: Literal["problem", "note"]
    text: str


class LogEvidence(Document):
    """Everything that logs showed."""

    schema_: Literal["hbprobe.evidence/1"] = Field("hbprobe.evidence/1", alias="schema")
    verb: Literal["logs"] = "logs"
    hbprobe: str = __version__
    by: str
    span: SpanPart | None
    sources: tuple[SourcePart, ...]
    not_read: tuple[NotReadPart, ...]
    coverage: CoveragePart
    limits: tuple[PassiveLimitPart, ...]
    shared_by_all: tuple[float, float] | None = None
    sensitivity: tuple[str, ...] = ()
    """Keys whose judgement depends on how soon a device is assumed to ask again."""
    windows: WindowsPart
    events: tuple[EventPart, ...]
    counts: Mapping[str, int] = Field(default_factory=dict)
    """Devices that are blocked, throttled, in a loop, and the like."""
    httperr: Mapping[str, int] = Field(default_factory=dict)
    """Lines of HTTPERR by their reason."""
    findings: tuple[LogFindingPart, ...]
    notes: tuple[str, ...]

    @property
    def has_problem(self) -> bool:
        """Whether something needs a mend."""
        return any(finding.severity == "problem" for finding in self.findings)

    @property
    def exit_status(self) -> int:
        """3 where nothing could be read, 1 where something needs a mend, else 0."""
        if any(finding.code == NOTHING_READ for finding in self.findings):
            return CannotMeasureError.exit_status
        return int(self.has_problem)
