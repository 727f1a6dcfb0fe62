"""The stand-in as a service of the far end: its state machine behind aiohttp, on the running loop's clock."""

import asyncio
import random
import sys
from collections.abc import Iterable, Sequence

from aiohttp import web

from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import IdleConnection
from hbprobe.exchange.settings import Settings
from hbprobe.net.address import PeerAddress
from hbprobe.net.http_connection import held
from hbprobe.net.http_server import IDLE_LIMIT, IdleLimit
from hbprobe.net.liveness import acknowledge_on
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.device import ServedRequest
from hbprobe.standin.exchange_server import ExchangeServer
from hbprobe.standin.messages import PATH, ClientRequest, ServerAnswer
from hbprobe.standin.recorders import Recent, Recorder, Several
from hbprobe.standin.users import Users
from hbprobe.standin.webconfig_rules import FilteringRule, Limits

_NAME = "STANDIN"
_AT_ONCE = (401, 404, 405, 449)
"""What IIS refuses, and the word to provision first."""
_SEED = 1040
"""Policy keys come from it, so that a lab that is run twice sends the same bytes. They are no secrets."""


class StandIn:
    """Exchange ActiveSync without Exchange, to be given to `FarEnd` among its services.

        FarEnd(settings, tls, services=[StandIn(settings)])

    `settings` are those of the web.config. `users` None lets every name in, with any password. `admin_rules` are what
    administrators decide; by default everyone is let in, and every device must accept a policy that asks for
    nothing. `recorders` hear of event 1040 and of each request when it is over. `connection_timeout_s` is IIS's: a
    connection without a request for so long is ended; by default none is, for that would be taken for the path's
    doing. Mail comes, and devices are wiped, by calls on `exchange_server`.
    """

    def __init__(
        self,
        settings: Settings,
        users: Users | None = None,
        rules: AdminRules | None = None,
        recorders: Sequence[Recorder] = (),
        release: Release = Release.V2019,
        filters: Sequence[FilteringRule] = (),
        chance: random.Random | None = None,
        limits: Limits | None = None,
        connection_timeout_s: float | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self.recent = Recent()
        """The last events and requests."""
        self._recorder = recorder = Several((self.recent, *recorders))
        self._idle_limit = (
            IdleLimit.after_waits_of(settings.max_heartbeat_s)
            if connection_timeout_s is None
            else IdleLimit(connection_timeout_s, self._idle)
        )
        draw = (chance or random.Random(_SEED)).randrange
        self.exchange = ExchangeServer(
            settings,
            users,
            rules or AdminRules(),
            filters,
            release,
            recorder,
            lambda: draw(1, 2**32),
            self._limits.max_folders,
        )
        names = ((header, _NAME) for header in release.naming_headers)
        self._headers = (("MS-Server-ActiveSync", release.banner), ("Cache-Control", "private"), *names)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return what answers which requests."""
        return [web.route("*", path, self._serve) for path in (PATH, f"{PATH}/", f"{PATH}/default.eas")]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        acknowledge_on(request.transport)
        body = await request.read()
        acknowledge_on(request.transport)
        turn, transport = ServedRequest(_plain(request, body), started_s), request.transport
        try:
            self.exchange.begin(turn, started_s)
            if turn.answer is not None:
                return self._written(await self._late(turn.answer))
        finally:
            if turn.waiting is None:
                self._finish(turn, transport)
        return await held(request, self._answer(turn, transport))

    def _idle(self, peer: PeerAddress) -> None:
        host, port = peer[:2]
        self._recorder.connection_idle(IdleConnection(asyncio.get_running_loop().time(), str(host), int(port)))

    async def _late(self, answer: ServerAnswer) -> ServerAnswer:
        """Keep an error back for a while, as Exchange does."""
        if answer.status >= 400 and answer.status not in _AT_ONCE:
            await asyncio.sleep(self._limits.error_delay_s)
        return answer

    def _answer(self, turn: ServedRequest, transport: asyncio.Transport | None) -> asyncio.Future[web.Response]:
        """Return the answer to a request that waits; it is cancelled when the client goes away."""
        assert turn.waiting is not None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[web.Response] = loop.create_future()
        alarm = loop.call_at(turn.waiting.until_s, self.exchange.expire, turn)

        def wake() -> None:
            if not answer.done() and turn.answer is not None:
                answer.set_result(self._written(turn.answer))

        def over(_: object) -> None:
            alarm.cancel()
            self._finish(turn, transport)

        turn.on_answer = wake
        answer.add_done_callback(over)
        return answer

    def _finish(self, turn: ServedRequest, transport: asyncio.Transport | None) -> None:
        is_delivered = transport is not None and not transport.is_closing()
        self.exchange.finish(turn, asyncio.get_running_loop().time(), is_delivered=is_delivered)

    def _written(self, answer: ServerAnswer) -> web.Response:
        headers = (*self._headers, *answer.headers)
        written = web.Response(status=answer.status, body=answer.body or None, headers=headers)
        written[IDLE_LIMIT] = self._idle_limit
        return written


def _plain(request: web.Request, body: bytes) -> ClientRequest:
    headers = {sys.intern(name.lower()): value for name, value in request.headers.items()}  # thousands may be held
    address = None if request.transport is None else request.transport.get_extra_info("peername")
    return ClientRequest(
        method=request.method,
        query=request.rel_url.raw_query_string,
        authorization=headers.pop("authorization", ""),
        headers=headers,
        body=body,
        path=request.rel_url.raw_path,
        peer=request.remote or "?",
        peer_port=address[1] if isinstance(address, tuple) else None,
    )
