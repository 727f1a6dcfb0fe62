"""Measure `hbprobe serve`: memory of held TLS requests, and how fast it takes what is sent, beside asyncio's own TLS.

The peer is the same application behind aiohttp's own site, which is asyncio's TLS. Both are programs of their own, as
users run them; clients are this process. The load of the machine is printed: a busy one is good for ratios only.

    python tests/benchmarks/serve.py [--requests 5000] [--pings 1000]
"""

import argparse
import asyncio
import base64
import contextlib
import os
import re
import ssl
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rig import Program, free_port, note, print_table, raise_descriptor_limit, running, show

from hbprobe.eas.commands import (
    DeviceInformation,
    FolderSyncRequest,
    PingFolder,
    PingRequest,
    ProvisionAnswer,
    ProvisionRequest,
    SyncCollection,
    SyncRequest,
)
from hbprobe.eas.query import Query
from hbprobe.farend.hold_request import hold_query
from hbprobe.net.certificates import private_ca, server_context
from hbprobe.standin.messages import PATH, WBXML

_AT_ONCE = 32
_TURNS = 7
_BODY = bytes(1_000_000)
_LONG_S = 3000.0


def main() -> None:
    """Measure, and print the table."""
    if sys.argv[1:2] == ["peer"]:
        asyncio.run(_be_the_peer(int(sys.argv[2]), Path(sys.argv[3])))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=5000, help="held at a time (default: 5000)")
    parser.add_argument("--pings", type=int, default=1000, help="Pings held at a time (default: 1000)")
    args = parser.parse_args()
    raise_descriptor_limit()
    # A client's buffer is no concern here, and thousands of them would not fit beside the servers.
    asyncio.sslproto.SSLProtocol.max_size = 16384
    sys.stdout.write(f"load before: {_load()}\n")
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        ca, _ = private_ca(state)
        trust = ssl.create_default_context(cafile=ca)
        with _peer(state) as peer, _serve(state) as serve:
            servers = {"asyncio's TLS": peer, "hbprobe serve": serve}
            columns = asyncio.run(_in_turns(servers, trust))
            for name, server in servers.items():
                columns[name] |= asyncio.run(_measure(server, trust, args.requests))
        with _serve(state) as server:
            columns["hbprobe serve"]["a held Ping, kB"] = asyncio.run(_pings(server, trust, args.pings))
    sys.stdout.write(f"load after: {_load()}\n")
    rows = list(columns["hbprobe serve"])
    print_table(
        ["", *columns],
        [[row, *(show(column[row]) if row in column else "" for column in columns.values())] for row in rows],
    )


def _serve(state: Path) -> contextlib.AbstractContextManager[Program]:
    port = free_port()
    command = [sys.executable, "-m", "hbprobe", "serve", "--listen", f"127.0.0.1:{port}", "--state", str(state)]
    return running(command, port)


def _peer(state: Path) -> contextlib.AbstractContextManager[Program]:
    port = free_port()
    return running([sys.executable, __file__, "peer", str(port), str(state)], port)


async def _be_the_peer(port: int, state: Path) -> None:
    from aiohttp import web

    from hbprobe.farend.hold_service import HoldService
    from hbprobe.farend.witness import Witness

    raise_descriptor_limit()
    app = web.Application()
    app.add_routes(HoldService(Witness()).routes())
    app.add_routes([web.get("/", _about)])
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, keepalive_timeout=1e6)
    await runner.setup()
    key = state / "server.pem"
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=server_context(key, key), backlog=4096).start()
    await asyncio.Event().wait()


