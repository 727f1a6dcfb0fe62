"""The clients that a verdict is given for, each with where its behaviour is known from."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from hbprobe.exchange.algorithms import AndroidEarly, AndroidLater, Device, FixedInterval, Textbook, WindowsMobile

__all__ = ["CURRENT", "DEVICES", "Basis", "Device", "DeviceKind"]

_ANDROID = "https://github.com/CyanogenMod/android_packages_apps_Exchange/tree"


class Basis(StrEnum):
    """What is known of a client, from the best kind of evidence to the least."""

    SOURCE_CODE = "source code"
    DOCUMENTED = "documented"
    """Its maker describes the algorithm."""
    OBSERVED = "observed"
    """Somebody published what it did; the algorithm is not known."""
    EXAMPLE = "example"
    """Not a product."""


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """A client that many people have, or had."""

    id: str
    name: str
    new: Callable[[], Device]
    """Make one that has just been switched on; no lambda, so that another process can be told of the kind."""
    basis: Basis
    source: str | None
    """A public URL; None where none can be given."""
    note: str
    """What was seen, and what had to be assumed."""
    is_current: bool = True
    """A product of 2014 or later, so one that advice has to reckon with."""


DEVICES: tuple[DeviceKind, ...] = (
    DeviceKind(
        "textbook",
        "Textbook client",
        Textbook,
        Basis.EXAMPLE,
        None,
        "The worked example of the Direct Push literature, which tries 15, 8, 12 and again 8 minutes. Not a product.",
        is_current=False,
    ),
    DeviceKind(
        "windows-mobile",
        "Windows Mobile 5/6",
        WindowsMobile,
        Basis.DOCUMENTED,
        "https://technet.microsoft.com/en-us/library/cc182270.aspx",
        "The steps are documented, their numbers are not. 480, 780 and 1080 s were seen on one device "
        "(http://msexchange.blogspot.com/2006/06/for-those-testingusing-direct-push.html). Assumed: at most 1800 s, "
        "and a step up after each answer. With four answers to a step, event 1040 comes where it does not with one.",
        is_current=False,
    ),
    DeviceKind(
        "android-4.0",
        "Android 4.0",
        AndroidEarly,
        Basis.SOURCE_CODE,
        f"{_ANDROID}/ics",
        "Assumed: the phone sleeps while it waits, so silence ends with the alarm and not with the read time-out.",
        is_current=False,
    ),
    DeviceKind(
        "android-4.1",
        "Android 4.1 to 4.3",
        partial(AndroidEarly, max_s=1790),
        Basis.SOURCE_CODE,
        f"{_ANDROID}/jellybean",
        "As Android 4.0, with a higher maximum.",
        is_current=False,
    ),
    DeviceKind(
        "android-4.4",
        "Android 4.4 and later",
        AndroidLater,
        Basis.SOURCE_CODE,
        f"{_ANDROID}/cm-14.1",
        "The mail client of Android itself, up to version 7.",
    ),
    DeviceKind(
        "ios",
        "iOS",
        partial(FixedInterval, 600),
        Basis.OBSERVED,
        "https://github.com/Security-Experts-Community/vscode-xp",
        "Seen to ask for 600 s; the algorithm is not published. Assumed: it never changes, but heeds status 5.",
    ),
    DeviceKind(
        "nacho-mail",
        "Nacho Mail",
        partial(FixedInterval, 600),
        Basis.SOURCE_CODE,
        "https://github.com/nachocove/NachoClientX",
        "600 s, whatever the path does.",
    ),
    DeviceKind(
        "outlook-540",
        "Outlook app (540 s)",
        partial(FixedInterval, 540, heeds_server=False),
        Basis.OBSERVED,
        None,
        "A Ping of 540 s in one published front end log of 2020. Assumed: it never changes.",
    ),
    DeviceKind(
        "outlook-180",
        "Outlook app (180 s)",
        partial(FixedInterval, 180, heeds_server=False),
        Basis.OBSERVED,
        "https://github.com/Zimbra/zm-mailbox/pull/1332",
        "180 s against Zimbra; when the server's minimum was 300 s, mail stopped. Assumed: it never changes.",
    ),
)
"""Every client whose behaviour is known, the oldest too."""

CURRENT: tuple[DeviceKind, ...] = tuple(kind for kind in DEVICES if kind.is_current)
"""Those that advice rests on."""
