"""The documents about real paths and the catalogue, as they are read: diagnosis, location, journal and the like."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StrictBool, StrictInt

from hbprobe.diagnosis.fit import Law
from hbprobe.diagnosis.reasoning import BoxKind, Direction, Movement, Runs, Whose
from hbprobe.locate.finding import Code
from hbprobe.manner import Aftermath, Manner
from hbprobe.net.connection import Connection
from hbprobe.preflight.preflight import CheckState, Name
from hbprobe.profiles.model import Profile
from hbprobe.records.capture import CaptureRecord
from hbprobe.records.logs import LogEvidence
from hbprobe.records.result_parts import (
    ConnectionPart,
    Count,
    Document,
    Moment,
    Part,
    ResultPart,
    SearchPart,
    Seconds,
    ServerPart,
    Share,
    VerdictPart,
)
from hbprobe.trial.evidence import FarEndState, Observation, Question
from hbprobe.trial.outcome import Cause, Kind, Outcome, Trial
from hbprobe.word import Word

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _open(kind: type[Word]) -> Any:  # noqa: ANN401  as pydantic's Field
    """Return the choice of a word that a newer hbprobe may add to."""
    return Field(examples=[str(word) for word in kind])


CauseWord = Annotated[str, _open(Cause)]
QuestionWord = Annotated[str, _open(Question)]
BoxKindWord = Annotated[str, _open(BoxKind)]


class SocketPart(Part):
    """What the client's socket saw of one more packet on a silent connection."""

    aftermath: Aftermath | None
    retransmits: Count | None
    """So many times in a row had the system sent the packet again."""
    woke: StrictBool
    """Bytes came: what had been held back for want of this packet."""


class FarEndPart(Part):
    """What the far end saw of the request, in seconds since it came there."""

    state: Annotated[str, _open(FarEndState)]
    at: Seconds | None
    """When the connection ended there."""
    answered: Seconds | None
    """When the answer was sent."""
    times: Count
    """How often the request came."""


class AskedPart(Part):
    """A request that was to be made."""

    question: QuestionWord
    hold: Seconds
    interval: Seconds | None
    """For keep-alives and drips: how often."""


class AnswerPart(AskedPart):
    """What such a request showed."""

    outcome: Kind
    how: Manner | None
    status: StrictInt | None
    elapsed: Seconds
    """From the end of the request to what ended it."""
    exact: StrictBool = False
    reason: str
    connection: ConnectionPart | None = None
    signed: StrictBool = False
    """TLS's close_notify came before the end."""
    server: str | None = None
    """The Server header of whoever answered, where that was not the far end."""
    via: str | None = None
    """The Via header of an answer."""
    page: str | None = None
    """What an answer in the server's place says to people."""
    announced: Seconds | None = None
    """The idle time that the server says it allows."""
    late: Seconds | None = None
    """So long after it was due did the answer come after all."""
    socket: SocketPart | None = None
    far_end: FarEndPart | None = None


class PostMortemPart(Part):
    """What the request died of, the likeliest first, and what shows it."""

    causes: tuple[CauseWord, ...]
    evidence: tuple[str, ...]


class TimerPart(Part):
    """Which timer it is; null where that stays open."""

    runs: Annotated[str, _open(Runs)] | None
    counts: Annotated[str, _open(Movement)] | None
    direction: Annotated[str, _open(Direction)] | None
    whose: Annotated[str, _open(Whose)] | None


class BoxPart(Part):
    """A box of the catalogue that may be behind it."""

    id: str = ""
    name: str
    score: Number
    contradictions: int = 0
    built_on: str | None = None
    reasons: tuple[str, ...]
    doubts: tuple[str, ...]


class AlivePart(Part):
    """Between these two shares of the requests are alive so many seconds after their beginning."""

    at: Seconds
    least: Share
    most: Share


class SpreadPart(Part):
    """How the deaths are spread over time."""

    trials: Count
    curve: tuple[AlivePart, ...]
    law: Annotated[str, _open(Law)] | None
    timer: Seconds | None = None
    sigma: Seconds | None = None
    mean_life: Seconds | None = None
    criterion: Mapping[str, Number] | None = None
    """By law: the smaller the better does it fit."""


