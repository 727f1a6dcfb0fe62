"""What ends the trouble, for both sides: whoever runs the box that cuts, and whoever writes the application."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hbprobe.diagnosis.heartbeat import safe_interval_s
from hbprobe.duration import format_duration
from hbprobe.exchange.verdict import Judgement
from hbprobe.text import seconds
from hbprobe.trial.outcome import Cause, Limit

_NO_TIMER = {
    Cause.ANSWERED_LATE: "look at the server, which answered later than it was asked to",
    Cause.PATH_DOWN: "try again when the server and the path to it stay up",
}


class Party(StrEnum):
    """Whose the change is."""

    BOX = "box"
    APPLICATION = "application"
    SERVER = "server"
    NOBODY = "nobody"
    """Nothing is to be changed, or it is not a matter of a timer."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do."""

    side: Party
    text: str
    configure: str | None = None
    """The lines that do it, in the product's own words; None where they are not known."""
    most_s: float | None = None
    """The longest timer that the product lets one set; None where no source says."""

    @property
    def sentence(self) -> str:
        """The text, with the lines that do it."""
        if self.configure is None:
            return self.text
        return f"{self.text}, set by: {in_a_line(self.configure)}"


def in_a_line(commands: str) -> str:
    """Return the lines that set a timer as one."""
    return "; ".join(line.strip() for line in commands.splitlines())


def advise(
    limit: Limit,
    verdict: Judgement | None,
    cut_by: str | None,
    configure: str | None,
    *,
    may_be_servers: bool,
    is_servers_alone: bool,
    most_s: float | None = None,
    pings_after_login: bool = False,
) -> tuple[Advice, ...]:
    """Return what to do about a limit: at the box that cuts, and then in the application.

    `configure` sets the timer that is enough on that box, and `most_s` is the longest that it takes, where known.
    `may_be_servers`: the evidence leaves a timer of the server's own open; `is_servers_alone`: and nothing else.
    `pings_after_login`: before the login there is no ping.
    """
    if limit.survived_s is None and limit.cut_s is None:
        return ()
    if limit.cut_s is None:
        return (Advice(Party.NOBODY, "nothing: no timer on this path cuts what was tried"),)
    no_timer = [_NO_TIMER[cause] for cause in limit.causes if cause in _NO_TIMER]
    if limit.causes and len(no_timer) == len(limit.causes):
        return tuple(Advice(Party.NOBODY, f"{text}: no timer is to blame") for text in no_timer)
    own = f"at {limit.named_end}: its own timer, if idle sessions are to live longer"
    at_the_end = (Advice(Party.SERVER, own),) if may_be_servers else ()
    measure = "to measure the path: hbprobe serve at the far end, with --method hold"
    beyond = (Advice(Party.NOBODY, measure),) if may_be_servers else ()
    if is_servers_alone:
        return *at_the_end, *beyond
    return (
        *_at_the_box(limit, verdict, cut_by, configure, most_s),
        *at_the_end,
        *(Advice(Party.NOBODY, f"or {text}: then no timer is to blame") for text in no_timer),
        *_in_the_application(limit, verdict, what_moves(pings_after_login=pings_after_login)),
        *beyond,
    )


def enough_s(limit: Limit, verdict: Judgement | None) -> int | None:
    """Return the timer that the box that cuts should have; None where it is long enough, or none is known."""
    wanted_s = None if verdict is None or limit.cut_s is None else verdict.recommended_s
    return None if wanted_s is None or (limit.survived_s or 0.0) >= wanted_s else wanted_s


def beyond_it(most_s: float) -> str:
    """Return what helps where the timer of the box that cuts cannot be set to more."""
    other = "publish Exchange past this box"
    if most_s < _LEAST_MAX_S:
        return other
    return (
        f"{other}, or set MaxHeartbeatInterval below {seconds(most_s)} s and HeartbeatAlertThreshold below that, "
        "which saves the requests of clients that heed it, not those of Outlook's app"
    )


_LEAST_MAX_S = 120
"""MaxHeartbeatInterval has to be below the timer, and not below MinHeartbeatInterval, 60 s as shipped."""


def _at_the_box(
    limit: Limit, verdict: Judgement | None, cut_by: str | None, configure: str | None, most_s: float | None
) -> Iterator[Advice]:
    if verdict is None:
        return
    where = f"on {cut_by or 'the box that cuts'}"
    if verdict.recommended_s is None:
        yield Advice(Party.BOX, verdict.ticket)
    elif (timer_s := enough_s(limit, verdict)) is None:
        carries = f"{_timer(verdict.carries_max_s)} carries the longest heartbeat"
        yield Advice(Party.BOX, f"{where}: nothing for these devices; {carries}")
    elif most_s is not None and most_s < timer_s:
        least = f"its timer goes up to {seconds(most_s)} s, and {_timer(timer_s)} would be enough"
        yield Advice(Party.BOX, f"{where}: {least}: {beyond_it(most_s)}", most_s=most_s)
    else:
        yield Advice(Party.BOX, f"{where}: an idle timeout of {_timer(timer_s)} or more", configure, most_s)


def what_moves(*, pings_after_login: bool) -> str:
    """Name what an application can send while it has nothing to say."""
    return "a keep-alive, or after the login a ping," if pings_after_login else "a ping or a keep-alive"


def _in_the_application(limit: Limit, verdict: Judgement | None, what: str) -> Iterator[Advice]:
    if not limit.survived_s:
        pace = f"{what} well within {seconds(limit.cut_s or 0.0)} s; shorter ones were not tried (--min)"
        yield Advice(Party.APPLICATION, f"in the application: {pace}")
        return
    pace = f"{what} more often than every {seconds(limit.survived_s)} s"
    safe_s = safe_interval_s(limit) if verdict is None else None
    pace += "" if safe_s is None else f" ({seconds(safe_s)} s lets one be lost)"
    text = f"in the application: {pace}, if this is an idle timeout (hbprobe diagnose tells)"
    yield Advice(Party.APPLICATION, text)


def _timer(timer_s: int) -> str:
    return f"{timer_s} s ({format_duration(timer_s)})"
