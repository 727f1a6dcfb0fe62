"""The appSettings of a .NET configuration file, each with the line that it stands on."""

from dataclasses import dataclass, field
from xml.parsers import expat

from hbprobe.errors import UserError

LARGEST_FILE_BYTES = 16 * 1024 * 1024
RIGHT_FILE = r"give the back end's ClientAccess\Sync\web.config"
"""The mend for most mistakes: where the heartbeat settings are."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key's last value, which is the one that counts."""

    value: str
    line: int
    first_line: int
    """Where the key was set first; the same line where it is set once."""


@dataclass(slots=True)
class AppSettings:
    """What stands in configuration/appSettings, and nowhere else in the file."""

    entries: dict[str, Entry] = field(default_factory=dict)
    """By key in lower case, because .NET does not tell case apart."""
    elsewhere: dict[str, int] = field(default_factory=dict)
    """Other files from which the section takes values, with the line that names them."""


def read_app_settings(data: bytes, name: str) -> AppSettings:
    """Read a configuration file; `name` is what messages call it.

    Raises UserError, with the line, for what cannot be one: too large, malformed, with a DOCTYPE, of another kind.
    """
    if len(data) > LARGEST_FILE_BYTES:
        raise UserError(f"{name}: is larger than {LARGEST_FILE_BYTES // 2**20} MB, so no web.config: {RIGHT_FILE}")
    reader = _Reader(name)
    reader.read(data)
    return reader.found


class _Reader:
    def __init__(self, name: str) -> None:
        self.found = AppSettings()
        self._name = name
        self._path: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self, data: bytes) -> None:
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            place = f"{self._name}:{error.lineno}:{error.offset + 1}"
            raise UserError(f"{place}: is not well-formed XML ({what}): mend it there") from None
        except (LookupError, ValueError):
            raise UserError(f"{self._name}:1: declares an encoding unknown here: save it as UTF-8") from None

    def _place(self) -> str:
        return f"{self._name}:{self._parser.CurrentLineNumber}"

    def _doctype(self, *_: object) -> None:
        # Entities, and with them the bombs, can be declared in a DOCTYPE only.
        raise UserError(f"{self._place()}: has a DOCTYPE, which a web.config does not need: remove it")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(tag)
        match self._path:
            case [root] if root != "configuration":
                raise UserError(f"{self._place()}: begins with <{root}>, not <configuration>: {RIGHT_FILE}")
            case ["configuration", "appSettings"]:
                others = (attributes[key] for key in ("file", "configSource") if attributes.get(key))
                self.found.elsewhere.update(dict.fromkeys(others, self._parser.CurrentLineNumber))
            case ["configuration", "appSettings", "add"]:
                self._add(attributes.get("key", "").lower(), attributes.get("value", ""))
            case ["configuration", "appSettings", "remove"]:
                self.found.entries.pop(attributes.get("key", "").lower(), None)
            case ["configuration", "appSettings", "clear"]:
                self.found.entries.clear()

    def _end(self, _tag: str) -> None:
        self._path.pop()

    def _add(self, key: str, value: str) -> None:
        line, before = self._parser.CurrentLineNumber, self.found.entries.get(key)
        self.found.entries[key] = Entry(value, line, before.first_line if before else line)
