"""What all messages have in common: elements with text, numbers, what is wrong with them, and the statuses.

The statuses of all commands, of which the ones that keep a device from Direct Push are here:
https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/95cb9d7c-d33d-4b94-9366-d59911c7a060.
"""

import re
from enum import IntEnum

from hbprobe.eas.wbxml import Element, decode

_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,10})\s*", re.ASCII)
_INT32 = range(-(2**31), 2**31)


class CommandError(ValueError):
    """A message that is WBXML but not the command that it should be. One line."""


def leaf(tag: str, value: str | int | None) -> tuple[Element, ...]:
    """Return an element with this text, or nothing where there is no value."""
    return () if value is None else (Element(tag, text=str(value)),)


def holder(tag: str, *groups: tuple[Element, ...]) -> Element:
    """Return an element with all these children."""
    return Element(tag, tuple(child for group in groups for child in group))


def parse(data: bytes, tag: str) -> Element:
    """Read a message whose root has this tag; raises WbxmlError, or CommandError for another root."""
    root = decode(data)
    if root.tag != tag:
        raise CommandError(f"{root.tag} instead of {tag}")
    return root


def check_children(parent: Element, *tags: str) -> None:
    """Raise CommandError where an element holds text, or children other than these."""
    if parent.text is not None or parent.opaque is not None:
        raise CommandError(f"{parent.tag} holds text instead of elements")
    for found in parent.children:
        if found.tag not in tags:
            raise CommandError(f"{parent.tag} holds {found.tag}")


def all_of(parent: Element, tag: str) -> tuple[Element, ...]:
    """Return the children with this tag."""
    return tuple(found for found in parent.children if found.tag == tag)


def child(parent: Element, tag: str) -> Element | None:
    """Return the child with this tag, if there is one; raises CommandError for two."""
    found = all_of(parent, tag)
    if len(found) > 1:
        raise CommandError(f"{parent.tag} holds {tag} {len(found)} times")
    return found[0] if found else None


def needed(parent: Element, tag: str) -> Element:
    """Return the child with this tag; raises CommandError where it is missing."""
    if (found := child(parent, tag)) is None:
        raise CommandError(f"{parent.tag} lacks {tag}")
    return found


def text_of(element: Element) -> str:
    """Return the text of an element, "" for an empty one; raises CommandError for other content."""
    if element.children or element.opaque is not None:
        raise CommandError(f"{element.tag} holds no text")
    return element.text or ""


def text(parent: Element, tag: str) -> str | None:
    """Return the text of the child with this tag, if there is one."""
    return None if (found := child(parent, tag)) is None else text_of(found)


def integer(parent: Element, tag: str) -> int | None:
    """Return the number in the child with this tag, if there is one; 32 bits, as .NET reads it."""
    return None if (found := text(parent, tag)) is None else _number(tag, found)


def needed_text(parent: Element, tag: str) -> str:
    """Return the text of the child with this tag; raises CommandError where it is missing."""
    return text_of(needed(parent, tag))


def needed_integer(parent: Element, tag: str) -> int:
    """Return the number in the child with this tag; raises CommandError where it is missing."""
    return _number(tag, needed_text(parent, tag))


def _number(tag: str, found: str) -> int:
    match = _INTEGER.fullmatch(found)
    if match is None or (value := int(match[1])) not in _INT32:
        raise CommandError(f"{tag} is not a whole number")
    return value


class CommandStatus(IntEnum):
    """Answers that any command can give, as its own Status (protocol 14.0 and later)."""

    INVALID_CONTENT = 101
    INVALID_WBXML = 102
    INVALID_XML = 103
    DEVICE_ID_MISSING = 108
    DEVICE_TYPE_MISSING = 109
    SERVER_ERROR = 110
    RETRY_LATER = 111
    USER_DISABLED = 126
    DEVICE_BLOCKED = 129
    REMOTE_WIPE = 140
    NOT_PROVISIONABLE = 141
    NOT_PROVISIONED = 142
    POLICY_REFRESH = 143
    INVALID_POLICY_KEY = 144
    TOO_MANY_FOLDERS = 151
    DEVICE_INFORMATION_REQUIRED = 165
    TOO_MANY_DEVICES = 177


class PingStatus(IntEnum):
    """Answers to a Ping.

    https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/cec19b0e-b7f9-4967-9569-39c73746efc4
    """

    QUIET = 1
    CHANGES = 2
    PARAMETERS_MISSING = 3
    SYNTAX_ERROR = 4
    INTERVAL_OUT_OF_RANGE = 5
    TOO_MANY_FOLDERS = 6
    FOLDER_SYNC_NEEDED = 7
    SERVER_ERROR = 8


class SyncStatus(IntEnum):
    """Answers to a Sync, for all of it or for one folder.

    https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/08151746-faf7-40a3-832b-b42e88a0b729
    """

    OK = 1
    INVALID_SYNC_KEY = 3
    PROTOCOL_ERROR = 4
    SERVER_ERROR = 5
    FOLDER_SYNC_NEEDED = 12
    INCOMPLETE = 13
    INTERVAL_OUT_OF_RANGE = 14
    TOO_MANY_FOLDERS = 15
    RETRY = 16


class FolderSyncStatus(IntEnum):
    """Answers to a FolderSync."""

    OK = 1
    SERVER_ERROR = 6
    INVALID_SYNC_KEY = 9
    INVALID_REQUEST = 10


class PolicyStatus(IntEnum):
    """What a server says of one policy in its answer to a Provision."""

    OK = 1
    NO_POLICY = 2
    UNKNOWN_TYPE = 3
    CORRUPT = 4
    WRONG_POLICY_KEY = 5
