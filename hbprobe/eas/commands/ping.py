"""Ping: wait for changes.

Request: https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/54540f3b-ab15-4856-8e21-dcebd4a7b495.
The server keeps what a device sent; a Ping like the last one has no body at all.
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
    needed_integer,
    needed_text,
    parse,
    text_of,
)
from hbprobe.eas.wbxml import Element, encode


@dataclass(frozen=True, slots=True)
class PingFolder:
    """A folder to watch."""

    id: str
    kind: str
    """Its class: "Email", "Calendar", "Contacts", "Tasks" or "Notes"."""


@dataclass(frozen=True, slots=True)
class PingRequest:
    """What is missing is as in the device's Ping before."""

    heartbeat_s: int | None = None
    folders: tuple[PingFolder, ...] = ()

    def encode(self) -> bytes:
        """Write it; without anything to say it has no bytes."""
        if self == PingRequest():
            return b""
        heartbeat, folders = leaf("Ping:HeartbeatInterval", self.heartbeat_s), tuple(map(_folder, self.folders))
        # The interval goes first: there are servers that read only this order.
        return encode(holder("Ping:Ping", heartbeat, (holder("Ping:Folders", folders),) if folders else ()))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read it as strictly as Exchange does; raises WbxmlError or CommandError (status 4)."""
        if not data:
            return cls()
        ping = parse(data, "Ping:Ping")
        check_children(ping, "Ping:HeartbeatInterval", "Ping:Folders")
        if not ping.children:
            raise CommandError("Ping:Ping is empty")
        folders = child(ping, "Ping:Folders")
        return cls(integer(ping, "Ping:HeartbeatInterval"), _folders(folders) if folders else ())


@dataclass(frozen=True, slots=True)
class PingAnswer:
    """What ended the wait."""

    status: int
    changed: tuple[str, ...] = ()
    """The ids of the folders with changes (status 2)."""
    heartbeat_s: int | None = None
    """The nearest interval that the server takes (status 5)."""
    max_folders: int | None = None
    """How many folders the server takes (status 6)."""

    def encode(self) -> bytes:
        changed = tuple(Element("Ping:Folder", text=id_) for id_ in self.changed)
        return encode(
            holder(
                "Ping:Ping",
                leaf("Ping:Status", self.status),
                (holder("Ping:Folders", changed),) if changed else (),
                leaf("Ping:MaxFolders", self.max_folders),
                leaf("Ping:HeartbeatInterval", self.heartbeat_s),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read it; raises WbxmlError or CommandError."""
        ping = parse(data, "Ping:Ping")
        folders = child(ping, "Ping:Folders")
        return cls(
            needed_integer(ping, "Ping:Status"),
            tuple(text_of(folder) for folder in all_of(folders, "Ping:Folder")) if folders else (),
            integer(ping, "Ping:HeartbeatInterval"),
            integer(ping, "Ping:MaxFolders"),
        )


def _folder(folder: PingFolder) -> Element:
    return holder("Ping:Folder", leaf("Ping:Id", folder.id), leaf("Ping:Class", folder.kind))


def _folders(element: Element) -> tuple[PingFolder, ...]:
    check_children(element, "Ping:Folder")
    if not element.children:
        raise CommandError("Ping:Folders is empty")
    folders = tuple(_read_folder(folder) for folder in element.children)
    if len({folder.id for folder in folders}) < len(folders):
        raise CommandError("a folder is named twice")
    return folders


def _read_folder(element: Element) -> PingFolder:
    check_children(element, "Ping:Id", "Ping:Class")
    return PingFolder(needed_text(element, "Ping:Id"), needed_text(element, "Ping:Class"))
