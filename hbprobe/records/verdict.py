"""What Exchange makes of a limit that was already known, and its JSON form, `hbprobe.verdict/1`."""

import json
from dataclasses import dataclass
from typing import Any

from hbprobe.exchange.verdict import Judgement
from hbprobe.trial.outcome import Limit

SCHEMA = "hbprobe.verdict/1"


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A limit, and what it means."""

    limit: Limit
    verdict: Judgement

    @property
    def healthy(self) -> bool:
        """No finding is a problem."""
        return self.verdict.healthy

    @property
    def exit_status(self) -> int:
        """0 where it is healthy, 1 for a finding."""
        return 0 if self.healthy else 1

    def to_dict(self) -> dict[str, Any]:
        limit = {"survived": self.limit.survived_s, "cut": self.limit.cut_s, "how": self.limit.manner}
        return {"schema": SCHEMA, "limit": limit, "verdict": self.verdict.as_dict()}

    def to_json(self) -> str:
        """Return the JSON form as text: one document, ASCII only, with a line end."""
        return json.dumps(self.to_dict(), indent=2) + "\n"
