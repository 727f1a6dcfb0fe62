"""What a preflight showed, and its JSON form, `hbprobe.preflight/1` (docs/ping.md)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hbprobe import __version__
from hbprobe.errors import CannotMeasureError
from hbprobe.preflight.preflight import Check, CheckState
from hbprobe.text import seconds

SCHEMA = "hbprobe.preflight/1"


@dataclass(frozen=True, slots=True)
class PreflightRecord:
    """What became of each check of one server."""

    target: str
    user: str
    checks: tuple[Check, ...]
    server: Mapping[str, Any] = field(default_factory=dict)
    """What the server said of itself."""
    label: str = ""
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything works."""
        return all(check.state is CheckState.PASSED for check in self.checks)

    @property
    def exit_status(self) -> int:
        """0 where everything works, 3 where a Ping could not be held."""
        return 0 if self.passed else CannotMeasureError.exit_status

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "hbprobe": __version__,
            "label": self.label,
            "target": self.target,
            "user": self.user,
            "passed": self.passed,
            "checks": [_check_dict(check) for check in self.checks],
            "server": dict(self.server),
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return the JSON form as text: one document, ASCII only, with a line end."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


def _check_dict(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "state": check.state,
        "seconds": float(seconds(check.took_s)),
        "found": list(check.found),
        "mend": check.mend,
    }
