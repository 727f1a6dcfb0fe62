"""What a limit means for a heartbeat of one's own: whether it lives, with what margin, and which interval is safe."""

import math

from hbprobe.duration import format_duration
from hbprobe.text import seconds
from hbprobe.trial.outcome import Limit

_SPARE = 2
"""So many heartbeats fall into the longest silence that survived: one may be late or lost, and the next still comes
in time. Boxes look at their timers every few seconds, and phones and virtual machines wake late."""
_WHOLE_FROM_S = 4.0


def safe_interval_s(limit: Limit) -> float | None:
    """Return how often a keep-alive or ping should go out on this path, in seconds; None where nothing was cut."""
    if limit.cut_s is None or not limit.survived_s:
        return None
    each_s = limit.survived_s / _SPARE
    return math.floor(each_s) if each_s >= _WHOLE_FROM_S else round(each_s, 2)


def needed_s(heartbeat_s: float) -> float:
    """Return the timer with which a heartbeat lives, one that is lost included."""
    return _SPARE * heartbeat_s


def lives(limit: Limit, heartbeat_s: float) -> bool | None:
    """Say whether a connection with such a heartbeat lives; None where that was not measured."""
    if limit.survived_s is not None and heartbeat_s <= limit.survived_s:
        return True
    if limit.cut_s is not None and heartbeat_s >= limit.cut_s:
        return False
    return None


def heartbeat_words(limit: Limit, heartbeat_s: float) -> str:
    """Say in one sentence whether a heartbeat lives, and with what margin."""
    every = f"a heartbeat every {format_duration(heartbeat_s)}"
    match lives(limit, heartbeat_s):
        case True if limit.cut_s is None:
            return f"{every} lives: nothing was cut"
        case True:
            margin_s = (limit.survived_s or 0.0) - heartbeat_s
            late = "" if heartbeat_s * _SPARE <= (limit.survived_s or 0.0) else "; none may be lost or so late"
            return f"{every} lives, with {seconds(margin_s)} s to spare{late}"
        case False:
            return f"{every} is too seldom: silence of {seconds(limit.cut_s or 0.0)} s was cut"
        case _ if limit.survived_s is not None and limit.cut_s is not None:
            between = f"{seconds(limit.survived_s)} s, which survived, and {seconds(limit.cut_s)} s, which was cut"
            return f"whether {every} lives is not known: it lies between {between} (--precision)"
        case _ if limit.survived_s is not None:
            return f"{every} was not tried: nothing longer than {seconds(limit.survived_s)} s was (--max)"
        case _ if limit.cut_s is not None:
            return f"{every} was not tried: nothing shorter than {seconds(limit.cut_s)} s was (--min)"
        case _:
            return f"{every} was not tried: no trial told anything"
