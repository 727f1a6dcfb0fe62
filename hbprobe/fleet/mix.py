"""A mix: which devices there are, on which paths, and what they and their owners do, as a file.

`mixes/office.yaml` is the one that is shipped, and shows every key.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from hbprobe.errors import UserError
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.mail import DAY_S, HOURS, MailDay
from hbprobe.fleet.paths import FleetPath, Span, fixed, spans_of
from hbprobe.fleet.world import Costs, Habits, World, apportion
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.loader import read_as, read_text
from hbprobe.profiles.mistakes import meant
from hbprobe.profiles.model import Profile
from hbprobe.profiles.silent_request import Cut, cut_of
from hbprobe.profiles.values import MismatchError, Name, Seconds, Strict

SHIPPED = Path(__file__).parent / "mixes" / "office.yaml"
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_WRITE_A_NUMBER = "write 0 or more, as in 40 or 2.5"
_STARTED_WITHIN_S = 3600.0
"""Devices are switched on at times spread over an hour; the warm-up is longer."""


def _amount(value: object) -> object:
    """Read a number that is not below 0."""
    if isinstance(value, (dict, list)) or (isinstance(value, str) and not _NUMBER.fullmatch(value)):
        told = "a block" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value[:20])
        raise ValueError(f"{told} is not a number: {_WRITE_A_NUMBER}")
    return value


def _part(value: object) -> object:
    """Read a number from 0 to 1."""
    amount = _amount(value)
    if float(str(amount)) > 1:
        raise ValueError(f"{amount} is more than the whole: write a number from 0 to 1")
    return amount


Amount = Annotated[float, BeforeValidator(_amount)]
Part = Annotated[float, BeforeValidator(_part)]


class OneCut(Strict):
    """A limit, or the profile of a box that has one."""

    profile: Name | None = None
    """An id, or a file."""
    limit: Seconds | None = None
    """A request that is quiet for so long is cut."""
    how: Manner | None = None
    """How the device sees it; silent if left out."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.profile is None and self.limit is None:
            raise MismatchError((), "needs a profile (open-path is one without timers) or a limit")
        if self.profile is not None:
            for key in ("limit", "how"):
                if getattr(self, key) is not None:
                    raise MismatchError((key,), "goes without profile, which says it")
        return self


class PathInMix(OneCut):
    """A path, and the share of the devices that are on it."""

    name: Name
    share: Amount | None = None
    """How many are on it beside those on the others; it must be there."""

    @model_validator(mode="after")
    def _has_a_share(self) -> Self:
        if self.share is None:
            raise MismatchError(("share",), f"is missing: {_WRITE_A_NUMBER}")
        return self


class MailInMix(Strict):
    """When mail comes."""

    per_day: Amount | None = None
    """Of one device; it must be there."""
    by_hour: tuple[Amount, ...] = (1.0,) * HOURS

    @model_validator(mode="after")
    def _fills_a_day(self) -> Self:
        if self.per_day is None:
            raise MismatchError(("per_day",), f"is missing: {_WRITE_A_NUMBER}")
        if len(self.by_hour) != HOURS:
            raise MismatchError(
                ("by_hour",), f"has {len(self.by_hour)} hours: write {HOURS} numbers, from midnight on"
            )
        if not any(self.by_hour):
            raise MismatchError(("by_hour",), "is 0 at every hour: for no mail write per_day: 0")
        return self


class AfterLoss(Strict):
    """What a device does when it has noticed a loss."""

    at_once: Part = 1.0
    """The share that ask again at once; the others wait."""
    wait: Seconds = 60.0


class BytesInMix(Strict):
    """What requests weigh."""

    request: Amount = 600.0
    handshake: Amount = 0.0


class MixFile(Strict):
    """What a mix file says."""

    devices: dict[str, Amount]
    firewall: OneCut | None = None
    paths: tuple[PathInMix, ...] = Field(min_length=1)
    mail: MailInMix
    moves_per_day: Amount = 0.0
    after_loss: AfterLoss = AfterLoss()
    bytes: BytesInMix = BytesInMix()
    assumed: tuple[str, ...] = ()
    """What is to be repeated beside each result: what whoever wrote the mix did not know."""

    @model_validator(mode="after")
    def _has_shares(self) -> Self:
        known = [kind.id for kind in DEVICES]
        for name in self.devices:
            if name not in known:
                hint = meant(name, known)
                raise MismatchError(("devices", name), f"no such device{hint} (allowed: {', '.join(known)})")
        if not any(self.devices.values()):
            raise MismatchError(("devices",), "no device has a share above 0")
        if not any(path.share for path in self.paths):
            raise MismatchError(("paths",), "no path has a share above 0")
        names = [path.name for path in self.paths]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise MismatchError(("paths",), f"two are called {name!r}: give each a name of its own")
        return self


@dataclass(frozen=True, slots=True)
class Mix:
    """A mix, ready to be simulated with any number of devices."""

    name: str
    shares: tuple[float, ...]
    """Of the devices, in the order of `DEVICES`."""
    paths: tuple[FleetPath, ...]
    firewall: Cut
    firewall_profile: Profile | None
    """None where the mix says its limit only, or nothing."""
    habits: Habits
    costs: Costs
    assumed: tuple[str, ...] = ()
    """What is to be repeated beside each result."""

    def world(self, devices: int, settings: Settings, seed: int) -> World:
        """Return a fleet of this mix."""
        counts = apportion(devices, self.shares)
        return World(DEVICES, counts, self.paths, self.firewall, self.habits, settings, self.costs, seed)


def load_mix(file: Path, catalogue: Catalogue) -> Mix:
    """Read a mix; raises UserError, one line with file, line, key and mend, for a wrong one."""
    said = read_as(MixFile, read_text(file), str(file))
    stay_s = DAY_S / said.moves_per_day if said.moves_per_day else math.inf
    mail = MailDay(said.mail.per_day or 0.0, said.mail.by_hour)
    box = _profile(said.firewall, file, catalogue) if said.firewall else None
    return Mix(
        name=file.stem,
        shares=tuple(said.devices.get(kind.id, 0.0) for kind in DEVICES),
        paths=tuple(FleetPath(path.name, path.share or 0.0, _spans(path, file, catalogue)) for path in said.paths),
        firewall=cut_of(box) if box else _limit(said.firewall),
        firewall_profile=box,
        habits=Habits(mail, stay_s, 1.0 - said.after_loss.at_once, said.after_loss.wait, _STARTED_WITHIN_S),
        costs=Costs(said.bytes.request, said.bytes.handshake),
        assumed=said.assumed,
    )


def _spans(said: OneCut, file: Path, catalogue: Catalogue) -> tuple[Span, ...]:
    profile = _profile(said, file, catalogue)
    return spans_of(profile) if profile else fixed(_limit(said))


def _limit(said: OneCut | None) -> Cut:
    return Cut() if said is None else Cut(said.limit or math.inf, said.how or Manner.SILENT)


def _profile(said: OneCut, file: Path, catalogue: Catalogue) -> Profile | None:
    """Return the profile that is named; a file is looked for beside the mix."""
    if said.profile is None:
        return None
    beside = file.parent / said.profile
    try:
        return catalogue.find(str(beside) if beside.suffix and beside.exists() else said.profile)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
