"""What JSON documents are made of, written and read alike; `hbprobe.result/1` above all (docs/result-format.md).

A field of a `Part` is called as the attribute of the value that it stands for; where the document says it in another
word, that is its alias. So one line here is all that writes and reads it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import (
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    Strict,
    StrictBool,
    StrictInt,
    ValidationError,
    model_validator,
)

from hbprobe.diagnosis.advice import Party
from hbprobe.diagnosis.heartbeat import lives, safe_interval_s
from hbprobe.exchange.devices import Basis
from hbprobe.exchange.settings import Settings, SettingsProblem, Severity
from hbprobe.exchange.verdict import DeviceVerdict, Finding, Judgement
from hbprobe.manner import Aftermath, Manner
from hbprobe.net.replies import Connection
from hbprobe.records.record import Origin, Verb
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Cause, Kind, Limit, Outcome, Trial

_ORIGIN = "give a file that --json or --out wrote"


def rounded(digits: int) -> PlainSerializer:
    """Write a number with so many digits behind the point."""
    return PlainSerializer(lambda number: round(number, digits), when_used="json")


def _down(share: float) -> float:
    """Round to four digits, and never up: a confidence is not overstated."""
    return math.floor(share * 10_000) / 10_000


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


Number = Annotated[float, Strict(), AllowInfNan(False)]
AsGiven = StrictInt | Number
"""A number that is written as it was given: whole, or not."""
Amount = Annotated[Number, Field(ge=0)]
Seconds = Annotated[Amount, rounded(3)]
"""A length of time, written to the millisecond."""
Share = Annotated[Amount, Field(le=1)]
Confidence = Annotated[Share, PlainSerializer(_down, when_used="json")]
WholeSeconds = Annotated[int, Strict(), Field(ge=0)]
Count = WholeSeconds
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
SHORT = PlainSerializer(_whole, when_used="json")
"""Write a number that is whole as a whole one."""
TextOrNull = Annotated[str | None, BeforeValidator(lambda text: text or None)]
"""Text; written as null where it is empty."""
if TYPE_CHECKING:
    MethodName: TypeAlias = str
else:
    MethodName = Literal[tuple(METHODS)]


class Part(BaseModel):
    """A JSON object; keys that are not known are for a newer reader."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", allow_inf_nan=False, populate_by_name=True, defer_build=True
    )

    @classmethod
    def of(cls, value: object, **more: object) -> Self:
        """Return what stands for a value, with fields that it does not have itself, by name."""
        return cls.model_validate({**cls.fields_of(value), **more})

    @model_validator(mode="before")
    @classmethod
    def _of_value(cls, data: object) -> object:
        return cls.fields_of(data) if is_dataclass(data) or hasattr(data, "_fields") else data

    @classmethod
    def fields_of(cls, value: Any) -> dict[str, Any]:  # noqa: ANN401  each part knows its own value
        """Return the fields, by name, that stand for a value."""
        return cls.taken_from(value)

    @classmethod
    def taken_from(cls, *values: object) -> dict[str, Any]:
        """Return each field that is an attribute of one of some values; the last one's, where several have it."""
        return {name: getattr(one, name) for one in values for name in cls.model_fields if hasattr(one, name)}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return self.model_dump(mode="json", by_alias=True)


