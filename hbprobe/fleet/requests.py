"""The requests for simulated fleets: what the server sees of one, and which timer its firewall should have."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

from hbprobe.duration import parse_duration_s
from hbprobe.errors import RequestError
from hbprobe.files import write_whole
from hbprobe.measure.field_values import Duration, Whole
from hbprobe.measure.observe import Observer
from hbprobe.measure.request import Configured, File, Group, Request

if TYPE_CHECKING:
    from hbprobe.fleet.mix import Mix
    from hbprobe.fleet.paths import FleetPath
    from hbprobe.fleet.size import ShareSweep, Sizing
    from hbprobe.fleet.tally import FleetResult
    from hbprobe.profiles.model import Profile

Devices: TypeAlias = Annotated[int, Whole(1, 10_000_000)]

_LONGEST_DAYS = 3650
_MOST_TIMERS = 1000
_MOST_LOGGED = 1000
LOGS_BEGIN = datetime(2030, 1, 2, tzinfo=UTC)
"""The first simulated day of logs."""
_BALANCER = "192.0.2.1"
_MOST_MAIL = 100_000
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class OfFleet(Configured, Group):
    """The fields by which requests say which devices there are, on which paths, and with which luck."""

    mix: File | None = None
    """which devices, paths and habits there are (default: the shipped office)"""
    device: Sequence[str] = ()
    """devices of this kind instead of the mix's; several in equal shares"""
    seed: int = 0
    """other luck"""

    def check(self) -> None:
        """Raise RequestError for a device that is not known."""
        from hbprobe.exchange.devices import DEVICES
        from hbprobe.profiles.mistakes import meant

        known = [kind.id for kind in DEVICES]
        for name in self.device:
            if name not in known:
                text = "{device} {name}: no such device{hint} (allowed: {known})"
                raise RequestError(text, "device", name=name, hint=meant(name, known), known=", ".join(known))
        super().check()

    def loaded_mix(self) -> "Mix":
        """Return the mix that is named, or the shipped one, with other devices where that is asked for."""
        from hbprobe.exchange.devices import DEVICES
        from hbprobe.fleet.mix import SHIPPED, load_mix
        from hbprobe.profiles.catalogue import Catalogue

        mix = load_mix(SHIPPED if self.mix is None else Path(self.mix), Catalogue())
        if not self.device:
            return mix
        return replace(mix, shares=tuple(float(kind.id in self.device) for kind in DEVICES))


def _check_days(days: float) -> None:
    if not 0 < days <= _LONGEST_DAYS:
        text = "{days}: {value!r} is no number of days: give more than 0, at most {most}"
        raise RequestError(text, "days", value=days, most=_LONGEST_DAYS)


@dataclass(frozen=True, kw_only=True)
class _SimulatedFleet(OfFleet):
    """What the simulations of `fleet` share."""

    devices: Devices = 20_000
    """how many devices"""
    days: float = 7.0
    """how many days, after one in which devices find their heartbeats"""
    path: str | None = None
    """all devices on the path of this profile, instead of the mix's paths"""

    def check(self) -> None:
        """Raise RequestError for too few days, or too many."""
        _check_days(self.days)
        super().check()

    def loaded_mix(self) -> "Mix":
        """Return the mix; with a path, all devices are on it, and no other box."""
        from hbprobe.fleet.paths import only_path
        from hbprobe.profiles.catalogue import Catalogue
        from hbprobe.profiles.silent_request import Cut

        mix = super().loaded_mix()
        if self.path is None:
            return mix
        profile = Catalogue().find(self.path)
        return replace(mix, paths=(only_path(profile),), firewall=Cut(), firewall_profile=None, assumed=())


