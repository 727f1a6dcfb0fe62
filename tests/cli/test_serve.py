import asyncio
import json
import os
import signal
import socket
import stat
import sys
from pathlib import Path

import aiohttp
import pytest

from hbprobe import warp
from hbprobe.cli import serve
from hbprobe.cli.main import main
from hbprobe.exchange.hold import hold_query, hold_token


def served(monkeypatch, capsys, *arguments, client=None):
    """Serve for as long as a client takes; return the exit status and the lines that were printed."""

    async def stand_in():
        if client is not None:
            await client()

    monkeypatch.setattr(serve, "until_told_to_stop", stand_in)
    status = main(["serve", *arguments])
    return status, capsys.readouterr().out.splitlines()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def test_it_says_where_it_is_and_how_to_probe_it(monkeypatch, capsys, tmp_path):
    port = free_port()
    state = tmp_path / "state"
    status, lines = served(monkeypatch, capsys, "--state", str(state), "--listen", f"127.0.0.1:{port}")
    assert status == 0
    assert lines == [
        f"serving on https://127.0.0.1:{port}/  (Ctrl-C ends it)",
        f"certificate of the private CA: {state}/ca.pem",
        f"probe it with: hbprobe probe https://127.0.0.1:{port}/ --ca {state}/ca.pem",
    ]
    assert stat.S_IMODE((state / "server.pem").stat().st_mode) == 0o600


def test_without_tls(monkeypatch, capsys):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    seen = []

    async def client():
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{url}{hold_query(0.01, 'a')}") as response:
                seen.append(await response.read())
            async with session.get(url) as response:
                seen.append(json.loads(await response.read())["heartbeat"])

    status, lines = served(monkeypatch, capsys, "--tls", "off", "--listen", f"127.0.0.1:{port}", client=client)
    assert status == 0
    assert lines == [
        f"serving on {url}/  (Ctrl-C ends it)",
        f"probe it with: hbprobe probe {url}/",
        "127.0.0.1 held for 0.01 s, answered",
    ]
    assert seen == [
        hold_token(0.01, "a"),
        {"min_s": 60, "max_s": 3540, "sample_size": 200, "alert_threshold_s": 540},
    ]


def test_with_files_of_ones_own(monkeypatch, capsys, tmp_path):
    served(monkeypatch, capsys, "--state", str(tmp_path), "--listen", "127.0.0.1:0")
    files = f"{tmp_path / 'server.pem'},{tmp_path / 'server.pem'}"
    status, lines = served(monkeypatch, capsys, "--tls", files, "--listen", "127.0.0.1:0")
    assert status == 0
    assert [line.split(" ")[0] for line in lines] == ["serving", "probe"]
    assert "--ca" not in lines[1]


def test_for_every_network_the_certificate_has_the_names_of_this_machine(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(socket, "gethostname", lambda: "box.example")
    status, lines = served(
        monkeypatch, capsys, "--listen", "0.0.0.0:0", "--state", str(tmp_path), "--name", "mail.example"
    )
    assert status == 0
    assert lines[0].startswith("serving on https://0.0.0.0:")
    assert lines[2].startswith("probe it with: hbprobe probe https://box.example:")
    names = (tmp_path / "names.txt").read_text().split()
    assert names == ["127.0.0.1", "::1", "box.example", "localhost", "mail.example"]


def test_what_is_wrong_with_a_web_config(monkeypatch, capsys, tmp_path):
    config = tmp_path / "web.config"
    config.write_text(
        "<configuration><appSettings><add key='MinHeartbeatInterval' value='0'/></appSettings></configuration>"
    )
    arguments = ("--tls", "off", "--listen", "127.0.0.1:0", "--webconfig", str(config))
    status, lines = served(monkeypatch, capsys, *arguments)
    assert status == 0
    assert len(lines) == 3
    assert lines[2].startswith("web.config: MinHeartbeatInterval ")


@pytest.mark.skipif(sys.platform == "win32", reason="XDG is for other systems")
@pytest.mark.parametrize("xdg", [None, ""])
def test_where_the_private_ca_is_kept(monkeypatch, tmp_path, xdg):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    if xdg is not None:
        monkeypatch.setenv("XDG_STATE_HOME", xdg)
    assert serve._state_folder() == tmp_path / ".local" / "state" / "hbprobe"
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert serve._state_folder() == Path("/elsewhere/hbprobe")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other systems")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(number):
    async def scene():
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        await serve.until_told_to_stop()

    before = signal.getsignal(number)
    try:
        warp.run(scene(), warp.ScaledClock())
    finally:
        signal.signal(number, before)
