"""The files that have the heartbeat settings: the appSettings of a .NET configuration file, and a registry export.

Each value comes with the line that it stands on. Exchange Server 2003 has its settings in the registry: DWORDs of
seconds, and of samples, below `HKLM/SYSTEM/CurrentControlSet/Services`: https://mskb.pkisolutions.com/kb/905013. What
the registry editor exports: https://support.microsoft.com/en-us/topic/9c7f37cf-a5e9-e1cd-c4fa-2a26218a1a23.
"""

import codecs
import re
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat
from xml.parsers.expat import errors

from hbprobe.errors import UserError

LARGEST_FILE_BYTES = 16 * 1024 * 1024
RIGHT_FILE = r"give the back end's ClientAccess\Sync\web.config"
"""The mend for most mistakes: where the heartbeat settings are."""
_TRANSFORM = "http://schemas.microsoft.com/XML-Document-Transform"
"""https://learn.microsoft.com/en-us/previous-versions/aspnet/dd465326(v=vs.110)"""
_TRANSFORMS = {"Transform", "Locator"}
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, "<".encode("utf-32-le"), "<".encode("utf-32-be"))
_TYPOGRAPHIC = "\u201c\u201d\u201e\u201f\u2018\u2019"
_ENDS_EARLY = {errors.codes[text] for text in (errors.XML_ERROR_UNCLOSED_TOKEN, errors.XML_ERROR_NO_ELEMENTS)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One key's last value, which is the one that counts."""

    value: str
    line: int
    first_line: int
    """Where the key was set first; the same line where it is set once."""
    key: str
    """As it is spelt there."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where values stand that the file itself does not have."""

    line: int
    is_builder: bool
    """The name is not that of a file, but of configuration builders, which make values when the program starts.

    https://learn.microsoft.com/en-us/aspnet/config-builder
    """


@dataclass(slots=True)
class AppSettings:
    """What stands in configuration/appSettings, and nowhere else in the file."""

    entries: dict[str, Entry] = field(default_factory=dict)
    """By key in lower case, because .NET does not tell case apart."""
    elsewhere: dict[str, Elsewhere] = field(default_factory=dict)
    """What else the section takes values from, by its name."""


def read_app_settings(data: bytes, name: str) -> AppSettings:
    """Read a configuration file; `name` is what messages call it.

    Raises UserError, with the line, for what cannot be one (too large, malformed, with a DOCTYPE, of another kind),
    and for settings that are there and cannot be read: encrypted, or those of a transform.
    """
    if len(data) > LARGEST_FILE_BYTES:
        raise UserError(f"{name}: is larger than {LARGEST_FILE_BYTES // 2**20} MB, so no web.config: {RIGHT_FILE}")
    if not data.strip():
        raise UserError(f"{name}: is empty: {RIGHT_FILE}")
    if data.startswith(_UTF_32):
        raise UserError(f"{name}:1: is UTF-32: save it as UTF-8")
    reader = _Reader(name)
    reader.read(data)
    return reader.found


class _Reader:
    def __init__(self, name: str) -> None:
        self.found = AppSettings()
        self._name = name
        self._path: list[str] = []
        self._protection = ""
        self._transform_prefixes = {"xdt"}
        self._parser = expat.ParserCreate()
        self._parser.XmlDeclHandler = self._declaration
        self._parser.CharacterDataHandler = self._text
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self, data: bytes) -> None:
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            place = f"{self._name}:{error.lineno}:{error.offset + 1}"
            mend = _mend(error, data)
            raise UserError(f"{place}: is not well-formed XML ({what}): {mend}") from None
        except (LookupError, ValueError):
            raise UserError(f"{self._name}:1: declares an encoding unknown here: save it as UTF-8") from None

    def _place(self) -> str:
        return f"{self._name}:{self._parser.CurrentLineNumber}"

    def _doctype(self, *_: object) -> None:
        # Entities, and with them the bombs, can be declared in a DOCTYPE only.
        raise UserError(f"{self._place()}: has a DOCTYPE, which a web.config does not need: remove it")

    def _declaration(self, version: str, *_: object) -> None:
        if version != "1.0":
            raise UserError(f"{self._place()}: declares XML {version}, which .NET does not read: write 1.0")

    def _text(self, text: str) -> None:
        if "<" in text and self._path in (["configuration"], ["configuration", "appSettings"]):
            raise UserError(f"{self._place()}: has its tags as text (&lt;): copy the file, not a page that shows it")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(tag)
        self._refuse_transform(attributes)
        match self._path:
            case [("appSettings" | "add") as root]:
                mend = f"put it into <configuration>{'<appSettings>' * (root == 'add')}, or {RIGHT_FILE}"
                raise UserError(f"{self._place()}: is a part of a configuration, which begins with <{root}>: {mend}")
            case [root] if root != "configuration":
                raise UserError(f"{self._place()}: begins with <{root}>, not <configuration>: {RIGHT_FILE}")
            case ["configuration", "appSettings"]:
                self._protection = attributes.get("configProtectionProvider", "")
                for key in ("file", "configSource", "configBuilders"):
                    if name := attributes.get(key):
                        where = Elsewhere(self._parser.CurrentLineNumber, key == "configBuilders")
                        self.found.elsewhere[name] = where
                if self._protection:
                    self._refuse_encrypted()
            case ["configuration", "appSettings", child] if child.rpartition(":")[2] == "EncryptedData":
                self._refuse_encrypted()
            case ["configuration", "appSettings", "add"]:
                self._add(attributes.get("key", ""), attributes.get("value", ""))
            case ["configuration", "appSettings", "remove"]:
                self.found.entries.pop(attributes.get("key", "").lower(), None)
            case ["configuration", "appSettings", "clear"]:
                self.found.entries.clear()

    def _refuse_transform(self, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            prefix, _, local = name.partition(":")
            if prefix == "xmlns" and value == _TRANSFORM:
                self._transform_prefixes.add(local)
        for name in attributes:
            prefix, _, local = name.partition(":")
            if local in _TRANSFORMS and prefix in self._transform_prefixes:
                what = f"has {name}, so it is a transform, which says how to change a configuration and is none"
                raise UserError(f"{self._place()}: {what}: give the web.config that came of it")

    def _refuse_encrypted(self) -> None:
        how = f" ({self._protection})" if self._protection else ""
        # The keys are the machine's: https://learn.microsoft.com/en-us/previous-versions/zhhddkxy(v=vs.140)
        raise UserError(
            f"{self._place()}: appSettings is encrypted{how}, and cannot be read here: on that server, copy the file "
            "into a folder, run aspnet_regiis -pdf appSettings FOLDER, and give the copy"
        )

    def _end(self, _tag: str) -> None:
        self._path.pop()

    def _add(self, key: str, value: str) -> None:
        line, before = self._parser.CurrentLineNumber, self.found.entries.get(key.lower())
        self.found.entries[key.lower()] = Entry(value, line, before.first_line if before else line, key)


def _mend(error: expat.ExpatError, data: bytes) -> str:
    """Say what to do about a file that is not well-formed, where its bytes tell."""
    if error.code in _ENDS_EARLY:
        return "the file ends too early: copy all of it"
    if error.code == errors.codes[errors.XML_ERROR_INVALID_TOKEN]:
        lines = data.splitlines()
        line = lines[error.lineno - 1] if error.lineno <= len(lines) else b""
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return "save it as UTF-8"
        if any(mark in text for mark in _TYPOGRAPHIC):
            return 'its quotation marks are typographic: put " instead'
    return "mend it there"


_FIRST_LINES: Final = ("Windows Registry Editor Version 5.00", "REGEDIT4")
_KEY: Final = re.compile(
    r"\[HKEY_LOCAL_MACHINE\\SYSTEM\\(?:CurrentControlSet|ControlSet\d{3})\\Services\\MasSync\\Parameters\]",
    re.IGNORECASE,
)
_VALUE: Final = re.compile(r'"([^"]*)"\s*=\s*(.*)')
_DWORD: Final = re.compile(r"dword:([0-9a-f]{1,8})", re.IGNORECASE)
_NAMES: Final = {"minheartbeatinterval", "maxheartbeatinterval", "hbisamplesize", "hbialertthreshold"}
_MEND: Final = r"export HKLM\SYSTEM\CurrentControlSet\Services\MasSync\Parameters of the Exchange 2003 server"


def is_export(data: bytes) -> bool:
    """Whether it begins as the registry editor begins a file."""
    return _decoded(data[:200]).lstrip().startswith(_FIRST_LINES)


def read_export(data: bytes, name: str) -> dict[str, Entry]:
    r"""Return the numbers of MasSync\Parameters, by name in lower case; `name` is what messages call the file.

    Raises UserError, with the line, where the key is not in it, or one of the four values is no DWORD.
    """
    entries: dict[str, Entry] = {}
    found = inside = False
    for line, text in enumerate(_decoded(data).splitlines(), 1):
        if text.startswith("["):
            inside = _KEY.fullmatch(text.strip()) is not None
            found = found or inside
        elif inside and (match := _VALUE.fullmatch(text.strip())):
            key, value = match[1], match[2]
            number = _DWORD.fullmatch(value)
            if number is None:
                if key.lower() not in _NAMES:
                    continue
                raise UserError(f"{name}:{line}: {key} is no DWORD, such as dword:0000003c: {_MEND}")
            before = entries.get(key.lower())
            entries[key.lower()] = Entry(str(int(number[1], 16)), line, before.first_line if before else line, key)
    if not found:
        raise UserError(rf"{name}: has no key MasSync\Parameters: {_MEND}")
    return entries


def _decoded(data: bytes) -> str:
    """Decode: version 5 is UTF-16 as the editor writes it, and UTF-8 once somebody has saved it again."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if data[1:2] == b"\0":
        return data.decode("utf-16-le", "replace")
    return data.decode("utf-8-sig", "replace")