@dataclass(frozen=True, kw_only=True)
class Fleet(_SimulatedFleet, Request["FleetResult"]):
    """Simulate many devices on many paths, and say when event 1040 fires.

    Each device has its algorithm, path, mail and moves between networks. What the server sees is shown: event 1040,
    requests, TLS handshakes, connections.
    """

    async def _measured(self, observer: Observer) -> "FleetResult":
        from hbprobe.fleet.simulation import simulate

        world = self.loaded_mix().world(self.devices, self.exchange_settings(), self.seed)
        return await _in_thread(lambda stopped: simulate(world, self.days, told=stopped.told), observer)


@dataclass(frozen=True, kw_only=True)
class FleetShare(_SimulatedFleet, Request["ShareSweep"]):
    """Find the share of the devices on one path that is enough for event 1040."""

    share_of: str
    """the name of a path in the mix, or a timer such as 5min, which cuts in silence"""

    async def _measured(self, observer: Observer) -> "ShareSweep":
        from hbprobe.fleet.several import simulate_all
        from hbprobe.fleet.size import sweep_share, with_share

        mix, settings = self.loaded_mix(), self.exchange_settings()
        paths, name = self._paths(mix)

        def swept(stopped: "_Stop") -> "ShareSweep":
            def at(shares: Sequence[float]) -> "Iterable[FleetResult]":
                here = [replace(mix, paths=with_share(paths, name, share)) for share in shares]
                worlds = [each.world(self.devices, settings, self.seed) for each in here]
                return simulate_all(worlds, self.days, stopped.told)

            return sweep_share(name, at)

        return await _in_thread(swept, observer)

    def _paths(self, mix: "Mix") -> "tuple[tuple[FleetPath, ...], str]":
        """Return the paths of the mix, another one added where a timer is named, and which one is meant."""
        from hbprobe.fleet.paths import FleetPath, fixed
        from hbprobe.profiles.silent_request import Cut

        names = [path.name for path in mix.paths]
        if self.share_of in names:
            return mix.paths, self.share_of
        try:
            limit_s = parse_duration_s(self.share_of)
        except ValueError:
            text = "{share_of} {value}: no path of the mix, and no timer such as 5min (it has {names})"
            raise RequestError(text, "share_of", value=self.share_of, names=", ".join(names)) from None
        return (*mix.paths, FleetPath(self.share_of, 0.0, fixed(Cut(limit_s)))), self.share_of


@dataclass(frozen=True, kw_only=True)
class Size(OfFleet, Request["Sizing"]):
    """Find the timer that a firewall should have, and what each would cost.

    A fleet is simulated behind the firewall with one timer after another, to say from which one on event 1040 stays
    away and devices keep their push.
    """

    devices: Devices = 2000
    """how many devices"""
    days: float = 1.0
    """how many days, after one in which devices find their heartbeats"""
    mail: float | None = None
    """mails per device and day (default: the mix's)"""
    profile: str | None = None
    """the firewall: an id or a file (default: the mix's, else a silent one)"""
    shortest: Duration = 300.0
    """the shortest timer to try"""
    longest: Duration = 3600.0
    """the longest"""
    step: Duration = 60.0
    """from one to the next"""

    def check(self) -> None:
        """Raise RequestError for timers and numbers that cannot be."""
        _check_days(self.days)
        if self.mail is not None and not 0 <= self.mail <= _MOST_MAIL:
            text = "{mail}: {value!r} is no number of mails: give 0 to {most}"
            raise RequestError(text, "mail", value=self.mail, most=_MOST_MAIL)
        _ = self.timers_s
        super().check()

    @property
    def timers_s(self) -> range:
        """The timers to try, in whole seconds."""
        first_s, last_s, step_s = round(float(self.shortest)), round(float(self.longest)), round(float(self.step))
        if not 0 < first_s <= last_s:
            text = "{shortest} {first} s {longest} {last} s: the first must be above 0, the last not below it"
            raise RequestError(text, "shortest", first=first_s, last=last_s)
        if step_s < 1 or (last_s - first_s) / step_s > _MOST_TIMERS:
            text = "{step} {value} s: give at least a second, and at most {most} timers to try"
            raise RequestError(text, "step", value=step_s, most=_MOST_TIMERS)
        return range(first_s, last_s + 1, step_s)

    def loaded_mix(self) -> "Mix":
        """Return the mix, with as much mail as is asked for, and the firewall that is named."""
        from hbprobe.profiles.catalogue import Catalogue

        mix = super().loaded_mix()
        if self.mail is not None:
            mix = replace(mix, habits=replace(mix.habits, mail=mix.habits.mail.scaled(self.mail)))
        return mix if self.profile is None else replace(mix, firewall_profile=Catalogue().find(self.profile))

    async def _measured(self, observer: Observer) -> "Sizing":
        from hbprobe.fleet.several import simulate_all
        from hbprobe.fleet.size import Sizing, size
        from hbprobe.profiles.silent_request import Cut, cut_of

        mix, settings = self.loaded_mix(), self.exchange_settings()
        firewall: Profile | None = mix.firewall_profile
        how = cut_of(firewall).manner if firewall else mix.firewall.manner

        def sized(stopped: "_Stop") -> "Sizing":
            def behind(timers_s: Sequence[int]) -> "Iterable[FleetResult]":
                here = [replace(mix, firewall=Cut(float(timer_s), how)) for timer_s in timers_s]
                worlds = [each.world(self.devices, settings, self.seed) for each in here]
                return simulate_all(worlds, self.days, stopped.told)

            return Sizing(tuple(size(self.timers_s, behind)))

        return await _in_thread(sized, observer)


