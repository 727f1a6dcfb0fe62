"""What the answer to a Ping means for a trial: the table of statuses, and whose answer it is.

A Ping that waited out its time and was answered with status 1 has survived. Everything else that an ActiveSync server
says is no evidence about timers, however late it comes: SOGo waits as long as it ever does before it says that this
was too long, and Exchange delays its errors by 20 seconds. Only a status that is a proxy's own is a cut.

The statuses:
https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/cec19b0e-b7f9-4967-9569-39c73746efc4.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hbprobe.eas.client import Step
from hbprobe.eas.commands import CommandError, PingAnswer
from hbprobe.eas.refusal import (
    PROVISION_HTTP,
    PROVISION_STATUSES,
    Refusal,
    command_refusal,
    http_refusal,
    no_push,
    pause_told_s,
)
from hbprobe.eas.wbxml import WbxmlError
from hbprobe.manner import Manner
from hbprobe.net.replies import Answer
from hbprobe.trial.classify import EDGE_S, PROMPT_S, came_early
from hbprobe.trial.outcome import Kind, Outcome

_PROXY_STATUSES = frozenset({408, 500, 502, 503, 504})
"""With these, and 520 to 529, proxies end a request that lasts too long for them."""
_OF_EXCHANGE = ("ms-server-activesync", "x-ms-", "x-diaginfo", "x-calculatedbetarget", "x-feserver", "x-beserver")
"""Beginnings of headers that an ActiveSync server sends, and no proxy of its own accord."""
_ERROR_PAUSE_S = 30.0
USUAL_STEPS_S = (5, 10, 15, 30, 60)
"""SOGo, for one, looks only every SOGoInternalSyncInterval, 10 s as shipped, whether a heartbeat is over."""


@dataclass(frozen=True, slots=True)
class PingReading:
    """What an answer to a Ping means, and what the device has to do before its next."""

    outcome: Outcome
    back_to: Step | None = None
    """The step of the handshake to begin again at."""
    bound_s: int | None = None
    """What the server takes instead of the heartbeat that was asked for: the nearest that is legal."""
    held_s: int | None = None
    """How long a Ping was held that was to wait for longer: the server may round heartbeats."""


def read_ping(answer: Answer, hold_s: float, elapsed_s: float) -> PingReading:
    """Say what an answer means to a Ping that was to wait for `hold_s` and was answered after `elapsed_s`."""
    if answer.status != 200:
        return _read_status(answer, hold_s, elapsed_s)
    if refusal := no_push(answer.headers):
        return PingReading(_refused(refusal, elapsed_s, again=False))
    try:
        ping = PingAnswer.decode(answer.body)
    except (CommandError, WbxmlError) as error:
        return PingReading(_failed(elapsed_s, f"the answer to the Ping is not ActiveSync: {error}"))
    return _read_command(ping, hold_s, elapsed_s, pause_told_s(answer.headers) or 0.0)


def _read_status(answer: Answer, hold_s: float, elapsed_s: float) -> PingReading:
    if _is_a_timer(answer, elapsed_s):
        text = f"status {answer.status} from a proxy"
        exact = elapsed_s < hold_s - EDGE_S
        return PingReading(Outcome(Kind.CUT, elapsed_s, Manner.STATUS, exact, answer.status, reason=text))
    refusal = http_refusal(answer.status, answer.headers, answer.body)
    assert refusal is not None  # the status is not 200
    step = Step.PROVISION if answer.status == PROVISION_HTTP else None
    return PingReading(_refused(refusal, elapsed_s, again=step is not None), step)


def _is_a_timer(answer: Answer, elapsed_s: float) -> bool:
    """A proxy's status, late enough, and with no sign that the server itself has spoken.

    A Retry-After beside it is the proxy's, too: a server that throttles says who it is, or does so at once.
    """
    if elapsed_s < PROMPT_S or not (answer.status in _PROXY_STATUSES or 520 <= answer.status < 530):
        return False
    return not is_from_server(answer.headers)


def is_from_server(headers: Mapping[str, str]) -> bool:
    """Say whether an ActiveSync server has spoken, rather than a proxy in front of it."""
    return any(name.startswith(_OF_EXCHANGE) for name in headers)


def _read_command(ping: PingAnswer, hold_s: float, elapsed_s: float, pause_s: float) -> PingReading:
    match ping.status:
        case 1 if came_early(elapsed_s, hold_s):
            text = (
                f"status 1 after {elapsed_s:.3f} s instead of {hold_s:g} s: another Ping of this device took its "
                "place, or the server rounds heartbeats down"
            )
            return PingReading(_failed(elapsed_s, text, again=True, pause_s=pause_s), held_s=round(elapsed_s))
        case 1:
            return PingReading(Outcome(Kind.SURVIVED, elapsed_s, pause_s=pause_s))
        case 2:
            text = f"status 2 after {elapsed_s:.3f} s: something came into the folder"
            return PingReading(_failed(elapsed_s, text, again=True, pause_s=pause_s), Step.SYNC)
        case 5 if ping.heartbeat_s is not None and ping.heartbeat_s != hold_s:
            bound = "least" if ping.heartbeat_s > hold_s else "most"
            text = f"status 5: the server does not take {hold_s:g} s; {ping.heartbeat_s} s is the {bound} it takes"
            return PingReading(_failed(elapsed_s, text, again=True, pause_s=pause_s), bound_s=ping.heartbeat_s)
        case 7:
            text = "status 7: the folders have changed"
            return PingReading(_failed(elapsed_s, text, again=True, pause_s=pause_s), Step.FOLDER_SYNC)
        case 8:
            text = "status 8: the server failed"
            return PingReading(_failed(elapsed_s, text, again=True, pause_s=pause_s or _ERROR_PAUSE_S))
        case _:
            return _read_refusal(ping.status, elapsed_s)


def _read_refusal(status: int, elapsed_s: float) -> PingReading:
    refusal = command_refusal(status)
    if refusal is None:
        return PingReading(_failed(elapsed_s, f"the server answers the Ping with status {status}"))
    provision = status in PROVISION_STATUSES
    return PingReading(_refused(refusal, elapsed_s, again=provision), Step.PROVISION if provision else None)


def _refused(refusal: Refusal, elapsed_s: float, *, again: bool) -> Outcome:
    again = again or refusal.pause_s is not None
    return _failed(elapsed_s, refusal.reason, refusal.status, again=again, pause_s=refusal.pause_s or 0.0)


def _failed(
    elapsed_s: float, reason: str, status: int | None = None, *, again: bool = False, pause_s: float = 0.0
) -> Outcome:
    return Outcome(Kind.FAILED, elapsed_s, status=status, reason=reason, again=again, pause_s=pause_s)


@dataclass(slots=True)
class HeartbeatLimits:
    """The heartbeats that a live server takes, as far as it has said; None where it has not."""

    min_s: int | None = None
    max_s: int | None = None
    step_s: int | None = None
    """It rounds heartbeats to multiples of this."""

    def held(self, asked_s: float, held_s: int) -> None:
        """Take in that a heartbeat was rounded: the least of the usual steps that explains it, if one does.

        One that is off by more was ended by something else. One that was held as asked, off the step, shows that
        there is no step.
        """
        if round(asked_s) == held_s:
            if held_s % (self.step_s or 1):
                self.step_s = None
            return
        least_s = self.step_s or 0
        fits = (
            step_s
            for step_s in USUAL_STEPS_S
            if held_s % step_s == 0 and abs(asked_s - held_s) < step_s and step_s >= least_s
        )
        self.step_s = next(fits, self.step_s)

    def learn(self, asked_s: float, bound_s: int) -> None:
        """Take in the nearest legal heartbeat that the server named for one that was not."""
        if bound_s > asked_s:
            self.min_s = bound_s
        else:
            self.max_s = bound_s

    def __str__(self) -> str:
        low = "" if self.min_s is None else f"from {self.min_s} s"
        high = "" if self.max_s is None else f"to {self.max_s} s"
        step = "" if self.step_s is None else f"in steps of {self.step_s} s"
        return " ".join(part for part in (low, high, step) if part) or "of any length"
