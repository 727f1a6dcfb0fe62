import asyncio
import base64
import json
import os
import signal
import socket
import stat
import sys
from pathlib import Path

import aiohttp
import pytest
from support.ports import free_port

from hbprobe import warp
from hbprobe.cli import serve
from hbprobe.cli.main import main
from hbprobe.farend.hold_request import hold_query, hold_token


def served(monkeypatch, capsys, *arguments, client=None):
    """Serve for as long as a client takes; return the exit status and the lines that were printed."""

    async def stand_in():
        if client is not None:
            await client()

    monkeypatch.setattr(serve, "until_told_to_stop", stand_in)
    status = main(["serve", *arguments])
    return status, capsys.readouterr().out.splitlines()


def test_it_says_where_it_is_and_how_to_probe_it(monkeypatch, capsys, tmp_path):
    port = free_port()
    state = tmp_path / "state"
    status, lines = served(monkeypatch, capsys, "--state", str(state), "--listen", f"127.0.0.1:{port}")
    assert status == 0
    assert lines == [
        f"serving on https://127.0.0.1:{port}/  (Ctrl-C ends it)",
        f"certificate of the private CA: {state}/ca.pem",
        f"probe it with: hbprobe probe https://127.0.0.1:{port}/ --ca {state}/ca.pem",
        "ActiveSync: Exchange 2019, every user is let in",
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
        "ActiveSync: Exchange 2019, every user is let in",
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
    assert [line.split(" ")[0] for line in lines] == ["serving", "probe", "ActiveSync:"]
    assert "--ca" not in lines[1]


def test_for_every_network_the_certificate_has_the_names_of_this_machine(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(socket, "gethostname", lambda: "box.example")
    status, lines = served(
        monkeypatch, capsys, "--listen", "0.0.0.0:0", "--state", str(tmp_path), "--name", "mail.example"
    )
    assert status == 0
    assert lines[0].startswith("serving on https://0.0.0.0:")
    assert lines[2].startswith("probe it with: hbprobe probe https://box.example:")
    assert lines[3] == "ActiveSync: off beyond this machine; --users FILE switches it on"
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
    assert len(lines) == 4
    assert lines[3].startswith("web.config: MinHeartbeatInterval ")


# ActiveSync


def options(server, user="alice"):
    """Return status and headers of an OPTIONS request."""

    async def client():
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Basic {token}"}) as session,
            session.options(f"{server}/Microsoft-Server-ActiveSync") as response,
        ):
            seen.append((response.status, response.headers.get("MS-ASProtocolVersions")))

    token = base64.b64encode(f"{user}:secret".encode()).decode()
    seen = []
    return seen, client


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_users_and_release(monkeypatch, capsys, tmp_path, mode):
    users = tmp_path / "users.yaml"
    users.write_text("users: {alice: secret}\n")
    users.chmod(mode)
    port = free_port()
    seen, client = options(f"http://127.0.0.1:{port}")
    arguments = ("--tls", "off", "--listen", f"127.0.0.1:{port}", "--users", str(users), "--exchange", "2010")
    status, lines = served(monkeypatch, capsys, *arguments, client=client)
    assert (status, seen) == (0, [(200, "2.5,12.0,12.1,14.0,14.1")])
    remark = f"--users {users}: others on this machine can read it: chmod 600 {users}"
    assert (lines[0] == remark) == (mode == 0o644)
    assert lines[-2:] == [f"ActiveSync: Exchange 2010, users of {users}", "127.0.0.1 alice OPTIONS: HTTP 200"]
    seen, client = options(f"http://127.0.0.1:{port}", user="eve")
    _, lines = served(monkeypatch, capsys, *arguments, client=client)
    assert (seen, lines[-1]) == ([(401, None)], "127.0.0.1 OPTIONS: HTTP 401 (unauthorized)")


def test_rules_of_files(monkeypatch, capsys, tmp_path):
    rules, config = tmp_path / "rules.yaml", tmp_path / "web.config"
    rules.write_text("disabled_users: alice\n")
    deny = (
        '<filteringRule name="r" scanAllRaw="true"><denyStrings><add string="evil" /></denyStrings></filteringRule>'
    )
    config.write_text(
        "<configuration><appSettings><add key='MinHeartbeatInterval' value='60'/></appSettings><system.webServer>"
        f"<security><requestFiltering><filteringRules>{deny}</filteringRules></requestFiltering></security>"
        "</system.webServer></configuration>"
    )
    port = free_port()
    arguments = ("--tls", "off", "--listen", f"127.0.0.1:{port}", "--rules", str(rules), "--webconfig", str(config))
    seen, client = options(f"http://127.0.0.1:{port}")

    async def both():
        await client()
        async with (
            aiohttp.ClientSession(headers={"User-Agent": "Evil"}) as session,
            session.options(f"http://127.0.0.1:{port}/Microsoft-Server-ActiveSync") as response,
        ):
            seen.append((response.status, await response.text()))

    monkeypatch.setattr(warp, "ScaledClock", warp.WarpClock)  # the 403 comes late on purpose, as IIS's does
    assert served(monkeypatch, capsys, *arguments, client=both)[0] == 0
    assert seen == [(403, None), (404, "404.19: a filtering rule of the server denies the request\n")]


def test_the_admin_api(monkeypatch, capsys):
    port = free_port()
    seen = []

    async def client():
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/hbprobe/admin/devices") as response,
        ):
            seen.append(await response.json())

    arguments = ("--tls", "off", "--listen", "127.0.0.1:0", "--admin", f"127.0.0.1:{port}")
    status, lines = served(monkeypatch, capsys, *arguments, client=client)
    assert (status, seen) == (0, [{"devices": []}])
    assert lines[-1] == f"admin API on http://127.0.0.1:{port}/hbprobe/admin"


