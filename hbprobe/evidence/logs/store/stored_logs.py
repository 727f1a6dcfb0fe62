"""What a folder of Parquet holds: a note for each log that was read, with the files that have its rows."""

import hashlib
import hmac
import json
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from hbprobe.errors import UserError
from hbprobe.evidence.logs.lines.clocks import SetBack
from hbprobe.evidence.logs.lines.log_sources import LABEL, SOURCES, LogKind

_VERSION: Final = 3
"""Of what a log gives: a folder of another version is not opened, so a change of rows, of what pseudonyms leave of
them, or of notes is a new one."""
_FILE: Final = re.compile(r"\w+/([\w=.-]+/)?[\w-]+\.parquet")
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was not understood."""

    line: int
    offset: int
    """Of its first byte in the log, unpacked; in one that is not UTF-8, as if it were."""
    reason: str


@dataclass(frozen=True, slots=True)
class Read:
    """One file of a log as the store has it: which rows are its, and what was left out."""

    name: str
    kind: LogKind
    encoding: str = ""
    lines: int = 0
    requests: int = 0
    """Of ActiveSync; the other lines are counted, and left."""
    mended: int = 0
    """Lines with blanks too many that could be read in one way only."""
    bad: int = 0
    bad_lines: tuple[BadLine, ...] = ()
    """The first of them."""
    heads_again: tuple[str, ...] = ()
    is_local_time: bool = False
    fields: tuple[str, ...] = ()
    """By the names of the columns, whatever the log calls them."""
    set_back: tuple[SetBack, ...] = ()
    is_sorted_otherwise: bool = False
    """Its lines stand in no order of time."""
    span: tuple[int, int] | None = None
    """The times of its first line and its last, in seconds since 1970."""
    servers: tuple[tuple[str, str], ...] = ()
    """Of its requests, each with its role."""
    opening: tuple[str, ...] = field(default=(), repr=False)
    """What tells how the log begins."""
    files: tuple[str, ...] = field(default=(), repr=False)
    checksums: tuple[int, ...] = field(default=(), repr=False)
    """Of the files, in their order; none where nothing is kept."""


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Names to keyed hashes: the same name gives the same hash, and without the key nobody finds the name."""

    key: bytes

    @property
    def fingerprint(self) -> str:
        """What tells one key from another."""
        return hashlib.sha256(b"hbprobe pseudonyms" + self.key).hexdigest()[:16]

    @property
    def for_openings(self) -> bytes:
        """A key of its own, for digests of whole lines."""
        return hashlib.sha256(b"hbprobe openings" + self.key).digest()

    def of(self, name: str) -> str:
        """Return the hash of a name, 16 digits."""
        return hmac.new(self.key, name.encode(), hashlib.sha256).hexdigest()[:16]

    def of_address(self, address: str) -> str:
        """Return an address with its host part hashed: the network, as /24 or /48, stays."""
        from hbprobe.evidence.logs.silences.networks import network_of

        network = network_of(address)
        return self.of(address) if network is None else f"{network.network_address}#{self.of(address)}"


_READ: Final = TypeAdapter(Read)


@dataclass(frozen=True, slots=True)
class Note:
    """A log that was read, and the mark of what it was then."""

    mark: str
    read: Read

    def to_json(self) -> str:
        """Return it as it is kept."""
        return json.dumps({"mark": self.mark, **_READ.dump_python(self.read, mode="json")})


@dataclass(frozen=True, slots=True)
class StoredLogs:
    """What a folder holds."""

    folder: Path
    notes: dict[str, Note]
    """By name, in order."""
    damaged: dict[str, str]
    """Notes that cannot be read, or whose Parquet is not whole, by name: of which log, as far as that is known."""

    def files(self, read: Read, table: str) -> list[str]:
        """Return the files of Parquet that have a log's rows of a table."""
        return [str(self.folder / file) for file in read.files if file.startswith(f"{table}/")]


def label_of(pseudonyms: Pseudonyms | None) -> str:
    """Return what the label of a folder says."""
    fingerprint = None if pseudonyms is None else pseudonyms.fingerprint
    return json.dumps({"version": _VERSION, "pseudonyms": fingerprint})


def stored_in(folder: Path, pseudonyms: Pseudonyms | None) -> StoredLogs:
    """Read the notes in a folder. Raises UserError where its rows cannot be mixed with what is read now."""
    label = folder / LABEL
    try:
        found = json.loads(label.read_text(encoding="utf-8"))
        version, fingerprint = found["version"], found["pseudonyms"]
        files = sorted((folder / SOURCES).glob("*.json"))
    except OSError as error:
        raise UserError(f"{folder}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{label}: is damaged: remove the folder, and read the logs again") from None
    if version != _VERSION:
        raise UserError(f"{folder}: was written by another version: read the logs again, into another folder")
    if fingerprint != (None if pseudonyms is None else pseudonyms.fingerprint):
        if fingerprint is None:
            how = "without pseudonyms: leave --pseudonyms out"
        else:
            how = f"with {'other ' if pseudonyms else ''}pseudonyms: give their key with --pseudonyms"
        raise UserError(f"{folder}: was written {how}, or name another folder")
    notes, damaged = dict[str, Note](), dict[str, str]()
    for file in files:
        note = _note_in(file)
        if note is None:
            damaged[file.stem] = f"{folder}: {SOURCES}/{file.name}"
        elif not _is_whole(folder, note.read):
            damaged[file.stem] = note.read.name
        else:
            notes[file.stem] = note
    return StoredLogs(folder, notes, damaged)


def _note_in(file: Path) -> Note | None:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return Note(str(said.pop("mark")), _READ.validate_python(said))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # a ValidationError is a ValueError
        return None


def _is_whole(folder: Path, read: Read) -> bool:
    """Say whether the files of a log lie where a store puts them, and are as they were written."""
    if not all(map(_FILE.fullmatch, read.files)):
        return False
    try:
        return read.checksums == tuple(checksum_of(folder / file) for file in read.files)
    except OSError:
        return False


def checksum_of(file: Path) -> int:
    """Return what changes with any byte of a file that is damaged. Raises OSError."""
    checksum = 0
    with file.open("rb") as content:
        while piece := content.read(_CHUNK):
            checksum = zlib.crc32(piece, checksum)
    return checksum
