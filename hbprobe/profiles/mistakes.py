"""What is wrong with a profile, in words: where, which key, what, and what is allowed there."""

import re
from dataclasses import dataclass
from difflib import get_close_matches

Key = tuple[str | int, ...]
"""The way to a value: `("timers", "idle", "source", 0)`."""

_PLAIN = re.compile(r"[\w.<>-]{1,60}")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend in a file."""

    line: int
    what: str
    key: Key = ()
    column: int | None = None

    def in_file(self, name: str) -> str:
        """Return the mistake as one line: `FILE:LINE: timers.idle.expiry: what is wrong`."""
        place = f"{printable(name)}:{self.line}" + (f":{self.column}" if self.column else "")
        return f"{place}: {dotted(self.key)}: {self.what}" if self.key else f"{place}: {self.what}"


def dotted(key: Key) -> str:
    """Return the way to a value as people write it: `timers.idle.source[0]`."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _PLAIN.fullmatch(part) else quoted(part))
    return text


def quoted(text: str) -> str:
    """Return text from a file in quotes: one line, of bounded length, and harmless to a terminal."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def printable(name: str) -> str:
    """Return the name of a file as it is where it can be printed, else in quotes."""
    return name if name.isprintable() else repr(name)


def nearest(word: str, allowed: list[str]) -> str | None:
    """Return the allowed word that was probably meant."""
    return next(iter(get_close_matches(word, allowed, n=1)), None)


def meant(word: str, allowed: list[str]) -> str:
    """Return `; did you mean idle?` where one of the allowed words is near, else nothing."""
    near = nearest(word, allowed)
    return f"; did you mean {near}?" if near else ""
