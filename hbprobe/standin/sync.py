"""Sync: the first one of a folder, those that follow, and those that wait for changes.

https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/6a18bab6-292b-4923-8044-16d0da5d6440
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hbprobe.eas.commands import SyncAnswer, SyncCollection, SyncRequest, SyncStatus
from hbprobe.eas.releases import at_least
from hbprobe.eas.wbxml import Element
from hbprobe.exchange.settings import Settings
from hbprobe.standin.device import FOLDER_IDS, DeviceState

_FIRST_KEY = "0"
_LONGEST_WAIT_MIN = 59
"""The protocol allows 1 to 59, whatever the server's settings."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A Sync that makes sense: what it is about, and how long it may wait."""

    collections: tuple[SyncCollection, ...]
    wait_s: int
    """0: it does not wait."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The folders that it is about."""
        return tuple(collection.id for collection in self.collections)


def judge_sync(asked: SyncRequest, device: DeviceState, settings: Settings, version: str) -> Wanted | SyncAnswer:
    """Fill in what an empty Sync means again, and hold the whole to the server's limits."""
    if not device.knows_folders:
        return SyncAnswer(SyncStatus.FOLDER_SYNC_NEEDED)
    if asked.wait_min is not None and asked.heartbeat_s is not None:
        return SyncAnswer(SyncStatus.PROTOCOL_ERROR)
    wait_s = _wait_s(asked, settings, version)
    if isinstance(wait_s, SyncAnswer):
        return wait_s
    if asked.collections:
        return Wanted(asked.collections, wait_s)
    known = tuple(folder for folder in device.sync_folders if folder in device.sync_keys)
    if not known:
        return SyncAnswer(SyncStatus.INCOMPLETE)
    again = tuple(SyncCollection(str(device.sync_keys[folder]), folder) for folder in known)
    return Wanted(again, wait_s or device.sync_wait_s)


def _wait_s(asked: SyncRequest, settings: Settings, version: str) -> int | SyncAnswer:
    """Return how long the request may wait, 0 where it does not say, or what is wrong with what it says."""
    min_s, max_s = settings.min_heartbeat_s, settings.max_heartbeat_s
    if asked.heartbeat_s is not None:
        return _within(asked.heartbeat_s, min_s, max_s, 1) if at_least(version, "14.0") else _not_yet()
    if asked.wait_min is not None:
        min_min, max_min = -(-min_s // 60), min(max_s // 60, _LONGEST_WAIT_MIN)
        return _within(asked.wait_min, min_min, max_min, 60) if at_least(version, "12.1") else _not_yet()
    return 0


def _within(asked: int, low: int, high: int, unit_s: int) -> int | SyncAnswer:
    bound = max(low, min(asked, high))
    return asked * unit_s if asked == bound else SyncAnswer(SyncStatus.INTERVAL_OUT_OF_RANGE, limit=bound)


def _not_yet() -> SyncAnswer:
    """Answer what the protocol version does not have."""
    return SyncAnswer(SyncStatus.PROTOCOL_ERROR)


def synchronize(collections: Sequence[SyncCollection], device: DeviceState) -> tuple[SyncCollection, ...]:
    """Bring folders up to date, and return those that have something to tell; none: the answer is empty."""
    told = (_one(collection, device) for collection in collections)
    return tuple(collection for collection in told if collection is not None)


def _one(collection: SyncCollection, device: DeviceState) -> SyncCollection | None:
    folder, key = collection.id, collection.sync_key
    if folder not in FOLDER_IDS:
        return SyncCollection(key, folder, SyncStatus.FOLDER_SYNC_NEEDED)
    if key == _FIRST_KEY:
        device.sync_keys[folder] = 1
        return SyncCollection("1", folder, SyncStatus.OK)
    if key != str(device.sync_keys.get(folder)):
        device.sync_keys.pop(folder, None)
        return SyncCollection(_FIRST_KEY, folder, SyncStatus.INVALID_SYNC_KEY)
    return fetch(folder, device) if folder in device.changed else None


def fetch(folder: str, device: DeviceState) -> SyncCollection:
    """Tell the device of the mail that is new in a folder, under a new key."""
    device.changed.discard(folder)
    device.sync_keys[folder] += 1
    key = str(device.sync_keys[folder])
    mail = Element("AirSync:ApplicationData", (Element("Email:Subject", text="hbprobe: new mail"),))
    add = Element("AirSync:Add", (Element("AirSync:ServerId", text=f"{folder}:{key}"), mail))
    return SyncCollection(key, folder, SyncStatus.OK, commands=(add,))
