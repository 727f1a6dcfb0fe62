"""A trial beside the search, made until it is evidence: again after what may pass, and after a time asleep."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hbprobe.measure.guard import Guard
from hbprobe.trial.outcome import Kind, Outcome

T = TypeVar("T")
_PAUSES_S = (1.0, 5.0, 25.0)
"""So long path and server are left alone before another attempt, if they were out of order."""


async def persistently(guard: Guard, make: Callable[[], Awaitable[T]], outcome: Callable[[T], Outcome]) -> T:
    """Make a trial, and again where that may help; return the last one. `outcome` tells what one showed.

    Raises CannotMeasureError where this process stood still during every attempt.
    """
    for pause_s in _PAUSES_S:
        made = await _awake(guard, make, outcome)
        if not outcome(made).again:
            return made
        await asyncio.sleep(max(pause_s, outcome(made).pause_s))
    return await _awake(guard, make, outcome)


async def _awake(guard: Guard, make: Callable[[], Awaitable[T]], outcome: Callable[[T], Outcome]) -> T:
    return await guard.undisturbed(make, lambda made: outcome(made).kind is not Kind.SURVIVED)
