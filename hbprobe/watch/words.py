"""What a watch says, in sentences."""

from datetime import UTC, datetime

from hbprobe.report.terminal.words import limit_words
from hbprobe.text import seconds
from hbprobe.trial.outcome import Limit
from hbprobe.watch.changes import Change, MeasuredBracket
from hbprobe.watch.store import Measurement, State


def when(at_s: float) -> str:
    """Write a time, given in seconds since 1970: `2026-11-24 14:00:05`, in UTC."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}"


def change_words(change: Change) -> str:
    """Say what the path does since when: `since Tuesday 2026-11-24 14:00 UTC the path cuts at 5 s instead of 9 s`.

    The time is that of the first measurement that showed it.
    """
    since = f"{datetime.fromtimestamp(change.after.at_s, UTC):%A %Y-%m-%d %H:%M} UTC"
    return f"since {since} the path {_now(change.after)} instead of {_before(change.before, change.after)}"


def _now(seen: MeasuredBracket) -> str:
    return f"carries {seconds(seen.survived_s or 0)} s" if seen.cut_s is None else f"cuts at {seconds(seen.cut_s)} s"


def _before(seen: MeasuredBracket, after: MeasuredBracket) -> str:
    if seen.cut_s is None:
        return f"carrying {seconds(seen.survived_s or 0)} s"
    return f"{seconds(seen.cut_s)} s" if after.cut_s is not None else f"cutting at {seconds(seen.cut_s)} s"


def measurement_words(one: Measurement) -> str:
    """Say how a measurement ended: its limit, or why there is none."""
    if one.state is State.DONE:
        return limit_words(Limit(one.survived_s, one.cut_s))
    if one.state is State.RUNNING:
        return "has not ended yet"
    return f"{'could not measure' if one.state is State.FAILED else 'given up'}: {one.reason}"