class DiagnosisPart(Document):
    """A diagnosis of one path: docs/diagnose.md."""

    schema_: Literal["hbprobe.diagnosis/1"] = Field(alias="schema")
    result: ResultPart
    """The search for the limit."""
    elsewhere: str | None
    """The other address that was compared with."""
    asked: tuple[AskedPart, ...] = ()
    answers: tuple[AnswerPart, ...]
    post_mortem: PostMortemPart
    timer: TimerPart
    kinds: tuple[BoxKindWord, ...]
    """Of box, the likeliest first."""
    nameless: tuple[str, ...] = ()
    """Names that answers told and no product of the catalogue has."""
    boxes: tuple[BoxPart, ...]
    """That fit, the best first."""
    spread: SpreadPart | None
    mend: tuple[str, ...]
    """What to do, in words."""


class CutPart(Part):
    """The limit that was located."""

    cut: Seconds | None
    """Its upper end; null where nothing was cut."""
    given: StrictBool
    """The user named it; otherwise it was searched."""


class HopPart(Part):
    """A router on the way."""

    ttl: Count
    address: str | None
    """null where it does not answer."""
    round_trip: Seconds | None
    refuses: StrictBool
    """It says that the way is barred."""


class HeldPart(Part):
    """A held request, and how far its keep-alives reached."""

    ttl: Count | None
    """0 for no keep-alives, null for those that go all the way."""
    outcome: Kind
    how: Manner | None
    status: StrictInt | None
    elapsed: Seconds
    exact: StrictBool
    aftermath: Aftermath | None
    reason: str
    connection: ConnectionPart | None


class LocatedPart(Part):
    """Who cuts, as far as that can be known."""

    code: Code
    hop: Count | None
    """The first hop that must see keep-alives."""
    address: str | None
    text: str
    doubts: tuple[str, ...]
    """What may be otherwise, in words."""


class WallPart(Part):
    """How long it took."""

    wall: Seconds


class LocationPart(Document):
    """Which hop of a path forgets idle connections: docs/locate.md."""

    schema_: Literal["hbprobe.location/1"] = Field(alias="schema")
    hbprobe: str
    label: str
    target: str
    source: str | None
    family: Literal["any", "4", "6"]
    method: str | None
    limit: CutPart
    hold: Seconds | None
    """For how long each request was held."""
    interval: Number | None
    """How often a keep-alive was sent."""
    distance: Count | None
    """The smallest TTL with which a connection came about."""
    hops: tuple[HopPart, ...]
    trials: tuple[HeldPart, ...]
    complete: StrictBool
    """false where it was stopped before its end."""
    finding: LocatedPart
    seconds: WallPart
    notes: tuple[str, ...]


class CheckPart(Part):
    """One thing that must work."""

    name: Name
    state: CheckState
    seconds: Seconds
    found: tuple[str, ...]
    mend: str | None
    """What to do."""


class NothingPart(Part):
    """An object without keys."""


class PreflightPart(Document):
    """Whether an ActiveSync server answers a device: docs/ping.md."""

    schema_: Literal["hbprobe.preflight/1"] = Field(alias="schema")
    hbprobe: str
    label: str
    target: str
    user: str
    passed: StrictBool
    checks: tuple[CheckPart, ...]
    server: ServerPart | NothingPart
    """What the server said of itself."""
    notes: tuple[str, ...]


class KnownLimitPart(Part):
    """A limit that was known before."""

    survived: Number | None
    cut: Number | None
    how: Manner | None


class PathsPart(Part):
    """Paths on which a device asks for so little: they carry the one and cut the other, in seconds."""

    carried_s: Count
    cut_s: Count | None


class AskingDevicePart(Part):
    """A device that asks for the average or less."""

    id: str
    name: str
    paths: tuple[PathsPart, ...]
    on_any_path: StrictBool


class EventSaidPart(Part):
    """An event 1040 or 3033 that was logged, and who asks for so little."""

    average_s: Count | None
    threshold_s: Count
    command: Literal["Ping", "Sync"] | None
    times: Count
    devices: tuple[AskingDevicePart, ...]


class VerdictRecordPart(Document):
    """What Exchange makes of a limit that was known before, or an event says of a path: docs/event-1040.md."""

    schema_: Literal["hbprobe.verdict/1"] = Field(alias="schema")
    limit: KnownLimitPart | None
    verdict: VerdictPart | None
    events: tuple[EventSaidPart, ...]


