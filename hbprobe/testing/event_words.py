"""What boxes did during a test, in words: which profile, which timer or toxic, at which second, and how."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from hbprobe.duration import format_duration
from hbprobe.middlebox.events import Event, FlowExpired, FlowRefused, FlowRevived
from hbprobe.profiles.model import Profile
from hbprobe.text import seconds


def told(profile: Profile, events: Sequence[Event], began_s: float, opened: int) -> str:
    """Return the box and what it did, a line each; times in seconds since it began.

    `opened`: so many connections went through it.
    """
    timers = [f"{kind} {format_duration(timer.default)}: {timer.expiry}" for kind, timer in profile.each_timer()]
    lines = [f"{seconds(event.at_s - began_s)} s: {_words(event)}" for event in events]
    nothing = "ended nothing" if opened else "no connection went through it"
    return "\n  ".join([f"{profile.id} ({', '.join(timers) or 'no timers'})", *(lines or [nothing])])


def told_of_proxies(events: Sequence[Mapping[str, Any]]) -> str:
    """Return what the proxies of a fault proxy did, a line each; times in seconds since the first of it."""
    lines = []
    for event in events:
        at_s = (_time(event) - _time(events[0])).total_seconds()
        more = [f"{key} {_text(value)}" for key, value in event.items() if key not in ("id", "at", "event", "proxy")]
        lines.append(f"{seconds(at_s)} s: {event.get('proxy', '')} {event['event']}: {', '.join(more)}")
    return "\n  ".join(["the fault proxy", *(lines or ["did nothing"])])


def _time(event: Mapping[str, Any]) -> datetime.datetime:
    return datetime.datetime.fromisoformat(event["at"])


def _text(value: object) -> str:
    if isinstance(value, dict):  # a toxic
        of = ", ".join(f"{name} {attribute}" for name, attribute in value["attributes"].items())
        return f"{value['name']} ({of})"
    return str(value)


def _words(event: Event) -> str:
    match event:
        case FlowExpired():
            return (
                f"{event.timer} ended connection {event.number}, from {event.client}, "
                f"{seconds(event.quiet_s)} s after it was last set back: {event.expiry}"
            )
        case FlowRevived():
            return f"a packet brought connection {event.number}, from {event.client}, back"
        case FlowRefused():
            return f"{event.client} was refused: {event.reason}"
        case _:
            return event.text
