"""Finds the files that paths name, and says what each is: by its content, not by its name."""

import glob
import gzip
import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Final, Protocol, cast

from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.evidence.events.readers import is_event_table

_HEAD_BYTES: Final = 1 << 16
_CHUNK: Final = 1 << 20
LABEL: Final = "store.json"
SOURCES: Final = "sources"
"""What a folder of logs that were read has in it."""
_WILD: Final = re.compile(r"[*?\[]")


class LogKind(StrEnum):
    """What a file is."""

    W3C = "w3c"
    """IIS's log in W3C's extended format, of one site or of all sites of a server."""
    HTTPERR = "httperr"
    """What HTTP.sys logs of requests that no worker process answered."""
    HTTPPROXY = "httpproxy"
    """The log of Exchange's front end about what it hands to the back end, as CSV."""
    EVTX = "evtx"
    EVENT_XML = "event-xml"
    """What `wevtutil qe /f:xml` writes."""
    EVENT_JSON = "event-json"
    """What `Get-WinEvent | ConvertTo-Json` writes, or a line of JSON for each event."""
    EVENT_TEXT = "event-text"
    """Pasted from the Event Viewer, its CSV, or lines of syslog."""
    TRUTH = "truth"
    """What `hbprobe fleet` leaves beside the logs that it makes: what they should show, which is not to be read."""


class NotReadError(Exception):
    """A file that is no log that can be read. One line that says what it is and what to do instead."""


@dataclass(frozen=True, slots=True)
class LogSource:
    """A file, or a member of a ZIP archive."""

    path: Path
    member: str | None = None
    """Empty where the archive has none, or cannot be opened."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.path}!{self.member}" if self.member else str(self.path)

    @property
    def folder(self) -> str:
        """The name of the folder that it is in: for IIS's logs that is the site."""
        return (Path(self.member).parent.name if self.member else "") or self.path.resolve().parent.name

    @property
    def is_plain(self) -> bool:
        """Whether its bytes are in the file as they are."""
        return self.member is None and not self._is_gzip

    @property
    def _is_gzip(self) -> bool:
        return (self.member or self.path.name).lower().endswith(".gz")

    @contextmanager
    def open(self, *, may_be_followed: bool = False) -> "Iterator[Content]":
        """Open its content, unpacked; bytes that are no gzip may follow what is. Raises NotReadError."""
        with ExitStack() as stack:
            with reading():
                file = self._opened(stack)
            yield Content(file, may_be_followed=may_be_followed)

    def _opened(self, stack: ExitStack) -> "_Bytes":
        mode = self.path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # what waits for a pipe may wait for ever
            raise NotReadError(
                "is a pipe or a device, and a log is read more than once: put what comes out of it into a file, and "
                "give that"
            )
        if self.member is None:
            file: IO[bytes] = stack.enter_context(self.path.open("rb"))
        else:
            archive = stack.enter_context(zipfile.ZipFile(self.path))
            if not self.member:
                raise NotReadError("is a ZIP archive with no file in it: there is nothing to read")
            file = stack.enter_context(archive.open(self.member))
        return stack.enter_context(gzip.open(file)) if self._is_gzip else cast("_Bytes", file)


class _Bytes(Protocol):
    def read1(self, size: int = -1, /) -> bytes: ...


class Content:
    """The bytes of a log, unpacked: what fails while they are read is the log's, whatever is done with them."""

    def __init__(self, file: _Bytes, *, may_be_followed: bool) -> None:
        self._file, self._may_be_followed = file, may_be_followed
        self._has_begun = False
        self.is_followed = False
        """Whether bytes follow that are no gzip: they are left out, as gzip(1) leaves them."""

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or all. Raises NotReadError where that cannot be done, or not to the end."""
        pieces, count = list[bytes](), 0
        while count != size and (piece := self._piece(_CHUNK if size < 0 else min(size - count, _CHUNK))):
            pieces.append(piece)
            count += len(piece)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        if self.is_followed:
            return b""
        with reading():
            try:
                piece = self._file.read1(size)  # not `read`, which keeps nothing of what came before a failure
            except gzip.BadGzipFile as error:
                if not (self._may_be_followed and self._has_begun and "Not a gzipped file" in str(error)):
                    raise
                self.is_followed = True
                return b""
        self._has_begun = True
        return piece


@contextmanager
def reading() -> Iterator[None]:
    """Around what reads a log and writes nothing: raises NotReadError."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise NotReadError(f"cannot be unpacked ({error}): pack it again, or give the unpacked file") from None
    except OSError as error:
        raise NotReadError(f"cannot be read: {error.strerror or error}") from None


@contextmanager
def writing(folder: Path, elsewhere: str = "set TMPDIR to a folder on a larger disk") -> Iterator[None]:
    """Around what writes to a folder of ours: what fails there is no fault of the log, whose own are NotReadErrors.

    Raises CannotMeasureError.
    """
    try:
        yield
    except OSError as error:
        raise CannotMeasureError(
            f"{folder}: cannot be written: {error.strerror or error}: make room there, or {elsewhere}"
        ) from None


