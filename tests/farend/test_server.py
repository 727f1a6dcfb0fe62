import asyncio
import json
import socket
import struct

import aiohttp
import pytest

from hbprobe import __version__, warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.hold_request import LONGEST_HOLD_S, hold_query, hold_token
from hbprobe.farend.server import FarEnd
from hbprobe.net.certificates import throwaway_pair


def with_far_end(client, settings=None, tls=None, said=lambda _: None):
    """Run `client(far_end, host, port)` against a far end, on the warp clock."""

    async def main():
        far_end = FarEnd(settings or Settings(), tls, said)
        try:
            host, port = await far_end.listen("127.0.0.1", 0)
            return await client(far_end, host, port)
        finally:
            await far_end.close()

    return warp.run(main(), warp.WarpClock())


def request(method, path, **options):
    async def client(far_end, host, port):
        timeout = aiohttp.ClientTimeout(total=None)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, f"http://{host}:{port}{path}", **options) as response,
        ):
            return response.status, await response.read(), asyncio.get_running_loop().time()

    return with_far_end(client)


@pytest.mark.parametrize("seconds", [0.0, 0.25, 599.55, 3540.0, LONGEST_HOLD_S])
def test_a_request_is_held_and_answered_with_its_token(seconds):
    status, body, now_s = request("POST", hold_query(seconds, "1a2B"))
    assert (status, body) == (200, hold_token(seconds, "1a2B"))
    assert now_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    "seconds", ["nan", "inf", "-inf", "-1", "-0.001", str(LONGEST_HOLD_S + 0.1), "1e99", "soon", "", "1,5", "0x10"]
)
def test_seconds_that_are_refused(seconds):
    status, body, now_s = request("POST", f"/hold?seconds={seconds}&nonce=abc")
    assert (status, now_s) == (400, 0)
    assert body == f"seconds must be a number from 0 to {LONGEST_HOLD_S:.0f}, and nonce letters and digits\n".encode()


@pytest.mark.parametrize("query", ["seconds=1", "seconds=1&nonce=", "seconds=1&nonce=a-b", "nonce=abc", ""])
def test_queries_that_lack_something(query):
    assert request("POST", f"/hold?{query}")[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/hold?seconds=1&nonce=a", 405), ("POST", "/", 405), ("GET", "/other", 404)],
)
def test_other_requests(method, path, status):
    assert request(method, path)[0] == status


def test_what_it_says_of_itself():
    settings = Settings(min_heartbeat_s=120, max_heartbeat_s=900, sample_size=50, alert_threshold_s=300)

    async def client(far_end, host, port):
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{host}:{port}/") as response,
        ):
            return await response.json()

    assert with_far_end(client, settings) == {
        "server": "hbprobe serve",
        "version": __version__,
        "holding": 0,
        "heartbeat": {"min_s": 120, "max_s": 900, "sample_size": 50, "alert_threshold_s": 300},
    }


def test_it_speaks_tls():
    server, client_tls = throwaway_pair()

    async def client(far_end, host, port):
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"https://localhost:{port}{hold_query(1, 'a')}", ssl=client_tls) as response,
        ):
            return await response.read()

    assert with_far_end(client, tls=server) == hold_token(1, "a")


def test_it_says_what_it_answered():
    said = []

    async def client(far_end, host, port):
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://{host}:{port}{hold_query(2.5, 'a')}") as response,
        ):
            await response.read()

    with_far_end(client, said=said.append)
    assert said == ["127.0.0.1 held for 2.5 s, answered"]


