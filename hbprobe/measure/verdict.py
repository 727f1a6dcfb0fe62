"""The request for what Exchange and its devices make of a limit that is already known."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hbprobe.errors import RequestError
from hbprobe.measure.observe import Observer
from hbprobe.measure.request import Duration, Judging, Request, one_of

if TYPE_CHECKING:
    from hbprobe.records.verdict import VerdictRecord

_MANNERS = ("silent", "reset", "closed", "status")


@dataclass(frozen=True, kw_only=True)
class Verdict(Judging, Request["VerdictRecord"]):
    """Say whether Exchange will log event 1040 on a path whose limit is known."""

    limit: Duration | None
    """the path's timer: a request that is quiet for so long is cut; None where nothing is cut"""
    manner: Literal["silent", "reset", "closed", "status"] = "silent"
    """how the client sees the cut"""

    def check(self) -> None:
        """Raise RequestError for a limit that is no timer."""
        one_of("manner", self.manner, _MANNERS)
        if self.limit is not None and not float(self.limit) > 0:
            text = "{limit}: {value:g} is no timer: give more than 0, or None where nothing is cut"
            raise RequestError(text, "limit", value=self.limit)
        super().check()

    async def _measured(self, _: Observer) -> "VerdictRecord":
        from hbprobe.exchange.verdict import judge
        from hbprobe.manner import Manner
        from hbprobe.records.verdict import VerdictRecord
        from hbprobe.trial.outcome import Limit

        settings = self.exchange_settings()
        if self.limit is None:
            limit = Limit(settings.max_heartbeat_s, None)
        else:
            cut_s = float(self.limit)
            # Heartbeats are whole seconds: this is the longest that ends before the timer does.
            limit = Limit(math.ceil(cut_s) - 1, int(cut_s) if cut_s.is_integer() else cut_s, Manner(self.manner))
        return VerdictRecord(limit, judge(limit.survived_s, limit.cut_s, limit.manner, settings, self.device_kinds()))
