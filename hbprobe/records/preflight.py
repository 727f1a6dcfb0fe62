"""What a preflight showed, and its JSON form, `hbprobe.preflight/1` (docs/ping.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, StrictBool

from hbprobe import __version__
from hbprobe.errors import CannotMeasureError
from hbprobe.preflight.preflight import Check, CheckState, Name
from hbprobe.records.record import JsonRecord
from hbprobe.records.result_parts import Document, Part, Seconds, ServerPart


class CheckPart(Part):
    """One thing that must work."""

    name: Name
    state: CheckState
    took_s: Seconds = Field(alias="seconds")
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


@dataclass(frozen=True, slots=True)
class PreflightRecord(JsonRecord):
    """What became of each check of one server."""

    target: str
    user: str
    checks: tuple[Check, ...]
    server: Mapping[str, Any] = field(default_factory=dict)
    """What the server said of itself."""
    label: str = ""
    notes: tuple[str, ...] = ()
    hbprobe: str = __version__
    """Version of the program that asked."""

    @property
    def passed(self) -> bool:
        """Whether everything works."""
        return all(check.state is CheckState.PASSED for check in self.checks)

    @property
    def exit_status(self) -> int:
        """0 where everything works, 3 where a Ping could not be held."""
        return 0 if self.passed else CannotMeasureError.exit_status

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return PreflightPart.of(self).to_dict()
