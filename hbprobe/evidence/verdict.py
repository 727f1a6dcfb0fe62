"""The request for what Exchange and its devices make of a limit that is known, or of an event that was logged."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from hbprobe.errors import RequestError
from hbprobe.measure.field_values import Seconds
from hbprobe.measure.observe import Observer
from hbprobe.measure.request import Judging, Request

if TYPE_CHECKING:
    from hbprobe.exchange.settings import Settings
    from hbprobe.records.verdict import EventSaid, VerdictRecord
    from hbprobe.trial.outcome import Limit


@dataclass(frozen=True, kw_only=True)
class Verdict(Judging, Request["VerdictRecord"]):
    """Say whether Exchange will log event 1040 on a path whose limit is known; or what one that was logged says."""

    limit: Annotated[float | str, Seconds(may_be_open=True)] | None = None
    """the path's timer: a request that is quiet for so long is cut; open where nothing is cut"""
    manner: Literal["silent", "reset", "closed", "status"] = "silent"
    """how the client sees the cut"""
    event: str | None = None
    """a file with event 1040 or 3033, pasted from the Event Viewer or exported; - reads standard input"""

    def check(self) -> None:
        """Raise RequestError for a limit that is no timer, and where nothing is there to judge."""
        if self.limit is not None and not float(self.limit) > 0:
            text = "{limit}: {value:g} is no timer: give more than 0, or 'open' where nothing is cut"
            raise RequestError(text, "limit", value=self.limit)
        if self.limit is None and self.event is None:
            text = "{limit} is missing: give the path's timer, 'open' where nothing is cut, or an {event}"
            raise RequestError(text, "limit")
        super().check()

    async def _measured(self, _: Observer) -> "VerdictRecord":
        from hbprobe.exchange.verdict import judge
        from hbprobe.records.verdict import VerdictRecord

        settings = self.exchange_settings()
        events = () if self.event is None else self._explained(self.event, settings)
        if self.limit is None:
            return VerdictRecord(None, None, events)
        limit = self._limit(float(self.limit), settings)
        judged = judge(limit.survived_s, limit.cut_s, limit.manner, settings, self.device_kinds())
        return VerdictRecord(limit, judged, events)

    def _limit(self, cut_s: float, settings: "Settings") -> "Limit":
        from hbprobe.manner import Manner
        from hbprobe.trial.outcome import Limit

        if math.isinf(cut_s):
            return Limit(settings.max_heartbeat_s, None)
        # Heartbeats are whole seconds: this is the longest that ends before the timer does.
        return Limit(math.ceil(cut_s) - 1, int(cut_s) if cut_s.is_integer() else cut_s, Manner(self.manner))

    def _explained(self, name: str, settings: "Settings") -> "tuple[EventSaid, ...]":
        from hbprobe.evidence.events.pasted import read_pasted
        from hbprobe.exchange.event_reading import explain
        from hbprobe.records.verdict import EventSaid

        return tuple(EventSaid(event, explain(event, settings, self.device_kinds())) for event in read_pasted(name))
