"""FolderSync: which folders there are.

https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/, section 2.2.1.5.
"""

from dataclasses import dataclass
from typing import Final, Self

from hbprobe.eas.commands.parts import (
    all_of,
    child,
    holder,
    leaf,
    needed_integer,
    needed_text,
    parse,
    text,
)
from hbprobe.eas.wbxml import Element, encode

INBOX_TYPE: Final = 2
"""The Type of the folder into which mail comes: the one to watch."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of a mailbox."""

    id: str
    parent_id: str
    """"0" for a folder at the top."""
    name: str
    kind: int
    """Its Type: 2 inbox, 3 drafts, 4 deleted, 5 sent, 6 outbox, 7 tasks, 8 calendar, 9 contacts, 10 notes ..."""


@dataclass(frozen=True, slots=True)
class FolderSyncRequest:
    """Ask for what has changed since a sync key; "0" for all folders."""

    sync_key: str

    def encode(self) -> bytes:
        return encode(holder("FolderHierarchy:FolderSync", leaf("FolderHierarchy:SyncKey", self.sync_key)))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read it; raises WbxmlError or CommandError."""
        return cls(needed_text(parse(data, "FolderHierarchy:FolderSync"), "FolderHierarchy:SyncKey"))


@dataclass(frozen=True, slots=True)
class FolderSyncAnswer:
    """The folders that are new since then. Those that were removed or renamed are not read."""

    status: int
    sync_key: str | None = None
    """None where the request failed."""
    added: tuple[Folder, ...] = ()

    def encode(self) -> bytes:
        return encode(
            holder(
                "FolderHierarchy:FolderSync",
                leaf("FolderHierarchy:Status", self.status),
                leaf("FolderHierarchy:SyncKey", self.sync_key),
                self._changes(),
            )
        )

    def _changes(self) -> tuple[Element, ...]:
        if self.sync_key is None and not self.added:
            return ()
        folders = tuple(map(_folder, self.added))
        return (holder("FolderHierarchy:Changes", leaf("FolderHierarchy:Count", len(folders)), folders),)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read it; raises WbxmlError or CommandError."""
        answer = parse(data, "FolderHierarchy:FolderSync")
        changes = child(answer, "FolderHierarchy:Changes")
        added = all_of(changes, "FolderHierarchy:Add") if changes else ()
        return cls(
            needed_integer(answer, "FolderHierarchy:Status"),
            text(answer, "FolderHierarchy:SyncKey"),
            tuple(_read_folder(folder) for folder in added),
        )


def _folder(folder: Folder) -> Element:
    return holder(
        "FolderHierarchy:Add",
        leaf("FolderHierarchy:ServerId", folder.id),
        leaf("FolderHierarchy:ParentId", folder.parent_id),
        leaf("FolderHierarchy:DisplayName", folder.name),
        leaf("FolderHierarchy:Type", folder.kind),
    )


def _read_folder(element: Element) -> Folder:
    return Folder(
        needed_text(element, "FolderHierarchy:ServerId"),
        needed_text(element, "FolderHierarchy:ParentId"),
        needed_text(element, "FolderHierarchy:DisplayName"),
        needed_integer(element, "FolderHierarchy:Type"),
    )
