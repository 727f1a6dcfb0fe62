"""Boxes of layer http beside the programs that they stand for, with the same timers: same limit, same manner."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.nginx import HEAD, HTTP

from hbprobe.testing.box import Box

pytestmark = [pytest.mark.program, pytest.mark.realtime]

TIMER_S = 3
_LATE_S = 2.5
"""A busy machine may be so late. No program is early by more than nginx, which may be by 0.3 s."""

_NGINX = (
    HEAD
    + "http {{"
    + HTTP
    + """
    client_header_timeout 3s;
    keepalive_timeout 3s;
    proxy_read_timeout 3s;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
        }}
    }}
}}
"""
)
_HAPROXY = """
defaults
    mode http
    timeout connect 3s
    timeout client 3s
    timeout server 3s
    timeout tunnel 3s
listen relay
    bind 127.0.0.1:{port}
    server far-end 127.0.0.1:{upstream}
"""
_TIMERS = ("client_header", "client_idle", "server_response", "between_bytes", "tunnel_idle")
PRODUCTS = {
    "nginx": ("nginx-http-proxy", _NGINX, ["-e", "stderr", "-c"]),
    "haproxy": ("haproxy-sample-edge", _HAPROXY, ["-db", "-q", "-f"]),
}


@pytest.fixture(params=PRODUCTS)
def product(request):
    return request.param


@pytest.fixture
def both(product, start_proxy, free_port, tmp_path):
    """Return what starts the product and its box in front of a port, and gives the ports of the two."""
    with contextlib.ExitStack() as stack:

        def run(upstream):
            profile, config, options = PRODUCTS[product]
            file = tmp_path / f"{product}.conf"
            file.write_text(config.format(folder=tmp_path, port=free_port, upstream=upstream))
            start_proxy(product, *options, str(file), port=free_port)
            box = stack.enter_context(Box(upstream, profile, **dict.fromkeys(_TIMERS, TIMER_S)))
            return free_port, box.port

        yield run


# What the probe sees


ENDS = {"hold": ("status", 504, True), "idle": ("closed", None, True)}
"""How a product ends a request that waits for its answer, and a connection that waits for a request."""


def test_the_probe_finds_the_same(both, far_end, probe):
    asked = [(method, f"http://127.0.0.1:{port}/") for port in both(far_end("off")) for method in ENDS]
    with ThreadPoolExecutor() as pool:
        results = pool.map(lambda one: probe(one[1], method=one[0]), asked)
        limits = [(method, result["limit"]) for (method, _), result in zip(asked, results, strict=True)]
    for method, limit in limits:
        assert (limit["how"], limit["status"], limit["exact"]) == ENDS[method]
        assert 1 <= limit["survived"] < limit["cut"]
        assert TIMER_S - 0.3 <= limit["cut"] < TIMER_S + _LATE_S


# What both ends see

_WEB_SOCKET = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
_SWITCH = (
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
_OK = "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\nhi"
ANSWERS = {"silent": "", "whole": _OK.format(2), "half": _OK.format(9), "tunnel": _SWITCH}


LEFT_IN_THE_MIDDLE = ("silent", "half", "tunnel")
"""What becomes of the server's connection after a whole answer is another matter: HAProxy keeps it for others."""


def ask(path, lines=""):
    return f"GET /{path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"


ASKED = {
    "nothing": "",
    "part of a head": "GET / HTTP/1.1\r\n",
    "silent": ask("silent"),
    "whole": ask("whole"),
    "half": ask("half"),
    "tunnel": ask("tunnel", _WEB_SOCKET),
}


async def end_of(reader):
    """Read to the end; return what came, how it ended, and when."""
    loop, received = asyncio.get_running_loop(), b""
    try:
        while data := await reader.read(65536):
            received += data
    except ConnectionResetError:
        return received, "RST", loop.time()
    return received, "FIN", loop.time()


async def close(writer):
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def scene(name, port, seen_by_server):
    """Ask for `name`, and wait for the end; return what client and server saw, and after how long each."""
    loop = asyncio.get_running_loop()
    seen_by_server[port, name] = loop.create_future()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = loop.time()
    writer.write(ASKED[name].replace("Host: a", f"Host: a\r\nX-Scene: {port} {name}").encode())
    received, end, at = await end_of(reader)
    await close(writer)
    statuses = [line[9:12].decode() for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    server, server_at = ("", began)
    if name in LEFT_IN_THE_MIDDLE:
        async with asyncio.timeout(5):
            server, server_at = await seen_by_server[port, name]
    return (statuses, end, server), (at - began, server_at - began)


@contextlib.asynccontextmanager
async def answering():
    """Serve what a path asks for; yield the port, and a place for how each connection to it ended."""
    seen, writers = {}, []

    async def serve(reader, writer):
        writers.append(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        name = head.split()[1][1:]
        port = int(head.lower().partition("x-scene: ")[2].split()[0])
        writer.write(ANSWERS[name].encode())
        _, end, at = await end_of(reader)
        await close(writer)
        seen[port, name].set_result((end, at))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.1)


def test_both_ends_see_the_same(product, both):
    """All timers at once: each scene ends by its own, or by two, one after the other."""

    async def play():
        async with answering() as (upstream, seen):
            ports = await asyncio.to_thread(both, upstream)
            scenes = [(name, port) for name in ASKED for port in ports]
            found = await asyncio.gather(*(scene(name, port, seen) for name, port in scenes))
            return dict(zip(scenes, found, strict=True)), ports

    found, (real, simulated) = asyncio.run(play())
    for name in ASKED:
        assert found[name, simulated][0] == found[name, real][0], name
        for (client_s, server_s), who in ((found[name, simulated][1], "box"), (found[name, real][1], product)):
            expected_s = 2 * TIMER_S if name == "silent" else TIMER_S
            assert expected_s - 0.6 <= client_s < expected_s + _LATE_S, (name, who)
            if name == "silent":
                assert TIMER_S - 0.3 <= server_s < TIMER_S + _LATE_S, (name, who)