class _StoppedError(Exception):
    """Ends a simulation that nobody waits for any more."""


class _Stop:
    """Tells how far a simulation is, and ends it where it was cancelled."""

    def __init__(self, observer: Observer) -> None:
        self.requested = False
        self._observer = observer

    def told(self, share: float) -> None:
        """Pass the share on that is done."""
        if self.requested:
            raise _StoppedError
        self._observer.progress(share)


async def _in_thread(work: Callable[[_Stop], T], observer: Observer) -> T:
    """Simulate in a thread, which the loop does not wait for when it is cancelled."""
    stop = _Stop(observer)
    try:
        return await asyncio.to_thread(work, stop)
    except asyncio.CancelledError:
        stop.requested = True
        raise


def check_iis_logs(asked: Fleet) -> None:
    """Raise RequestError for more devices than logs are good for, before anything is simulated."""
    if asked.devices > _MOST_LOGGED:
        text = "{iis_log} takes {most} devices at most: add {devices} 300"
        raise RequestError(text, "iis_log", most=_MOST_LOGGED)


def leave_iis_logs(
    result: "FleetResult", folder: Path, say: Callable[[str], None], *, through_balancer: bool = False
) -> None:
    """Leave the logs that IIS would have of a simulated fleet, and `truth.json` beside them.

    They are of the same requests: the model with one object a device makes the very ones that were counted.
    `through_balancer`: half-way a balancer is put before the server, and X-Forwarded-For among the fields.
    """
    from hbprobe.eas.log_blob import Site
    from hbprobe.eas.releases import Release
    from hbprobe.eas.request_record import ClientGone, RequestRecord
    from hbprobe.fleet.logged import logged, truth_of
    from hbprobe.fleet.mail import DAY_S
    from hbprobe.standin.record_files import Balancer, IisLog, WallClock

    begin_s, end_s = DAY_S, DAY_S * (1 + result.days)
    balancer = Balancer(_BALANCER, (begin_s + end_s) / 2) if through_balancer else None
    log = IisLog(folder, Release.V2019, WallClock(LOGS_BEGIN, begin_s), Site(), balancer)
    for entry in logged(result.world, end_s, begin_s):
        if isinstance(entry, ClientGone):
            log.client_gone(entry.record)
            continue
        if isinstance(entry, RequestRecord):
            log.request_done(entry)
        else:
            log.connection_idle(entry)
        say(f"writing logs: {(entry.ended_s - begin_s) / (end_s - begin_s):.0%}")
    log.close()
    write_whole(folder / "truth.json", truth_of(result.world, result.events).to_json())
