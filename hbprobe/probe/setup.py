"""A method and a search that go together, ready to run."""

import random
from collections.abc import Callable

from hbprobe.exchange.client import Account
from hbprobe.probe.heartbeats import HeartbeatSearch
from hbprobe.probe.methods import Method, make_method
from hbprobe.probe.ping import PingMethod
from hbprobe.probe.prior import Prior
from hbprobe.probe.search import Search, SearchSettings
from hbprobe.probe.wire import Dialer


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
