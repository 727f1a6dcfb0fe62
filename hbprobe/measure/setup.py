"""A method and a search that go together, ready to run."""

import random
from collections.abc import Callable

from hbprobe.eas.client import Account
from hbprobe.net.wire import Dialer
from hbprobe.search.heartbeats import HeartbeatSearch
from hbprobe.search.prior import Prior
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.methods import Method, make_method
from hbprobe.trial.ping import PingMethod


async def set_up(
    name: str,
    dialer: Dialer,
    settings: SearchSettings,
    prior: Prior | None,
    rng: random.Random,
    account: Account | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Method, Search]:
    """Make the method of that name, and the search for it; `ping` needs an account, and shakes hands first.

    `say` is told when a server asks for a pause. Raises CannotMeasureError where the server refuses.
    """
    if name != PingMethod.name:
        return make_method(name, dialer, settings.grace_s, rng), Search(settings, prior)
    if account is None:
        raise ValueError("a Ping needs an account")
    method = PingMethod(dialer, settings.grace_s, account, settings.connections, say)
    await method.prepare()
    return method, HeartbeatSearch(settings, prior, method.limits)