def find(paths: Iterable[str | Path]) -> Iterator[LogSource]:
    """Give every file that paths, folders and wildcards name, each once, in order.

    Folders that may not be looked into are among them: to open them says why. Raises UserError for a path where
    nothing is.
    """
    seen = set[str]()
    for path in paths:
        for file in _files(str(path)):
            if (real := os.path.realpath(file)) not in seen:
                seen.add(real)
                yield from _members(file)


def _files(path: str) -> Iterator[Path]:
    try:
        is_there = bool(Path(path).stat())
    except (FileNotFoundError, NotADirectoryError):
        is_there = False
    except OSError:
        is_there = True  # and may not be looked at
    if is_there:
        yield from _below(Path(path))
    elif _WILD.search(path):
        found = sorted(map(Path, glob.glob(path, recursive=True)))  # noqa: PTH207 (a pattern may be absolute)
        if not found:
            raise UserError(f"{path}: no file has such a name: check the folder and the pattern")
        for file in found:
            yield from _below(file)
    else:
        raise UserError(f"{path}: there is no such file or folder: name a log, a folder of logs or a pattern")


def _below(path: Path) -> Iterator[Path]:
    """Give the files in a folder and in those that it links to, or the path itself where it is none.

    Of logs that were read before, and were kept there, only what says so.
    """
    if not os.path.isdir(path):  # noqa: PTH112 (which says no, and does not fail, where it may not look)
        yield path
        return
    found, seen = list[Path](), set[str]()

    def leave(error: OSError) -> None:
        found.append(Path(error.filename))

    for at, folders, files in os.walk(path, followlinks=True, onerror=leave):
        if (real := os.path.realpath(at)) in seen:  # links may go round in a circle
            folders.clear()
            continue
        seen.add(real)
        if is_store(Path(at)):
            folders.clear()
            files = [LABEL]
        found += [Path(at, name) for name in files]
    yield from sorted(found)


def is_store(folder: Path) -> bool:
    """Say whether a folder is one in which a `LogStore` has put what it read."""
    try:
        return (folder / LABEL).is_file() and (folder / SOURCES).is_dir()
    except OSError:  # it may not be looked into
        return False


def _members(file: Path) -> Iterator[LogSource]:
    if file.suffix.lower() != ".zip" or not os.path.isfile(file):  # noqa: PTH113 (as above)
        yield LogSource(file)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError):
        names = []  # opening it again says why
    yield from (LogSource(file, name) for name in sorted(names)) if names else (LogSource(file, ""),)


def head_of(source: LogSource) -> bytes:
    """Return the first bytes. Raises NotReadError."""
    with source.open(may_be_followed=True) as content:
        return content.read(_HEAD_BYTES)


# What a file is

