"""The lines that set a timer or an interval are what programs take, as they are printed: each is given to its own.

Libraries of Python say by their signatures what they take; gRPC's core knows its channel arguments by name.
"""

import inspect
import re
import socket
import subprocess
from pathlib import Path

import pytest
from support.nginx import HEAD, HTTP

from hbprobe.profiles.catalogue import Catalogue
from hbprobe.trial.intervals import AIOHTTP, GRPC, LIBPQ, LINUX, OPENSSH, PAHO, REDIS_PY, WEBSOCKETS
from hbprobe.trial.methods.table import METHODS

SECONDS = 29


def arguments(line):
    """Return what a line of Python gives by name."""
    given = re.fullmatch(r"[\w.]+\(\.\.\., (.*)\)", line.text(SECONDS))[1]
    return eval(f"dict({given})", {"socket": socket})


def takes(function, line):
    """Let a function's signature judge."""
    return inspect.signature(function).bind_partial(**arguments(line)).arguments


def test_websockets():
    client = pytest.importorskip("websockets.asyncio.client")
    assert takes(client.connect, WEBSOCKETS)
    assert arguments(WEBSOCKETS) == {"ping_interval": SECONDS}


def test_aiohttp():
    aiohttp = pytest.importorskip("aiohttp")
    assert "heartbeat" in inspect.signature(aiohttp.ClientSession._ws_connect).parameters
    assert arguments(AIOHTTP) == {"heartbeat": SECONDS}


def test_grpc():
    grpc = pytest.importorskip("grpc")
    given = arguments(GRPC)
    assert "options" in inspect.signature(grpc.secure_channel).parameters
    core = Path(grpc._cython.cygrpc.__file__).read_bytes()
    assert [name for name, _ in given["options"] if name.encode() not in core] == []
    grpc.insecure_channel("127.0.0.1:9", **given).close()


def test_psycopg():
    psycopg = pytest.importorskip("psycopg")
    given = arguments(LIBPQ)
    try:
        told = psycopg.conninfo.make_conninfo("host=127.0.0.1", **given)  # libpq itself refuses what it does not know
    except psycopg.ProgrammingError as error:
        pytest.fail(str(error))
    assert psycopg.conninfo.conninfo_to_dict(told)["keepalives_idle"] == str(SECONDS)


def test_redis_py():
    redis = pytest.importorskip("redis")
    assert takes(redis.Redis, REDIS_PY)["socket_keepalive"] is True
    assert set(arguments(REDIS_PY)["socket_keepalive_options"]) == {socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL}


def test_paho():
    client = pytest.importorskip("paho.mqtt.client")
    assert "keepalive" in inspect.signature(client.Client.connect).parameters
    assert arguments(PAHO) == {"keepalive": SECONDS}


def test_what_is_a_fraction_is_the_whole_second_below_and_never_none():
    assert OPENSSH.text(29.9) == "ServerAliveInterval 29"
    assert OPENSSH.text(0.4) == "ServerAliveInterval 1"
    assert '"grpc.keepalive_time_ms", 29000' in GRPC.text(29)


def test_every_line_is_tried_here():
    lines = {line for row in METHODS.values() for line in (*row.ping_lines, *row.keep_alive_lines)}
    assert lines == {AIOHTTP, GRPC, LIBPQ, LINUX, OPENSSH, PAHO, REDIS_PY, WEBSOCKETS}
    assert all(line.source.startswith("https://") for line in lines)
    assert all("{" not in line.text(1).replace("={socket", "") for line in lines)


# Programs


@pytest.mark.program
def test_ssh(find_program):
    said = subprocess.check_output(
        [find_program("ssh"), "-G", "-F", "none", "-o", OPENSSH.text(SECONDS).replace(" ", "="), "h"], text=True
    )
    assert f"serveraliveinterval {SECONDS}" in said.splitlines()


@pytest.mark.program
def test_linux():
    """Each key is there; nothing is changed."""
    keys = re.findall(r"([\w.]+)=\d+", LINUX.text(SECONDS))
    assert len(keys) == 2
    missing = [key for key in keys if not Path("/proc/sys", *key.split(".")).exists()]
    if missing and not Path("/proc/sys/net/ipv4").exists():
        pytest.skip("no Linux")
    assert missing == []


def lines_of(*builds):
    """Return each line that a profile has for such a program, set to a time, and where it stands."""
    return [
        pytest.param(timer.set_to(SECONDS), id=f"{profile.id}-{kind}")
        for profile in Catalogue().all()
        for kind, timer in profile.each_timer()
        if timer.configure is not None and profile.id.startswith(builds)
    ]


@pytest.mark.program
@pytest.mark.parametrize("lines", lines_of("nginx"))
def test_nginx(find_program, tmp_path, lines):
    server = f"server {{ listen 127.0.0.1:9999; location / {{ proxy_pass http://127.0.0.1:9; {lines} }} }}"
    text = HEAD.format(folder=tmp_path) + f"http {{{HTTP.format(folder=tmp_path)} {server} }}"
    (tmp_path / "conf").write_text(text, encoding="utf-8")
    command = [find_program("nginx"), "-t", "-p", str(tmp_path), "-e", "stderr", "-c", str(tmp_path / "conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.program
@pytest.mark.parametrize("lines", lines_of("haproxy"))
def test_haproxy(find_program, tmp_path, lines):
    defaults = ["defaults", "mode http", "timeout connect 5s", "timeout client 50s", "timeout server 50s"]
    listen = ["listen l", "bind 127.0.0.1:9999", "server s 127.0.0.1:9"]
    text = "\n    ".join((*defaults, *lines.splitlines())) + "\n" + "\n    ".join(listen) + "\n"
    (tmp_path / "conf").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [find_program("haproxy"), "-c", "-f", str(tmp_path / "conf")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.program
def test_a_line_that_is_none_is_refused(find_program, tmp_path):
    (tmp_path / "conf").write_text("defaults\n    timeout client 5s / timeout server 5s\n", encoding="utf-8")
    done = subprocess.run([find_program("haproxy"), "-c", "-f", str(tmp_path / "conf")], capture_output=True)
    assert done.returncode != 0
