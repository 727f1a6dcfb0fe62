"""Products of one kind run the same code with other numbers: where one of each kind shows as much as all."""

from collections.abc import Iterable

from hbprobe.profiles.model import Profile
from hbprobe.profiles.silent_request import deciding_timer


def kind_of(profile: Profile) -> tuple[object, ...]:
    """Return what makes a box another kind of code: where it sits, what it does at the end, whom it tells."""
    timer = deciding_timer(profile)
    does = None if timer is None else (timer.expiry, timer.tells, timer.retries > 0, timer.default < 3540)
    return profile.layer, does, profile.sweep is not None, profile.half_close


def one_of_each_kind(profiles: Iterable[Profile]) -> list[Profile]:
    """Return a product of each kind: the last of them."""
    return list({kind_of(profile): profile for profile in profiles}.values())
