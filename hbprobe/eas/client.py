"""A device's side of ActiveSync: what it sends until the server lets a Ping wait, and what it makes of the answers.

Free of I/O. `Handshake.next` says what to send, `Handshake.take` takes in what came back: OPTIONS for the version,
FolderSync, provisioning where the server asks for it, and the first Syncs of one folder. A remote wipe ends it.

The device wants no mail, so it watches a folder in which little moves: tasks before contacts before the inbox. The
protocol knows no way for a device to take its partnership back; an administrator does:
https://learn.microsoft.com/en-us/powershell/module/exchange/remove-mobiledevice.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from hbprobe.eas.commands import (
    CommandError,
    DeviceInformation,
    Folder,
    FolderSyncAnswer,
    FolderSyncRequest,
    PingFolder,
    PingRequest,
    ProvisionAnswer,
    ProvisionRequest,
    SyncAnswer,
    SyncCollection,
    SyncRequest,
    SyncStatus,
)
from hbprobe.eas.query import Query
from hbprobe.eas.refusal import (
    PROVISION_HTTP,
    PROVISION_STATUSES,
    WIPE_STATUS,
    Asker,
    Refusal,
    RefusedError,
    command_refusal,
    http_refusal,
)
from hbprobe.eas.wbxml import WbxmlError
from hbprobe.text import cut_short

EAS_PATH = "/Microsoft-Server-ActiveSync"
DEVICE_TYPE = "hbprobe"
USER_AGENT = "hbprobe"
"""Without a version: Exchange blocks devices that change it (Set-ActiveSyncDeviceAutoblockThreshold)."""
VERSIONS = ("14.1", "16.1", "16.0", "14.0", "12.1", "12.0", "2.5")
"""The protocol versions that the probe speaks, the one it likes best first."""
_TELLS_MODEL = ("14.1", "16.0", "16.1")
"""From 14.1 on a device says what it is when it is provisioned, or the server refuses with status 165."""
_WANTS_CLASS = ("2.5", "12.0")
"""Before 12.1 a Sync names the class of its folder."""
_INFORMATION = DeviceInformation(model=DEVICE_TYPE, os=DEVICE_TYPE, friendly_name=DEVICE_TYPE, user_agent=USER_AGENT)
_MOST_PROVISIONINGS = 2
_MOST_SYNCS = 20
"""So many Syncs may a handshake take; a folder with more items than that is not one in which little moves."""
_WATCHED = (7, 9, 8, 2)
"""Folder types that suit, best first: tasks, contacts, calendar, inbox (MS-ASCMD, Type of a folder)."""
_UNTOUCHED = (5, 4, 3)
"""Folder types for a Ping on a folder that was never synchronized: sent, deleted, drafts. The probe synchronizes none
of them, and not the inbox: a device in quarantine finds a notice there."""
_OF_EXCHANGE = ("x-feserver", "x-beserver", "x-calculatedbetarget", "x-diaginfo")
"""Headers that no other ActiveSync server sends; MS-Server-ActiveSync they all do."""
_CLASSES = {7: "Tasks", 15: "Tasks", 8: "Calendar", 13: "Calendar", 9: "Contacts", 14: "Contacts"}
_UNREADABLE = (CommandError, WbxmlError)
_NOT_ACTIVESYNC = "check the URL: something else answers there"


class Bearer(Protocol):
    """A bearer token, whose text is the token as it is now (RFC 6750)."""

    async def renew(self) -> None:
        """See that it is good for one more request."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks, with a password or a token. Neither is in any text that is made of it."""

    user: str
    password: str = field(default="", repr=False)
    bearer: Bearer | None = field(default=None, repr=False)

    @property
    def scheme(self) -> str:
        """How it logs in, as the server's offer names it."""
        return "Basic" if self.bearer is None else "Bearer"

    @property
    def authorization(self) -> str:
        """The value of the Authorization header (Basic by RFC 7617, Bearer by RFC 6750)."""
        if self.bearer is not None:
            return f"Bearer {self.bearer}"
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    async def renew(self) -> None:
        """See that its token, if that is what it has, is good for one more request."""
        if self.bearer is not None:
            await self.bearer.renew()


def device_id(user: str, host: str, number: int) -> str:
    """Return the id of a user's device of that number: the same each time, letters and digits only."""
    stem = hashlib.sha256(f"{user}@{host}".lower().encode()).hexdigest()[:12]
    return f"hbprobe{stem}{number:02d}"


class Step(StrEnum):
    """The steps of a handshake, as people know them."""

    OPTIONS = "OPTIONS"
    FOLDER_SYNC = "FolderSync"
    PROVISION = "Provision"
    ACKNOWLEDGE = "Provision, acknowledged"
    FIRST_SYNC = "first Sync"
    SYNC = "Sync"