class Document(Part):
    """What one file holds; its parts are objects in it."""

    schema_: str = Field(alias="schema")
    """Which document it is, and the number of its version: within one, keys are only ever added."""

    @classmethod
    def schema_id(cls) -> str:
        """Return its schema, such as `hbprobe.result/1`."""
        (said,) = get_args(cls.model_fields["schema_"].annotation)
        return str(said)

    @classmethod
    def read(cls, data: object) -> Self:
        """Read the JSON form. Raises ValueError, in one line that names the key and the mend, for anything else."""
        known = cls.schema_id()
        name = known.removeprefix("hbprobe.").partition("/")[0]
        if not isinstance(data, Mapping):
            raise ValueError(f"is no JSON object, so no {name}: {_ORIGIN}")
        if (schema := data.get("schema")) is None:
            raise ValueError(f"schema: is missing, so this is no {name}: {_ORIGIN}")
        if schema != known:
            is_other = not str(schema).startswith(f"hbprobe.{name}/")
            mend = f"it is no {name}: {_ORIGIN}" if is_other else "read it with the hbprobe that wrote it"
            raise ValueError(f'schema: is {_abbreviated(schema)}, not "{known}": {mend}')
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ValueError(first_mistake(error)) from error

    @classmethod
    def taken_from(cls, *values: object) -> dict[str, Any]:
        return {"schema_": cls.schema_id(), **super().taken_from(*values)}

    def to_json(self) -> str:
        """Return the JSON form as text: one document, ASCII only, with a line end."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


class SearchPart(Part):
    """`search`: how holds were searched for. Times in seconds."""

    min_s: Seconds
    max_s: Seconds
    precision_s: Seconds
    connections: Count
    confirm: Count
    grace_s: Seconds
    noise: Share = 0.0
    confidence: Share = 0.95

    def value(self) -> SearchSettings:
        """Return the settings that it stands for. Raises ValueError where they contradict each other."""
        try:
            return SearchSettings(**self.model_dump())
        except ValueError as error:
            raise ValueError(f"search: {error}") from error


class LimitPart(Part):
    """`limit`: the bracket that is known in the end, and how the cut looked."""

    survived_s: Seconds | None = Field(alias="survived")
    cut_s: Seconds | None = Field(alias="cut")
    manner: Manner | None = Field(alias="how")
    status: StrictInt | None
    exact: StrictBool
    aftermath: Aftermath | None
    causes: tuple[Cause, ...] = ()
    evidence: tuple[str, ...] = ()

    def value(self) -> Limit:
        """Return the limit that it stands for."""
        return Limit(**dict(self))


class ConnectionPart(Part):
    """The `connection` of a trial."""

    source: str
    source_port: Count
    destination: str
    destination_port: Count
    opened_at: str
    closed_at: str

    def value(self) -> Connection:
        """Return the connection that it stands for."""
        return Connection(**dict(self))


class TrialLine(Part):
    """A connection that was held quiet, and what came of it, as a line of a journal tells it (docs/schemas.md)."""

    number: Count = Field(alias="trial")
    hold_s: Seconds
    started_s: Seconds
    kind: Kind
    how: Manner | None
    status: StrictInt | None
    elapsed_s: Seconds
    exact: StrictBool
    aftermath: Aftermath | None
    causes: tuple[Cause, ...] = ()
    evidence: tuple[str, ...] = ()
    reason: str
    stalled_s: Seconds = 0.0
    connection: ConnectionPart | None = None

    @classmethod
    def fields_of(cls, value: Trial) -> dict[str, Any]:
        return cls.taken_from(value.outcome, value)

    def value(self) -> Trial:
        """Return the trial that it stands for."""
        showed = {name: getattr(self, name) for name in TrialLine.model_fields}
        of_trial = {name: showed.pop(name) for name in ("number", "hold_s", "started_s")}
        connection = self.connection and self.connection.value()
        return Trial(**of_trial, outcome=Outcome(**{**showed, "connection": connection}))


_SHORTER = {"kind": "outcome"}


class TrialPart(TrialLine):
    """One of `trials`: a connection that was held quiet, and what came of it."""

    model_config = ConfigDict(alias_generator=lambda name: _SHORTER.get(name, name.removesuffix("_s")))


class SecondsPart(Part):
    """`seconds`: how long it took, on the path's clock and on the one on the wall."""

    path_s: Seconds = Field(alias="path")
    wall_s: Seconds = Field(alias="wall")


class AdvicePart(Part):
    """One of `advice`: what to do."""

    side: Party
    text: str
    configure: str | None
    """The lines that do it, in the product's own words."""
    most_s: Seconds | None = None
    """The longest timer that the product lets one set."""


class FindingPart(Part):
    """One of the verdict's `findings`."""

    code: str
    severity: Severity
    text: str
    device: str | None = None


class DevicePart(Part):
    """One of the verdict's `devices`."""

    id: str
    name: str
    basis: Basis = Basis.EXAMPLE
    source: str | None = None
    note: str = ""
    refused: StrictBool
    settled_s: WholeSeconds
    lowest_s: WholeSeconds = 0
    highest_s: WholeSeconds = 0
    average_s: WholeSeconds | None
    event_1040: StrictBool
    first_sample: Count | None = None
    event_1040_on_open_path: StrictBool
    lost_share: Annotated[Amount, SHORT]
    deaf_share: Annotated[Amount, SHORT] = 0.0
    push_timer_s: WholeSeconds | None = None
    event_timer_s: WholeSeconds | None = None
    smallest_timer_s: WholeSeconds | None


class ProblemPart(Part):
    """One of the settings' `problems`."""

    text: str
    key: str | None = None
    line: Count | None = None
    found: str | None = None
    event_id: Count | None = None
    severity: Severity = Severity.PROBLEM


class SettingsPart(Part):
    """The verdict's `settings`."""

    min_heartbeat_s: WholeSeconds
    max_heartbeat_s: WholeSeconds
    sample_size: Count
    alert_threshold_s: WholeSeconds
    problems: tuple[ProblemPart, ...] = ()

    def value(self) -> Settings:
        """Return the settings that it stands for."""
        problems = tuple(SettingsProblem(**problem.model_dump()) for problem in self.problems)
        return Settings(**{**self.model_dump(), "problems": problems})


class VerdictPart(Part):
    """`verdict`: what Exchange and its devices make of the limit."""

    healthy: StrictBool
    findings: tuple[FindingPart, ...]
    devices: tuple[DevicePart, ...]
    recommended_s: WholeSeconds | None
    carries_max_s: WholeSeconds
    settings: SettingsPart

    def value(self) -> Judgement:
        """Return the verdict that it stands for. Raises ValueError where it contradicts itself."""
        verdict = Judgement(
            findings=tuple(Finding(**one.model_dump()) for one in self.findings),
            devices=tuple(DeviceVerdict(**one.model_dump()) for one in self.devices),
            recommended_s=self.recommended_s,
            carries_max_s=self.carries_max_s,
            settings=self.settings.value(),
        )
        if verdict.healthy is not self.healthy:
            raise ValueError("verdict.healthy: contradicts verdict.findings: " + _ORIGIN)
        return verdict


