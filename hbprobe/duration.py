"""Durations as people write them, to and from seconds."""

import re

_UNITS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PATTERN = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>[A-Za-z]*)\s*")


def parse_duration_s(text: str) -> float:
    """Read `600`, `600s`, `10 min`, `1.5h` or `1d` as seconds.

    Raises ValueError, in words a user can act on, for anything else: also for signs, infinity and sums.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration: write seconds (600) or a number and a unit (10min)")
    unit = match["unit"].lower() or "s"
    if unit not in _UNITS:
        raise ValueError(f"{text!r} has an unknown unit {match['unit']!r}: use {', '.join(_UNITS)}")
    return float(match["number"]) * _UNITS[unit]


def format_duration(seconds: float) -> str:
    """Write seconds the way an engineer reads them: `45 s`, `10 min`, `9 h 36 min`, `5 d`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
