"""Which questions to ask about a limit that is known, how long each takes, and so how long all do side by side."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

from hbprobe.diagnosis.heartbeat import safe_interval_s
from hbprobe.trial.evidence import Ask, Question
from hbprobe.trial.outcome import Limit

PAST = 1.25
PAST_S = 1.0
"""A request of so much more than the limit meets it, though the clocks of boxes are coarse."""
_LONG = 1.5
_LONG_S = 2.0
"""What something saves lives so long: well past the limit, and well past another timer that is a little longer."""
_DRIPS = 10
"""So many drips fit into the limit, for a box may have a shorter timer once bytes move."""
_SHORTEST_DRIP_S = 0.05
_KEEP_ALIVES = 3
_SHORTEST_KEEP_ALIVE_S = 1
"""Systems count keep-alives in whole seconds."""
_LOOKING_S = 5.0
"""For the looks at a dead connection."""


@dataclass(frozen=True, slots=True)
class Means:
    """What can be asked on this path."""

    far_end: bool
    """`hbprobe serve` is there: it holds, drips, and bears witness."""
    keep_alives: bool = True
    """They travel on this clock: in warp the kernel's timers do not run."""
    elsewhere: bool = False
    """There is another address to compare with."""
    pings: bool = False
    """What drips from both ends is the protocol's own ping: it is tried as often as it is to be recommended."""


def plan(limit: Limit, means: Means) -> tuple[Ask, ...]:
    """Return the requests to make, all at the same time; none where nothing was cut."""
    if limit.cut_s is None:
        return ()
    past_s, long_s = PAST * limit.cut_s + PAST_S, _LONG * limit.cut_s + _LONG_S
    alive_s = limit.survived_s or limit.cut_s / 2
    asks = [Ask(Question.POST_MORTEM, past_s)]
    if means.keep_alives and alive_s > _SHORTEST_KEEP_ALIVE_S:
        every_s = max(_SHORTEST_KEEP_ALIVE_S, int(alive_s / _KEEP_ALIVES))
        asks.append(Ask(Question.KEEP_ALIVE, long_s, float(every_s)))
    if means.far_end:
        drip_s = max(_SHORTEST_DRIP_S, round(alive_s / _DRIPS, 3))
        drips = (Question.SERVER_DRIP, Question.CLIENT_DRIP, Question.BOTH_DRIP)
        asks += [Ask(question, long_s, drip_s) for question in drips]
        if means.pings:
            ping_s = safe_interval_s(limit) or drip_s
            asks[-2:] = [Ask(question, long_s, ping_s) for question in (Question.CLIENT_DRIP, Question.BOTH_DRIP)]
        asks.append(Ask(Question.BETWEEN_REQUESTS, long_s))
    if means.elsewhere:
        asks += [Ask(Question.ELSEWHERE, hold_s) for hold_s in (limit.survived_s, past_s) if hold_s is not None]
    return tuple(asks)


def in_heartbeats(asks: tuple[Ask, ...], limit: Limit, longest_s: float | None, step_s: int) -> tuple[Ask, ...]:
    """Return what is left of the requests where a hold is a heartbeat that the server takes: of whole seconds, in
    steps, and no longer than the longest. One that would no longer be past the limit tells nothing of it."""
    most_s = math.inf if longest_s is None else longest_s
    fitted = tuple(replace(ask, hold_s=min(math.ceil(ask.hold_s / step_s) * step_s, most_s)) for ask in asks)
    cut_s, survived_s = limit.cut_s or 0.0, limit.survived_s or 0.0
    return tuple(ask for ask in fitted if ask.hold_s > cut_s or ask.hold_s <= survived_s)


def left_out(asked: Collection[Question]) -> str:
    """Say in one sentence what nothing at the far end lets us ask; empty where all of it can be asked."""
    missing = [question for question in _DATA if question not in asked]
    if missing == [*_DATA]:
        what = "whether bytes save it, and from which end"
    elif missing == [Question.SERVER_DRIP]:
        what = "whether bytes from the server alone save it"
    elif missing:
        what = "whether bytes from one end alone save it"
    else:
        return ""
    return f"not asked, for only --method hold, with hbprobe serve at the far end, lets us: {what}"


_DATA = (Question.SERVER_DRIP, Question.CLIENT_DRIP, Question.BOTH_DRIP)


def expected_s(asks: tuple[Ask, ...], grace_s: float) -> float:
    """Return how long the requests take at most, side by side."""
    return max((ask.hold_s for ask in asks), default=0.0) + grace_s + _LOOKING_S if asks else 0.0