@pytest.mark.parametrize("rst", [False, True], ids=["fin", "rst"])
def test_a_client_that_is_gone_ends_its_hold(rst):
    said = []

    async def client(far_end, host, port):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(f"POST {hold_query(3540, 'a')} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        await asyncio.sleep(100)
        held = far_end.holding
        if rst:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.close()
        await asyncio.sleep(1)
        return held, far_end.holding

    assert with_far_end(client, said=said.append) == (1, 0)
    assert said == ["127.0.0.1 was gone after 100.0 s of 3540 s"]


def test_many_are_held_at_a_time():
    async def client(far_end, host, port):
        async def hold(session, seconds):
            async with session.post(f"http://{host}:{port}{hold_query(seconds, 'a')}") as response:
                return await response.read() == hold_token(seconds, "a"), asyncio.get_running_loop().time()

        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
            tasks = [group.create_task(hold(session, seconds)) for seconds in range(100, 0, -1)]
            await asyncio.sleep(0.5)
            held = far_end.holding
        return held, [task.result() for task in tasks]

    held, answers = with_far_end(client)
    assert held == 100
    assert answers == [(True, seconds) for seconds in range(100, 0, -1)]


ABOUT = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def hold_request(seconds):
    return f"POST {hold_query(seconds, 'a')} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()


async def ended_after(reader):
    """Wait for FIN; return how long it took."""
    began_s = asyncio.get_running_loop().time()
    assert await reader.read() == b""
    return asyncio.get_running_loop().time() - began_s


def test_a_quiet_connection_is_kept_for_days():
    async def client(far_end, host, port):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            answers = []
            for _ in range(2):
                writer.write(ABOUT)
                answers.append(await reader.readuntil(b"}}"))
                await asyncio.sleep(6 * 86400)
            return answers
        finally:
            writer.close()

    assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in with_far_end(client))


@pytest.mark.parametrize("longest_s", [0.0, 7200.0])
def test_a_connection_whose_hold_was_answered_is_let_go_when_it_is_idle_for_too_long(longest_s):
    async def client(far_end, host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(hold_request(longest_s))
        await reader.readuntil(hold_token(longest_s, "a"))
        try:
            return await ended_after(reader)
        finally:
            writer.close()

    assert with_far_end(client) == pytest.approx(2 * longest_s + 600)


def test_a_connection_that_asks_again_is_not_let_go_for_the_quiet_before():
    async def client(far_end, host, port):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            for _ in range(5):
                writer.write(hold_request(500.0))
                await reader.readuntil(hold_token(500.0, "a"))
                await asyncio.sleep(1500)
            writer.write(ABOUT)
            await reader.readuntil(b"}}")
            await asyncio.sleep(86400)
            writer.write(ABOUT)
            return await reader.readuntil(b"}}")
        finally:
            writer.close()

    assert b"200 OK" in with_far_end(client)


def test_no_tcp_keep_alives_that_would_hide_a_timer():
    async def client(far_end, host, port):
        _, writer = await asyncio.open_connection(host, port)
        await asyncio.sleep(0)
        (server,) = far_end._server._everyone
        flag = server.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        writer.close()
        return flag

    assert with_far_end(client) == 0


def test_closing_drops_what_is_held():
    async def main():
        far_end = FarEnd(Settings(), None)
        host, port = await far_end.listen("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            f"POST {hold_query(LONGEST_HOLD_S, 'a')} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
        )
        await asyncio.sleep(1)
        await far_end.close()
        now_s = asyncio.get_running_loop().time()
        rest = await reader.read()
        writer.close()
        return rest, far_end.holding, now_s

    rest, holding, now_s = warp.run(main(), warp.WarpClock())
    assert (rest, holding) == (b"", 0)
    assert now_s < LONGEST_HOLD_S


def test_a_port_that_is_taken():
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            far_end = FarEnd(Settings(), None)
            with pytest.raises(OSError, match="in use"):
                await far_end.listen("127.0.0.1", taken.getsockname()[1])
            await far_end.close()

    warp.run(main(), warp.WarpClock())


def test_json_is_ascii():
    assert json.loads(request("GET", "/")[1])["server"] == "hbprobe serve"


def test_stopping_drops_what_is_held_at_once():
    async def main():
        far_end = FarEnd(Settings(), None)
        host, port = await far_end.listen("127.0.0.1", 0)
        _, writer = await asyncio.open_connection(host, port)
        writer.write(f"POST {hold_query(3540, 'a')} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        await asyncio.sleep(10)
        await far_end.close()
        writer.close()
        return asyncio.get_running_loop().time()

    assert warp.run(main(), warp.WarpClock()) < 11
