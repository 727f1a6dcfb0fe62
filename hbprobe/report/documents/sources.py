"""The files that a report is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hbprobe.records.documents import DiagnosisPart
from hbprobe.records.result import Result, load_with
from hbprobe.report.documents.discreet import discreet


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement that a report tells of."""

    result: Result
    diagnosis: DiagnosisPart | None = None
    document: Mapping[str, Any] | None = None
    """The whole JSON document, where it is more than the result."""

    def to_dict(self) -> Mapping[str, Any]:
        """Return the JSON form."""
        return self.result.to_dict() if self.document is None else self.document


def load(path: Path) -> Measured:
    """Read a result or a diagnosis, without what looks like a secret. Raises UserError, naming file, key and mend."""
    return load_with(path, _measured)


def _measured(data: object) -> Measured:
    harmless = discreet(data)
    if isinstance(harmless, dict) and harmless.get("schema") == DiagnosisPart.schema_id():
        result = Result.from_dict(harmless.get("result"))
        return Measured(result, DiagnosisPart.read(harmless), harmless)
    return Measured(Result.from_dict(harmless))
