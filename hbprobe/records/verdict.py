"""What Exchange makes of a limit, or an event of a path, and its JSON form, `hbprobe.verdict/1`."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from hbprobe.exchange.event_reading import AlertEvent, AskingDevice
from hbprobe.exchange.verdict import Judgement
from hbprobe.trial.outcome import Limit

SCHEMA = "hbprobe.verdict/1"


@dataclass(frozen=True, slots=True)
class EventSaid:
    """An event that was logged, and the devices that ask for so little."""

    event: AlertEvent
    explanations: tuple[AskingDevice, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        devices = [{**asdict(one), "on_any_path": one.on_any_path} for one in self.explanations]
        return {**asdict(self.event), "devices": devices}


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A limit, and what it means; events, and what they say. One of the two may be missing."""

    limit: Limit | None
    verdict: Judgement | None
    events: tuple[EventSaid, ...] = ()

    @property
    def healthy(self) -> bool:
        """No finding is a problem, and no event was logged."""
        return not self.events and (self.verdict is None or self.verdict.healthy)

    @property
    def exit_status(self) -> int:
        """0 where it is healthy, 1 for a finding."""
        return 0 if self.healthy else 1

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        limit = self.limit and {"survived": self.limit.survived_s, "cut": self.limit.cut_s, "how": self.limit.manner}
        verdict = self.verdict and self.verdict.as_dict()
        return {
            "schema": SCHEMA,
            "limit": limit,
            "verdict": verdict,
            "events": [one.to_dict() for one in self.events],
        }

    def to_json(self) -> str:
        """Return the JSON form as text: one document, ASCII only, with a line end."""
        return json.dumps(self.to_dict(), indent=2) + "\n"
