"""The heads of HTTP/1.1 messages, read strictly (RFC 9112). No I/O.

Two programs that disagree on where a message ends can be made to see different requests in the same bytes: request
smuggling. So what can be read in two ways is refused, and what is accepted is kept as it came: every field has its
line, to be passed on unchanged. A lenient parser cannot serve here, nor can one that hides the raw line.
"""

import functools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

_KNOWN_HEADS = 64
"""So many heads are kept as they were read: clients and servers mostly say again what they said before."""
HEAD_LIMIT = 64 * 1024
"""The most bytes of a head, or of the trailers of a chunked body. The RFC sets no limit; servers allow 8 to 64 kB."""

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
_REQUEST_LINE = re.compile(rb"(%s) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])" % _TOKEN)
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: %s)?" % _TEXT)
_FIELD = re.compile(rb"(%s):(%s)" % (_TOKEN, _TEXT))
_SPACED_NAME = re.compile(rb"%s[ \t]+:" % _TOKEN)
_HOST = re.compile(rb"[A-Za-z0-9\-._~!$&'()*+,;=%:\[\]]*")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]+)(?:[/?].*)?")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_FRAMING_FIELDS = frozenset({b"content-length", b"transfer-encoding", b"host"})
"""Fields that say whose a message is and where it ends. They can be neither dropped nor sent late."""
_NOTHING: frozenset[bytes] = frozenset()


class MessageError(Exception):
    """A message that is refused; `status` is what the client is told."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class FramingKind(StrEnum):
    """What ends the body of a message (RFC 9112, section 6.3)."""

    NONE = "none"
    SIZED = "sized"
    CHUNKED = "chunked"
    UNTIL_CLOSE = "until-close"


@dataclass(frozen=True, slots=True)
class Framing:
    """Where the body of a message ends."""

    kind: FramingKind
    length: int = 0
    """In bytes, for a sized body."""


_NO_BODY = Framing(FramingKind.NONE)


@dataclass(frozen=True, slots=True)
class Field:
    """One header field."""

    name: bytes
    """In lower case."""
    value: bytes
    """Without the white space around it."""
    line: bytes
    """As it came, without the line's end."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the body."""

    start: bytes
    """The first line, without its end."""
    fields: tuple[Field, ...]
    options: frozenset[bytes]
    """What Connection lists, in lower case."""
    is_1_1: bool
    """HTTP/1.1, not HTTP/1.0."""
    framing: Framing

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of the fields of that name (in lower case), in order."""
        return _values(self.fields, name)

    def tokens(self, name: bytes) -> frozenset[bytes]:
        """Return what the fields of that name list, in lower case."""
        return _tokens(self.fields, name)


@dataclass(frozen=True, slots=True)
class RequestHead(Head):
    """Request line and header fields, as RFC 9112 has them."""

    method: bytes


@dataclass(frozen=True, slots=True)
class ResponseHead(Head):
    """Status line and header fields."""

    status: int


def read_request(data: bytes) -> tuple[RequestHead, int] | None:
    """Read the head at the beginning of `data`; return it and where it ends, or None while it is not whole.

    Raises MessageError with 400, 405 (CONNECT), 431 (too long) or 505.
    """
    try:
        return _read_request(data)
    except ValueError as error:
        raise MessageError(HTTPStatus.BAD_REQUEST, str(error)) from None


def read_response(data: bytes, method: bytes) -> tuple[ResponseHead, int] | None:
    """Read the head of the answer to a request of that method, as `read_request` does; MessageError has 502."""
    try:
        return _read_response(data, method)
    except (ValueError, MessageError) as error:
        raise MessageError(HTTPStatus.BAD_GATEWAY, str(error)) from None


def read_fields(block: bytes) -> tuple[Field, ...]:
    """Read field lines that are joined by CRLF, without the last line's end. Raises ValueError for a bad one."""
    fields = []
    for line in block.split(b"\r\n") if block else ():
        match = _FIELD.fullmatch(line)
        if match is None:
            raise ValueError(_objection(line))
        fields.append(Field(match[1].lower(), match[2].strip(b" \t"), line))
    return tuple(fields)


def read_trailers(block: bytes) -> None:
    """Check the trailers of a chunked body. Raises ValueError for a bad one, and for one that comes too late."""
    if late := {field.name for field in read_fields(block)} & _FRAMING_FIELDS:
        raise ValueError(f"{_list(late)} in the trailers")


def find_end(data: bytes) -> int | None:
    """Return where the first empty line of `data` begins, the end of a head or of trailers; None if none came yet.

    Raises ValueError for a CR, LF or NUL where none may stand, and MessageError (431) when there is too much.
    """
    found = data.find(b"\r\n\r\n", 0, HEAD_LIMIT)
    lines = data[: found if found >= 0 else HEAD_LIMIT]
    pairs, half = lines.count(b"\r\n"), found < 0 and lines.endswith(b"\r")
    if lines.count(b"\n") != pairs or lines.count(b"\r") - half != pairs:
        raise ValueError("a CR or LF alone")
    if b"\0" in lines:
        raise ValueError("a NUL")
    if found < 0 and len(data) >= HEAD_LIMIT:
        raise MessageError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {HEAD_LIMIT} bytes of header")
    return found if found >= 0 else None


