"""Make a profile ready to run: change its timers for one run, and draw what is random about it."""

import math
import random
from collections.abc import Iterable, Mapping

from hbprobe.duration import format_duration, parse_duration_s
from hbprobe.errors import UserError
from hbprobe.profiles.mistakes import meant, printable, quoted
from hbprobe.profiles.model import Profile, Timer, TimerKind

OFF = "off"
_KINDS = [str(kind) for kind in TimerKind]
_FIXED = {"min": None, "max": None, "population": None}
"""What a timer that has one value for a run does not say any more."""


def parse_settings(texts: Iterable[str]) -> dict[str, str]:
    """Read what `--set` was given, `["idle=5", "half-closed=1min"]`, as timer and value. Raises UserError."""
    settings: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        timer = name.strip().replace("-", "_")
        if not equals or not value.strip():
            raise UserError(f"--set {quoted(text)}: write TIMER=SECONDS, as in idle=5 or idle={OFF}")
        if timer not in _KINDS:
            hint = meant(timer, _KINDS)
            raise UserError(f"--set {quoted(text)}: no such timer{hint} (allowed: {', '.join(_KINDS)})")
        if timer in settings:
            raise UserError(f"--set {quoted(text)}: {timer} is set twice")
        settings[timer] = value.strip()
    return settings


def with_overrides(profile: Profile, settings: Mapping[str, str]) -> tuple[Profile, tuple[str, ...]]:
    """Return the profile with other timers, and remarks on what its product would not do.

    `settings` maps a timer to a duration, or to `off`. A value outside the vendor's range is allowed, because a lab
    scales timers down, and gets a remark. Raises UserError for a timer that the profile lacks and for a bad duration.
    """
    changed: dict[str, Timer | None] = {}
    remarks: list[str] = []
    for name, text in settings.items():
        timer = _timer(profile, name)
        if text == OFF:
            changed[name] = None
            remarks.append(
                f"{name} of {profile.id} is off in this run; the profile has {format_duration(timer.default)}"
            )
            continue
        value = _value(name, text)
        if not _in_range(timer, value):
            remarks.append(f"{name}={text} is outside what {profile.id} can be set to ({format_range(timer)})")
        changed[name] = _set(timer, value)
    timers = profile.timers.model_copy(update=changed)
    return profile.model_copy(update={"timers": timers}), tuple(remarks)


def format_range(timer: Timer) -> str:
    """Return what the vendor lets one set: `5 min to 1 h`, `up to 1 h`, or nothing where no source says."""
    if timer.min is not None and timer.max is not None:
        return f"{format_duration(timer.min)} to {format_duration(timer.max)}" if timer.min < timer.max else "fixed"
    if timer.min is not None:
        return f"from {format_duration(timer.min)}"
    return f"up to {format_duration(timer.max)}" if timer.max is not None else ""


def draw(profile: Profile, chance: random.Random) -> tuple[Profile, tuple[str, ...]]:
    """Return the profile as one box out of its population, and what was drawn, in words.

    A timer that is known only as a distribution gets a value of it, by weight; out of a share without an end, none.
    """
    changed: dict[str, Timer | None] = {}
    remarks: list[str] = []
    for kind, timer in profile.each_timer():
        if timer.population is not None:
            share = chance.choices(timer.population, [share.weight for share in timer.population])[0]
            value = share.at(chance.random())
            changed[kind] = timer.model_copy(update=_FIXED | {"default": value}) if value < math.inf else None
            drawn = format_duration(value) if value < math.inf else f"{OFF} ({share})"
            remarks.append(f"{kind} of {profile.id} is drawn for this run: {drawn}")
    timers = profile.timers.model_copy(update=changed)
    return profile.model_copy(update={"timers": timers}), tuple(remarks)


def draw_all(profiles: Iterable[Profile], chance: random.Random) -> tuple[tuple[Profile, ...], tuple[str, ...]]:
    """Draw each profile of a path as `draw` does; return them, and all that was drawn."""
    drawn = [draw(profile, chance) for profile in profiles]
    return tuple(profile for profile, _ in drawn), tuple(remark for _, remarks in drawn for remark in remarks)


def _timer(profile: Profile, name: str) -> Timer:
    timers = {str(kind): timer for kind, timer in profile.each_timer()}
    if name not in timers:
        has = f"it has {', '.join(timers)}" if timers else "it has none"
        raise UserError(f"{profile.id} has no timer {name}: {has}")
    return timers[name]


def _value(name: str, text: str) -> float:
    try:
        value = parse_duration_s(text)
    except ValueError as error:
        raise UserError(f"{name}={printable(text)}: {error}, or {OFF}") from None
    if value <= 0:
        raise UserError(f"{name}={text}: must be above 0; {name}={OFF} switches the timer off")
    return value


def _in_range(timer: Timer, value: float) -> bool:
    return (timer.min is None or value >= timer.min) and (timer.max is None or value <= timer.max)


def _set(timer: Timer, value: float) -> Timer:
    """Return the timer with another length; a range that it leaves is dropped, so that the timer stays valid."""
    note = f"Set to {format_duration(value)} for this run; the source says {format_duration(timer.default)}."
    kept = {"population": None} if _in_range(timer, value) else _FIXED
    return timer.model_copy(update={"default": value, "note": f"{note} {timer.note}".rstrip(), **kept})