class KnownLimitPart(Part):
    """A limit that was known before."""

    survived_s: AsGiven | None = Field(alias="survived")
    cut_s: AsGiven | None = Field(alias="cut")
    manner: Manner | None = Field(alias="how")


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
    explanations: tuple[AskingDevicePart, ...] = Field(alias="devices")

    @classmethod
    def fields_of(cls, value: Any) -> dict[str, Any]:  # noqa: ANN401  an EventSaid
        return cls.taken_from(value.event, value)


class VerdictRecordPart(Document):
    """What Exchange makes of a limit that was known before, or an event says of a path: docs/event-1040.md."""

    schema_: Literal["hbprobe.verdict/1"] = Field(alias="schema")
    limit: KnownLimitPart | None
    verdict: VerdictPart | None
    events: tuple[EventSaidPart, ...]


class ServerPart(Part):
    """`server`: what an ActiveSync server said of itself."""

    min_heartbeat_s: Count | None
    max_heartbeat_s: Count | None
    protocol: str | None
    release: str | None


class HeartbeatPart(Part):
    """`heartbeat`: whether an interval of the user's own is often enough."""

    asked: Seconds | None = None
    lives: StrictBool | None = None
    safe: Seconds | None = None

    @classmethod
    def of_limit(cls, limit: Limit, asked_s: float | None) -> Self:
        """Judge an interval, or say only which one is often enough."""
        lives_on = None if asked_s is None else lives(limit, asked_s)
        return cls(asked=asked_s, lives=lives_on, safe=safe_interval_s(limit))


class ResultPart(Document):
    """A measurement of one path: docs/result-format.md."""

    schema_: Literal["hbprobe.result/1"] = Field(alias="schema")
    hbprobe: str
    verb: Verb
    target: str
    label: str = ""
    source: str | None = None
    family: Literal["any", "4", "6"] = "any"
    method: MethodName
    path: tuple[str, ...]
    clock: str
    search: SearchPart
    limit: LimitPart
    trials: tuple[TrialPart, ...]
    contradictions: tuple[str, ...]
    complete: StrictBool
    confirmed: StrictBool
    confidence: Confidence | None = None
    noise: Share = 0.0
    started_at: Moment | None = None
    cut_by: str | None
    advice: tuple[AdvicePart, ...] = ()
    seconds: SecondsPart
    notes: tuple[str, ...]
    heartbeat: HeartbeatPart | None = None
    server: ServerPart | None = None
    verdict: VerdictPart | None

    @classmethod
    def fields_of(cls, value: Any) -> dict[str, Any]:  # noqa: ANN401  a Result, which writes itself by this
        seconds = SecondsPart.of(value)
        heartbeat = HeartbeatPart.of_limit(value.limit, value.heartbeat_s)
        return {**cls.taken_from(value.origin, value), "seconds": seconds, "heartbeat": heartbeat}

    def fields(self) -> dict[str, Any]:
        """Return the fields of the `Result` that it stands for, by name. Raises ValueError for a contradiction."""
        own = dict(self)
        for name in ("schema_", "advice", "seconds", "heartbeat"):
            del own[name]
        origin = Origin(own.pop("label"), own.pop("source"), own.pop("family"))
        return {
            **own,
            "origin": origin,
            "search": self.search.value(),
            "limit": self.limit.value(),
            "trials": tuple(trial.value() for trial in self.trials),
            "configure": next((one.configure for one in self.advice if one.configure is not None), None),
            "most_s": next((one.most_s for one in self.advice if one.most_s is not None), None),
            **dict(self.seconds),
            "heartbeat_s": self.heartbeat and self.heartbeat.asked,
            "server": self.server and dict(self.server),
            "verdict": self.verdict and self.verdict.value(),
        }


_WANTED = {
    "bool_type": "true or false",
    "finite_number": "a number of seconds",
    "float_type": "a number of seconds",
    "greater_than_equal": "0 or more",
    "less_than_equal": "1 or less",
    "int_type": "a whole number",
    "model_type": "an object",
    "string_pattern_mismatch": "a time in UTC such as 2026-11-22T02:17:00Z",
    "string_type": "text",
    "tuple_type": "a list",
}
"""What pydantic's complaints mean to a person who reads JSON."""


def first_mistake(error: ValidationError) -> str:
    """Say where the first mistake is and what would be right."""
    mistake = error.errors(include_url=False)[0]
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in mistake["loc"]).removeprefix(".")
    if mistake["type"] == "missing":
        return f"{key}: is missing: {_ORIGIN}"
    wanted = _WANTED.get(mistake["type"]) or mistake["msg"].replace("Input should be ", "")
    return f"{key}: must be {wanted}, not {_abbreviated(mistake['input'])}"


def _abbreviated(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
