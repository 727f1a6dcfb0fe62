"""The stand-in behind the far end, through TLS, on the warp clock."""

import asyncio
import base64
import contextlib
import io
import socket
import struct

import pytest
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from yarl import URL

from hbprobe import warp
from hbprobe.eas.commands import (
    DeviceInformation,
    FolderSyncRequest,
    PingAnswer,
    PingFolder,
    PingRequest,
    ProvisionAnswer,
    ProvisionRequest,
    SyncCollection,
    SyncRequest,
)
from hbprobe.eas.query import Query
from hbprobe.eas.request_record import IdleConnection
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.net.certificates import throwaway_pair
from hbprobe.standin.messages import PATH, WBXML
from hbprobe.standin.recorders import Recent
from hbprobe.standin.service import StandIn
from hbprobe.standin.users import Users

PING = PingRequest(480, (PingFolder("5", "Email"),))


class Phone:
    """A device on real sockets."""

    def __init__(self, session, url, tls, device="D1"):
        self.session = session
        self.url = url
        self.tls = tls
        self.device = device
        self.headers = {
            "Authorization": "Basic " + base64.b64encode(b"alice:secret").decode(),
            "MS-ASProtocolVersion": "14.1",
        }

    async def send(self, command, body=b"", path=PATH):
        headers = self.headers | ({"Content-Type": WBXML} if body else {})
        query = Query(command, "alice", self.device, "Phone").plain()
        async with self.session.post(
            f"{self.url}{path}?{query}",
            data=body or None,
            headers=headers,
            ssl=self.tls,
            skip_auto_headers=["Content-Type", "User-Agent"],
        ) as response:
            return response, await response.read()

    async def ready(self):
        told = ProvisionRequest(information=DeviceInformation(model="M"))
        first = ProvisionAnswer.decode((await self.send("Provision", told.encode()))[1])
        accepted = ProvisionRequest(policy_key=first.policy_key, status=1)
        second = ProvisionAnswer.decode((await self.send("Provision", accepted.encode()))[1])
        self.headers["X-MS-PolicyKey"] = second.policy_key
        await self.send("FolderSync", FolderSyncRequest("0").encode())
        await self.send("Sync", SyncRequest((SyncCollection("0", "5"),)).encode())
        return self


@contextlib.asynccontextmanager
async def serving(**options):
    """Serve behind TLS, and yield the stand-in and what makes phones."""
    server_tls, client_tls = throwaway_pair()
    stand_in = StandIn(Settings(), **options)
    far_end = FarEnd(Settings(), server_tls, services=[stand_in])
    try:
        host, port = await far_end.listen("127.0.0.1", 0)
        async with ClientSession(timeout=ClientTimeout(total=None), connector=TCPConnector(limit=0)) as session:
            yield stand_in, lambda device="D1": Phone(session, f"https://{host}:{port}", client_tls, device)
    finally:
        await far_end.close()


def on_warp(scene):
    return warp.run(scene(), warp.WarpClock())


def test_the_whole_way_to_a_quiet_ping():
    async def scene():
        async with serving() as (stand_in, make_phone):
            phone = await make_phone().ready()
            response, body = await phone.send("Ping", PING.encode())
            first_s = asyncio.get_running_loop().time()
            again = await phone.send("Ping")
            return response, body, first_s, again[1], asyncio.get_running_loop().time(), stand_in.recent.requests[-1]

    response, body, first_s, again, end_s, record = on_warp(scene)
    assert response.status == 200
    assert response.headers["MS-Server-ActiveSync"] == "15.2"
    assert response.headers["Cache-Control"] == "private"
    assert response.headers["Content-Type"] == WBXML
    assert (PingAnswer.decode(body), PingAnswer.decode(again)) == (PingAnswer(1), PingAnswer(1))
    assert (first_s, end_s) == (480.0, 960.0)
    assert (record.took_s, record.is_delivered, record.sent_bytes) == (480.0, True, 13)


@pytest.mark.parametrize("path", [PATH, f"{PATH}/", f"{PATH}/default.eas"])
def test_where_it_is(path):
    async def scene():
        async with serving() as (_, make_phone):
            response, body = await make_phone().send("Ping", path=path)
            return response.status, PingAnswer.decode(body)

    assert on_warp(scene) == (200, PingAnswer(3))


def test_a_packed_query():
    query = Query("Ping", "", "D1", "Phone>>>???", "16.1").base64()
    assert {"+", "/", "="} <= set(query)

    async def scene():
        async with serving() as (_, make_phone):
            phone = make_phone()
            url = URL(f"{phone.url}{PATH}?{query}", encoded=True)
            async with phone.session.post(
                url, headers=phone.headers, ssl=phone.tls, skip_auto_headers=["Content-Type"]
            ) as answer:
                return answer.status, PingAnswer.decode(await answer.read())

    assert on_warp(scene) == (200, PingAnswer(3))


def test_new_mail_is_told_at_once():
    async def scene():
        async with serving() as (stand_in, make_phone), asyncio.TaskGroup() as group:
            phone = await make_phone().ready()
            ping = group.create_task(phone.send("Ping", PING.encode()))
            await asyncio.sleep(30)
            stand_in.exchange.new_mail("alice", "5")
            _, body = await ping
            return PingAnswer.decode(body), asyncio.get_running_loop().time()

    assert on_warp(scene) == (PingAnswer(2, ("5",)), 30.0)


