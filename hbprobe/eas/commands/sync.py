"""Sync: what has changed in folders; with Wait or HeartbeatInterval it waits for changes, as a Ping does.

https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/6de831e9-4691-4379-b35c-9e75b1dea37a
"""

from dataclasses import dataclass
from typing import Self

from hbprobe.eas.commands.parts import (
    CommandError,
    all_of,
    check_children,
    child,
    holder,
    integer,
    leaf,
    needed_text,
    parse,
    text,
    text_of,
)
from hbprobe.eas.wbxml import Element, encode


@dataclass(frozen=True, slots=True)
class SyncCollection:
    """One folder of a Sync, in request and answer."""

    sync_key: str
    """"0" begins anew; else from the server's last answer."""
    id: str
    status: int | None = None
    """Answer: what came of this folder; 1 is well."""
    kind: str | None = None
    """Request: its class, which protocols before 12.1 want."""
    get_changes: bool | None = None
    """Request: whether the server is to send changes; None is yes, but with sync key "0"."""
    window_size: int | None = None
    """Request: how many changes at most."""
    filter_type: int | None = None
    """Request: how old mail may be: 0 all, 1 a day, 2 three days, 3 a week, 4 two weeks, 5 a month."""
    more_available: bool = False
    """Answer: there are more changes than this answer holds."""
    commands: tuple[Element, ...] = ()
    """The changes: Add, Change, Delete ... as they stand there."""


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What is missing is as in the device's Sync before."""

    collections: tuple[SyncCollection, ...] = ()
    wait_min: int | None = None
    """Minutes to wait for changes (12.1 and later)."""
    heartbeat_s: int | None = None
    """Seconds to wait for changes (14.0 and later)."""

    def encode(self) -> bytes:
        """Write it; without anything to say it has no bytes."""
        if self == SyncRequest():
            return b""
        return encode(
            holder(
                "AirSync:Sync",
                _collections(self.collections),
                leaf("AirSync:Wait", self.wait_min),
                leaf("AirSync:HeartbeatInterval", self.heartbeat_s),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read it; raises WbxmlError or CommandError. WindowSize and Partial of the whole are passed over."""
        if not data:
            return cls()
        sync = parse(data, "AirSync:Sync")
        known = "Collections", "Wait", "HeartbeatInterval", "WindowSize", "Partial"
        check_children(sync, *(f"AirSync:{name}" for name in known))
        collections = _read_collections(sync)
        return cls(collections, integer(sync, "AirSync:Wait"), integer(sync, "AirSync:HeartbeatInterval"))


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    """What has changed. A wait that saw no change is answered with nothing at all: `SyncAnswer()`."""

    status: int | None = None
    """Of the whole; None where each folder has its own."""
    limit: int | None = None
    """The nearest wait that the server takes (status 14), in the unit of the request; or how many folders (15)."""
    collections: tuple[SyncCollection, ...] = ()

    def encode(self) -> bytes:
        """Write it; without anything to say it has no bytes."""
        if self == SyncAnswer():
            return b""
        return encode(
            holder(
                "AirSync:Sync",
                leaf("AirSync:Status", self.status),
                leaf("AirSync:Limit", self.limit),
                _collections(self.collections),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read it; raises WbxmlError or CommandError."""
        if not data:
            return cls()
        sync = parse(data, "AirSync:Sync")
        return cls(integer(sync, "AirSync:Status"), integer(sync, "AirSync:Limit"), _read_collections(sync))


def _collections(collections: tuple[SyncCollection, ...]) -> tuple[Element, ...]:
    return (holder("AirSync:Collections", tuple(map(_collection, collections))),) if collections else ()


def _collection(collection: SyncCollection) -> Element:
    # The order is laid down: MS-ASCMD, section 2.2.3.29.2.
    get_changes = None if collection.get_changes is None else int(collection.get_changes)
    return holder(
        "AirSync:Collection",
        leaf("AirSync:Class", collection.kind),
        leaf("AirSync:SyncKey", collection.sync_key),
        leaf("AirSync:CollectionId", collection.id),
        leaf("AirSync:Status", collection.status),
        leaf("AirSync:GetChanges", get_changes),
        leaf("AirSync:WindowSize", collection.window_size),
        (Element("AirSync:MoreAvailable"),) if collection.more_available else (),
        _options(collection.filter_type),
        (holder("AirSync:Commands", collection.commands),) if collection.commands else (),
    )


def _options(filter_type: int | None) -> tuple[Element, ...]:
    return () if filter_type is None else (holder("AirSync:Options", leaf("AirSync:FilterType", filter_type)),)


def _read_collections(sync: Element) -> tuple[SyncCollection, ...]:
    found = child(sync, "AirSync:Collections")
    return tuple(map(_read_collection, all_of(found, "AirSync:Collection"))) if found else ()


def _read_collection(element: Element) -> SyncCollection:
    options, commands = child(element, "AirSync:Options"), child(element, "AirSync:Commands")
    return SyncCollection(
        needed_text(element, "AirSync:SyncKey"),
        needed_text(element, "AirSync:CollectionId"),
        integer(element, "AirSync:Status"),
        text(element, "AirSync:Class"),
        _get_changes(element),
        integer(element, "AirSync:WindowSize"),
        integer(options, "AirSync:FilterType") if options else None,
        child(element, "AirSync:MoreAvailable") is not None,
        commands.children if commands else (),
    )


def _get_changes(element: Element) -> bool | None:
    """Read a flag that means yes where it stands without text."""
    if (found := child(element, "AirSync:GetChanges")) is None:
        return None
    if (value := text_of(found)) not in ("", "0", "1"):
        raise CommandError("AirSync:GetChanges is neither 0 nor 1")
    return value != "0"
