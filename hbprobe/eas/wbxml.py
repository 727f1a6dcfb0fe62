"""ActiveSync's WBXML: a tree of elements as bytes and back. Strict: what ActiveSync does not use is an error.

The format is WBXML 1.3 with an empty string table and without attributes; text comes as inline strings or as opaque
data: https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-aswbxml/, which narrows
https://www.w3.org/1999/06/NOTE-wbxml-19990624/.
"""

from dataclasses import dataclass
from typing import Final

from hbprobe.eas.code_pages import TAGS, TOKENS

LARGEST_BYTES = 4 * 2**20
MOST_ELEMENTS = 100_000
DEEPEST = 32
"""Bounds of a message: bytes, elements and levels. ActiveSync needs about ten levels; a folder is five elements."""

_HEADER: Final = (("version", 0x03), ("public identifier", 0x01), ("character set", 0x6A), ("string table", 0x00))
_SWITCH_PAGE, _END, _STR_I, _OPAQUE = 0x00, 0x01, 0x03, 0xC3
_HAS_ATTRIBUTES, _HAS_CONTENT, _IDENTITY = 0x80, 0x40, 0x3F
_FOREIGN: Final = {
    0x02: "an entity",
    0x04: "a tag of the string table",
    0x40: "an extension",
    0x41: "an extension",
    0x42: "an extension",
    0x43: "a processing instruction",
    0x44: "a tag of the string table",
    0x80: "an extension",
    0x81: "an extension",
    0x82: "an extension",
    0x83: "a reference to the string table",
    0x84: "a tag of the string table",
    0xC0: "an extension",
    0xC1: "an extension",
    0xC2: "an extension",
    0xC4: "a tag of the string table",
}
"""Global tokens of WBXML that ActiveSync does without."""
_LONGEST_LENGTH_BYTES = 5
_HIGHEST_UINT32 = 2**32 - 1


class WbxmlError(ValueError):
    """Bytes that are not ActiveSync's WBXML, or a tree that cannot be written as such. One line."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: a tag as in "Ping:HeartbeatInterval", with children, or text, or opaque bytes, or nothing."""

    tag: str
    children: tuple["Element", ...] = ()
    text: str | None = None
    opaque: bytes | None = None


def encode(root: Element) -> bytes:
    """Write a tree; raises WbxmlError for one that cannot be written."""
    writer = _Writer()
    writer.element(root, 1)
    return bytes(writer.out)


def decode(data: bytes) -> Element:
    """Read one message; raises WbxmlError, which names the byte, for everything that is not exactly one."""
    return _Reader(data).message()


class _Writer:
    def __init__(self) -> None:
        self.out = bytearray(value for _, value in _HEADER)
        self._page = 0

    def element(self, element: Element, depth: int) -> None:
        if depth > DEEPEST:
            raise WbxmlError(f"more than {DEEPEST} levels")
        contents = (element.text is not None) + (element.opaque is not None) + bool(element.children)
        if contents > 1:
            raise WbxmlError(f"{element.tag} has content of two kinds")
        self._tag(element.tag, _HAS_CONTENT if contents else 0)
        if element.text is not None:
            self._text(element.tag, element.text)
        if element.opaque is not None:
            self.out += bytes((_OPAQUE, *_uint32(len(element.opaque)))) + element.opaque
        for child in element.children:
            self.element(child, depth + 1)
        if contents:
            self.out.append(_END)

    def _tag(self, tag: str, flag: int) -> None:
        try:
            page, token = TOKENS[tag]
        except KeyError:
            raise WbxmlError(f"there is no tag {tag}") from None
        if page != self._page:
            self.out += bytes((_SWITCH_PAGE, page))
            self._page = page
        self.out.append(token | flag)

    def _text(self, tag: str, text: str) -> None:
        try:
            encoded = text.encode()
        except UnicodeEncodeError:
            raise WbxmlError(f"{tag}: half a surrogate pair cannot be written") from None
        if b"\0" in encoded:
            raise WbxmlError(f"{tag}: a NUL would end the text")
        self.out.append(_STR_I)
        self.out += encoded + b"\0"


@dataclass(slots=True)
class _Open:
    """An element that has begun and not yet ended."""

    tag: str
    children: list[Element]
    text: str | None = None
    opaque: bytes | None = None

    @property
    def has_text(self) -> bool:
        return self.text is not None or self.opaque is not None

    def closed(self) -> Element:
        return Element(self.tag, tuple(self.children), self.text, self.opaque)


