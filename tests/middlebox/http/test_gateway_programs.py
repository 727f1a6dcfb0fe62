"""Real clients and a real server, with an http box between them that ends TLS and speaks TLS to the server."""

import asyncio
import contextlib
import hashlib
import shutil
import subprocess

import pytest
from aiohttp import ClientPayloadError, ClientSession, TCPConnector, WSMsgType, web

from hbprobe.net.certificates import client_context, private_ca

SIZE = 1_000_000


@pytest.fixture(scope="session")
def ca(tmp_path_factory):
    """The file of a private CA, and TLS settings of a box, a client and a server that know it."""
    folder = tmp_path_factory.mktemp("ca")
    ca_file, box = private_ca(folder)
    return ca_file, box, client_context(ca_file), private_ca(folder)[1]


async def digest(request):
    """Answer with the hash of what was sent."""
    found = hashlib.sha256()
    async for data in request.content.iter_any():
        found.update(data)
    return web.Response(text=found.hexdigest())


async def stream(request):
    """Answer with SIZE bytes, in chunks or with a length."""
    response = web.StreamResponse()
    if request.query.get("sized"):
        response.content_length = SIZE
    await response.prepare(request)
    for _ in range(SIZE // 1000):
        await response.write(b"0123456789" * 100)
    await response.write_eof()
    return response


async def slow(request):
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"so far")
    await asyncio.sleep(1000)
    return response


async def broken(request):
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"so far")
    request.transport.close()
    return response


async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data.upper())
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


async def about(request):
    return web.json_response({"path": request.path_qs, "method": request.method, "headers": dict(request.headers)})


@contextlib.asynccontextmanager
async def path(stage, box, ca):
    """Put an aiohttp server behind a box; yield the stage."""
    _, box_tls, client_tls, server_tls = ca
    async with stage(box, tls=box_tls, upstream_tls=client_tls, upstream_name="localhost") as on:
        app = web.Application()
        app.add_routes([web.post("/digest", digest), web.get("/stream", stream), web.get("/slow", slow)])
        app.add_routes([web.get("/broken", broken)])
        app.add_routes([web.get("/echo", echo), web.route("*", "/about", about)])
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        await web.SockSite(runner, on.listener, ssl_context=server_tls).start()
        try:
            yield on
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def aiohttp_client(on, ca):
    async with ClientSession(f"https://localhost:{on.address[1]}", connector=TCPConnector(ssl=ca[2])) as client:
        yield client
    await asyncio.sleep(1)  # TLS takes its leave


