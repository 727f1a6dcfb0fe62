"""A request whose body drips: a byte now and then, and its end when it is told."""

import asyncio
import contextlib

import h11

from hbprobe.farend.hold import DRIP
from hbprobe.net.replies import Reply
from hbprobe.trial.http import USER_AGENT
from hbprobe.trial.http import Conversation as Plain


class Conversation(Plain):
    """A conversation whose request may have a body without a known length."""

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
