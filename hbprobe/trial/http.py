"""One HTTP/1.1 request on one connection, and what came of it. Nothing is ever asked twice."""

import asyncio
import contextlib
from collections.abc import Sequence

import h11

from hbprobe import __version__
from hbprobe.farend.hold_request import DRIP
from hbprobe.net.replies import Answer, Broken, End, EndKind, Reply
from hbprobe.net.wire import Wire

_MOST_BODY_BYTES = 1 << 20
"""A longer answer is not read: the probe's own are a few dozen bytes."""
_LAST_WORDS_BYTES = 64 * 1024
_LAST_WORDS_S = 5.0
"""So much may a server say before it ends a connection that was quiet, and so long may that take."""
USER_AGENT = f"hbprobe/{__version__}"


class Conversation:
    """Requests and answers on one connection, in turn."""

    def __init__(self, wire: Wire, authority: str) -> None:
        self._wire = wire
        self._authority = authority
        self._http = h11.Connection(h11.CLIENT)

    def ask(self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes | None = None) -> None:
        """Send a request; `headers` take precedence over the usual ones, and a POST has a body, if an empty one."""
        named = {name.lower() for name, _ in headers}
        usual = (("Host", self._authority), ("User-Agent", USER_AGENT), ("Accept", "*/*"))
        sent = [*(header for header in usual if header[0].lower() not in named), *headers]
        if body is not None or method == "POST":
            sent.append(("Content-Length", str(len(body or b""))))
        request = h11.Request(method=method, target=path, headers=sent)
        pieces = [
            self._http.send(request),
            body and self._http.send(h11.Data(data=body)),
            self._http.send(h11.EndOfMessage()),
        ]
        self._wire.send(b"".join(piece for piece in pieces if piece))

    def begin(self, path: str) -> None:
        """Send the head of a POST."""
        headers = [("Host", self._authority), ("User-Agent", USER_AGENT), ("Accept", "*/*")]
        request = h11.Request(method="POST", target=path, headers=[*headers, ("Transfer-Encoding", "chunked")])
        self._send(request)

    async def reply_while_dripping(self, every_s: float, end_s: float, until_s: float) -> Reply:
        """Drip until `end_s`, wait for the answer until `until_s`, both on the loop's clock."""
        async with asyncio.TaskGroup() as group:
            drip = group.create_task(self._drip(every_s, end_s))
            reply = await self.reply(until_s)
            drip.cancel()
        return reply

    async def reply(self, until_s: float) -> Reply:
        """Wait for the answer, or for what came instead, until that time of the loop's clock."""
        try:
            return await self._reply(until_s)
        except h11.RemoteProtocolError as error:
            now_s = asyncio.get_running_loop().time()
            return Broken(None, f"the answer is not HTTP: {error}", now_s)

    def next_turn(self) -> bool:
        """Make ready for another request; False when the server ends the connection after this answer."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def silence(self, until_s: float) -> End | Broken | None:
        """Wait in silence; return the end of the connection if it comes before that time.

        A server's last words may come before it, such as a 408; who says more, or does not end then, is not idle.
        """
        loop, said_bytes, wait_s = asyncio.get_running_loop(), 0, until_s
        while (event := await self._wire.receive(wait_s)) is not None:
            if isinstance(event, End):
                return event
            if not said_bytes:
                wait_s = min(until_s, loop.time() + _LAST_WORDS_S)
            said_bytes += len(event)
            if said_bytes > _LAST_WORDS_BYTES:
                break
            self._http.receive_data(event)  # read by the next reply
        if event is None and wait_s == until_s:
            return None
        return Broken(None, "the server speaks unasked: no idle timer can be measured", loop.time())

    async def _drip(self, every_s: float, end_s: float) -> None:
        loop = asyncio.get_running_loop()
        while (left_s := end_s - loop.time()) > every_s:
            await asyncio.sleep(every_s)
            self._send(h11.Data(data=DRIP))
        await asyncio.sleep(left_s)
        self._send(h11.EndOfMessage())

    def _send(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        with contextlib.suppress(h11.LocalProtocolError):  # the answer has come before the request was whole
            self._wire.send(self._http.send(event) or b"")

    async def _reply(self, until_s: float) -> Reply:
        response: h11.Response | None = None
        body = bytearray()
        while True:
            event = self._http.next_event()
            match event:
                case h11.Response():
                    response = event
                case h11.Data():
                    body += event.data
                    if len(body) > _MOST_BODY_BYTES:
                        raise h11.RemoteProtocolError("a body without end")
                case h11.EndOfMessage() if response is not None:
                    return self._answer(response, bytes(body))
                case h11.NEED_DATA:
                    came = await self._wire.receive(until_s)
                    if came is None:
                        return None
                    if isinstance(came, End) and not self._may_end_here(came, response):
                        return came if response is None else _cut_short(came, len(body))
                    self._http.receive_data(b"" if isinstance(came, End) else came)
                case _:
                    continue  # a 100 Continue or the like

    def _may_end_here(self, end: End, response: h11.Response | None) -> bool:
        """An answer without a length ends with the connection (RFC 9112, section 6.3)."""
        if response is None or end.kind is not EndKind.FIN:
            return False
        return not any(name in (b"content-length", b"transfer-encoding") for name, _ in response.headers)

    def _answer(self, response: h11.Response, body: bytes) -> Answer:
        headers: dict[str, str] = {}
        for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Answer(response.status_code, body, asyncio.get_running_loop().time(), headers)


def _cut_short(end: End, body_bytes: int) -> Broken:
    return Broken(end, f"the answer was cut short after {body_bytes} bytes of its body", end.at_s)
