"""A diagnosis of a path in one process: what `hbprobe diagnose` would say of these boxes."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence

from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import no_fault_is_lost, path
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.measure.run import Run
from hbprobe.middlebox.events import Event
from hbprobe.profiles.model import Profile
from hbprobe.search.prior import Prior
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.methods import make_method

_SEED = 1040


async def diagnose(
    boxes: Sequence[Profile],
    settings: Settings,
    search: SearchSettings,
    method: str = "hold",
    prior: Prior | None = None,
    trials: int = 0,
    seed: int = 0,
    watch: Callable[[Diagnosing], None] = lambda _: None,
) -> Diagnosing:
    """Diagnose a path through the boxes; raises CannotMeasureError if that fails.

    TCP keep-alives are not asked about: they end at a simulated box, whose kernel answers them.
    """
    events: list[list[Event]] = [[] for _ in boxes]
    rng = random.Random(_SEED)
    async with no_fault_is_lost(), path(boxes, settings, events, random.Random(seed)) as dialer:
        run = Run(Search(search, prior), make_method(method, dialer, search.grace_s, rng))
        found = Diagnosing(run, dialer, rng, keep_alives=False, trials=trials, watch=watch)
        with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C: what was found so far is worth showing
            await found.to_the_end()
    return found
