"""Ping: what Exchange answers at once, and what it waits on.

The statuses are those of MS-ASCMD
(https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/cec19b0e-b7f9-4967-9569-39c73746efc4);
which of them comes first, and the limit of folders, are those of Exchange Server 2013.
"""

from dataclasses import dataclass

from hbprobe.eas.commands import PingAnswer, PingFolder, PingRequest, PingStatus
from hbprobe.exchange.settings import Settings
from hbprobe.standin.device import FOLDER_IDS, DeviceState


@dataclass(frozen=True, slots=True)
class AdmittedPing:
    """A Ping that makes sense, completed from what the device sent before."""

    heartbeat_s: int
    folders: tuple[PingFolder, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The folders that it watches."""
        return tuple(folder.id for folder in self.folders)


@dataclass(frozen=True, slots=True)
class PingRefused:
    """A Ping that is answered at once, and enters no window."""

    answer: PingAnswer
    error: str
    """How the log calls it."""


def judge_ping(
    asked: PingRequest, device: DeviceState, settings: Settings, max_folders: int
) -> AdmittedPing | PingRefused:
    """Fill in what the device left out because it has not changed, and hold the whole to the server's limits."""
    heartbeat_s = device.heartbeat_s if asked.heartbeat_s is None else asked.heartbeat_s
    folders = asked.folders or device.ping_folders
    if heartbeat_s is not None and (refused := _out_of_range(heartbeat_s, settings)):
        return refused
    if len(folders) >= max_folders:  # Exchange refuses this very number, too
        return PingRefused(PingAnswer(PingStatus.TOO_MANY_FOLDERS, max_folders=max_folders), "Ping.TooManyFolders")
    if heartbeat_s is None or not folders:
        return PingRefused(PingAnswer(PingStatus.PARAMETERS_MISSING), "Ping.ParametersMissing")
    if not device.knows_folders or any(folder.id not in FOLDER_IDS for folder in folders):
        return PingRefused(PingAnswer(PingStatus.FOLDER_SYNC_NEEDED), "Ping.FolderSyncNeeded")
    return AdmittedPing(heartbeat_s, folders)


def _out_of_range(heartbeat_s: int, settings: Settings) -> PingRefused | None:
    bound_s = min(max(heartbeat_s, settings.min_heartbeat_s), settings.max_heartbeat_s)
    if bound_s == heartbeat_s:
        return None
    error = "Ping.HbiTooLow" if heartbeat_s < bound_s else "Ping.HbiTooHigh"
    return PingRefused(PingAnswer(PingStatus.INTERVAL_OUT_OF_RANGE, heartbeat_s=bound_s), error)