class _Reader:
    """Goes through the bytes once, with a stack of its own: depth costs no recursion."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._page = 0
        self._elements = 0
        self._open: list[_Open] = []

    def message(self) -> Element:
        if len(self._data) > LARGEST_BYTES:
            raise WbxmlError(f"{len(self._data)} bytes are more than {LARGEST_BYTES}")
        for what, wanted in _HEADER:
            if (found := self._byte()) != wanted:
                raise self._error(f"{what} {found:#04x} instead of {wanted:#04x}")
        while (root := self._step()) is None:
            pass
        if self._at < len(self._data):
            raise WbxmlError(f"byte {self._at}: {len(self._data) - self._at} bytes after the end")
        return root

    def _step(self) -> Element | None:
        """Read one token, and return the root if that ended it."""
        token = self._byte()
        if token == _SWITCH_PAGE:
            self._switch()
        elif token == _END:
            return self._end()
        elif token in (_STR_I, _OPAQUE):
            self._content(token)
        elif token in _FOREIGN:
            raise self._error(f"{_FOREIGN[token]} (token {token:#04x}), which ActiveSync does not use")
        else:
            return self._start(token)
        return None

    def _error(self, what: str) -> WbxmlError:
        """Speak of the byte that was read last."""
        return WbxmlError(f"byte {self._at - 1}: {what}")

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise WbxmlError(f"cut off after {len(self._data)} bytes")
        self._at += 1
        return self._data[self._at - 1]

    def _switch(self) -> None:
        self._page = self._byte()
        if self._page not in TAGS:
            raise self._error(f"unknown code page {self._page}")

    def _start(self, token: int) -> Element | None:
        tag = TAGS[self._page].get(token & _IDENTITY)
        if tag is None:
            raise self._error(f"unknown token {token & _IDENTITY:#04x} of code page {self._page}")
        if token & _HAS_ATTRIBUTES:
            raise self._error(f"{tag} has attributes, which ActiveSync does not use")
        if self._open and self._open[-1].has_text:
            raise self._error(f"{tag} beside text in {self._open[-1].tag}")
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise self._error(f"more than {MOST_ELEMENTS} elements")
        if len(self._open) == DEEPEST:
            raise self._error(f"more than {DEEPEST} levels")
        self._open.append(_Open(tag, []))
        return None if token & _HAS_CONTENT else self._end()

    def _end(self) -> Element | None:
        if not self._open:
            raise self._error("an end where nothing has begun")
        element = self._open.pop().closed()
        if not self._open:
            return element
        self._open[-1].children.append(element)
        return None

    def _content(self, token: int) -> None:
        if not self._open:
            raise self._error("text outside of all elements")
        innermost = self._open[-1]
        if innermost.has_text:
            raise self._error(f"more text in {innermost.tag}")
        if innermost.children:
            raise self._error(f"text beside elements in {innermost.tag}")
        if token == _STR_I:
            innermost.text = self._string()
        else:
            innermost.opaque = self._opaque()

    def _string(self) -> str:
        start, end = self._at, self._data.find(b"\0", self._at)
        if end < 0:
            raise WbxmlError(f"byte {start}: text without an end")
        self._at = end + 1
        try:
            return self._data[start:end].decode()
        except UnicodeDecodeError as error:
            raise WbxmlError(f"byte {start + error.start}: text that is not UTF-8") from None

    def _opaque(self) -> bytes:
        length, start = self._uint32(), self._at
        if length > len(self._data) - start:
            raise WbxmlError(f"byte {start}: {length} opaque bytes, and only {len(self._data) - start} come")
        self._at += length
        return self._data[start : self._at]

    def _uint32(self) -> int:
        value = 0
        for _ in range(_LONGEST_LENGTH_BYTES):
            byte = self._byte()
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                break
        else:
            raise self._error(f"a length of more than {_LONGEST_LENGTH_BYTES} bytes")
        if value > _HIGHEST_UINT32:
            raise self._error(f"a length of {value}, above 32 bits")
        return value


def _uint32(value: int) -> bytes:
    """Write an mb_u_int32: seven bits a byte, the highest first, bit 7 set in all but the last."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))
