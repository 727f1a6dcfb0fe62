"""Feeds everything that reads what came over the wire with what atheris makes up: not a test of pytest's.

    pip install atheris
    mkdir -p /tmp/wbxml && python tests/fuzz/wbxml.py /tmp/wbxml -max_total_time=600

An empty folder is first given a message of each kind, to start from.

Whatever comes, the answer is a value or one of three errors; what was read can be written, and is then read as the
same. docs/activesync.md says what the long run found.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from hbprobe.eas import commands, query, wbxml

_MESSAGES = (
    commands.PingRequest,
    commands.PingAnswer,
    commands.FolderSyncRequest,
    commands.FolderSyncAnswer,
    commands.ProvisionRequest,
    commands.ProvisionAnswer,
    commands.SyncRequest,
    commands.SyncAnswer,
    commands.SettingsRequest,
    commands.SettingsAnswer,
)

_SEEDS = (
    commands.PingRequest(480, (commands.PingFolder("5", "Email"),)),
    commands.PingAnswer(5, ("5",), 3540, 100),
    commands.FolderSyncRequest("0"),
    commands.FolderSyncAnswer(1, "1", (commands.Folder("5", "0", "Inbox", 2),)),
    commands.ProvisionRequest(information=commands.DeviceInformation("hbprobe", os="Linux")),
    commands.ProvisionRequest("1", 1),
    commands.ProvisionRequest(wipe_status=1),
    commands.ProvisionAnswer(1, 1, "2", (("DevicePasswordEnabled", "1"), ("MaxAttachmentSize", "")), True, 1),
    commands.SyncRequest((commands.SyncCollection("0", "5", None, "Email", True, 9, 1),), 5, 480),
    commands.SyncAnswer(14, 59, (commands.SyncCollection("1", "5", 1, more_available=True),)),
    commands.SettingsRequest(commands.DeviceInformation("hbprobe")),
    commands.SettingsAnswer(1, 1),
)
_QUERY = query.Query("Ping", "u", "A1", "T", "14.1", 1, parameters=(("CollectionId", "5"), ("SaveInSent", "T")))


def sow(folder: Path) -> None:
    """Write a message of each kind, and two queries, into an empty folder."""
    if not any(folder.iterdir()):
        written = [seed.encode() for seed in _SEEDS] + [_QUERY.plain().encode(), _QUERY.base64().encode()]
        for number, data in enumerate(written):
            (folder / f"seed-{number}").write_bytes(data)


def read_everything(data: bytes) -> None:
    """Give the bytes to every reader."""
    try:
        root = wbxml.decode(data)
    except wbxml.WbxmlError:
        pass
    else:
        assert wbxml.decode(wbxml.encode(root)) == root
        for message in _MESSAGES:
            read_message(message, data)
    read_query(data)


def read_message(message: type, data: bytes) -> None:
    """Read the bytes as this message, and write it again."""
    try:
        read = message.decode(data)
    except commands.CommandError:
        return
    assert message.decode(read.encode()) == read


def read_query(data: bytes) -> None:
    """Read the bytes as a query, and write it again."""
    try:
        read = query.parse_query(data.decode("latin-1"))
        written = read.plain() if read.version is None else read.base64()
    except query.QueryError:
        return
    assert query.parse_query(written) == read


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if not argument.startswith("-"):
            sow(Path(argument))
    atheris.Setup(sys.argv, read_everything)
    atheris.Fuzz()
