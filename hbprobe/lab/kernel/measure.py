"""A whole measurement on a path of namespaces: far end, routers, and a probe that searches across them.

Probe, server and kernel live in real time. Only the search, whose holds and results are path time, thinks that it
all goes `rate` times as fast: its holds are divided by the rate, what comes back is multiplied. So what the probe
must wait for in truth, a handshake or a packet's echo, keeps the time that it needs.
"""

import contextlib
import random
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hbprobe.duration import format_duration
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import Service
from hbprobe.lab.inprocess import LabRun, dialer_for, far_end_for, no_fault_is_lost
from hbprobe.lab.kernel.path import KernelPath, kernel_path
from hbprobe.measure.journal import Record
from hbprobe.measure.observe import Observer
from hbprobe.measure.setup import carry_out, set_up
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.wire import Dialer
from hbprobe.profiles.model import Profile
from hbprobe.search.prior import Prior
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import DEFAULT, METHODS, MethodTraits
from hbprobe.trial.outcome import Limit

_NOBODY = Observer()
PORT = 8443
FINEST_S = 1.0
"""Real seconds: conntrack's timers are whole ones, and a busy machine answers late."""


@dataclass(frozen=True, slots=True)
class KernelLab:
    """How a path is built and paced."""

    rate: float = 1.0
    """Seconds of the path in one real second."""
    nat: Collection[int] | None = None
    """The places, counted from 1, of the boxes that translate addresses; None leaves it to their profiles."""
    pcap: Path | None = None
    """A folder for packet captures."""


def fit(search: SearchSettings, rate: float) -> tuple[SearchSettings, tuple[str, ...]]:
    """Return the search as a kernel lab can carry it out, and what was changed, in words."""
    finest_s = FINEST_S * rate
    fitted = replace(search, precision_s=max(search.precision_s, finest_s), grace_s=max(search.grace_s, finest_s))
    said = (("precision", search.precision_s), ("grace", search.grace_s))
    coarser = [f"{name} {format_duration(asked_s)}" for name, asked_s in said if asked_s < finest_s]
    if not coarser:
        return fitted, ()
    return fitted, (
        f"{format_duration(finest_s)} instead of {' and '.join(coarser)}: no kernel lab is finer than a real second",
    )


@contextlib.asynccontextmanager
async def far_end(
    net: KernelPath,
    settings: Settings | None = None,
    services: Sequence[Service] = (),
    traits: MethodTraits = METHODS[DEFAULT],
    port: int = PORT,
) -> AsyncIterator[Dialer]:
    """Run the far end that a method measures with, and give what opens connections to it from the client."""
    server_tls, client_tls = throwaway_pair(net.server.address)
    server = far_end_for(traits, settings or Settings(), server_tls, services)
    await server.listen_on(net.server.listen(port))
    try:
        yield dialer_for(traits, net.server.address, port, client_tls).prepared(net.client.adopt)
    finally:
        await server.close()


async def measure(
    boxes: Sequence[Profile],
    settings: Settings,
    search: SearchSettings,
    lab: KernelLab,
    *,
    method: str = DEFAULT,
    journal: Record | None = None,
    prior: Prior | None = None,
    observer: Observer = _NOBODY,
) -> LabRun:
    """Search for the limit of a path that leads through the boxes, as far as that goes.

    `search` is what `fit` returned. Raises UserError for what cannot be built.
    """
    rng = random.SystemRandom()
    with kernel_path(boxes, rate=lab.rate, nat=lab.nat, pcap=lab.pcap) as net:
        async with no_fault_is_lost(), far_end(net, settings, traits=METHODS[method]) as dialer:
            run = await set_up(method, dialer, search, prior, rng, journal=journal, observer=observer, rate=lab.rate)
            failure = await carry_out(run.to_the_end())
        return LabRun(run, _cut_by(boxes, net, run.search.limit, lab.rate), net.remarks, failure)


def _cut_by(boxes: Sequence[Profile], net: KernelPath, limit: Limit, rate: float) -> str | None:
    """Return the box whose timer lies in the bracket, if it is one."""
    if limit.cut_s is None:
        return None
    low_s, high_s = limit.survived_s or 0.0, limit.cut_s
    inside = [
        profile.id
        for profile, box in zip(boxes, net.boxes, strict=True)
        if box.idle_s is not None and low_s <= box.idle_s * rate <= high_s
    ]
    return inside[0] if len(inside) == 1 else None