class TestAiohttp:
    async def test_asks_many_things_on_one_connection(self, stage, http_box, ca):
        async with path(stage, http_box({"via": True}), ca) as on, aiohttp_client(on, ca) as client:
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
                async with client.request(method, "/about?x=1", data=b"y", headers={"X-Odd": "\xfc"}) as answer:
                    seen = await answer.json()
                    assert (seen["method"], seen["path"]) == (method, "/about?x=1")
                    assert seen["headers"]["X-Odd"] == "\xfc"
                    assert seen["headers"]["Via"] == answer.headers["Via"] == "1.1 hbprobe"
            async with client.head("/about") as answer:
                assert (answer.status, await answer.read()) == (200, b"")
            assert (on.box.counts.opened, on.refused) == (1, [])

    @pytest.mark.parametrize("kind", ["sized", "chunked", "expecting 100"])
    async def test_uploads(self, stage, http_box, ca, kind):
        body = bytes(range(250)) * 4000

        async def pieces():
            for at in range(0, len(body), 50_000):
                yield body[at : at + 50_000]

        async with path(stage, http_box(), ca) as on, aiohttp_client(on, ca) as client:
            data = pieces() if kind == "chunked" else body
            async with client.post("/digest", data=data, expect100=kind == "expecting 100") as answer:
                assert await answer.text() == hashlib.sha256(body).hexdigest()

    @pytest.mark.parametrize("query", ["", "?sized=1"])
    async def test_downloads(self, stage, http_box, ca, query):
        async with (
            path(stage, http_box(), ca) as on,
            aiohttp_client(on, ca) as client,
            client.get("/stream" + query) as answer,
        ):
            assert await answer.read() == b"0123456789" * (SIZE // 10)

    async def test_notices_an_answer_that_was_cut_short(self, stage, http_box, ca):
        async with path(stage, http_box(between_bytes=5), ca) as on, aiohttp_client(on, ca) as client:
            async with client.get("/slow") as answer:
                with pytest.raises(ClientPayloadError):
                    await answer.read()
            assert on.expired == [("between_bytes", "close", 5)]

    async def test_is_answered_for_a_server_that_does_not(self, stage, http_box, ca):
        box = http_box({"keeps_client": True}, total=5)
        async with path(stage, box, ca) as on, aiohttp_client(on, ca) as client:
            for _ in range(2):
                async with client.get("/slow") as answer:
                    assert answer.status == 200
                    with pytest.raises(ClientPayloadError):
                        await answer.read()

    async def test_talks_web_socket(self, stage, http_box, ca):
        box = http_box(tunnel_idle=60, server_response=3, between_bytes=3)
        async with path(stage, box, ca) as on, aiohttp_client(on, ca) as client:
            async with client.ws_connect("/echo", max_msg_size=0) as socket:
                for _ in range(3):
                    await socket.send_str("hello")
                    assert await socket.receive_str() == "HELLO"
                    await asyncio.sleep(50)
                await socket.send_bytes(bytes(SIZE))
                assert await socket.receive_bytes() == bytes(SIZE)
                message = await socket.receive()
                assert message.type in (WSMsgType.CLOSED, WSMsgType.ERROR)
            assert on.expired == [("tunnel_idle", "close", 60)]

    async def test_many_at_a_time(self, stage, http_box, ca):
        async with path(stage, http_box(), ca) as on, aiohttp_client(on, ca) as client:

            async def ask(number):
                async with client.post("/digest", data=b"x" * number) as answer:
                    return await answer.text()

            found = await asyncio.gather(*(ask(number) for number in range(100)))
            assert found == [hashlib.sha256(b"x" * number).hexdigest() for number in range(100)]
            assert on.refused == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("version", ["1.1", "2"])
class TestCurl:
    async def curl(self, on, ca, version, path, *options):
        command = ["curl", "-sS", f"--http{version}", "--max-time", "20", "--cacert", str(ca[0]), *options]
        command.append(f"https://localhost:{on.address[1]}{path}")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            None, lambda: subprocess.run(command, capture_output=True, check=False, timeout=30)
        )

    async def test_asks(self, stage, http_box, ca, version):
        async with path(stage, http_box({"forwarded_for": True}), ca) as on:
            done = await self.curl(on, ca, version, "/about", "-i")
            assert done.stderr == b""
            status = b"HTTP/1.1 200 OK" if version == "1.1" else b"HTTP/2 200 "
            assert done.stdout.lower().startswith(status.lower() + b"\r\ncontent-type: application/json")
            assert b'"X-Forwarded-For": "127.0.0.1"' in done.stdout

    async def test_uploads_after_a_100(self, stage, http_box, ca, version, tmp_path):
        body = bytes(range(256)) * 4_000
        (tmp_path / "body").write_bytes(body)
        async with path(stage, http_box(), ca) as on:
            data = f"@{tmp_path / 'body'}"
            for options in (("-H", "Expect: 100-continue"), ("-H", "Transfer-Encoding: chunked")):
                done = await self.curl(on, ca, version, "/digest", "--data-binary", data, *options)
                assert (done.stderr, done.stdout.decode()) == (b"", hashlib.sha256(body).hexdigest())

    async def test_notices_an_answer_that_was_cut_short(self, stage, http_box, ca, version):
        async with path(stage, http_box(), ca) as on:
            done = await self.curl(on, ca, version, "/broken")  # CURLE_PARTIAL_FILE or CURLE_HTTP2_STREAM
            assert (done.stdout, done.returncode) == (b"so far", 18 if version == "1.1" else 92)

    async def test_asks_twice_on_one_connection(self, stage, http_box, ca, version):
        async with path(stage, http_box(), ca) as on:
            again = f"https://localhost:{on.address[1]}/stream"
            done = await self.curl(on, ca, version, "/stream", again)
            assert (done.stderr, len(done.stdout)) == (b"", 2 * SIZE)
            assert on.box.counts.opened == 1
