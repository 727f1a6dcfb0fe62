"""A diagnosis of a path in one process: what `hbprobe diagnose` would say of these boxes."""

import random
from collections.abc import Sequence

from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import at_the_far_end, no_fault_is_lost, path
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.measure.journal import Journal
from hbprobe.measure.observe import Observer
from hbprobe.measure.setup import carry_out, set_up
from hbprobe.middlebox.events import Event
from hbprobe.profiles.model import Profile
from hbprobe.search.prior import Prior
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import DEFAULT, METHODS

_SEED = 1040
_NOBODY = Observer()


async def diagnose(
    boxes: Sequence[Profile],
    settings: Settings,
    search: SearchSettings,
    method: str = DEFAULT,
    prior: Prior | None = None,
    trials: int = 0,
    seed: int = 0,
    *,
    journal: Journal | None = None,
    observer: Observer = _NOBODY,
) -> Diagnosing:
    """Diagnose a path through the boxes as far as that goes.

    TCP keep-alives are not asked about: they end at a simulated box, whose kernel answers them.
    """
    events: list[list[Event]] = [[] for _ in boxes]
    rng, traits = random.Random(_SEED), METHODS[method]
    services, account = at_the_far_end(traits, settings)
    at = traits.lab_path or "/"
    async with (
        no_fault_is_lost(),
        path(boxes, settings, events, random.Random(seed), services, at) as dialer,
    ):
        run = await set_up(method, dialer, search, prior, rng, account=account, journal=journal)
        watch = observer.diagnosis
        found = Diagnosing(run, dialer, keep_alives=False, trials=trials, watch=watch, journal=journal)
        found.failure = await carry_out(found.to_the_end())
    return found
