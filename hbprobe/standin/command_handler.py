"""Carries commands out: each of them returns the body of its answer, or None where the request waits."""

from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

from hbprobe.eas.commands import (
    CommandError,
    DeviceInformation,
    FolderSyncAnswer,
    FolderSyncRequest,
    FolderSyncStatus,
    PingAnswer,
    PingRequest,
    PingStatus,
    ProvisionRequest,
    SettingsAnswer,
    SettingsRequest,
    SyncAnswer,
    SyncRequest,
    SyncStatus,
)
from hbprobe.eas.request_record import Access
from hbprobe.eas.wbxml import WbxmlError
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import Command, HeartbeatWindow, is_sampled
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.device import FOLDERS, DeviceState, ServedRequest, Waiting, take_over, wait
from hbprobe.standin.messages import RefusedRequestError, refusal
from hbprobe.standin.ping import AdmittedPing, PingRefused, judge_ping
from hbprobe.standin.provisioning import provision
from hbprobe.standin.recorders import Recorder
from hbprobe.standin.request_checks import admit
from hbprobe.standin.sync import Wanted, fetch, judge_sync, synchronize

_OK = 1
_FIRST_KEY = "0"
_NO_PUSH = ("X-MS-NoPush", "")


class _Message(Protocol):
    @classmethod
    def decode(cls, data: bytes) -> Self: ...

    def encode(self) -> bytes: ...


_Request = TypeVar("_Request", bound=_Message)


