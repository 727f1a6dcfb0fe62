"""What Exchange makes of a limit, or an event of a path, and its JSON form, `hbprobe.verdict/1`."""

from dataclasses import dataclass
from typing import Any

from hbprobe.exchange.event_reading import AlertEvent, AskingDevice
from hbprobe.exchange.verdict import Judgement
from hbprobe.records.record import JsonRecord
from hbprobe.trial.outcome import Limit


@dataclass(frozen=True, slots=True)
class EventSaid:
    """An event that was logged, and the devices that ask for so little."""

    event: AlertEvent
    explanations: tuple[AskingDevice, ...]


@dataclass(frozen=True, slots=True)
class VerdictRecord(JsonRecord):
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
        from hbprobe.records.result_parts import (
            VerdictRecordPart,  # pydantic: only those who write or read wait for it
        )

        return VerdictRecordPart.of(self).to_dict()