def test_the_admin_api_is_not_on_the_other_listener(monkeypatch, capsys):
    port = free_port()
    seen = []

    async def client():
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/hbprobe/admin/devices") as response,
        ):
            seen.append(response.status)

    arguments = ("--tls", "off", "--listen", f"127.0.0.1:{port}", "--admin", "127.0.0.1:0")
    served(monkeypatch, capsys, *arguments, client=client)
    assert seen == [404]


def test_records(monkeypatch, capsys, tmp_path):
    port = free_port()
    events, logs = tmp_path / "events", tmp_path / "logs"
    config = tmp_path / "web.config"
    config.write_text(
        "<configuration><appSettings><add key='MinHeartbeatInterval' value='0'/></appSettings></configuration>"
    )
    seen, client = options(f"http://127.0.0.1:{port}")
    arguments = ("--tls", "off", "--listen", f"127.0.0.1:{port}", "--exchange", "2010", "--webconfig", str(config))
    records = ("--event-log", str(events), "--iis-log", str(logs))
    served(monkeypatch, capsys, *arguments, *records, client=client)
    assert seen[0][0] == 200
    assert json.loads((events / "events.jsonl").read_text())["Id"] == 1011
    (log,) = (logs / "W3SVC1").iterdir()
    *_, line = log.read_text().splitlines()
    assert " OPTIONS /Microsoft-Server-ActiveSync/default.eas " in line
    assert " 443 alice 127.0.0.1 " in line


WRONG = [
    (
        "--listen 0.0.0.0:8443 --iis-log d",
        "--iis-log: ActiveSync on 0.0.0.0:8443, beyond this machine, needs --users FILE",
    ),
    ("--admin 0.0.0.0:8444", "--admin 0.0.0.0:8444: the admin API is for this machine only: use 127.0.0.1:PORT"),
    (
        "--listen 0.0.0.0:8443 --rules rules.yaml",
        "--rules: ActiveSync on 0.0.0.0:8443, beyond this machine, needs --users FILE",
    ),
    ("--users missing.yaml", "missing.yaml: no such file"),
    ("--rules missing.yaml", "missing.yaml: no such file"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_usage(monkeypatch, capsys, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--tls", "off", *arguments.split()]) == 2
    assert capsys.readouterr().err == f"hbprobe: {message}\n"


def test_an_admin_address_that_is_taken(capsys):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        place = f"127.0.0.1:{sock.getsockname()[1]}"
        assert main(["serve", "--tls", "off", "--listen", "127.0.0.1:0", "--admin", place]) == 2
    expected = f"hbprobe: cannot listen on {place}: Address already in use; "
    assert capsys.readouterr().err.startswith(expected)


# Where files are, and the end


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
