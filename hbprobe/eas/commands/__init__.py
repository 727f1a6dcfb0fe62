"""The messages of ActiveSync that Direct Push needs: values that can be written as WBXML and read from it.

Requests are read strictly, answers with no more care than it takes to understand them.

    parts.py            what all messages have in common: elements with text, numbers, what is wrong with them, and
                        the numbers with which a server says what came of a command
    folder_sync.py      FolderSync: which folders there are
    ping.py             Ping: wait for changes
    provision.py        Provision: the server's policy, in two phases, and its order to wipe the device
    settings_command.py Settings: what a device says of itself
    sync.py             Sync: what has changed in folders; with Wait or HeartbeatInterval it waits for changes, as a
                        Ping does

A new command is a module with a request and an answer, built of `parts`, and its names here.
"""

from hbprobe.eas.commands.folder_sync import INBOX_TYPE, Folder, FolderSyncAnswer, FolderSyncRequest
from hbprobe.eas.commands.parts import (
    CommandError,
    CommandStatus,
    FolderSyncStatus,
    PingStatus,
    PolicyStatus,
    SyncStatus,
)
from hbprobe.eas.commands.ping import PingAnswer, PingFolder, PingRequest
from hbprobe.eas.commands.provision import POLICY_TYPE, ProvisionAnswer, ProvisionRequest
from hbprobe.eas.commands.settings_command import DeviceInformation, SettingsAnswer, SettingsRequest
from hbprobe.eas.commands.sync import SyncAnswer, SyncCollection, SyncRequest

__all__ = [
    "INBOX_TYPE",
    "POLICY_TYPE",
    "CommandError",
    "CommandStatus",
    "DeviceInformation",
    "Folder",
    "FolderSyncAnswer",
    "FolderSyncRequest",
    "FolderSyncStatus",
    "PingAnswer",
    "PingFolder",
    "PingRequest",
    "PingStatus",
    "PolicyStatus",
    "ProvisionAnswer",
    "ProvisionRequest",
    "SettingsAnswer",
    "SettingsRequest",
    "SyncAnswer",
    "SyncCollection",
    "SyncRequest",
    "SyncStatus",
]
