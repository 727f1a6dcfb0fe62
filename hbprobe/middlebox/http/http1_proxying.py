"""What a proxy changes in the heads that pass it, and the answers that it gives itself. No I/O.

Fields that speak of one connection only end at the box (RFC 9110, section 7.6.1): Connection and what it names,
Keep-Alive, Proxy-Connection, TE, and Upgrade where no upgrade is asked for. Everything else passes as it came, names,
case, order and spacing, Transfer-Encoding included, for bodies pass in the very chunks in which they came.
"""

from dataclasses import dataclass
from http import HTTPStatus

from hbprobe.middlebox.http.http1 import Head, RequestHead, ResponseHead

_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"})
_VIA = b"Via: 1.1 hbprobe"
_METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"


@dataclass(frozen=True, slots=True)
class Additions:
    """What the box adds to the heads that pass."""

    via: bool = False
    forwarded_for: bool = False


def wants_upgrade(head: Head) -> bool:
    """Say whether a message asks for, or agrees to, another protocol.

    HTTP/2 is not among them: behind the switch requests would pass unread, smuggled by invitation.
    """
    if not (head.is_1_1 and b"upgrade" in head.options):
        return False
    protocols = head.tokens(b"upgrade")
    return bool(protocols) and b"h2c" not in protocols


def keeps_connection(head: Head) -> bool:
    """Say whether the sender of a message means to go on using its connection. HTTP/1.0 never does here."""
    return head.is_1_1 and b"close" not in head.options


def is_idempotent(head: RequestHead) -> bool:
    """Say whether a request may be sent twice without asking (RFC 9110, section 9.2.2)."""
    return head.method in (b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE")


def request_onward(head: RequestHead, client_host: str, add: Additions) -> bytes:
    """Return the head that the server gets.

    It keeps the client's version: an answer in chunks would be lost on a client that speaks HTTP/1.0.
    """
    upgrade = wants_upgrade(head)
    lines = [head.start, *_end_to_end(head, upgrade=upgrade)]
    if upgrade:
        lines.append(b"Connection: Upgrade")
    if add.via:
        lines.append(_VIA)
    if add.forwarded_for:
        lines.append(b"X-Forwarded-For: " + client_host.encode())
    return _block(lines)


def response_onward(head: ResponseHead, add: Additions, *, keep: bool, upgrade: bool = False) -> bytes:
    """Return the head that the client gets; without `keep` it says that its connection ends with the answer."""
    lines = [b"HTTP/1.1" + head.start[len(b"HTTP/1.1") :], *_end_to_end(head, upgrade=upgrade)]
    if upgrade:
        lines.append(b"Connection: Upgrade")
    elif not keep:
        lines.append(b"Connection: close")
    if add.via:
        lines.append(_VIA)
    return _block(lines)


def own_answer(status: int, body: str, *, keep: bool, to_head: bool = False) -> bytes:
    """Return an answer of the box's own; `to_head`: the request was a HEAD, so the body stays away."""
    content = body.encode()
    kind = "text/html" if body.lstrip().startswith("<") else "text/plain"
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", f"Content-Type: {kind}; charset=utf-8"]
    lines += [f"Content-Length: {len(content)}", "Cache-Control: no-store"]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        lines.append(f"Allow: {_METHODS}")
    if not keep:
        lines.append("Connection: close")
    return _block([line.encode() for line in lines]) + (b"" if to_head else content)


def _end_to_end(head: Head, *, upgrade: bool) -> list[bytes]:
    dropped = _HOP_BY_HOP | head.options
    if upgrade:
        dropped -= {b"upgrade"}
    return [field.line for field in head.fields if field.name not in dropped]


def _block(lines: list[bytes]) -> bytes:
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # a product's own number, as 524; the phrase may be empty (RFC 9112, section 4)
        return ""
