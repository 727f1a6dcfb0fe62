"""The files that a report is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from hbprobe.records.capture import CaptureRecord
from hbprobe.records.documents import DiagnosisPart, LocationPart
from hbprobe.records.location import Location, read_location
from hbprobe.records.logs import LogEvidence
from hbprobe.records.result import Result, load_with
from hbprobe.report.documents.redaction import redacted


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement that a report tells of."""

    result: Result
    diagnosis: DiagnosisPart | None = None
    document: Mapping[str, Any] | None = None
    """The whole JSON document, where it is more than the result."""

    def to_dict(self) -> Mapping[str, Any]:
        return self.result.to_dict() if self.document is None else self.document


@dataclass(frozen=True, slots=True)
class PastEvidence:
    """What captures or logs of the past showed, that a report tells of."""

    record: CaptureRecord | LogEvidence
    document: Mapping[str, Any]

    def to_dict(self) -> Mapping[str, Any]:
        return self.document


@dataclass(frozen=True, slots=True)
class LocatedSource:
    """Which hop forgets, that a report tells of."""

    location: Location
    document: Mapping[str, Any]

    def to_dict(self) -> Mapping[str, Any]:
        """Return the JSON form."""
        return self.document


Source: TypeAlias = Measured | PastEvidence | LocatedSource


def load(path: Path) -> Source:
    """Read a result, a diagnosis, a location, or evidence of captures or logs, without what looks like a secret.

    Raises UserError, naming file, key and mend.
    """
    return load_with(path, _source)


def _source(data: object) -> Source:
    harmless = redacted(data)
    if isinstance(harmless, dict) and harmless.get("schema") == DiagnosisPart.schema_id():
        result = Result.from_dict(harmless.get("result"))
        return Measured(result, DiagnosisPart.read(harmless), harmless)
    if isinstance(harmless, dict) and harmless.get("schema") == CaptureRecord.schema_id():
        return PastEvidence(_evidence(harmless), harmless)
    if isinstance(harmless, dict) and harmless.get("schema") == LocationPart.schema_id():
        return LocatedSource(read_location(harmless), harmless)
    return Measured(Result.from_dict(harmless))


def _evidence(data: Mapping[str, Any]) -> CaptureRecord | LogEvidence:
    match data.get("verb"):
        case "capture":
            return CaptureRecord.read(data)
        case "logs":
            return LogEvidence.read(data)
    raise ValueError('verb: must be "capture" or "logs": give a file that --json wrote')