async def _about(_: object) -> object:
    from aiohttp import web

    return web.json_response({"server": "peer"})


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _in_turns(servers: dict[str, Program], trust: ssl.SSLContext) -> dict[str, dict[str, float]]:
    """Let the servers take turns, so that what else the machine does meets both."""
    note("bulk and short requests, in turns")
    bulk, gets = {name: [] for name in servers}, {name: [] for name in servers}
    for _ in range(_TURNS):
        for name, server in servers.items():
            bulk[name].append(await _bulk(server, trust))
            gets[name] += await _gets(server, trust)
    return {
        name: {
            "bodies of 1 MB on one connection, MB/s": statistics.median(bulk[name]),
            "a GET, p50, ms": statistics.median(gets[name]),
            "a GET, p99, ms": sorted(gets[name])[len(gets[name]) * 99 // 100],
        }
        for name in servers
    }


async def _measure(server: Program, trust: ssl.SSLContext, requests: int) -> dict[str, float]:
    async def hold(number: int) -> Streams:
        reader, writer = await _connect(server, trust)
        writer.write(_post(hold_query(_LONG_S, f"n{number}"), b""))
        return reader, writer

    await hold(-1)
    await asyncio.sleep(1)
    before = server.resident_bytes()
    note(f"{requests} requests held")
    began_s = time.perf_counter()
    held = await _all(hold, requests)
    took_s = time.perf_counter() - began_s
    await asyncio.sleep(2)
    each_kb = (server.resident_bytes() - before) / requests / 1024
    beside_ms = statistics.median(await _gets(server, trust))
    _leave(held)
    return {
        "a held request, kB": each_kb,
        "opened a second": requests / took_s,
        "a GET beside them, p50, ms": beside_ms,
    }


async def _pings(server: Program, trust: ssl.SSLContext, count: int) -> float:
    async def ping(number: int) -> Streams:
        reader, writer = await _connect(server, trust)
        device, key = f"D{number + 1}", 0

        async def send(command: str, body: bytes) -> bytes:
            writer.write(_eas(command, device, key, body))
            return await _body_of(reader)

        told = ProvisionRequest(information=DeviceInformation(model="M"))
        key = ProvisionAnswer.decode(await send("Provision", told.encode())).policy_key
        accepted = ProvisionRequest(policy_key=key, status=1)
        key = ProvisionAnswer.decode(await send("Provision", accepted.encode())).policy_key
        await send("FolderSync", FolderSyncRequest("0").encode())
        await send("Sync", SyncRequest((SyncCollection("0", "5"),)).encode())
        asked = PingRequest(int(_LONG_S), (PingFolder("5", "Email"),))
        writer.write(_eas("Ping", device, key, asked.encode()))
        return reader, writer

    note(f"{count} Pings held")
    await ping(-1)
    await asyncio.sleep(1)
    before = server.resident_bytes()
    held = await _all(ping, count)
    await asyncio.sleep(2)
    each_kb = (server.resident_bytes() - before) / count / 1024
    _leave(held)
    return each_kb


async def _all(open_one, count: int) -> list[Streams]:
    opened = []
    for batch in _batches(count):
        opened += await asyncio.gather(*map(open_one, batch))
    return opened


def _batches(count: int) -> list[range]:
    return [range(start, min(start + _AT_ONCE, count)) for start in range(0, count, _AT_ONCE)]


async def _connect(server: Program, trust: ssl.SSLContext) -> Streams:
    return await asyncio.open_connection("127.0.0.1", server.port, ssl=trust, server_hostname="localhost")


async def _bulk(server: Program, trust: ssl.SSLContext) -> float:
    reader, writer = await _connect(server, trust)
    request = _post(hold_query(0.0, "bulk"), _BODY)
    began_s, count = time.perf_counter(), 40
    for _ in range(count):
        writer.write(request)
        await _body_of(reader)
    writer.close()
    return count * len(_BODY) / (time.perf_counter() - began_s) / 1e6


async def _gets(server: Program, trust: ssl.SSLContext) -> list[float]:
    reader, writer = await _connect(server, trust)
    took_ms = []
    for _ in range(500):
        began_s = time.perf_counter()
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await _body_of(reader)
        took_ms.append((time.perf_counter() - began_s) * 1e3)
    writer.close()
    return took_ms


def _post(path: str, body: bytes, headers: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _eas(command: str, device: str, key: int, body: bytes) -> bytes:
    login = base64.b64encode(b"ada:x").decode()
    headers = f"MS-ASProtocolVersion: 14.1\r\nX-MS-PolicyKey: {key}\r\nUser-Agent: Phone/1.0\r\n"
    headers += f"Authorization: Basic {login}\r\nContent-Type: {WBXML}\r\n"
    return _post(f"{PATH}?{Query(command, 'ada', device, 'Phone').plain()}", body, headers)


async def _body_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert b" 200 " in head and length is not None, head
    return await reader.readexactly(int(length[1]))


def _leave(streams: list[Streams]) -> None:
    for _, writer in streams:
        writer.transport.abort()


def _load() -> str:
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    busy = ": busy, good for ratios only" if load > cores / 2 else ""
    return f"{load:.2f} on {cores} cores{busy}"


if __name__ == "__main__":
    main()
