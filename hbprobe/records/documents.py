"""The documents about real paths and the catalogue, written and read alike: diagnosis, location, journal and more."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, StrictBool, StrictInt

from hbprobe.diagnosis.fit import Law, Spread
from hbprobe.diagnosis.ranking import Match
from hbprobe.diagnosis.reasoning import BoxKind, Direction, Movement, Runs, Whose
from hbprobe.locate.finding import ALL, Code, Hop, Reached
from hbprobe.manner import Aftermath, Manner
from hbprobe.profiles.model import Profile
from hbprobe.records.capture import CaptureRecord
from hbprobe.records.logs import LogEvidence
from hbprobe.records.result_parts import (
    Amount,
    AsGiven,
    ConnectionPart,
    Count,
    Document,
    Moment,
    Number,
    Part,
    ResultPart,
    SearchPart,
    Seconds,
    Share,
    TextOrNull,
    TrialLine,
    rounded,
)
from hbprobe.statistics.bands import curve
from hbprobe.trial.evidence import FarEndState, Observation, Question
from hbprobe.trial.outcome import Cause, Kind, Outcome, Trial
from hbprobe.word import Word


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
    at_s: Seconds | None = Field(alias="at")
    """When the connection ended there."""
    answered_s: Seconds | None = Field(alias="answered")
    """When the answer was sent."""
    times: Count
    """How often the request came."""


class AskedPart(Part):
    """A request that was to be made."""

    question: QuestionWord
    hold_s: Seconds = Field(alias="hold")
    interval_s: Seconds | None = Field(alias="interval")
    """For keep-alives and drips: how often."""


class AnswerPart(AskedPart):
    """What such a request showed."""

    kind: Kind = Field(alias="outcome")
    how: Manner | None
    status: StrictInt | None
    elapsed_s: Seconds = Field(alias="elapsed")
    """From the end of the request to what ended it."""
    exact: StrictBool = False
    reason: str
    connection: ConnectionPart | None = None
    signed: StrictBool = False
    """TLS's close_notify came before the end."""
    server: TextOrNull = None
    """The Server header of whoever answered, where that was not the far end."""
    via: TextOrNull = None
    """The Via header of an answer."""
    page: TextOrNull = None
    """What an answer in the server's place says to people."""
    announced_s: Seconds | None = Field(None, alias="announced")
    """The idle time that the server says it allows."""
    late_s: Seconds | None = Field(None, alias="late")
    """So long after it was due did the answer come after all."""
    socket: SocketPart | None = None
    far_end: FarEndPart | None = None

    @classmethod
    def fields_of(cls, value: Observation) -> dict[str, Any]:
        return cls.taken_from(value.ask, value.outcome, value)


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
    score: AsGiven
    contradictions: int = 0
    built_on: TextOrNull = None
    reasons: tuple[str, ...]
    doubts: tuple[str, ...]

    @classmethod
    def fields_of(cls, value: Match) -> dict[str, Any]:
        return cls.taken_from(value.profile, value)


class AlivePart(Part):
    """Between these two shares of the requests are alive so many seconds after their beginning."""

    at: Number
    least: Annotated[Share, rounded(4)]
    most: Annotated[Share, rounded(4)]


class SpreadPart(Part):
    """How the deaths are spread over time."""

    trials: Count
    curve: tuple[AlivePart, ...]
    law: Annotated[str, _open(Law)] | None
    timer_s: Seconds | None = Field(None, alias="timer")
    sigma_s: Seconds | None = Field(None, alias="sigma")
    mean_life_s: Seconds | None = Field(None, alias="mean_life")
    criterion: Mapping[str, Annotated[Number, rounded(3)]] | None = None
    """By law: the smaller the better does it fit."""

    @classmethod
    def fields_of(cls, value: Spread) -> dict[str, Any]:
        alive = [AlivePart(at=at, least=least, most=most) for at, least, most in curve(value.trials)]
        return {"trials": len(value.trials), "curve": alive, "law": None, **cls.taken_from(value.fit)}


class DiagnosisPart(Document):
    """A diagnosis of one path: docs/diagnose.md."""

    schema_: Literal["hbprobe.diagnosis/1"] = Field(alias="schema")
    result: ResultPart
    """The search for the limit."""
    elsewhere: str | None
    """The other address that was compared with."""
    asks: tuple[AskedPart, ...] = Field((), alias="asked")
    seen: tuple[AnswerPart, ...] = Field(alias="answers")
    post_mortem: PostMortemPart
    timer: TimerPart
    kinds: tuple[BoxKindWord, ...]
    """Of box, the likeliest first."""
    nameless: tuple[str, ...] = ()
    """Names that answers told and no product of the catalogue has."""
    matches: tuple[BoxPart, ...] = Field(alias="boxes")
    """That fit, the best first."""
    spread: SpreadPart | None
    mend: tuple[str, ...]
    """What to do, in words."""

    @classmethod
    def fields_of(cls, value: Any) -> dict[str, Any]:  # noqa: ANN401  a Diagnosis, which writes itself by this
        why = value.reasoning
        parts = {"post_mortem": why.explanation, "timer": TimerPart.of(why), "result": ResultPart.of(value.result)}
        return {**cls.taken_from(why, value), **parts}