class BracketPart(Part):
    """The longest hold that survived, and the shortest that was cut."""

    survived: Seconds | None
    cut: Seconds | None


class MeasurementPart(Part):
    """One measurement of a watch."""

    id: Count
    started_at: Moment
    ended_at: Moment | None
    state: Literal["running", "done", "failed", "given-up"]
    reason: str | None
    survived: Seconds | None
    cut: Seconds | None
    healthy: StrictBool | None


class ChangePart(Part):
    """A change of the limit."""

    since: Moment
    before: BracketPart
    after: BracketPart
    text: str


class TargetPart(Part):
    """All that was measured of one target."""

    target: str
    measurements: tuple[MeasurementPart, ...]
    changes: tuple[ChangePart, ...]


class HistoryPart(Document):
    """What a watch has measured: docs/watch.md."""

    schema_: Literal["hbprobe.history/1"] = Field(alias="schema")
    hbprobe: str
    targets: tuple[TargetPart, ...]


class ReportPart(Document):
    """The results, diagnoses and evidence that went into a report: docs/report.md."""

    schema_: Literal["hbprobe.report/1"] = Field(alias="schema")
    hbprobe: str
    written: Moment
    documents: tuple[
        Annotated[
            ResultPart | DiagnosisPart | Annotated[CaptureRecord | LogEvidence, Field(discriminator="verb")],
            Field(discriminator="schema_"),
        ],
        ...,
    ]


class JournalPart(Document):
    """The first line of a journal, or an event in one of the others: docs/schemas.md."""

    schema_: Literal["hbprobe.journal/2"] = Field(alias="schema")
    target: str
    """Without the values of a URL's query, which may be secrets."""
    method: str
    search: SearchPart
    source: str = ""
    family: str = ""


class NumberedPart(Part):
    """Which trial a line is about."""

    trial: Count
    hold_s: Seconds
    started_s: Seconds


class StartPart(NumberedPart):
    """A trial began."""

    event: Literal["start"]


class EndPart(NumberedPart):
    """What a trial showed."""

    event: Literal["end"]
    kind: Kind
    elapsed_s: Seconds
    how: Manner | None
    exact: StrictBool
    status: StrictInt | None
    aftermath: Aftermath | None
    reason: str
    causes: tuple[Cause, ...] = ()
    evidence: tuple[str, ...] = ()
    stalled_s: Seconds = 0.0
    connection: ConnectionPart | None = None

    def value(self) -> Trial:
        """Return the trial that it stands for."""
        showed = self.model_dump(exclude={"event", "trial", "hold_s", "started_s", "connection"})
        connection = None if self.connection is None else Connection(**self.connection.model_dump())
        return Trial(self.trial, self.hold_s, self.started_s, Outcome(**showed, connection=connection))


class AbandonedPart(Part):
    """A trial was given up, because others had answered its question."""

    event: Literal["abandoned"]
    trial: Count
    at_s: Seconds


class NotedAnswerPart(Part):
    """What a request of a diagnosis showed."""

    event: Literal["answer"]
    value: Observation


class NotedTrialPart(Part):
    """A trial that a diagnosis made after its search."""

    event: Literal["extra"]
    value: Trial


class ReachedPart(Part):
    """A held request whose keep-alives reached so far, and what became of it."""

    ttl: Count
    """0 for none, 256 for all the way."""
    number: Count
    hold_s: Seconds
    outcome: Outcome


class NotedHopPart(Part):
    """What a request showed whose keep-alives reached only so far."""

    event: Literal["hop"]
    value: ReachedPart


JournalLine = JournalPart | StartPart | EndPart | AbandonedPart | NotedAnswerPart | NotedTrialPart | NotedHopPart
"""A line of a journal."""


class ProfilesPart(Document):
    """Boxes of the catalogue: docs/profiles.md."""

    schema_: Literal["hbprobe.profiles/1"] = Field(alias="schema")
    profiles: tuple[Profile, ...]


class ProfilePart(Document):
    """One box, and the file that describes it: docs/profiles.md."""

    schema_: Literal["hbprobe.profile/1"] = Field(alias="schema")
    profile: Profile
    file: str


class TablePart(Document):
    """The answer to one question to logs: docs/logs.md."""

    schema_: Literal["hbprobe.table/1"] = Field(alias="schema")
    name: str
    title: str
    rows: tuple[Mapping[str, JsonValue], ...]
    """By the name of the column."""
