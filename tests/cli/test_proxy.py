import asyncio
import contextlib
import re
import socket

import pytest
from support.ports import free_port

from hbprobe.cli import proxy
from hbprobe.cli.main import main

resource = pytest.importorskip("resource")


def proxied(monkeypatch, capsys, *arguments, client):
    """Be a box between `client(port)` and a server that echoes; return the lines without the time of day."""
    port, upstream = free_port(), free_port()

    async def echo(reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()

    async def scene():
        server = await asyncio.start_server(echo, "127.0.0.1", upstream)
        try:
            await client(port)
        finally:
            server.close()
            await asyncio.sleep(0.01)

    monkeypatch.setattr(proxy, "until_told_to_stop", scene)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        status = main(["proxy", *arguments, "--listen", f"127.0.0.1:{port}", "--upstream", f"127.0.0.1:{upstream}"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    lines = capsys.readouterr().out.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in lines)
    return status, [line[9:] for line in lines], port, upstream


async def talk(port, seconds=0.0):
    """Say a word, hear it, wait; return what was heard and how it ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    heard = await reader.read(5)
    await asyncio.sleep(seconds)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return heard


def test_it_says_where_it_is_and_sums_up(monkeypatch, capsys):
    heard = []

    async def client(port):
        heard.extend([await talk(port, 0.01), await talk(port, 0.01)])
        await asyncio.sleep(0.05)

    arguments = ("cisco-asa,fortinet-fortigate", "--max-flows", "7")
    status, lines, port, upstream = proxied(monkeypatch, capsys, *arguments, client=client)
    assert (status, heard) == (0, [b"hello", b"hello"])
    sums = (
        "2 flows; expired: none; closed by their ends 2, reset by their ends 0, refused 0; "
        "10 bytes from clients, 10 from servers"
    )
    assert lines == [
        (
            f"cisco-asa -> fortinet-fortigate on 127.0.0.1:{port}, to 127.0.0.1:{upstream}, "
            "at most 7 flows  (Ctrl-C ends it)"
        ),
        f"cisco-asa: {sums}",
        f"fortinet-fortigate: {sums}",
    ]


@pytest.mark.realtime
def test_a_line_for_each_flow_that_expires(monkeypatch, capsys):
    async def client(port):
        await talk(port, 30)  # on the box's clock

    status, lines, _, _ = proxied(
        monkeypatch, capsys, "ten-minute-provider", "--set", "idle=20", "--clock", "100", client=client
    )
    assert status == 0
    said = re.fullmatch(
        r"ten-minute-provider: flow 1 from 127\.0\.0\.1:\d+: idle ran out after (2\d\.\d{3}) s "
        r"\(age (2\d\.\d{3}) s\): silent( \([a-z-]+\))?",
        lines[1],
    )
    assert said, lines
    assert "1 flows; expired: 1 by idle; " in lines[-1]


def test_a_server_that_refuses(monkeypatch, capsys):
    ports = {}

    async def client(port):
        ports["box"] = port
        with contextlib.suppress(ConnectionError):  # the RST may be there before it is known to stand
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await reader.read()
            finally:
                writer.close()

    monkeypatch.setattr(proxy, "until_told_to_stop", lambda: client(ports["box"]))
    ports["box"], nobody = free_port(), free_port()
    arguments = ["cisco-asa", "--listen", f"127.0.0.1:{ports['box']}", "--upstream", f"127.0.0.1:{nobody}"]
    assert main(["proxy", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.search(r"cisco-asa: refused 127\.0\.0\.1:\d+: upstream 127\.0\.0\.1:\d+: Connection refused$", lines[1])
    assert "refused 1; " in lines[-1]


def test_remarks_on_timers_that_were_set(monkeypatch, capsys):
    async def client(_):
        pass

    _, lines, _, _ = proxied(monkeypatch, capsys, "fortinet-fortigate", "--set", "idle=120", client=client)
    assert lines[0] == "idle=120 is outside what fortinet-fortigate can be set to (5 min to 7 d)"


def test_a_server_whose_name_nobody_knows(monkeypatch, capsys):
    def getaddrinfo(*_args, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert main(["proxy", "cisco-asa", "--upstream", "no.such.example:443"]) == 2
    assert capsys.readouterr() == ("", "hbprobe: --upstream no.such.example:443: no such host\n")
