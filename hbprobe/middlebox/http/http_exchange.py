"""One request and its answer on their way through an http box. No I/O.

An exchange is shown what came from one end, and says what goes on to the other and what is left: a head or a line
that is not whole yet, or what belongs to the next request. All of it is read before any of it goes on.
"""

from http import HTTPStatus

from hbprobe.middlebox.http.http1 import (
    FramingKind,
    MessageError,
    RequestHead,
    ResponseHead,
    read_request,
    read_response,
)
from hbprobe.middlebox.http.http1_body import Body, body_of
from hbprobe.middlebox.http.http1_proxying import (
    Additions,
    is_idempotent,
    keeps_connection,
    request_onward,
    response_onward,
    wants_upgrade,
)

_REPLAY_BYTES = 64 * 1024
"""A longer request is not kept to be sent again."""
_HUNDREDS = slice(len(b"HTTP/1.1 "), len(b"HTTP/1.1 ") + 1)
"""Where in a status line it stands whether an answer is an interim one."""


class HttpExchange:
    """One request and its answer."""

    __slots__ = (
        "_add",
        "_answer_body",
        "_body",
        "_client_host",
        "answer",
        "answer_is_showing",
        "head",
        "keeps_client",
        "keeps_server",
        "replay",
    )

    def __init__(self, client_host: str, add: Additions) -> None:
        self._client_host = client_host
        self._add = add
        self._body: Body | None = None
        self._answer_body: Body | None = None
        self.head: RequestHead | None = None
        """Once it is whole."""
        self.replay: bytes | None = b""
        """What has gone on to the server, to be sent again; None when that is too much."""
        self.answer_is_showing = False
        """The first byte of the answer has come, of one that is not interim."""
        self.answer: ResponseHead | None = None
        """Once it has gone on to the client."""
        self.keeps_client = False
        self.keeps_server = False
        """The connection can be used again after this answer."""

    @property
    def request_is_done(self) -> bool:
        """Whether all of the request has come."""
        return self._body is not None and self._body.done

    @property
    def answer_is_done(self) -> bool:
        """Whether all of the answer has come. A tunnel has no end."""
        return self._answer_body is not None and self._answer_body.done

    @property
    def is_owed(self) -> bool:
        """Whether the server has been asked and has not said all of its answer."""
        return self.head is not None and not self.answer_is_done

    @property
    def is_tunnel(self) -> bool:
        """Whether the connection has been handed over to another protocol."""
        return self.answer is not None and self.answer.status == HTTPStatus.SWITCHING_PROTOCOLS

    @property
    def ends_with_connection(self) -> bool:
        """Whether FIN is what tells the client that its answer is whole."""
        return self.answer is not None and self.answer.framing.kind is FramingKind.UNTIL_CLOSE

    @property
    def may_be_repeated(self) -> bool:
        """Whether the request can be sent twice without harm (RFC 9112, section 9.3.1), and has no answer yet."""
        if self.head is None or not self.replay or self.answer_is_showing:
            return False
        return is_idempotent(self.head) and self.head.framing.kind is FramingKind.NONE

    @property
    def may_be_followed(self) -> bool:
        """Whether the client can send another request after this one."""
        return self.head is not None and self.request_is_done and keeps_connection(self.head)

    # Requests

    def take_request(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what goes on to the server, and what is left. Raises MessageError where the request is refused."""
        if self.is_tunnel:
            return data, b""
        at, onward = 0, b""
        if self._body is None:
            while data.startswith(b"\r\n", at):  # RFC 9112, section 2.2
                at += 2
            found = read_request(data[at:])
            if found is None:
                return b"", data[at:]
            self.head, end = found
            self._body = body_of(self.head.framing)
            onward, at = request_onward(self.head, self._client_host, self._add), at + end
        end = _taken(self._body, data, at, HTTPStatus.BAD_REQUEST)
        onward += data[at:end]
        self._remember(onward)
        return onward, data[end:]

    def _remember(self, onward: bytes) -> None:
        if self.replay is not None:
            self.replay = self.replay + onward if len(self.replay) + len(onward) <= _REPLAY_BYTES else None

    # Answers

    def take_answer(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what goes on to the client, and what is left. Raises MessageError (502) for what is no answer."""
        onward = b""
        while self.answer is None:
            assert self.head is not None
            found = read_response(data, self.head.method)
            if found is None:
                self.answer_is_showing = data[_HUNDREDS] not in (b"", b"1")
                return onward, data
            head, end = found
            data = data[end:]
            if head.status >= HTTPStatus.OK or head.status == HTTPStatus.SWITCHING_PROTOCOLS:
                begun, rest = self._begin_answer(self.head, head, data)
                return onward + begun, rest
            if self.head.is_1_1:  # HTTP/1.0 knows no interim answers
                onward += response_onward(head, self._add, keep=True)
        return self._take_answer_body(data)

    def server_ended(self) -> None:
        """Note that nothing more will come from the server, which may be what ends the answer."""
        if self._answer_body is not None:
            self._answer_body.end_here()

    def _begin_answer(self, request: RequestHead, head: ResponseHead, data: bytes) -> tuple[bytes, bytes]:
        upgrade = head.status == HTTPStatus.SWITCHING_PROTOCOLS
        if upgrade and not (wants_upgrade(request) and wants_upgrade(head) and self.request_is_done):
            raise MessageError(HTTPStatus.BAD_GATEWAY, "an upgrade that was not asked for")
        self._answer_body = None if upgrade else body_of(head.framing)
        body, rest = self._take_answer_body(data)
        is_bounded = head.framing.kind is not FramingKind.UNTIL_CLOSE
        self.keeps_client = is_bounded and self.may_be_followed
        self.keeps_server = is_bounded and keeps_connection(request) and keeps_connection(head)
        self.answer = head
        self.answer_is_showing = True
        return response_onward(head, self._add, keep=self.keeps_client, upgrade=upgrade) + body, rest

    def _take_answer_body(self, data: bytes) -> tuple[bytes, bytes]:
        if self._answer_body is None:
            return data, b""
        end = _taken(self._answer_body, data, 0, HTTPStatus.BAD_GATEWAY)
        return data[:end], data[end:]


def _taken(body: Body, data: bytes, at: int, status: HTTPStatus) -> int:
    try:
        return body.take(data, at)
    except ValueError as error:
        raise MessageError(status, str(error)) from None