FineSeconds = Annotated[Amount, rounded(4)]
"""A length of time, written to the tenth of a millisecond."""


class CutPart(Part):
    """The limit that was located."""

    limit_s: FineSeconds | None = Field(alias="cut")
    """Its upper end; null where nothing was cut."""
    is_given: StrictBool = Field(alias="given")
    """The user named it; otherwise it was searched."""


class HopPart(Part):
    """A router on the way."""

    ttl: Count
    address: str | None
    """null where it does not answer."""
    round_trip_s: FineSeconds | None = Field(alias="round_trip")
    refuses: StrictBool
    """It says that the way is barred."""

    def value(self) -> Hop:
        """Return the hop that it stands for."""
        return Hop(**dict(self))


class HeldPart(Part):
    """A held request, and how far its keep-alives reached."""

    ttl: Annotated[Count | None, BeforeValidator(lambda ttl: None if ttl == ALL else ttl)]
    """0 for no keep-alives, null for those that go all the way."""
    kind: Kind = Field(alias="outcome")
    how: Manner | None
    status: StrictInt | None
    elapsed_s: FineSeconds = Field(alias="elapsed")
    exact: StrictBool
    aftermath: Aftermath | None
    reason: str
    connection: ConnectionPart | None

    @classmethod
    def fields_of(cls, value: Reached) -> dict[str, Any]:
        return cls.taken_from(value.outcome, value)

    def value(self) -> Reached:
        """Return the request that it stands for."""
        showed = {**dict(self), "connection": self.connection and self.connection.value()}
        ttl = showed.pop("ttl")
        return Reached(ALL if ttl is None else ttl, Outcome(**showed))


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

    wall_s: FineSeconds = Field(alias="wall")


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
    hold_s: FineSeconds | None = Field(alias="hold")
    """For how long each request was held."""
    every_s: AsGiven | None = Field(alias="interval")
    """How often a keep-alive was sent."""
    distance: Count | None
    """The smallest TTL with which a connection came about."""
    hops: tuple[HopPart, ...]
    seen: tuple[HeldPart, ...] = Field(alias="trials")
    complete: StrictBool
    """false where it was stopped before its end."""
    finding: LocatedPart
    seconds: WallPart
    notes: tuple[str, ...]

    @classmethod
    def fields_of(cls, value: Any) -> dict[str, Any]:  # noqa: ANN401  a Location, which writes itself by this
        unasked = {"method": None, "hold_s": None, "every_s": None}
        parts = {"limit": CutPart.of(value), "seconds": WallPart.of(value)}
        return {**unasked, **cls.taken_from(value.route, value.asked, value), **parts}


class BracketPart(Part):
    """The longest hold that survived, and the shortest that was cut."""

    survived_s: Amount | None = Field(alias="survived")
    cut_s: Amount | None = Field(alias="cut")


class MeasurementPart(Part):
    """One measurement of a watch."""

    id: Count
    started_at: Moment
    ended_at: Moment | None
    state: Literal["running", "done", "failed", "given-up"]
    reason: str | None
    survived_s: Amount | None = Field(alias="survived")
    cut_s: Amount | None = Field(alias="cut")
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

    schema_: Literal["hbprobe.history/1"] = Field("hbprobe.history/1", alias="schema")
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
    label: str = ""
    source: str = ""
    family: str = ""
    user: str = ""
    starttls: str = ""
    lab: str = ""
    """The boxes of `diagnose --lab`, each with a digest of what it does."""
    profiles: str = ""
    """The same for `lab`."""
    set: str = ""
    seed: str = ""
    clock: str = ""
    kernel: str = ""
    nat: str = ""
    webconfig: str = ""
    """The heartbeats that the stand-in of a lab takes, with method ping."""
    insecure: str = ""
    subprotocol: str = ""
    query: str = ""
    """A digest of the values in the URL's query."""
    headers_file: str = ""
    """A digest of the headers."""
    send: str = ""
    """A digest of what is sent."""
    expect: str = ""
    """A digest of what an answer must hold."""


class StartPart(Part):
    """A trial began."""

    event: Literal["start"]
    trial: Count
    hold_s: Seconds
    started_s: Seconds


class EndPart(TrialLine):
    """What a trial showed."""

    event: Literal["end"]


class AbandonedPart(Part):
    """A trial was given up, because others had answered its question."""

    event: Literal["abandoned"]
    trial: Count
    at_s: Seconds


class NotedAnswerPart(Part):
    """What a request of a diagnosis showed."""

    event: Literal["answer"]
    value: Observation


class ThereSeenPart(Part):
    """What a request showed that went to the other address."""

    address: str
    seen: Observation
    query: str = ""
    """A digest of the values in the address's query."""


class NotedThereSeenPart(Part):
    """What a request of a diagnosis showed at the other address, which is compared with."""

    event: Literal["elsewhere"]
    value: ThereSeenPart


class NotedCutByPart(Part):
    """The box of a lab whose timer struck first."""

    event: Literal["cut-by"]
    value: str


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


JournalLine = (
    JournalPart
    | StartPart
    | EndPart
    | AbandonedPart
    | NotedAnswerPart
    | NotedThereSeenPart
    | NotedCutByPart
    | NotedTrialPart
    | NotedHopPart
)
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