class CommandHandler:
    """One server's commands."""

    def __init__(
        self, settings: Settings, rules: AdminRules, recorder: Recorder, new_key: Callable[[], int], max_folders: int
    ) -> None:
        self.rules = rules
        self.windows = {
            command: HeartbeatWindow(settings.sample_size, settings.alert_threshold_s, command) for command in Command
        }
        """Those of event 1040."""
        self._settings = settings
        self._max_folders = max_folders
        self._recorder = recorder
        self._new_key = new_key
        self._commands: dict[str, Callable[[ServedRequest, DeviceState, float], bytes | None]] = {
            "Ping": self._ping,
            "Sync": self._sync,
            "FolderSync": self._folder_sync,
            "Provision": self._provision,
            "Settings": self._tell_settings,
        }

    def carry_out(self, turn: ServedRequest, device: DeviceState, now: float) -> bytes | None:
        """Carry out the command of a request; raises RefusedRequestError where the device may not,
        or nobody can read it.
        """
        return self._commands[turn.command or ""](turn, device, now)

    def _ping(self, turn: ServedRequest, device: DeviceState, now: float) -> bytes | None:
        admit(turn, device, self.rules)
        if self.rules.server_error:
            return _tell(turn, PingStatus.SERVER_ERROR, PingAnswer(PingStatus.SERVER_ERROR), "ServerError")
        turn.headers = () if self.rules.direct_push else (_NO_PUSH,)
        try:
            judged = judge_ping(_read(PingRequest, turn), device, self._settings, self._max_folders)
        except _SyntaxError:
            return _tell(turn, PingStatus.SYNTAX_ERROR, PingAnswer(PingStatus.SYNTAX_ERROR), "Ping.SyntaxError")
        if isinstance(judged, PingRefused):
            return _tell(turn, judged.answer.status, judged.answer, judged.error)
        device.heartbeat_s, device.ping_folders = judged.heartbeat_s, judged.folders
        return self._hold_ping(judged, turn, device, now)

    def _hold_ping(self, held: AdmittedPing, turn: ServedRequest, device: DeviceState, now: float) -> bytes | None:
        def changed(folders: Sequence[str]) -> bytes:
            return _tell(turn, PingStatus.CHANGES, PingAnswer(PingStatus.CHANGES, tuple(folders)))

        turn.folders = held.ids
        take_over(device)
        self._sample(turn, device, Command.PING, held.heartbeat_s, now)
        if (news := device.news_in(held.ids)) and turn.access is not Access.QUARANTINE:
            return changed(news)
        quiet = _tell(turn, PingStatus.QUIET, PingAnswer(PingStatus.QUIET))
        wait(turn, device, Waiting(now + held.heartbeat_s, held.ids, quiet, changed))
        return None

    def _sync(self, turn: ServedRequest, device: DeviceState, now: float) -> bytes | None:
        admit(turn, device, self.rules)
        if self.rules.server_error:
            return _tell(turn, SyncStatus.SERVER_ERROR, SyncAnswer(SyncStatus.SERVER_ERROR), "ServerError")
        judged = judge_sync(_read(SyncRequest, turn), device, self._settings, turn.version or "")
        if isinstance(judged, SyncAnswer):
            return _tell(turn, judged.status, judged, "Sync.Refused")
        device.sync_folders, device.sync_wait_s = judged.ids, judged.wait_s
        return self._hold_sync(judged, turn, device, now)

    def _hold_sync(self, wanted: Wanted, turn: ServedRequest, device: DeviceState, now: float) -> bytes | None:
        def changed(folders: Sequence[str]) -> bytes:
            told = tuple(fetch(folder, device) for folder in folders)
            return _tell(turn, SyncStatus.OK, SyncAnswer(collections=told))

        turn.folders = wanted.ids
        take_over(device)
        if wanted.wait_s:
            self._sample(turn, device, Command.SYNC, wanted.wait_s, now)
        told = synchronize(wanted.collections, device)
        quiet = _tell(turn, SyncStatus.OK, SyncAnswer(collections=told))
        if told or not wanted.wait_s:
            return quiet
        wait(turn, device, Waiting(now + wanted.wait_s, wanted.ids, quiet, changed))
        return None

    def _folder_sync(self, turn: ServedRequest, device: DeviceState, now: float) -> bytes:
        del now
        admit(turn, device, self.rules)
        if self.rules.server_error:
            failed = FolderSyncStatus.SERVER_ERROR
            return _tell(turn, failed, FolderSyncAnswer(failed), "ServerError")
        sync_key = _read(FolderSyncRequest, turn).sync_key
        if sync_key == _FIRST_KEY:
            device.folder_key += 1
            return _tell(turn, _OK, FolderSyncAnswer(_OK, str(device.folder_key), FOLDERS))
        if sync_key == str(device.folder_key):
            return _tell(turn, _OK, FolderSyncAnswer(_OK, sync_key))
        wrong = FolderSyncStatus.INVALID_SYNC_KEY
        return _tell(turn, wrong, FolderSyncAnswer(wrong), "SyncStateNotFound")

    def _provision(self, turn: ServedRequest, device: DeviceState, now: float) -> bytes:
        del now
        asked = _read(ProvisionRequest, turn)
        _learn(device, asked.information)
        admit(turn, device, self.rules)
        answer = provision(asked, device, self.rules.policy, turn.version or "", self._new_key)
        return _tell(turn, answer.status, answer)

    def _tell_settings(self, turn: ServedRequest, device: DeviceState, now: float) -> bytes:
        del now
        _learn(device, _read(SettingsRequest, turn).information)
        admit(turn, device, self.rules)
        return _tell(turn, _OK, SettingsAnswer(_OK, _OK))

    def _sample(
        self, turn: ServedRequest, device: DeviceState, command: Command, heartbeat_s: int, now: float
    ) -> None:
        """Let the interval that was asked for into the window."""
        turn.heartbeat_s = heartbeat_s
        if is_sampled(device.kind) and (event := self.windows[command].register(heartbeat_s, now)):
            self._recorder.event_1040(event)


class _SyntaxError(RefusedRequestError):
    """WBXML, but not the command that it should be."""


def _read(kind: type[_Request], turn: ServedRequest) -> _Request:
    """Read a request's body; raises RefusedRequestError for one that cannot be."""
    try:
        return kind.decode(turn.request.body)
    except CommandError as error:
        raise _SyntaxError(refusal(400, str(error)), "InvalidContent") from None
    except WbxmlError as error:
        raise RefusedRequestError(refusal(400, str(error)), "InvalidWBXML") from None


def _tell(turn: ServedRequest, status: int | None, answer: _Message, error: str | None = None) -> bytes:
    """Write an answer, and note what the log says of it."""
    turn.command_status, turn.error = status, error
    return answer.encode()


def _learn(device: DeviceState, information: DeviceInformation | None) -> None:
    if information is not None:
        device.information = information
