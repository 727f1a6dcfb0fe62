"""Documents as they come from outside: every key checked, unknown ones passed over; `hbprobe.result/1` above all."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import AllowInfNan, BaseModel, ConfigDict, Field, Strict, StrictBool, StrictInt, ValidationError

from hbprobe.diagnosis.advice import Party
from hbprobe.exchange.device_verdict import DeviceVerdict
from hbprobe.exchange.devices import Basis
from hbprobe.exchange.settings import Settings, SettingsProblem, Severity
from hbprobe.exchange.verdict import Finding, Judgement
from hbprobe.manner import Aftermath, Manner
from hbprobe.net.connection import Connection
from hbprobe.records.origin import Origin, Verb
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Cause, Kind, Limit, Outcome, Trial

_ORIGIN = "give a file that --json or --out wrote"

Seconds = Annotated[float, Strict(), AllowInfNan(False), Field(ge=0)]
Share = Annotated[float, Strict(), AllowInfNan(False), Field(ge=0, le=1)]
WholeSeconds = Annotated[int, Strict(), Field(ge=0)]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
Count = Annotated[int, Strict(), Field(ge=0)]
if TYPE_CHECKING:
    MethodName: TypeAlias = str
else:
    MethodName = Literal[tuple(METHODS)]


class Part(BaseModel):
    """A JSON object; keys that are not known are for a newer reader."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Document(Part):
    """What one file holds; its parts are objects in it."""

    schema_: str = Field(alias="schema")
    """Which document it is, and the number of its version: within one, keys are only ever added."""

    model_config = ConfigDict(populate_by_name=True)

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
            found = _abbreviated(schema)
            raise ValueError(f'schema: is {found}, not "{known}": read it with the hbprobe that wrote it')
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ValueError(first_mistake(error)) from error

    def to_dict(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)

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

    survived: Seconds | None
    cut: Seconds | None
    how: Manner | None
    status: StrictInt | None
    exact: StrictBool
    aftermath: Aftermath | None
    causes: tuple[Cause, ...] = ()
    evidence: tuple[str, ...] = ()

    def value(self) -> Limit:
        """Return the limit that it stands for."""
        return Limit(
            survived_s=self.survived,
            cut_s=self.cut,
            manner=self.how,
            status=self.status,
            exact=self.exact,
            aftermath=self.aftermath,
            causes=self.causes,
            evidence=self.evidence,
        )


class ConnectionPart(Part):
    """The `connection` of a trial."""

    source: str
    source_port: Count
    destination: str
    destination_port: Count
    opened_at: str
    closed_at: str


class TrialPart(Part):
    """One of `trials`: a connection that was held quiet, and what came of it."""

    trial: Count
    hold: Seconds
    started: Seconds
    outcome: Kind
    how: Manner | None
    status: StrictInt | None
    elapsed: Seconds
    exact: StrictBool
    aftermath: Aftermath | None
    causes: tuple[Cause, ...] = ()
    evidence: tuple[str, ...] = ()
    reason: str
    stalled: Seconds = 0.0
    connection: ConnectionPart | None = None

    def value(self) -> Trial:
        """Return the trial that it stands for."""
        outcome = Outcome(
            kind=self.outcome,
            elapsed_s=self.elapsed,
            how=self.how,
            exact=self.exact,
            status=self.status,
            aftermath=self.aftermath,
            causes=self.causes,
            evidence=self.evidence,
            reason=self.reason,
            stalled_s=self.stalled,
            connection=None if self.connection is None else Connection(**self.connection.model_dump()),
        )
        return Trial(number=self.trial, hold_s=self.hold, started_s=self.started, outcome=outcome)


class SecondsPart(Part):
    """`seconds`: how long it took, on the path's clock and on the one on the wall."""

    path: Seconds
    wall: Seconds


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
    lost_share: Seconds
    deaf_share: Seconds = 0.0
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


class ResultPart(Document):
    """A measurement of one path: docs/result-format.md."""

    schema_: Literal["hbprobe.result/1"] = Field(alias="schema")
    hbprobe: str
    verb: Verb
    label: str = ""
    target: str
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
    confidence: Share | None = None
    noise: Share = 0.0
    started_at: Moment | None = None
    cut_by: str | None
    advice: tuple[AdvicePart, ...] = ()
    seconds: SecondsPart
    notes: tuple[str, ...]
    heartbeat: HeartbeatPart | None = None
    server: ServerPart | None = None
    verdict: VerdictPart | None


_TAKEN_AS_THEY_ARE = (
    "hbprobe",
    "verb",
    "target",
    "method",
    "path",
    "clock",
    "contradictions",
    "complete",
    "confirmed",
    "confidence",
    "noise",
    "started_at",
    "cut_by",
    "notes",
)


def read_fields(data: object) -> dict[str, Any]:
    """Return the fields of a `Result`, by name. Raises ValueError, in one line, for anything that is none."""
    part = ResultPart.read(data)
    return {
        **{name: getattr(part, name) for name in _TAKEN_AS_THEY_ARE},
        "origin": Origin(part.label, part.source, part.family),
        "search": part.search.value(),
        "limit": part.limit.value(),
        "trials": tuple(trial.value() for trial in part.trials),
        "configure": next((one.configure for one in part.advice if one.configure is not None), None),
        "most_s": next((one.most_s for one in part.advice if one.most_s is not None), None),
        "path_s": part.seconds.path,
        "wall_s": part.seconds.wall,
        "heartbeat_s": part.heartbeat and part.heartbeat.asked,
        "server": part.server and part.server.model_dump(),
        "verdict": part.verdict and part.verdict.value(),
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