def _read_request(data: bytes) -> tuple[RequestHead, int] | None:
    end = find_end(data)
    return None if end is None else (_request_head(data[:end]), end + 4)


@functools.lru_cache(maxsize=_KNOWN_HEADS)
def _request_head(head: bytes) -> RequestHead:
    start, _, block = head.partition(b"\r\n")
    match = _REQUEST_LINE.fullmatch(start)
    if match is None:
        raise ValueError("no request line")
    method, target, version = match[1], match[2], (match[3], match[4])
    if version not in ((b"1", b"0"), (b"1", b"1")):
        raise MessageError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, f"HTTP/{'.'.join(map(bytes.decode, version))}")
    if method == b"CONNECT":
        raise MessageError(HTTPStatus.METHOD_NOT_ALLOWED, "CONNECT")
    fields, is_1_1 = read_fields(block), version == (b"1", b"1")
    _check_host(fields, target, method, is_1_1=is_1_1)
    options = _options(fields)
    framing = _framing(fields, is_1_1=is_1_1) or _NO_BODY
    return RequestHead(start, fields, options, is_1_1, framing, method)


def _read_response(data: bytes, method: bytes) -> tuple[ResponseHead, int] | None:
    end = find_end(data)
    return None if end is None else (_response_head(data[:end], method), end + 4)


@functools.lru_cache(maxsize=_KNOWN_HEADS)
def _response_head(head: bytes, method: bytes) -> ResponseHead:
    start, _, block = head.partition(b"\r\n")
    match = _STATUS_LINE.fullmatch(start)
    if match is None:
        raise ValueError("no status line")
    fields, is_1_1, status = read_fields(block), match[1] == b"1", int(match[2])
    options = _options(fields)
    framing = _framing(fields, is_1_1=is_1_1) or Framing(FramingKind.UNTIL_CLOSE)
    if method == b"HEAD" or status < 200 or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        framing = _NO_BODY
    return ResponseHead(start, fields, options, is_1_1, framing, status)


def _check_host(fields: Sequence[Field], target: bytes, method: bytes, *, is_1_1: bool) -> None:
    """See to it that a request has one Host, and a target that names no other (RFC 9112, section 3.2)."""
    hosts = _values(fields, b"host")
    if len(hosts) > 1:
        raise ValueError("more than one Host")
    if not hosts and is_1_1:
        raise ValueError("no Host")
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise ValueError("a Host that is none")
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise ValueError("a target that is no path")
    if hosts and absolute[1].lower() != hosts[0].lower():
        raise ValueError("a target of another host than Host")


def _options(fields: Sequence[Field]) -> frozenset[bytes]:
    """Return what Connection lists; raises ValueError where it names a field that cannot be dropped."""
    options = _tokens(fields, b"connection")
    if named := options & _FRAMING_FIELDS:
        raise ValueError(f"{_list(named)} named in Connection")
    return options


def _framing(fields: Sequence[Field], *, is_1_1: bool) -> Framing | None:
    """Return what the fields say of the body's end, or None if they say nothing; raises ValueError for a riddle."""
    lengths, codings = _values(fields, b"content-length"), _values(fields, b"transfer-encoding")
    if lengths and codings:
        raise ValueError("Content-Length with Transfer-Encoding")
    if len(lengths) > 1:
        raise ValueError("more than one Content-Length")
    if codings:
        if len(codings) > 1 or codings[0].lower() != b"chunked":
            raise ValueError("a Transfer-Encoding other than chunked")
        if not is_1_1:
            raise ValueError("Transfer-Encoding in HTTP/1.0")
        return Framing(FramingKind.CHUNKED)
    if not lengths:
        return None
    if not _LENGTH.fullmatch(lengths[0]):
        raise ValueError("a Content-Length that is no length")
    return Framing(FramingKind.SIZED, int(lengths[0]))


def _values(fields: Sequence[Field], name: bytes) -> list[bytes]:
    return [field.value for field in fields if field.name == name]


def _tokens(fields: Sequence[Field], name: bytes) -> frozenset[bytes]:
    values = _values(fields, name)
    if not values:
        return _NOTHING
    return frozenset(token.strip(b" \t") for token in b",".join(values).lower().split(b",")) - {b""}


def _objection(line: bytes) -> str:
    if line.startswith((b" ", b"\t")):
        return "a folded header line"
    if _SPACED_NAME.match(line):
        return "white space before a colon"
    return "a line that is no header field"


def _list(names: Collection[bytes]) -> str:
    return ", ".join(sorted(name.decode().title() for name in names))
