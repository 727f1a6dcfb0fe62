"""How a timer is set, in the product's own words."""

import math
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from hbprobe.profiles.values import SourceKeys, Strict, Text

_PLACES = ("{seconds}", "{minutes}", "{h:mm:ss}")
_BRACES = re.compile(r"\{[^}]*\}?|\}")


def _has_a_place(command: str) -> str:
    found = _BRACES.findall(command)
    if not found or any(place not in _PLACES for place in found):
        raise ValueError(
            f"must say where the time goes: {', '.join(_PLACES[:-1])} or {_PLACES[-1]}, and no other braces"
        )
    return command


class Configure(Strict):
    """The command, or the lines of configuration, that set the timer."""

    command: Annotated[Text, Field(min_length=1), AfterValidator(_has_a_place)]
    """With {seconds}, {minutes} or {h:mm:ss} where the time goes."""
    source: SourceKeys
    """One of the profile's `sources`, or several."""

    def text(self, timer_s: float) -> str:
        """Return what sets the timer to so much, or to the next whole second or minute above."""
        seconds, minutes = math.ceil(timer_s), math.ceil(timer_s / 60)
        clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        filled = dict(zip(_PLACES, (str(seconds), str(minutes), clock), strict=True))
        return _BRACES.sub(lambda place: filled[place[0]], self.command)
