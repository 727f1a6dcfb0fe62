"""The numbers with which a server says what came of a command.

Those of all commands: https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/95cb9d7c-d33d-4b94-9366-d59911c7a060,
here the ones that keep a device from Direct Push.
"""

from enum import IntEnum


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