def test_a_newer_ping_ends_the_older():
    async def scene():
        async with serving() as (_, make_phone), asyncio.TaskGroup() as group:
            phone = await make_phone().ready()
            older = group.create_task(phone.send("Ping", PING.encode()))
            await asyncio.sleep(10)
            newer = group.create_task(phone.send("Ping", PING.encode()))
            _, body = await older
            ended_s = asyncio.get_running_loop().time()
            await newer
            return PingAnswer.decode(body), ended_s, asyncio.get_running_loop().time()

    assert on_warp(scene) == (PingAnswer(1), 10.0, 490.0)


OPTIONS = f"OPTIONS {PATH} HTTP/1.1\r\nHost: mail.example.test\r\n\r\n".encode()


class Idle(Recent):
    """A recorder of connections that were idle."""

    def __init__(self):
        super().__init__()
        self.ended = []

    def connection_idle(self, connection):
        self.ended.append(connection)


async def asked_twice_and_left(*, tls=None, **options):
    """Ask for OPTIONS on one connection, and once more after 100 s; return what came of the connection in an hour."""
    idle = Idle()
    far_end = FarEnd(Settings(), tls and tls[0], services=[StandIn(Settings(), recorders=[idle], **options)])
    try:
        host, port = await far_end.listen("127.0.0.1", 0)
        names = {"ssl": tls[1], "server_hostname": host} if tls else {}
        reader, writer = await asyncio.open_connection(host, port, **names)
        with contextlib.closing(writer):
            for wait_s in (100.0, 0.0):
                writer.write(OPTIONS)
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(wait_s)
            is_ended = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3600):
                    await reader.read()  # to the end of the connection
                    is_ended = True
            mine = writer.get_extra_info("sockname")
            return is_ended, asyncio.get_running_loop().time(), idle.ended, mine
    finally:
        await far_end.close()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_an_idle_connection_is_ended_only_where_iis_timer_is_wanted(tls):
    tls = throwaway_pair() if tls else None
    is_ended, ended_s, told, mine = on_warp(lambda: asked_twice_and_left(tls=tls, connection_timeout_s=120.0))
    assert (is_ended, ended_s) == (True, 100.0 + 120.0)
    assert told == [IdleConnection(ended_s, *mine)]
    assert on_warp(lambda: asked_twice_and_left(tls=tls))[:3] == (False, 3700.0, [])


def test_a_ping_that_waits_is_not_idle():
    async def scene():
        idle = Idle()
        async with serving(recorders=[idle], connection_timeout_s=120.0) as (_, make_phone):
            phone = await make_phone().ready()
            _, body = await phone.send("Ping", PING.encode())
            return PingAnswer.decode(body), asyncio.get_running_loop().time(), idle.ended

    assert on_warp(scene) == (PingAnswer(1), 480.0, [])


@pytest.mark.parametrize("how", ["fin", "rst", "stop"])
def test_a_client_that_goes_away_is_noticed_and_so_is_a_server_that_stops(how):
    async def scene():
        stand_in = StandIn(Settings())
        far_end = FarEnd(Settings(), None, services=[stand_in])
        host, port = await far_end.listen("127.0.0.1", 0)
        try:
            async with ClientSession() as session:
                await Phone(session, f"http://{host}:{port}", None).ready()
            _, writer = await asyncio.open_connection(host, port)
            body = PING.encode()
            writer.write(
                f"POST {PATH}?{Query('Ping', 'alice', 'D1', 'Phone').plain()} HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Basic YWxpY2U6eA==\r\nMS-ASProtocolVersion: 14.1\r\nContent-Type: {WBXML}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            await asyncio.sleep(100)
            (device,) = stand_in.exchange.devices
            waited = device.turn is not None
            if how == "stop":
                await far_end.close()
            elif how == "rst":
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            else:
                writer.close()
            if how != "stop":  # then all of it is recorded before it has stopped
                await asyncio.sleep(1)
            return waited, device.turn, stand_in.recent.requests[-1]
        finally:
            writer.transport.abort()
            await far_end.close()

    waited, turn, record = on_warp(scene)
    assert (waited, turn) == (True, None)
    assert (record.is_delivered, record.took_s, record.heartbeat_s) == (False, 100.0, 480)


def test_event_1040_comes_at_the_time_of_the_sample():
    async def scene():
        async with serving() as (stand_in, make_phone), asyncio.TaskGroup() as group:
            phones = [await make_phone(f"D{number}").ready() for number in range(20)]
            for phone in phones:
                group.create_task(ping_for_ever(phone, 11))
        return list(stand_in.recent.events)

    async def ping_for_ever(phone, times):
        for _ in range(times):
            await phone.send("Ping", PING.encode())

    (event,) = on_warp(scene)
    # Twenty devices fill the window of 200 with their tenth Ping, and sample 201 is the first of the eleventh.
    assert (event.at_s, event.average_s) == (4800.0, 480)


def test_strangers_and_bodies_without_end():
    async def scene():
        async with serving(users=Users(users={"alice": "other"})) as (_, make_phone):
            phone = make_phone()
            stranger, _ = await phone.send("Ping")
            large, _ = await phone.send("Ping", io.BytesIO(bytes(2 << 20)))
            return stranger.status, stranger.headers["WWW-Authenticate"], large.status

    assert on_warp(scene) == (401, 'Basic realm="hbprobe serve"', 413)
