"""Profiles as rows of text, for whoever prints them. `*` marks what is inferred."""

from hbprobe.duration import format_duration
from hbprobe.profiles.model import Ends, Inferable, Profile, Timer, TimerKind
from hbprobe.profiles.running import format_range

INFERRED = "* inferred: follows from how such boxes work; no source says it"

LIST_HEADER = ("profile", "layer", "seconds", "idle", "at expiry", "restarted by")
TIMER_HEADER = ("timer", "default", "range", "at expiry", "restarted by", "source")


def list_row(profile: Profile) -> tuple[str, ...]:
    """Return the line of a profile in a list, with the timer that ends an established connection first."""
    timers = sorted(profile.established(), key=lambda timer: timer.default)
    if not timers:
        return (profile.id, profile.layer, "-", "for ever", "-", "-")
    first = timers[0]
    length = (f"{first.default:.10g}", format_duration(first.default))
    expiry = f"{first.expiry}{_mark(first, Inferable.EXPIRY)}"
    return (profile.id, profile.layer, *length, expiry, _restart(first))


def timer_rows(profile: Profile) -> list[tuple[str, ...]]:
    """Return a line for each timer of the profile."""
    return [_timer_row(kind, timer) for kind, timer in profile.each_timer()]


def notes(profile: Profile) -> list[tuple[str, str]]:
    """Return what a profile says about its timers and its sweep in words, with what each note is about."""
    found = [(str(kind), timer.note) for kind, timer in profile.each_timer() if timer.note]
    if profile.sweep is not None:
        every = f"looks over its table every {format_duration(profile.sweep.every)}, and flows live until then"
        cited = ", ".join(profile.sweep.source)
        found.append(("sweep", f"{every} ({cited}). {profile.sweep.note}".rstrip()))
    return found


def sources(profile: Profile) -> list[tuple[str, str]]:
    """Return the sources: key, grade and address of each, and what it says."""
    return [
        (" ".join(filter(None, (f"{key} ({source.grade})", str(source.url or "")))), source.says)
        for key, source in profile.sources.items()
    ]


def has_inferred(profile: Profile) -> bool:
    """Return whether any statement of the profile is inferred."""
    return any(timer.inferred for _, timer in profile.each_timer())


def _timer_row(kind: TimerKind, timer: Timer) -> tuple[str, ...]:
    cited = ", ".join(timer.source)
    return (kind, format_duration(timer.default), format_range(timer) or "-", _expiry(timer), _restart(timer), cited)


def _expiry(timer: Timer) -> str:
    told = "" if timer.tells is Ends.BOTH else f" ({timer.tells} only)"
    return f"{timer.expiry}{told}{_mark(timer, Inferable.EXPIRY)}"


def _restart(timer: Timer) -> str:
    return f"{timer.restarted_by}{_mark(timer, Inferable.RESTARTED_BY)}"


def _mark(timer: Timer, statement: Inferable) -> str:
    return "*" if statement in timer.inferred else ""
