"""Durations as people write them, to and from seconds."""

import math
import re
from decimal import Decimal

_UNITS = {"ms": "0.001", "s": "1", "sec": "1", "m": "60", "min": "60", "h": "3600", "d": "86400"}
_PATTERN = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(?P<unit>[A-Za-z]*)")
_LONGEST_TEXT = 32

LONGEST_S = 100 * 365 * 86400
"""A hundred years: longer than any timer, and short enough for every clock and select() to count."""

HOW_TO_WRITE = "write seconds (600) or a number and a unit (10min)"


def parse_duration_s(text: str) -> float:
    """Read `600`, `600s`, `10 min`, `1.5h` or `1d` as seconds.

    Raises ValueError, in words a user can act on, for anything else: also for signs, infinity and sums.
    """
    text = text.strip()
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"{text[:_LONGEST_TEXT] + '...'!r} is too long for a duration: {HOW_TO_WRITE}")
    if text.startswith("-"):
        raise ValueError(f"{text!r} is below 0: {HOW_TO_WRITE}")
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration: {HOW_TO_WRITE}")
    unit = match["unit"].lower() or "s"
    if unit not in _UNITS:
        raise ValueError(f"{text!r} has an unknown unit {match['unit']!r}: use {', '.join(_UNITS)}")
    # In decimals, because in floats 1.1 min is 66.00000000000001 s.
    seconds = float(Decimal(match["number"]) * Decimal(_UNITS[unit]))
    if seconds > LONGEST_S:
        raise ValueError(f"{text!r} is more than a hundred years")
    return seconds


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
