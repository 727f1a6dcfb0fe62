"""What a measurement comes to, in the few sentences that stand first wherever it is told."""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum

from hbprobe.diagnosis.heartbeat import heartbeat_words
from hbprobe.exchange.settings import Severity
from hbprobe.exchange.verdict import DeviceVerdict, Judgement
from hbprobe.records.result import Result, is_servers_own
from hbprobe.report.terminal.words import confidence_words, death_words, limit_words
from hbprobe.text import counted, named, seconds

HEALTHY = ("healthy", "Nothing was found that stands in the way of Direct Push.")

_OF_DEVICES = {"event-1040", "event-1040-by-device", "push-lost"}
"""The findings that one line for all devices stands for."""
_GROUPS = ("yes with", "all refused with", "all with", "some with", "no with", "none with", "on any path with")
"""How devices fare, the worst first."""


class Detail(Enum):
    """How much of a measurement is told."""

    ANSWER = "answer"
    FINDINGS = "findings"
    """The answer, what was found for all devices together, and the evidence."""
    ALL = "all"
    """Each device, each finding and each setting by itself as well."""


def answer(result: Result) -> list[tuple[str, str]]:
    """Return what was found, how sure it is, what it means and what to do; an empty name goes on with the last."""
    return [
        ("limit", f"{_limit(result)}{_certainty(result)}"),
        *doubts(result),
        *named("means", _meaning(result)),
        *named("do", to_do(result)),
    ]


def _limit(result: Result) -> str:
    words = limit_words(result.limit, with_how=True)
    return words if result.cut_by is None or result.limit.cut_s is None else f"{words}, by {result.cut_by}"


def _certainty(result: Result) -> str:
    if result.confidence is not None:
        return f"; sure {confidence_words(result.confidence, result.noise)}"
    if not result.trials or result.contradictions:
        return ""
    return f" ({counted(len(result.trials), 'trial')}, no contradiction)"


def doubts(result: Result) -> list[tuple[str, str]]:
    """Return why the limit is less sure than it looks; nothing where it is not."""
    if not result.complete:
        return [("but", "the search was stopped before its end; the bracket is as wide as it was then")]
    if result.confidence is not None and result.confidence < result.search.confidence:
        return [("but", "the trials do not agree well enough; try again, or with --confirm 3")]
    if result.contradictions and not result.search.noise:
        return [("but", "some trials contradict the limit")]
    return [] if result.confirmed else [("but", "not confirmed: too few trials agree at one of the limit's ends")]


def _meaning(result: Result) -> Iterator[str]:
    if is_servers_own(result.method, result.limit, result.cut_by):
        where = f"at {result.limit.named_end}; the path beyond that was not measured"
        yield f"a session that is idle for longer dies of a timer {where}"
    elif death := death_words(result.limit):
        yield f"a session that is idle for longer dies: {death[0].partition(': ')[2]}"
    if result.heartbeat_s is not None:
        yield heartbeat_words(result.limit, result.heartbeat_s)
    if result.verdict is not None:
        yield push_words(result.verdict)


def push_words(verdict: Judgement) -> str:
    """Say in one sentence how devices with Direct Push fare."""
    if not verdict.devices:
        return "Direct Push: no device was judged"
    hurt = sum(device.lost_share > 0 for device in verdict.devices)
    fired = sum(device.event_1040 and not device.event_1040_on_open_path for device in verdict.devices)
    anywhere = sum(device.event_1040_on_open_path for device in verdict.devices)
    loses = (
        f"{hurt} of {counted(len(verdict.devices), 'kind')} of devices lose requests" if hurt else "nothing is lost"
    )
    also = f", {anywhere} on any" if anywhere else ""
    return f"Direct Push: {loses}; event 1040: {fired or 'none'} by this path{also}"


def to_do(result: Result) -> list[str]:
    """Return what ends the trouble: at the box that cuts, and then in the application."""
    return [one.sentence for one in result.advice]


def findings(verdict: Judgement, detail: Detail = Detail.FINDINGS) -> list[tuple[str, str]]:
    """Return what a verdict found, each with its severity; one line stands for all devices that fare alike.

    With all details each device has sentences of its own as well.
    """
    alone = [
        (str(one.severity), f"{one.text} [{one.code}]")
        for one in verdict.findings
        if detail is Detail.ALL or one.code not in _OF_DEVICES
    ]
    together = [_event_words(verdict.devices), _loss_words(verdict.devices)] if verdict.devices else []
    return [*([HEALTHY] if not verdict.findings else []), *together, *alone]


def _event_words(devices: Iterable[DeviceVerdict]) -> tuple[str, str]:
    groups = _grouped(devices, _event)
    fixed = groups.get("on any path with", ())
    severity = Severity.PROBLEM if "yes with" in groups else Severity.NOTE if fixed else "healthy"
    mend = ""
    if averages := [one.average_s for one in fixed if one.average_s is not None]:
        mend = f" (HeartbeatAlertThreshold below {min(averages)} s, or another client, ends it)"
    return str(severity), f"Event 1040: {_told(groups, lambda one: one.name)}{mend}"


def _event(device: DeviceVerdict) -> str:
    if device.event_1040_on_open_path:
        return "on any path with"
    return "yes with" if device.event_1040 else "no with"


def _loss_words(devices: Iterable[DeviceVerdict]) -> tuple[str, str]:
    groups = _grouped(devices, _loss)
    bad = {"all refused with", "all with"} & groups.keys()
    severity = Severity.PROBLEM if bad else Severity.NOTE if "some with" in groups else "healthy"
    return str(severity), f"Requests lost: {_told(groups, lambda one: f'{one.name} ({_asks(one)})')}"


def _loss(device: DeviceVerdict) -> str:
    if device.refused:
        return "all refused with"
    return "all with" if device.lost_share == 1.0 else "some with" if device.lost_share else "none with"


def _asks(device: DeviceVerdict) -> str:
    asks = f"asks for {seconds(device.settled_s)} s"
    return f"{asks}, loses {device.lost_share:.0%}" if 0 < device.lost_share < 1 else asks


def _grouped(
    devices: Iterable[DeviceVerdict], group: Callable[[DeviceVerdict], str]
) -> dict[str, list[DeviceVerdict]]:
    """Put devices that fare alike together, the worst first."""
    groups: dict[str, list[DeviceVerdict]] = {}
    for device in devices:
        groups.setdefault(group(device), []).append(device)
    return {name: groups[name] for name in _GROUPS if name in groups}


def _told(groups: dict[str, list[DeviceVerdict]], words: Callable[[DeviceVerdict], str]) -> str:
    return "; ".join(f"{name} {', '.join(map(words, devices))}" for name, devices in groups.items())