_BY_SUFFIX: Final = {
    ".ibl": "is IIS's binary log of all sites, which only Log Parser reads: "
    'run LogParser -i:BIN -o:W3C "SELECT * INTO out.log FROM in.ibl" and give out.log',
    ".etl": "is a trace, not a log: for packets run pktmon etl2pcap and give the capture to hbprobe capture; "
    "for events export the event log as .evtx",
    ".blg": "holds performance counters, which tell nothing of single requests: give the IIS log of the same time",
}
_GZIP: Final = b"\x1f\x8b"
_MAGIC: Final = {
    b"\xd4\xc3\xb2\xa1": "is a capture: give it to hbprobe capture",
    b"\xa1\xb2\xc3\xd4": "is a capture: give it to hbprobe capture",
    b"\x4d\x3c\xb2\xa1": "is a capture: give it to hbprobe capture",
    b"\xa1\xb2\x3c\x4d": "is a capture: give it to hbprobe capture",
    b"\x0a\x0d\x0d\x0a": "is a capture: give it to hbprobe capture",
    b"MDMP": "is a memory dump: give a log",
} | dict.fromkeys(
    (b"7z\xbc\xaf'\x1c", b"Rar!\x1a\x07", b"MSCF", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"),
    "is packed, and not by gzip or as ZIP: unpack it, and give what is in it",
)
_ZIP: Final = b"PK\x03\x04"
_TAR: Final = b"ustar"
_TAR_AT: Final = 257
_EVT: Final = b"LfLe"
_EVT_AT: Final = 4
_IIS_FORMAT: Final = re.compile(r"\S+, \S*, \d\d?/\d\d?/\d{2,4}, \d\d?:\d\d:\d\d, ")
_NCSA: Final = re.compile(r'\S+ \S+ \S+ \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "')
_LINE_OF_W3C: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \S")
_LABEL: Final = re.compile(r'\{\s*"version": \d+, "pseudonyms": ')
_TRUTH: Final = re.compile(r'\{\s*"schema": "hbprobe\.truth/')
_JSON: Final = re.compile(r"\{|\[\s*[{\]]")
_SYSLOG: Final = re.compile(r"ActiveSync(\[\d+\])?: \d{3,4}: ")
_NO_FIELDS: Final = (
    "begins without a #Fields line that names its columns: copy that line from another log of the same site to its "
    "top"
)
_SWITCH: Final = (
    "hbprobe reads the W3C format: set it as the site's log format in IIS, with time-taken among its fields"
)


def kind_of(head: bytes, name: str) -> LogKind:
    """Say what a file is by its first bytes. Raises NotReadError, with what to do instead, for what is none."""
    suffix = Path(name).suffix.lower()
    if suffix in _BY_SUFFIX:
        raise NotReadError(_BY_SUFFIX[suffix])
    if head.startswith(b"ElfFile\0"):
        return LogKind.EVTX
    if head.startswith(_GZIP):
        is_twice = suffix == ".gz"
        raise NotReadError(
            "is packed with gzip twice: unpack it once" if is_twice else "is packed with gzip: call it .gz"
        )
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise NotReadError(what)
    if head.startswith(_ZIP):
        is_within = suffix == ".zip"  # its members are read where it is a file of its own
        raise NotReadError(
            "is a ZIP archive within another: unpack the outer one"
            if is_within
            else "is a ZIP archive, or a document of an office program: call it .zip if logs are in it"
        )
    if head[_TAR_AT:].startswith(_TAR):
        raise NotReadError("is a tar archive: unpack it, and give what is in it")
    if head[_EVT_AT:].startswith(_EVT):
        raise NotReadError("is an event log of Windows Server 2003 (.evt): save it as .evtx in a newer Event Viewer")
    text = head.decode(encoding_of(head), errors="replace").lstrip("\ufeff\0 \r\n\t")
    if not text:
        raise NotReadError("is empty: there is nothing to read")
    if "\0" in text[: text.find("\n") + 1 or 200]:
        raise NotReadError("is not text: give a log in W3C format, or an event log as .evtx")
    return _kind_of_text(text)


def _kind_of_text(text: str) -> LogKind:
    if is_event_table(text):
        return LogKind.EVENT_TEXT
    if text.startswith("#") or "\n#Fields:" in text:
        return _kind_of_fields(text)
    if text.startswith("DateTime,RequestId,"):
        return LogKind.HTTPPROXY
    if _TRUTH.match(text):
        return LogKind.TRUTH
    if _LABEL.match(text):
        raise NotReadError("says that its folder holds logs that were read before: they count if the folder is named")
    if _JSON.match(text):
        if re.search(r'"(Id|EventID|EventId)"\s*:', text):
            return LogKind.EVENT_JSON
        raise NotReadError("is JSON, but of no Windows event: give what Get-WinEvent ... | ConvertTo-Json writes")
    if text.startswith("<"):
        if "<Event" in text:
            return LogKind.EVENT_XML
        raise NotReadError("is XML, but of no Windows event: give what wevtutil qe Application /f:xml writes")
    if re.search(r"^Event ID:", text, re.MULTILINE) or _SYSLOG.search(text):
        return LogKind.EVENT_TEXT
    raise NotReadError(_what_instead(text))


def _what_instead(text: str) -> str:
    if _LINE_OF_W3C.match(text):
        return _NO_FIELDS
    if _IIS_FORMAT.match(text):
        return f"is in IIS's own format, which does not hold what is needed: {_SWITCH}"
    if _NCSA.match(text):
        return f"is in NCSA's format, which does not say how long a request took: {_SWITCH}"
    if "MSExchange ActiveSync" in text:
        return (
            "tells of Windows events in a form or a language that is not read: give the event log as .evtx, or what "
            "Get-WinEvent ... | ConvertTo-Json writes"
        )
    if text.startswith('"') or "," in text.partition("\n")[0]:
        return "is a table that another program made of a log: give the log as IIS wrote it"
    return "is no log of IIS, HTTP.sys, HttpProxy or Windows events: give u_ex*.log, httperr*.log or an .evtx file"


def _kind_of_fields(text: str) -> LogKind:
    fields = re.search(r"^#Fields:(.*)$", text, re.MULTILINE)
    if fields is None:
        raise NotReadError(_NO_FIELDS)
    names = fields[1].lower()
    if "datetime," in names:
        return LogKind.HTTPPROXY
    return LogKind.HTTPERR if "s-reason" in names.split() else LogKind.W3C


def encoding_of(head: bytes) -> str:
    """Return the encoding that the first bytes show: by their mark, by their zeros, or UTF-8."""
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    sample = head[:400]
    if len(sample) >= 4 and sample[1::2].count(0) > len(sample) // 3 > sample[::2].count(0):
        return "utf-16-le"
    if len(sample) >= 4 and sample[::2].count(0) > len(sample) // 3 > sample[1::2].count(0):
        return "utf-16-be"
    return "utf-8"


def text_of(source: LogSource) -> str:
    """Return the whole content as text; for files of events, which are small. Raises NotReadError."""
    with source.open() as file:
        data = file.read()
    try:
        return io.IncrementalNewlineDecoder(None, translate=True).decode(
            data.decode(encoding_of(data[:_HEAD_BYTES])).removeprefix("\ufeff"), final=True
        )
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
