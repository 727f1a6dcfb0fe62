"""Durations as people write them, and as boxes print them, to and from seconds."""

import math
import re
from decimal import Decimal

_UNITS = {
    "ms": "0.001",
    "s": "1",
    "sec": "1",
    "second": "1",
    "m": "60",
    "min": "60",
    "minute": "60",
    "h": "3600",
    "hr": "3600",
    "hour": "3600",
    "d": "86400",
    "day": "86400",
}
_NAMED = ("ms", "s", "sec", "m", "min", "h", "d")
"""The units that messages offer; the others, and plurals, are what boxes print."""
_NUMBER = r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+"
_ONE = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>[A-Za-z]*)")
_PART = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>[A-Za-z]+)\s*")
_SUM = re.compile(rf"(?:(?:{_NUMBER})\s*[A-Za-z]+\s*(?:,\s*)?)+(?<![,\s])")
_CLOCK = re.compile(r"(?:(?P<d>[0-9]+)d\s*)?(?P<h>[0-9]+):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9](?:\.[0-9]+)?)")
_LONGEST_TEXT = 48

LONGEST_S = 100 * 365 * 86400
"""A hundred years: longer than any timer, and short enough for every clock and select() to count."""

HOW_TO_WRITE = "write seconds (600) or a number and a unit (10min)"


def parse_duration_s(text: str) -> float:
    """Read `600`, `10 min`, `1.5h`, `1h30m`, `5m0s`, `5 minutes`, or a box's `0:05:00` as seconds.

    A sum goes from the larger unit to the smaller, each at most once. Two numbers with a colon are not read: boxes
    mean minutes and seconds by them, and hours and minutes.

    Raises ValueError, in words a user can act on, for anything else: also for signs and infinity.
    """
    text = text.strip()
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"{text[:32] + '...'!r} is too long for a duration: {HOW_TO_WRITE}")
    if text.startswith("-"):
        raise ValueError(f"{text!r} is below 0: {HOW_TO_WRITE}")
    # In decimals, because in floats 1.1 min is 66.00000000000001 s.
    if (clock := _CLOCK.fullmatch(text)) is not None:
        days, hours, minutes = (Decimal(clock[part] or 0) for part in ("d", "h", "m"))
        total = days * 86400 + hours * 3600 + minutes * 60 + Decimal(clock["s"])
    elif (one := _ONE.fullmatch(text)) is not None:
        total = Decimal(one["number"]) * _unit_s(text, one["unit"] or "s")
    else:
        total = _sum_s(text)
    if total > LONGEST_S:
        raise ValueError(f"{text!r} is more than a hundred years")
    return float(total)


def _unit_s(text: str, name: str) -> Decimal:
    unit = name.lower()
    if unit not in _UNITS:
        unit = unit.removesuffix("s")
        if len(unit) < 2:  # the plural of a letter is none
            unit = ""
    if unit not in _UNITS or (unit == "ms" and name.lower() != "ms"):
        raise ValueError(f"{text!r} has an unknown unit {name!r}: use {', '.join(_NAMED)}")
    return Decimal(_UNITS[unit])


def _sum_s(text: str) -> Decimal:
    if not _SUM.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration: {HOW_TO_WRITE}")
    total, last_s = Decimal(0), Decimal("Infinity")
    for part in _PART.finditer(text):
        unit_s = _unit_s(text, part["unit"])
        if unit_s >= last_s:
            raise ValueError(f"{text!r} is not a duration: write the larger unit first, each once, as in 1h30m")
        total, last_s = total + Decimal(part["number"]) * unit_s, unit_s
    return total


def format_duration(seconds: float) -> str:
    """Write seconds the way an engineer reads them: `0.25 s`, `45 s`, `10 min`, `9 h 36 min`, `5 d`.

    From a minute on it rounds to whole seconds, from a day on to whole minutes. Raises ValueError for what is not
    a finite number.
    """
    if not math.isfinite(seconds):
        raise ValueError(f"{seconds} is not a duration")
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    whole = round(seconds / 60) * 60 if seconds >= 86400 else round(seconds)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)


def format_precisely(seconds: float) -> str:
    """Write a length of time to the tenth of a second: a timer is known by it."""
    if seconds < 1:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"
    return format_duration(seconds) if seconds < 60 else f"{seconds:.1f} s"
