"""The request for what Exchange and its devices make of a limit that is already known."""

from dataclasses import dataclass
from typing import Literal

from hbprobe.exchange.verdict import Verdict as Judgement
from hbprobe.measure.request import Configured, Duration, Request


@dataclass(frozen=True, kw_only=True)
class Verdict(Configured, Request[Judgement]):
    """Say whether Exchange will log event 1040 on a path whose limit is known."""

    limit: Duration | None = None
    """the path's timer: a request that is quiet for so long is cut; None where nothing is cut"""
    manner: Literal["silent", "reset", "closed", "status"] = "silent"
    """how the client sees the cut"""
