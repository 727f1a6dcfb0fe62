"""Boxes of the catalogue before a server of a test's own: `async with Box(port, "azure-load-balancer") as box`."""

import random
import time
from collections.abc import Iterable

from hbprobe.errors import UserError
from hbprobe.middlebox import running_box as middlebox
from hbprobe.middlebox.chain import Chain
from hbprobe.middlebox.events import Event, FlowCounts, FlowExpired
from hbprobe.middlebox.running_box import FlowState
from hbprobe.net.dial import look_up
from hbprobe.profiles.catalogue import built_in_folder, catalogue
from hbprobe.profiles.model import Profile
from hbprobe.profiles.running import OFF, draw, with_overrides
from hbprobe.profiles.vocabulary import Category
from hbprobe.testing.in_flight import wait_until_delivered
from hbprobe.testing.loop import WarpLoop
from hbprobe.testing.on_loop import OnLoop

USUAL = (
    "azure-load-balancer",
    "azure-load-balancer-tcp-reset",
    "aws-nlb-tcp",
    "aws-global-accelerator",
    "ten-minute-provider",
    "avm-fritzbox",
    "juniper-srx",
)
"""Boxes that cut a connection which is idle for less than an hour, in each manner: silence, RST, RST on the next
packet, FIN."""
_CATEGORIES = {str(category) for category in Category}


def chosen(words: Iterable[str]) -> list[str]:
    """Return the profiles that ids, categories of the catalogue, files and folders stand for. Raises UserError."""
    known, shipped = catalogue(), built_in_folder()
    found: dict[str, None] = {}
    for word in words:
        for file in known.find_files(str(shipped / word) if word in _CATEGORIES else word):
            found[file.stem if shipped in file.parents else str(file)] = None
    return list(found)


Duration = float | str | None
"""Seconds, text such as "5min", or None for a timer that is off."""

_HERE = "127.0.0.1"


class Box(OnLoop):
    """A box between a client and a server, on loopback.

    `async with` runs it on the loop of the test, whatever its clock. `with` runs it in a thread of its own in real
    time, for clients that block.
    """

    kind = "box"

    def __init__(
        self,
        server: int | tuple[str, int],
        profile: str | Profile = "ten-minute-provider",
        *,
        seed: int = 0,
        **timers: Duration,
    ) -> None:
        """Put a box before a server: its port on this machine, or host and port.

        `profile`: an id of the catalogue, a file, or a profile. `timers`: those that are to be other than there, as
        in `idle=5`, `lifetime="1h"`. `seed`: what is random about the box. Raises UserError for a profile or a timer
        that there is not.
        """
        self.profile = _profile(profile, timers, seed)
        self.host = _HERE
        self.port = 0
        """Where clients connect, once the box runs."""
        self.events: list[Event] = []
        """What the box did, in order; `at_s` is on its loop's clock, which begins with `began_s`."""
        self.began_s = 0.0
        self._server = (_HERE, server) if isinstance(server, int) else server
        self._chance = random.Random(seed)
        self._chain: Chain | None = None
        self._counts = FlowCounts()
        self._dark_since_s: float | None = None

    def __repr__(self) -> str:
        return f"<Box {self.profile.id} at {self.host}:{self.port}>"

    # While it runs

    def url(self, template: str = "http://{}/") -> str:
        """Return an address through the box: `url("ws://{}/feed")` is `ws://127.0.0.1:49152/feed`."""
        return template.format(f"{self.host}:{self.port}")

    @property
    def expired(self) -> list[FlowExpired]:
        """What the box ended so far, because a timer ran out or it was told to forget."""
        return [event for event in self.events if isinstance(event, FlowExpired)]

    @property
    def flows(self) -> list[FlowState]:
        """The connections that run through the box now, oldest first."""
        return self._do(lambda: self._box.flows())

    @property
    def opened(self) -> int:
        """So many connections has the box taken so far."""
        return self._counts.opened

    def forget(self) -> int:
        """End every connection now as its next timer would; return how many. Those without a timer live on."""
        return self._do(lambda: self._box.expire_all())

    def blackhole(self) -> None:
        """Let nothing pass and answer nothing until `heal`, as if cables were cut. Timers run on."""
        self._do(self._blackhole)

    def heal(self) -> None:
        """Let everything pass again. What was sent meanwhile is sent again by TCP; the warp clock waits for that."""
        self._do(self._heal)

    def change(self, profile: str | Profile | None = None, *, seed: int = 0, **timers: Duration) -> None:
        """Go on by another profile of the same layer, or with other timers; live connections get them, too.

        Raises UserError where that cannot be.
        """
        new = _profile(self.profile if profile is None else profile, timers, seed)
        if new.layer is not self.profile.layer:
            raise UserError(f"{new.id} has layer {new.layer}, {self.profile.id} has layer {self.profile.layer}")
        self._do(lambda: self._box.change(new))
        self.profile = new

    # Its life

    async def _open(self) -> None:
        self.began_s = self._loop.time()
        upstream = await look_up(*self._server)
        self._chain = Chain([self.profile], upstream, lambda _: self.events.append, chance=self._chance)
        self.host, self.port = await self._chain.listen(_HERE, 0)
        self._counts = self._box.counts

    async def _close(self) -> None:
        if self._chain is not None:
            self._chain.close()
            self._chain = None

    @property
    def _box(self) -> middlebox.RunningBox:
        if self._chain is None:
            raise UserError(f"the box {self.profile.id} does not run: use it inside `async with` or `with`")
        return self._chain.relays[0]

    def _blackhole(self) -> None:
        self._box.blackhole()
        if self._dark_since_s is None:
            self._dark_since_s = time.perf_counter()

    def _heal(self) -> None:
        self._box.heal()
        if self._dark_since_s is None:
            return
        dark_s = time.perf_counter() - self._dark_since_s
        self._dark_since_s = None
        if isinstance(self._loop, WarpLoop):  # a job in a thread holds its clock
            self._loop.run_in_executor(None, wait_until_delivered, self.port, self._server[1], dark_s)


def _profile(profile: str | Profile, timers: dict[str, Duration], seed: int) -> Profile:
    found = catalogue().find(profile) if isinstance(profile, str) else profile
    changed, _ = with_overrides(found, {name: _text(duration) for name, duration in timers.items()})
    drawn, _ = draw(changed, random.Random(seed))
    return drawn


def _text(duration: Duration) -> str:
    """Return a duration as `with_overrides` takes it."""
    if duration is None:
        return OFF
    return duration if isinstance(duration, str) else f"{duration:f}"
