"""What the server remembers of one device and of the request with which it waits, and of one user's devices."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hbprobe.eas.commands import DeviceInformation, Folder, PingFolder
from hbprobe.eas.request_record import Access
from hbprobe.standin.admin_rules import Characteristic
from hbprobe.standin.messages import ClientRequest, ServerAnswer, message

FOLDERS = (
    Folder("1", "0", "Calendar", 8),
    Folder("2", "0", "Contacts", 9),
    Folder("3", "0", "Deleted Items", 4),
    Folder("4", "0", "Drafts", 3),
    Folder("5", "0", "Inbox", 2),
    Folder("6", "0", "Notes", 10),
    Folder("7", "0", "Outbox", 6),
    Folder("8", "0", "Sent Items", 5),
    Folder("9", "0", "Tasks", 7),
)
"""What every mailbox has."""
FOLDER_IDS = frozenset(folder.id for folder in FOLDERS)


class Wipe(StrEnum):
    """How far a remote wipe has come."""

    ORDERED = "ordered"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a request waits for, and what it is answered with then."""

    until_s: float
    folders: tuple[str, ...]
    """The ids of the folders that it watches."""
    quiet: bytes
    """The answer when the time is over, and when a newer request takes its place."""
    changed: Callable[[Sequence[str]], bytes]
    """The answer when some of the folders have changed."""


@dataclass(slots=True, eq=False)
class ServedRequest:
    """One request on its way to its answer, and what a log will say of it."""

    request: ClientRequest
    started_s: float
    """When it came."""
    user: str | None = None
    """The name that was logged in with."""
    command: str | None = None
    version: str | None = None
    device_id: str | None = None
    device_type: str | None = None
    device: "DeviceState | None" = None
    """None where the request did not come so far."""
    policy_key: int | None = None
    """What the device sent as its policy key."""
    access: Access | None = None
    by_rule: bool = False
    """A rule says so, not the default."""
    heartbeat_s: int | None = None
    """The interval that entered the window of event 1040."""
    folders: tuple[str, ...] = ()
    command_status: int | None = None
    """The Status in the answer."""
    error: str | None = None
    """How Exchange calls what went wrong."""
    expired: bool = False
    """It was answered because its time was over."""
    is_counted: bool = False
    """It counts among the user's open requests."""
    waiting: Waiting | None = None
    """Set while it waits."""
    headers: tuple[tuple[str, str], ...] = ()
    """What its answer has beside its body."""
    answer: ServerAnswer | None = None
    on_answer: Callable[[], None] | None = None
    """Called when a request that waits gets its answer."""


@dataclass(slots=True, eq=False)
class DeviceState:
    """One device of one user, from its first command on."""

    user: str
    id: str
    kind: str
    """What it calls its DeviceType."""
    since_s: float
    user_agent: str = ""
    information: DeviceInformation | None = None
    version: str = ""
    """The protocol version of its last command."""
    temporary_key: int | None = None
    policy_key: int | None = None
    policy: Mapping[str, str] | None = None
    """The policy that goes with the keys."""
    wipe: Wipe | None = None
    folder_key: int = 0
    """0 before the first FolderSync."""
    sync_keys: dict[str, int] = field(default_factory=dict)
    """The current key of each folder that was synchronized."""
    changed: set[str] = field(default_factory=set)
    """Folders with mail that the device does not know of."""
    heartbeat_s: int | None = None
    """The last Ping's interval, which a shorter Ping means again."""
    ping_folders: tuple[PingFolder, ...] = ()
    sync_folders: tuple[str, ...] = ()
    """What the last full Sync was about, which an empty Sync means again."""
    sync_wait_s: int = 0
    turn: ServedRequest | None = None
    """Its request that waits."""

    @property
    def knows_folders(self) -> bool:
        """Whether it has done a FolderSync."""
        return self.folder_key > 0

    def traits(self) -> dict[Characteristic, str]:
        """Return what rules look at, as far as it is known."""
        told = self.information
        traits = {
            Characteristic.DEVICE_TYPE: self.kind,
            Characteristic.USER_AGENT: self.user_agent or (told and told.user_agent) or "",
            Characteristic.DEVICE_MODEL: (told and told.model) or "",
            Characteristic.DEVICE_OS: (told and told.os) or "",
        }
        return {trait: text for trait, text in traits.items() if text}

    def news_in(self, folders: Sequence[str]) -> tuple[str, ...]:
        """Return those of the folders that have something new, or that were never synchronized."""
        return tuple(folder for folder in folders if folder in self.changed or folder not in self.sync_keys)


def wait(turn: ServedRequest, device: DeviceState, waiting: Waiting) -> None:
    """Let a request wait; it is the only one of its device that does."""
    turn.waiting, device.turn = waiting, turn


def take_over(device: DeviceState) -> None:
    """End the device's older request, as if it had been quiet: a newer one takes its place."""
    if (older := device.turn) and older.waiting:
        older.error = "NMStolen"
        end(older, older.waiting.quiet)


def end(turn: ServedRequest, body: bytes) -> None:
    """Answer a request that waits."""
    turn.waiting, turn.answer = None, message(body, *turn.headers)
    let_go(turn)
    if turn.on_answer is not None:
        turn.on_answer()


def let_go(turn: ServedRequest) -> None:
    """Forget that a device has this request open."""
    if turn.device is not None and turn.device.turn is turn:
        turn.device.turn = None
