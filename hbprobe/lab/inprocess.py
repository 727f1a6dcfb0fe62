"""A whole path in one process: the far end behind real TLS, the boxes, and a probe that measures across them."""

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hbprobe.errors import CannotMeasureError
from hbprobe.exchange.settings import Settings
from hbprobe.farend.responder_server import ResponderServer
from hbprobe.farend.server import FarEnd, Service
from hbprobe.measure.journal import Record
from hbprobe.measure.observe import Observer
from hbprobe.measure.run import Run
from hbprobe.measure.setup import carry_out, set_up
from hbprobe.middlebox.chain import Chain
from hbprobe.middlebox.events import Event, FlowExpired, Remark
from hbprobe.middlebox.faults.flow_tls import Tls
from hbprobe.net.certificates import loopback_pair
from hbprobe.net.target import Target
from hbprobe.net.wire import Dialer
from hbprobe.profiles.model import Profile
from hbprobe.search.prior import Prior
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import DEFAULT, METHODS, MethodTraits, Server

if TYPE_CHECKING:
    from hbprobe.eas.client import Account
    from hbprobe.measure.diagnosing import Diagnosing
    from hbprobe.measure.journal import Journal

_SEED = 1040
"""The probe's nonces come from it, so that a lab that is run twice sends the same bytes."""

_NOBODY = Observer()


@dataclass(frozen=True, slots=True)
class LabRun:
    """What a lab knows at the end: what its probe measured, and what its boxes did."""

    run: Run
    cut_by: str | None
    """The profile of the box whose timer struck first."""
    remarks: tuple[str, ...]
    failure: CannotMeasureError | None = None
    """What stood in the way of the rest."""


@contextlib.asynccontextmanager
async def path(
    boxes: Sequence[Profile],
    settings: Settings,
    events: Sequence[list[Event]],
    chance: random.Random | None = None,
    services: Sequence[Service] = (),
    traits: MethodTraits = METHODS[DEFAULT],
) -> AsyncIterator[Dialer]:
    """Build the far end and the boxes on loopback, in order from the client; take them down at the end.

    `events` has a list for each box, to which the box tells what it does; `chance` is what is random about them.
    `services` are what the far end serves beside its own, `traits` those of the method that it is for.
    """
    server_tls, client_tls = loopback_pair()
    far_end = far_end_for(traits, settings, server_tls, services)
    host, port = await far_end.listen("127.0.0.1", 0)
    upstream, tls = [(socket.AF_INET, (host, port))], Tls(server_tls, client_tls, host)
    chain = Chain(boxes, upstream, lambda place: events[place].append, chance=chance, tls=tls)
    try:
        if boxes:
            host, port = await chain.listen("127.0.0.1", 0)
        yield dialer_for(traits, host, port, client_tls)
    finally:
        chain.close()
        await far_end.close()


def far_end_for(
    traits: MethodTraits, settings: Settings, tls: ssl.SSLContext, services: Sequence[Service] = ()
) -> FarEnd | ResponderServer:
    """Return the far end of a lab in which a method measures: `hbprobe serve`, or what speaks the method's protocol.

    TLS is around it where the protocol has a scheme for that.
    """
    if traits.responder is None:
        return FarEnd(settings, tls, services=services)
    return ResponderServer(traits.responder, tls if traits.has_tls else None)


def dialer_for(traits: MethodTraits, host: str, port: int, tls: ssl.SSLContext) -> Dialer:
    """Return what opens connections to such a far end."""
    target = Target(tls=traits.has_tls, host=host, port=port, path=traits.lab_path)
    return Dialer(target, tls if traits.has_tls else None, offers=traits.alpn)


@contextlib.asynccontextmanager
async def no_fault_is_lost() -> AsyncIterator[None]:
    """Raise what failed in a callback of the loop: asyncio only logs it, and the lab would report a wrong limit."""
    loop = asyncio.get_running_loop()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    try:
        yield
    finally:
        loop.set_exception_handler(None)
    if faults:
        raise RuntimeError(f"the lab is broken: {faults[0]['message']}") from faults[0].get("exception")


async def measure(
    boxes: Sequence[Profile],
    settings: Settings,
    search: SearchSettings,
    method: str = DEFAULT,
    journal: Record | None = None,
    prior: Prior | None = None,
    seed: int = 0,
    observer: Observer = _NOBODY,
) -> LabRun:
    """Search for the limit of a path that leads through the boxes, as far as that goes.

    `seed` stands for what is random about the boxes. Raises CannotMeasureError where nothing can be begun.
    """
    events: list[list[Event]] = [[] for _ in boxes]
    traits = METHODS[method]
    services, account = _at_the_far_end(traits, settings)
    chance = random.Random(seed)
    async with no_fault_is_lost(), path(boxes, settings, events, chance, services, traits) as dialer:
        rng = random.Random(_SEED)
        run = await set_up(method, dialer, search, prior, rng, account=account, journal=journal, observer=observer)
        failure = await carry_out(run.to_the_end())
    return LabRun(run, _cut_by(boxes, events), _remarks(events), failure)


async def diagnose(
    boxes: Sequence[Profile],
    settings: Settings,
    search: SearchSettings,
    method: str = DEFAULT,
    prior: Prior | None = None,
    trials: int = 0,
    seed: int = 0,
    *,
    journal: "Journal | None" = None,
    observer: Observer = _NOBODY,
) -> "Diagnosing":
    """Diagnose a path through the boxes as far as that goes.

    TCP keep-alives are not asked about: they end at a simulated box, whose kernel answers them.
    """
    from hbprobe.measure.diagnosing import Diagnosing
    from hbprobe.measure.journal import Answers

    events: list[list[Event]] = [[] for _ in boxes]
    rng, traits = random.Random(_SEED), METHODS[method]
    services, account = _at_the_far_end(traits, settings)
    chance = random.Random(seed)
    async with no_fault_is_lost(), path(boxes, settings, events, chance, services, traits) as dialer:
        run = await set_up(method, dialer, search, prior, rng, account=account, journal=journal)
        watch = observer.diagnosis
        answers = Answers(journal)
        found = Diagnosing(run, dialer, keep_alives=False, trials=trials, watch=watch, answers=answers)
        found.failure = await carry_out(found.to_the_end())
    return found


def _at_the_far_end(traits: MethodTraits, settings: Settings) -> "tuple[tuple[Service, ...], Account | None]":
    """Return what stands in for Exchange where a method needs it, and who logs in: it lets everyone in."""
    if traits.server is not Server.ACTIVE_SYNC:
        return (), None
    from hbprobe.eas.client import Account
    from hbprobe.standin.service import StandIn

    return (StandIn(settings),), Account("lab", "no secret")


def _cut_by(boxes: Sequence[Profile], events: Sequence[list[Event]]) -> str | None:
    """Return the box whose timer struck first; the others lose the same flow later, if at all."""
    struck = [
        (event.at_s, box.id)
        for box, told in zip(boxes, events, strict=True)
        for event in told
        if isinstance(event, FlowExpired)
    ]
    return min(struck)[1] if struck else None


def _remarks(events: Sequence[list[Event]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event.text for told in events for event in told if isinstance(event, Remark)))
