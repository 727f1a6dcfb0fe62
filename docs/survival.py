# /// script
# dependencies = [
#     "aiohttp", "aiomqtt", "asyncpg", "asyncssh", "grpcio", "grpclib", "hbprobe", "httpx", "psycopg[binary]",
#     "redis", "websockets",
# ]
# ///
"""Puts well-known Python clients behind boxes of the catalogue, lets an hour pass, and tabulates which of them live.

    python docs/survival.py           writes the table into docs/survival.md
    python docs/survival.py redis     prints the rows whose names have that word

Every client is the real one with the settings that it has by default, or those that its row names; every connection
is a real one, through a real box, on the warp clock; grpcio, whose loop is its own, on the real one. The servers are
small ones of this file: each answers, and none ends a connection by itself. A client that is not installed is left
out.
"""

import asyncio
import contextlib
import functools
import importlib.util
import logging
import re
import struct
import sys
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from hbprobe.testing import App, Box, Fate, MakeBox, Survivals, survives
from hbprobe.testing.box import USUAL

DOCUMENT = Path(__file__).parent / "survival.md"
FALSE_BEHIND = "ten-minute-provider"
PATIENCE_S = 20.0
"""So long is waited in real time for a client that gives itself no limit."""
HOURS = 1.1
"""Longer than an hour, so that no timer of the boxes falls on the end of it."""
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


# Servers


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """Run a TCP server; give its port."""

    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await handler(reader, writer)
        writer.close()

    server = await asyncio.start_server(handled, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def redis_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer Redis's PING, and publish one message after the silence."""
    while True:
        words = []
        for _ in range(int((await reader.readuntil(b"\r\n"))[1:])):
            await reader.readuntil(b"\r\n")
            words.append((await reader.readuntil(b"\r\n")).strip())
        match words[0].upper():
            case b"PING":
                writer.write(b"+PONG\r\n")
            case b"HELLO":
                writer.write(b"%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n" if b"3" in words else b"*0\r\n")
            case b"SUBSCRIBE":
                writer.write(b">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")
                await asyncio.sleep(max(0, HOURS * 3600 + 1 - asyncio.get_running_loop().time()))
                writer.write(b">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$4\r\nmore\r\n")
            case _:
                writer.write(b"+OK\r\n")


async def postgres_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let a client of PostgreSQL in, and answer every simple query with nothing but success."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!i", len(body) + 4) + body

    idle = message(b"Z", b"I")
    await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
    settings = {b"server_version": b"17.0", b"client_encoding": b"UTF8", b"standard_conforming_strings": b"on"}
    told = b"".join(message(b"S", name + b"\0" + value + b"\0") for name, value in settings.items())
    writer.write(message(b"R", struct.pack("!i", 0)) + told + message(b"K", struct.pack("!ii", 1, 1)) + idle)
    while (kind := await reader.readexactly(1)) != b"X":
        await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
        if kind == b"Q":
            writer.write(message(b"C", b"SELECT 0\0") + idle)


