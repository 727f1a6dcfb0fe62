"""What a box did during a test, in words: which profile, which timer, at which second, and how."""

from collections.abc import Sequence

from hbprobe.duration import format_duration
from hbprobe.middlebox.events import Event, FlowExpired, FlowRefused, FlowRevived
from hbprobe.profiles.model import Profile


def told(profile: Profile, events: Sequence[Event], began_s: float) -> str:
    """Return the box and what it did, a line each; times in seconds since it began."""
    timers = [f"{kind} {format_duration(timer.default)}: {timer.expiry}" for kind, timer in profile.each_timer()]
    lines = [f"{event.at_s - began_s:g} s: {_words(event)}" for event in events]
    return "\n  ".join([f"{profile.id} ({', '.join(timers) or 'no timers'})", *(lines or ["ended nothing"])])


def _words(event: Event) -> str:
    match event:
        case FlowExpired():
            return (
                f"{event.timer} ended connection {event.number}, from {event.client}, "
                f"{event.quiet_s:g} s after it was last set back: {event.expiry}"
            )
        case FlowRevived():
            return f"a packet brought connection {event.number}, from {event.client}, back"
        case FlowRefused():
            return f"{event.client} was refused: {event.reason}"
        case _:
            return event.text
