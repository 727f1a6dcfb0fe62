"""The answer of logs in sentences: what needs a mend, and what else is to be known."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from hbprobe.duration import format_duration
from hbprobe.evidence.limits import LEAST_LOSSES, has_unexplained_losses
from hbprobe.evidence.logs.answer.group_limits import NOWHERE, is_limited
from hbprobe.records.logs import CoveragePart, EventPart, LogFindingPart, PassiveLimitPart, WindowsPart
from hbprobe.text import counted, seconds

_HARDLY_ALL: Final = 0.98
"""A limit by which less is lost of what lasts longer is told with the share of the rest."""
_MOST_KINDS: Final = 3
_SOON_S: Final = 5
"""What fails so soon did not wait."""
COUNTED_BY: Final = {
    "blocked": "blocked",
    "throttled": "throttled",
    "provisioning": "provisioning",
    "login_loops": "logins",
    "excessive": "excessive",
}


def findings_of(
    limits: Sequence[PassiveLimitPart], together: tuple[float, float] | None, windows: WindowsPart,
    events: Sequence[EventPart], counts: dict[str, int], coverage: CoveragePart, *, is_held_against: bool,
) -> Iterator[LogFindingPart]:  # fmt: skip
    """Say it, the limits first."""
    if together is not None:
        text = f"all networks share {bracket_words(*together)}: the box is on your side of them, before the server"
        if all(limit.own_doing for limit in limits if limit.judgement == "limit"):
            text += ", or devices do it on their own"
        yield LogFindingPart(code="shared-limit", severity="problem", text=text)
    limited = [limit for limit in limits if is_limited(limit)]
    if limited and limited[0].by == "device":
        text = (
            f"{counted(len(limited), 'device')} with waiting requests that die after some time, as the table has it; "
            "what one device shows may be its own doing (switched off, out of reach): --by network tells of paths"
        )
        yield LogFindingPart(code="device-limits", severity="problem", text=text)
    else:
        for limit in limited:
            yield LogFindingPart(code="path-limit", severity="problem", text=_limit_finding(limit))
    for limit in limits:
        if has_unexplained_losses(limit):
            yield LogFindingPart(code="path-losses", severity="problem", text=_losses_finding(limit))
    yield from _event_findings(windows, events, is_held_against=is_held_against)
    for code, words in (
        ("blocked", "blocked or in quarantine"),
        ("throttled", "slowed down by Exchange, or turned away (OverBudget, TooManyJobsQueued, or status 503)"),
        ("provisioning", "not through provisioning (449, or status 142 to 144)"),
        ("login_loops", "refused at login ten times or more in a row"),
        ("excessive", "above 60 requests in a minute"),
    ):
        if counts[code]:
            text = f"{counted(counts[code], 'device')} {words}: hbprobe logs ... --report {COUNTED_BY[code]}"
            yield LogFindingPart(code=code.replace("_", "-"), severity="note", text=text)
    if coverage.failed:
        yield _errors_finding(coverage)


def _errors_finding(coverage: CoveragePart) -> LogFindingPart:
    """Say that what ends with a status after one time is ended by what gives the status, not by a network."""
    text, report = f"{counted(coverage.failed, 'waiting request')} ended with an HTTP error", "--report fixed-times"
    after_s, then = coverage.failed_after, coverage.failed_then
    if after_s is None or after_s < _SOON_S or then < max(LEAST_LOSSES, coverage.failed / 2):
        text += f", which says nothing of the networks: hbprobe logs ... {report}"
        return LogFindingPart(code="http-errors", severity="note", text=text)
    text += f", {then} of them after {after_s} s: a front end or a proxy gives up then: hbprobe logs ... {report}"
    return LogFindingPart(code="http-errors", severity="problem", text=text)


def bracket_words(low_s: float, high_s: float) -> str:
    """Say between which times, in seconds."""
    return f"{seconds(low_s)} to {seconds(high_s)} s" if low_s != high_s else f"{seconds(low_s)} s"


def sure_words(confidence: float) -> str:
    """Say how sure, and never that it is certain."""
    return ">99.9 %" if confidence > 0.999 else f"{100 * confidence:.1f} %"


def _limit_finding(limit: PassiveLimitPart) -> str:
    low_s, high_s = limit.survived or 0.0, limit.cut or 0.0
    manner = "in silence" if limit.how == "silent" else "and devices are told (RST, FIN or a status)"
    who, doubt = _who(limit), _own_doing(limit)
    if limit.judgement == "several":
        # where losses set in is no matter of milliseconds
        between = bracket_words(math.floor(low_s), math.ceil(high_s))
        dies = f"losses set in at {between}, {manner}{doubt}"
        return f"{who}several limits, or one that varies; {dies}: see the curve in --json"
    sure = f" ({sure_words(limit.confidence)} sure)" if limit.confidence is not None else ""
    others = f", but {1 - limit.hit:.0%} of those that last longer are answered" if limit.hit <= _HARDLY_ALL else ""
    needed = "what devices ask for there, which the log does not tell"
    if limit.longest_asked is not None:
        needed = f"{format_duration(max(limit.longest_asked, high_s) + 60)} for what devices ask for there"
    dies = f"waiting requests die at {bracket_words(low_s, high_s)}{sure}, {manner}{others}{doubt}"
    return f"{who}{dies}; its idle timer must be above {needed}"


def _own_doing(limit: PassiveLimitPart) -> str:
    if not limit.own_doing:
        return ""
    kinds = ", ".join(limit.own_doing[:_MOST_KINDS]) + (" and others" if limit.own_doing[_MOST_KINDS:] else "")
    return f"; or {kinds} asked late after answers (asleep, or gathering requests), which looks the same"


def _losses_finding(limit: PassiveLimitPart) -> str:
    moved = ", or moved to another network," if limit.by == "network" and limit.key == NOWHERE else ""
    return (
        f"{_who(limit)}{limit.losses} of {counted(limit.silences, 'waiting request')} seem lost{moved}: more than "
        "accident explains, and at no time that tells a limit from devices that were off, asleep, out of reach, or "
        "gathered requests"
    )


def _who(limit: PassiveLimitPart) -> str:
    if limit.by == "network" and limit.key == NOWHERE:
        return "on networks that the log does not tell, of which there may be several: "
    return f"{limit.key}: "


def _event_findings(
    windows: WindowsPart, events: Sequence[EventPart], *, is_held_against: bool
) -> Iterator[LogFindingPart]:
    logged = windows.logged
    if windows.rebuilt or logged:
        averages = sorted(event.average_s for event in events if event.average_s is not None)
        lowest = ""
        if averages:
            between = f"averages from {averages[0]} to {averages[-1]} s"
            lowest = f", with {between if averages[0] != averages[-1] else f'an average of {averages[0]} s'}"
        times = f"{counted(windows.rebuilt, 'time')} by the requests in the log"
        if is_held_against:
            times += (
                f", {logged} logged, {windows.both} of them the same{_not_the_same(windows.judged_until, events)}"
            )
        if not windows.samples:
            times = f"{counted(logged, 'time')} logged, and no log has the intervals that led to it"
        text = f"event 1040: {times}{lowest}"
        yield LogFindingPart(code="event-1040", severity="problem", text=text)
    elif windows.full:
        text = f"event 1040 does not fire: the lowest average is {windows.lowest_s} s"
        yield LogFindingPart(code="event-1040", severity="note", text=text)


def _not_the_same(judged_until: str | None, events: Sequence[EventPart]) -> str:
    """Say of how many logged events it cannot be told whether they were rebuilt."""
    logged = [event.at for event in events if event.logged and event.at is not None]
    zoneless = sum(not at.endswith("Z") for at in logged)
    late = sum(at.endswith("Z") and judged_until is not None and at > judged_until for at in logged)
    words = ((late, "later than is judged"), (zoneless, "at times without a zone"))
    return "".join(f", {count} {what}" for count, what in words if count)