async def mqtt_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a broker of MQTT 3.1.1 for one client: CONNECT, SUBSCRIBE, PUBLISH with QoS 1, PINGREQ."""
    while True:
        kind = (await reader.readexactly(1))[0]
        length = shift = 0
        while True:
            byte = (await reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        body = await reader.readexactly(length)
        match kind >> 4:
            case 1:
                writer.write(b"\x20\x02\x00\x00")
            case 3:
                topic = int.from_bytes(body[:2])
                writer.write(b"\x40\x02" + body[2 + topic : 4 + topic])
            case 8:
                writer.write(b"\x90\x03" + body[:2] + b"\x00")
            case 12:
                writer.write(b"\xd0\x00")


# Clients


async def websockets_default(make_box: MakeBox) -> AsyncGenerator[None, None]:
    """`websockets.connect(url)`: it pings every 20 s."""
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import serve

    async def echo(connection: AsyncIterator[str | bytes]) -> None:
        async for said in connection:
            await connection.send(said)  # type: ignore[attr-defined]

    async with serve(echo, "127.0.0.1", 0, ping_interval=None) as server:  # type: ignore[arg-type]
        port = next(iter(server.sockets)).getsockname()[1]
        async with make_box(port) as box, connect(box.url("ws://{}/")) as client:
            yield
            await client.send("x")
            assert await client.recv() == "x"


@contextlib.asynccontextmanager
async def web() -> AsyncIterator[int]:
    """Run a web server: `/` answers at once, `/echo` is a WebSocket, `/events` says something after the silence."""
    from aiohttp import web

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await asyncio.sleep(HOURS * 3600)
        with contextlib.suppress(ConnectionError):
            await response.write(b"data: x\n\n")
        return response

    app = web.Application()
    app.add_routes([web.get("/", hello), web.get("/echo", echo), web.get("/events", events)])
    runner = web.AppRunner(app, keepalive_timeout=1e6, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def aiohttp_websocket(heartbeat_s: float | None) -> App:
    """Connect with `session.ws_connect(url, heartbeat=...)`; by default it has none."""

    async def app(make_box: MakeBox) -> AsyncGenerator[None, None]:
        import aiohttp

        async with (
            web() as port,
            make_box(port) as box,
            aiohttp.ClientSession() as session,
            session.ws_connect(box.url("http://{}/echo"), heartbeat=heartbeat_s) as client,
        ):
            reading = asyncio.ensure_future(client.receive_str())
            yield
            await client.send_str("x")
            assert await reading == "x"

    return app


async def aiohttp_pool(make_box: MakeBox) -> AsyncGenerator[None, None]:
    """`session.get(url)` twice; a connection is kept for 15 s, and a request may take 5 min."""
    import aiohttp

    async with web() as port, make_box(port) as box, aiohttp.ClientSession() as session:
        async with session.get(box.url()) as answer:
            await answer.read()
        yield
        async with session.get(box.url()) as answer:
            assert await answer.text() == "hello"


def aiohttp_events(**options: float | None) -> App:
    """Read a stream of events with `session.get(url)`; by default a request ends after 5 min."""

    async def app(make_box: MakeBox) -> AsyncGenerator[None, None]:
        import aiohttp

        timeout = {"timeout": aiohttp.ClientTimeout(**options)} if options else {}
        async with (
            web() as port,
            make_box(port) as box,
            aiohttp.ClientSession(**timeout) as session,
            session.get(box.url("http://{}/events")) as answer,
        ):
            reading = asyncio.ensure_future(answer.content.readline())
            yield
            assert await reading == b"data: x\n"

    return app


async def httpx_pool(make_box: MakeBox) -> AsyncGenerator[None, None]:
    """`client.get(url)` twice; a connection is kept for 5 s, and silence may last 5 s."""
    import httpx

    async with web() as port, make_box(port) as box, httpx.AsyncClient(trust_env=False) as client:
        await client.get(box.url())
        yield
        assert (await client.get(box.url())).text == "hello"


def httpx_events(**options: None) -> App:
    """Read a stream of events with `client.stream("GET", url)`; by default silence may last 5 s."""

    async def app(make_box: MakeBox) -> AsyncGenerator[None, None]:
        import httpx

        async with (
            web() as port,
            make_box(port) as box,
            httpx.AsyncClient(trust_env=False, **options) as client,
            client.stream("GET", box.url("http://{}/events")) as answer,
        ):
            lines = answer.aiter_lines()
            reading = asyncio.ensure_future(anext(lines))
            yield
            assert await reading == "data: x"

    return app


async def redis_pool(make_box: MakeBox) -> AsyncGenerator[None, None]:
    """`redis.asyncio.Redis(host, port).ping()` twice."""
    from redis.asyncio import Redis

    async with (
        serving(redis_server) as port,
        make_box(port) as box,
        Redis(host=box.host, port=box.port) as client,
    ):
        await client.ping()
        yield
        assert await client.ping()


async def redis_subscriber(make_box: MakeBox) -> AsyncGenerator[None, None]:
    """Read `pubsub.listen()`: the next message comes after the silence."""
    from redis.asyncio import Redis

    async with (
        serving(redis_server) as port,
        make_box(port) as box,
        Redis(host=box.host, port=box.port) as client,
        client.pubsub() as news,
    ):
        await news.subscribe("news")
        await anext(news.listen())

        async def read() -> bytes:
            while (message := await anext(news.listen()))["type"] != "message":
                pass
            return message["data"]

        reading = asyncio.ensure_future(read())
        yield
        assert await reading == b"more"


async def asyncpg_connection(make_box: MakeBox) -> AsyncGenerator[None, None]:
    """`connection.execute("SELECT 1")` twice; a command may take as long as it likes."""
    import asyncpg

    async with serving(postgres_server) as port, make_box(port) as box:
        connection = await asyncpg.connect(host=box.host, port=box.port, user="u", database="d", ssl=False)
        try:
            await connection.execute("SELECT 1")
            yield
            await connection.execute("SELECT 1")
        finally:
            connection.terminate()


async def psycopg_connection(make_box: MakeBox) -> AsyncGenerator[None, None]:
    """`connection.execute("SELECT 1")` twice, with `AsyncConnection`."""
    import psycopg

    async with serving(postgres_server) as port, make_box(port) as box:
        where = f"host={box.host} port={box.port} user=u dbname=d sslmode=disable gssencmode=disable"
        connection = await psycopg.AsyncConnection.connect(where, autocommit=True)
        try:
            await connection.execute("SELECT 1")
            yield
            await connection.execute("SELECT 1")
        finally:
            await connection.close()


async def aiomqtt_client(make_box: MakeBox) -> AsyncGenerator[None, None]:
    """`aiomqtt.Client(host, port)`: it pings every 60 s."""
    import aiomqtt

    async with serving(mqtt_server) as port, make_box(port) as box, aiomqtt.Client(box.host, box.port) as client:
        yield
        await client.publish("news", b"x", qos=1)


def grpclib_channel(**options: float) -> App:
    """Call a unary method twice on a `grpclib.client.Channel`; by default it never pings."""

    async def app(make_box: MakeBox) -> AsyncGenerator[None, None]:
        from grpclib.client import Channel, UnaryUnaryMethod
        from grpclib.config import Configuration
        from grpclib.const import Cardinality, Handler
        from grpclib.encoding.base import CodecBase
        from grpclib.server import Server, Stream

        class Raw(CodecBase):
            __content_subtype__ = "raw"

            def encode(self, message: bytes, _message_type: type) -> bytes:
                return message

            def decode(self, data: bytes, _message_type: type) -> bytes:
                return data

        class Echo:
            async def call(self, stream: Stream[bytes, bytes]) -> None:
                await stream.send_message(await stream.recv_message() or b"")

            def __mapping__(self) -> dict[str, Handler]:
                return {"/t.T/Echo": Handler(self.call, Cardinality.UNARY_UNARY, bytes, bytes)}

        server = Server([Echo()], codec=Raw())
        await server.start("127.0.0.1", 0)
        port = server._server.sockets[0].getsockname()[1]
        configuration = {"config": Configuration(**options)} if options else {}
        async with make_box(port) as box:
            channel = Channel(box.host, box.port, codec=Raw(), **configuration)
            try:
                call = UnaryUnaryMethod(channel, "/t.T/Echo", bytes, bytes)
                await call(b"x")
                yield
                assert await call(b"y") == b"y"
            finally:
                channel.close()
                server.close()

    return app


def asyncssh_connection(**options: float) -> App:
    """Run a command twice on an `asyncssh.connect(...)`; by default it sends nothing by itself."""

    async def app(make_box: MakeBox) -> AsyncGenerator[None, None]:
        import asyncssh

        def said(process: asyncssh.SSHServerProcess[str]) -> None:
            process.stdout.write("x")
            process.exit(0)

        class Open(asyncssh.SSHServer):
            def begin_auth(self, _username: str) -> bool:
                return False

        key = asyncssh.generate_private_key("ssh-ed25519")
        server = await asyncssh.create_server(
            Open, "127.0.0.1", 0, server_host_keys=[key], process_factory=said, login_timeout=0
        )
        async with (
            make_box(server.get_port()) as box,
            asyncssh.connect(box.host, box.port, known_hosts=None, config=None, **options) as client,
        ):
            await client.run("x")
            yield
            assert (await client.run("x")).stdout == "x"
        server.close()

    return app


GRPCLIB_PINGS = {
    "_keepalive_time": 60,
    "_keepalive_permit_without_calls": True,
    "_http2_max_pings_without_data": 0,
    "_http2_min_sent_ping_interval_without_data": 60,
}

CLIENTS: dict[str, tuple[str, App]] = {
    "websockets": ("websockets", websockets_default),
    "aiohttp, WebSocket": ("aiohttp", aiohttp_websocket(None)),
    "aiohttp, WebSocket, `heartbeat=30`": ("aiohttp", aiohttp_websocket(30)),
    "aiohttp, pooled GET": ("aiohttp", aiohttp_pool),
    "aiohttp, event stream": ("aiohttp", aiohttp_events()),
    "aiohttp, event stream, `total=None`": ("aiohttp", aiohttp_events(total=None)),
    "httpx, pooled GET": ("httpx", httpx_pool),
    "httpx, event stream": ("httpx", httpx_events()),
    "httpx, event stream, `timeout=None`": ("httpx", httpx_events(timeout=None)),
    "redis-py, pooled PING": ("redis", redis_pool),
    "redis-py, subscriber": ("redis", redis_subscriber),
    "asyncpg": ("asyncpg", asyncpg_connection),
    "psycopg": ("psycopg", psycopg_connection),
    "aiomqtt": ("aiomqtt", aiomqtt_client),
    "grpclib": ("grpclib", grpclib_channel()),
    "grpclib, `_keepalive_time=60`": ("grpclib", grpclib_channel(_keepalive_time=60)),
    "grpclib, `_keepalive_time=60`, without its limits": ("grpclib", grpclib_channel(**GRPCLIB_PINGS)),
    "asyncssh": ("asyncssh", asyncssh_connection()),
    "asyncssh, `keepalive_interval=60`": ("asyncssh", asyncssh_connection(keepalive_interval=60)),
}
"""Each row with the package that it is about."""


PROFILES = ("open-path", *USUAL)


def survivals(word: str = "", profiles: Sequence[str] = PROFILES, *, monotonic: bool = True) -> Survivals:
    """Run the clients that are installed and have that word in their names."""
    apps = {
        name: app for name, (package, app) in CLIENTS.items() if word in name and importlib.util.find_spec(package)
    }
    return survives(apps, hours=HOURS, profiles=profiles, monotonic=monotonic)


def false_verdicts(true: Survivals) -> str:
    """Return a table of what would be found behind one box if `time.monotonic` stood still, where that differs."""
    found = {one.app: one for one in true if one.profile.id == FALSE_BEHIND}
    rows = [
        f"| {one.app} | {found[one.app].fate} | {one.fate} |"
        for one in survivals(profiles=[FALSE_BEHIND], monotonic=False)
        if one.fate is not found[one.app].fate
    ]
    return "\n".join([f"| behind {FALSE_BEHIND} | in step | not |", "| --- | --- | --- |", *rows])


@contextlib.contextmanager
def grpcio_server() -> Iterator[int]:
    """Answer what is asked, in threads; give the port."""
    import grpc

    with ThreadPoolExecutor() as threads:
        server = grpc.server(threads)
        echo = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("hbprobe.Test", {"Echo": echo}),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield port
        finally:
            server.stop(None)


def grpcio_fate(port: int, profile: str) -> str:
    """Return what becomes of a channel of grpcio whose connection a box forgets, after `PATIENCE_S`."""
    import grpc

    with Box(port, profile) as box, grpc.insecure_channel(f"{box.host}:{box.port}") as channel:
        call = channel.unary_unary("/hbprobe.Test/Echo")
        call(b"1", timeout=60)
        box.forget()
        threading.Event().wait(1)  # what the box says is heard
        try:
            call(b"2", timeout=PATIENCE_S)
        except grpc.RpcError as error:
            hangs = error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            return str(Fate.HANGS) if hangs else f"{Fate.FAILS}: {error.code().name}"
        return str(Fate.SURVIVES if box.opened == 1 else Fate.RECONNECTS)


def real_verdicts() -> str:
    """Return the table of clients on the real clock; all boxes at once, since a client that hangs takes its time."""
    with grpcio_server() as port, ThreadPoolExecutor(len(PROFILES)) as threads:
        fates = list(threads.map(functools.partial(grpcio_fate, port), PROFILES))
    head = [f"| {' | '.join(['', *PROFILES])} |", f"| {' | '.join(['---'] * (len(PROFILES) + 1))} |"]
    row = f"| {' | '.join(['grpcio', *fates])} |"
    return "\n".join([*head, row, "", f"Measured with grpcio {version('grpcio')}."])


def main() -> None:
    """Print some rows, or write all into the document."""
    logging.disable(logging.WARNING)  # what clients complain of is in the table
    began_s = time.perf_counter()
    result = survivals(*sys.argv[1:2])
    took_s = time.perf_counter() - began_s
    if len(sys.argv) > 1:
        sys.stdout.write(f"{result}\n")
    else:
        packages = sorted({package for package, _ in CLIENTS.values() if importlib.util.find_spec(package)})
        versions = ", ".join(f"{package} {version(package)}" for package in packages)
        text = DOCUMENT.read_text(encoding="utf-8")
        made = f"<!-- made by survival.py -->\n{result.table()}\n\nMeasured with {versions}.\n<!-- end -->"
        text = re.sub(r"<!-- made by survival\.py -->.*?<!-- end -->", lambda _: made, text, flags=re.DOTALL)
        wrong = f"<!-- made by survival.py, too -->\n{false_verdicts(result)}\n<!-- end -->"
        text = re.sub(r"<!-- made by survival\.py, too -->.*?<!-- end -->", lambda _: wrong, text, flags=re.DOTALL)
        if importlib.util.find_spec("grpc"):
            real = f"<!-- made by survival.py on the real clock -->\n{real_verdicts()}\n<!-- end -->"
            own = r"<!-- made by survival\.py on the real clock -->.*?<!-- end -->"
            text = re.sub(own, lambda _: real, text, flags=re.DOTALL)
        DOCUMENT.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(result.each)} connections of {HOURS} h in {took_s:.1f} s\n")


if __name__ == "__main__":
    main()