_FAILED = {(Step.FOLDER_SYNC, 6), (Step.FIRST_SYNC, 5), (Step.SYNC, 5)}
"""The status by which a step says that the server failed."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to send."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


@dataclass(slots=True)
class ServerIdentity:
    """What a server said of itself."""

    version: str | None = None
    """The protocol version that was chosen."""
    versions: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    release: str | None = None
    """MS-Server-ActiveSync: of the server program."""
    is_exchange: bool = False
    """It is Exchange for sure, by headers that it alone sends. False: it may be, behind a proxy that removes them."""


class Handshake:
    """One device from its first request until its Pings may wait."""

    def __init__(self, account: Account, device: str, path: str = EAS_PATH) -> None:
        self.device = device
        self.server = ServerIdentity()
        self.policy: tuple[tuple[str, str], ...] = ()
        """What the server's policy wants; the probe acknowledges it and has nothing that it could apply to."""
        self.provisioned = False
        self.folders: tuple[Folder, ...] = ()
        self.watched: Folder | None = None
        self.account = account
        self._path = path
        self._step: Step | None = Step.OPTIONS
        self._policy_key: str | None = None
        self._provisionings = 0
        self._untried: list[Folder] = []
        self._sync_key = "0"
        self._syncs = 0

    @property
    def step(self) -> Step | None:
        """The step that comes next; None when a Ping may be sent."""
        return self._step

    def next(self) -> HttpRequest | None:
        """Return what to send next; None when a Ping may be sent."""
        match self._step:
            case None:
                return None
            case Step.OPTIONS:
                return HttpRequest("OPTIONS", self._path, self._who())
            case Step.FOLDER_SYNC:
                return self._command("FolderSync", FolderSyncRequest("0").encode())
            case Step.PROVISION:
                information = _INFORMATION if self.server.version in _TELLS_MODEL else None
                return self._command("Provision", ProvisionRequest(information=information).encode())
            case Step.ACKNOWLEDGE:
                return self._command("Provision", ProvisionRequest(policy_key=self._policy_key, status=1).encode())
            case Step.FIRST_SYNC | Step.SYNC:
                kind = self._class() if self.server.version in _WANTS_CLASS else None
                collection = SyncCollection(self._sync_key, self._folder().id, kind=kind)
                return self._command("Sync", SyncRequest((collection,)).encode())

    def ping(self, heartbeat_s: int) -> HttpRequest:
        """Return a Ping that is complete in itself: the server need remember nothing of earlier ones."""
        watched = PingFolder(self._folder().id, self._class())
        return self._command("Ping", PingRequest(heartbeat_s, (watched,)).encode())

    def ping_untouched(self, heartbeat_s: int) -> HttpRequest | None:
        """Return a Ping on a folder that this device never synchronized; None where there is no such folder."""
        kinds = {folder.kind: folder for folder in reversed(self.folders) if folder != self.watched}
        folder = next((kinds[kind] for kind in _UNTOUCHED if kind in kinds), None)
        if folder is None:
            return None
        return self._command("Ping", PingRequest(heartbeat_s, (PingFolder(folder.id, "Email"),)).encode())

    def back_to(self, step: Step) -> None:
        """Begin again at a step, because a Ping was told that something has changed."""
        self._step = step
        self._provisionings = self._syncs = 0

    def take(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Take in the answer to what `next` returned; raises RefusedError where there is no going on.

        Header names are in lower case.
        """
        asker = Asker.USER if self._step is Step.OPTIONS else Asker.DEVICE
        refusal = http_refusal(status, headers, body, asker)
        if status == PROVISION_HTTP and self._step in (Step.FOLDER_SYNC, Step.FIRST_SYNC, Step.SYNC):
            return self._provision_first(refusal)
        if refusal:
            raise RefusedError(refusal)
        try:
            self._take(headers, body)
        except _UNREADABLE as error:
            text = f"{self._step}: the answer is not ActiveSync: {error}"
            raise RefusedError(Refusal(text, _NOT_ACTIVESYNC)) from None
        return None

    def _take(self, headers: Mapping[str, str], body: bytes) -> None:
        match self._step:
            case Step.OPTIONS:
                self._take_options(headers)
            case Step.FOLDER_SYNC:
                self._take_folders(FolderSyncAnswer.decode(body))
            case Step.PROVISION | Step.ACKNOWLEDGE:
                self._take_policy(ProvisionAnswer.decode(body))
            case Step.FIRST_SYNC | Step.SYNC:
                self._take_sync(body)
            case None:
                raise ValueError("nothing was asked")

    # What is sent

    def _who(self) -> tuple[tuple[str, str], ...]:
        return (("Authorization", self.account.authorization), ("User-Agent", USER_AGENT))

    def _command(self, command: str, body: bytes) -> HttpRequest:
        """Return a command with the plain form of the query, which all versions understand."""
        query = Query(command, self.account.user, self.device, DEVICE_TYPE)
        headers = [*self._who(), ("MS-ASProtocolVersion", self.server.version or VERSIONS[0])]
        if self._policy_key is not None:
            headers.append(("X-MS-PolicyKey", self._policy_key))
        if body:
            headers.append(("Content-Type", "application/vnd.ms-sync.wbxml"))
        return HttpRequest("POST", f"{self._path}?{query.plain()}", tuple(headers), body)

    def _folder(self) -> Folder:
        if self.watched is None:
            raise ValueError("no folder is known yet")
        return self.watched

    def _class(self) -> str:
        return _CLASSES.get(self._folder().kind, "Email")

    # What is made of answers

    def _take_options(self, headers: Mapping[str, str]) -> None:
        told = _words(headers.get("ms-asprotocolversions", ""))
        version = next((version for version in VERSIONS if version in told), None)
        self.server = ServerIdentity(
            version,
            told,
            _words(headers.get("ms-asprotocolcommands", "")),
            None if (release := headers.get("ms-server-activesync")) is None else cut_short(release),
            _is_exchange(headers),
        )
        if not told:
            text = "OPTIONS: the answer names no protocol versions, so this is no ActiveSync server"
            raise RefusedError(Refusal(text, _NOT_ACTIVESYNC))
        if version is None:
            text = (
                f"OPTIONS: the server speaks {cut_short(', '.join(told))} only, and the probe {', '.join(VERSIONS)}"
            )
            raise RefusedError(Refusal(text, "see the server's documentation"))
        self._step = Step.FOLDER_SYNC

    def _take_folders(self, answer: FolderSyncAnswer) -> None:
        if self._is_objection(answer.status):
            return
        self.folders = answer.added
        self._untried = sorted(self.folders, key=_liking)
        self._try_folder("the server has no folder for this user")

    def _try_folder(self, why_not: str) -> None:
        """Go on to the next best folder."""
        if not self._untried:
            raise RefusedError(Refusal(f"FolderSync: {why_not}", "use a mailbox whose task folder is empty"))
        self.watched = self._untried.pop(0)
        self._sync_key = "0"
        self._step = Step.FIRST_SYNC

    def _take_policy(self, answer: ProvisionAnswer) -> None:
        if answer.wipe or answer.status == WIPE_STATUS:
            raise RefusedError(_refusal(self._step, WIPE_STATUS))
        if answer.status != 1 or answer.policy_status not in (None, 1, 2):
            status = answer.status if answer.status != 1 else answer.policy_status or 0
            raise RefusedError(_refusal(self._step, status))
        self._policy_key = answer.policy_key or self._policy_key
        if self._step is Step.PROVISION and answer.policy_key is not None:
            self.policy, self._step = answer.policy, Step.ACKNOWLEDGE
            return
        self.provisioned = answer.policy_key is not None  # without one the server has no policy for this user
        self._step = Step.FOLDER_SYNC

    def _take_sync(self, body: bytes) -> None:
        try:
            answer = SyncAnswer.decode(body)
        except _UNREADABLE:  # items, which lie in code pages that the probe has no use for
            if self._step is Step.FIRST_SYNC:
                raise
            return self._try_folder("every folder has something in it that the probe cannot read")
        collection = answer.collections[0] if answer.collections else None
        status = answer.status or (collection and collection.status) or SyncStatus.OK
        if self._begins_again(status) or self._is_objection(status):
            return None
        self._sync_key = collection.sync_key if collection else self._sync_key
        more = self._step is Step.FIRST_SYNC or (collection is not None and collection.more_available)
        self._step = Step.SYNC if more and self._syncs < _MOST_SYNCS else None
        return None

    def _begins_again(self, status: int) -> bool:
        """Begin the folder again where the server has lost its key, and with the folders where those changed."""
        self._syncs += 1
        if status not in (SyncStatus.INVALID_SYNC_KEY, SyncStatus.FOLDER_SYNC_NEEDED) or self._syncs > _MOST_SYNCS:
            return False
        self._sync_key = "0"
        self._step = Step.FIRST_SYNC if status == SyncStatus.INVALID_SYNC_KEY else Step.FOLDER_SYNC
        return True

    def _is_objection(self, status: int) -> bool:
        """Provision where a status asks for it, and refuse where one refuses; False where all is well."""
        if status == 1:
            return False
        refusal = _refusal(self._step, status)
        if status not in PROVISION_STATUSES:
            raise RefusedError(refusal)
        self._provision_first(refusal)
        return True

    def _provision_first(self, refusal: Refusal | None) -> None:
        self._provisionings += 1
        if refusal is not None and self._provisionings > _MOST_PROVISIONINGS:
            raise RefusedError(refusal)
        self._policy_key = None
        self._step = Step.PROVISION


def _liking(folder: Folder) -> tuple[int, str]:
    return (_WATCHED.index(folder.kind) if folder.kind in _WATCHED else len(_WATCHED), folder.id)


def _is_exchange(headers: Mapping[str, str]) -> bool:
    return any(name in headers for name in _OF_EXCHANGE) or "microsoft-iis" in headers.get("server", "").lower()


def _refusal(step: Step | None, status: int) -> Refusal:
    if step is not None and (step, status) in _FAILED:
        return Refusal(f"{step}: status {status}: the server failed", "see the server's log")
    known = command_refusal(status)
    if known is not None:
        return Refusal(f"{step}: {known.reason}", known.mend)
    return Refusal(f"{step}: the server answers with status {status}", "see the server's log")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
