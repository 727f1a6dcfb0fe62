"""A path as it is drawn: who stands on it, in order from the client, and which of them is guilty."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hbprobe.diagnosis.reasoning import Whose
from hbprobe.locate.finding import Code
from hbprobe.records.documents import TimerPart
from hbprobe.records.location import Location
from hbprobe.records.result import Result, is_servers_own, may_be_servers
from hbprobe.report.terminal.words import how_words
from hbprobe.text import seconds
from hbprobe.trial.outcome import Cause, Limit

_MOST: Final = 8
"""So many names fit beside each other."""
_NOBODY: Final = {Cause.ANSWERED_LATE, Cause.PATH_DOWN}
_SERVER: Final = "server"


@dataclass(frozen=True, slots=True)
class Station:
    """Somebody on the path."""

    name: str
    guilty: str = ""
    """What it does to a session that is idle for too long; empty where it does nothing."""
    is_gap: bool = False
    """It stands for several that are not drawn."""


def path_of(result: Result, timer: TimerPart | None = None) -> tuple[Station, ...]:
    """Return the path of a measurement: the boxes of a lab, or what is known of a real one.

    `timer` is what a diagnosis says of whose timer it is: where it, or a probe without one, cannot tell, nobody is
    accused.
    """
    limit, does = result.limit, _does(result.limit)
    if limit.cut_s is not None and limit.causes and limit.causes[0] in _NOBODY:
        does = ""
    if is_servers_own(result.method, limit, result.cut_by):
        server = Station(limit.named_end.removeprefix("the "), does)
        return _between([Station("the path, not measured further")], server)
    at_server = does if timer is not None and timer.whose == Whose.SERVER else ""
    if timer is None:
        is_box = not may_be_servers(result.method, limit, result.cut_by)
    else:
        is_box = timer.whose in (Whose.PATH, Whose.ADDRESS)
    if result.path:
        alone = result.path[0] if timer is not None and is_box and len(result.path) == 1 else None
        boxes = [Station(box, does if box == (result.cut_by or alone) else "") for box in result.path]
        return _between(boxes, Station(_SERVER, at_server))
    known = Station("a box on the path", does) if does and is_box else Station("the path")
    return _between([known], Station(_SERVER, at_server))


def hops_of(location: Location) -> tuple[Station, ...]:
    """Return the hops of a path that was located, with the one that forgets."""
    finding, does = location.finding, _does(Limit(None, location.limit_s))
    known = {hop.ttl: hop.address or f"hop {hop.ttl}" for hop in location.route.hops}
    last = max([*known, finding.hop or 0])
    guilty = finding.hop if finding.code is Code.HOP else None
    hops = [Station(known.get(ttl, f"hop {ttl}"), does if ttl == guilty else "") for ttl in range(1, last + 1)]
    return _between(hops, Station(_SERVER, does if finding.code in (Code.END, Code.SERVER) else ""))


def drawn_words(stations: Sequence[Station]) -> str:
    """Say the same in a line: `client > [a-box: cuts here] > server`."""
    return " > ".join(f"[{one.name}: cuts here]" if one.guilty else one.name for one in stations)


def _does(limit: Limit) -> str:
    if limit.cut_s is None:
        return ""
    how = f", {how_words(limit)}" if limit.manner is not None else ""
    return f"cuts here at {seconds(limit.cut_s)} s{how}"


def _between(boxes: Sequence[Station], server: Station) -> tuple[Station, ...]:
    """Put the ends around, and leave out what is far from the guilty one where there are too many."""
    stations = [Station("client"), *boxes, server]
    if len(stations) <= _MOST:
        return tuple(stations)
    guilty = next((place for place, one in enumerate(stations) if one.guilty), 1)
    kept = {0, len(stations) - 1, *range(max(1, guilty - 1), min(len(stations) - 1, guilty + 2))}
    drawn: list[Station] = []
    left_out = 0
    for place, one in enumerate(stations):
        if place in kept:
            drawn += [Station(f"{left_out} more", is_gap=True)] if left_out else []
            drawn.append(one)
            left_out = 0
        else:
            left_out += 1
    return tuple(drawn)
