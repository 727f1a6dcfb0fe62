"""Wrong inputs, one mistake each: one clear line on standard error, no traceback, the exit status of the design."""

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hbprobe.cli.main import main
from hbprobe.exchange.certificates import private_ca

FILES = {
    "broken.yaml": "id: x\ntimers: [\n",
    "key.yaml": "id: key\nname: K\ncategory: nat\nlayer: packet\ntimers:\n  idel: {}\nsources: {}\n",
    "unit.yaml": (
        "id: unit\nname: U\ncategory: nat\nlayer: packet\ntimers:\n  idle:\n    default: 5 parsecs\n    expiry: silent\n"
        "    restarted_by: data\n    source: s\nsources:\n  s: {grade: example, says: made up}\n"
    ),
    "range.yaml": (
        "id: range\nname: R\ncategory: nat\nlayer: packet\ntimers:\n  idle:\n    default: 5\n    min: 10\n    max: 20\n"
        "    expiry: silent\n    restarted_by: data\n    source: s\nsources:\n  s: {grade: example, says: made up}\n"
    ),
    "open.xml": "<configuration>\n  <appSettings>\n    <add key='x'\n",
    "bomb.xml": '<!DOCTYPE a [<!ENTITY b "boom">]>\n<configuration/>\n',
    "result.json": "{}",
    "there.jsonl": "",
    "other.jsonl": '{"schema":"hbprobe.journal/1","target":"https://127.0.0.1:9/","method":"hold","search":'
    '{"min_s":60.0,"max_s":1800.0,"precision_s":1.0,"connections":1,"confirm":1,"grace_s":3.0}}\n',
}

WRONG = [
    ("nonsense", "argument VERB: invalid choice: 'nonsense' (choose from "),
    ("", "the following arguments are required: VERB; see hbprobe --help"),
    ("lab --preci 1", "unrecognized arguments: --preci; see hbprobe --help"),
    ("lab cisco-as", "no profile called 'cisco-as'; near: cisco-asa, "),
    ("lab missing.yaml", "missing.yaml: no such file or folder"),
    ("lab broken.yaml", "broken.yaml:3:1: broken YAML: a quote or bracket that is never closed"),
    ("lab key.yaml", "key.yaml:6: timers.idel: unknown key; did you mean idle? (allowed: "),
    ("lab unit.yaml", "unit.yaml:7: timers.idle.default: '5 parsecs' has an unknown unit 'parsecs'"),
    ("lab range.yaml", "range.yaml:7: timers.idle.default: 5 s is below min, 10 s"),
    ("lab --min 2h", "--min must be below max, not 7200 and 3540"),
    (
        "lab --min 5x",
        "argument --min: '5x' has an unknown unit 'x': use ms, s, sec, m, min, h, d; see hbprobe lab --help",
    ),
    ("lab --precision 0", "--precision must be above 0, not 0"),
    ("lab --connections 0", "argument --connections: '0' is no whole number above 0; see hbprobe lab --help"),
    ("lab --clock fast", "--clock: 'fast' is no clock: use warp, real, or a rate above 0 such as 20"),
    ("lab --clock nan", "--clock: 'nan' is no clock: use warp, real, or a rate above 0 such as 20"),
    ("lab --webconfig open.xml", "open.xml:3:5: is not well-formed XML (unclosed token): mend it there"),
    ("lab --webconfig bomb.xml", "bomb.xml:1: has a DOCTYPE, which a web.config does not need: remove it"),
    (
        "lab --webconfig none.xml",
        "none.xml: No such file or directory: give the back end's ClientAccess\\Sync\\web.config",
    ),
    ("lab --set nonsense", "--set 'nonsense': write TIMER=SECONDS, as in idle=5 or idle=off"),
    ("lab --set lifetime=5", "ten-minute-provider has no timer lifetime: it has idle"),
    ("lab --out result.json/x", "--out result.json/x: cannot be written: Not a directory"),
    ("proxy cisco-asa", "the following arguments are required: --upstream; see hbprobe proxy --help"),
    ("proxy cisco-asa --upstream 127.0.0.1", "argument --upstream: '127.0.0.1' is no HOST:PORT: write "),
    ("proxy cisco-asa --upstream [::1]:99999", "argument --upstream: '[::1]:99999' is no HOST:PORT: write "),
    (
        "proxy cisco-asa --upstream ::1:80",
        "argument --upstream: '::1:80': write an IPv6 address in brackets, [::1]:80",
    ),
    (
        "proxy cisco-asa --upstream 127.0.0.1:1 --clock warp",
        "--clock warp: a program outside cannot follow that clock; use real or a rate such as 20",
    ),
    ("probe ftp://x", "'ftp://x' is no URL to probe: write https://HOST[:PORT][/PATH]"),
    ("probe https://u:secret@x/", "a URL to probe holds no user name or password"),
    ("probe https://127.0.0.1:9/ --ca none.pem", "none.pem: no such file; --ca takes a certificate in PEM"),
    ("probe https://127.0.0.1:9/ --ca result.json", "result.json: no certificate in PEM"),
    ("probe http://127.0.0.1:9/ --insecure", "--ca and --insecure go with https; there is no certificate in http"),
    (
        "probe https://127.0.0.1:9/ --journal there.jsonl",
        "there.jsonl: exists already; go on with it by --resume, or name another file",
    ),
    ("probe https://127.0.0.1:9/ --resume none.jsonl", "none.jsonl: cannot be read: No such file or directory"),
    (
        "probe https://127.0.0.1:9/ --resume other.jsonl",
        "other.jsonl: is the journal of another search: max is 1800.0 there and 3540.0 here",
    ),
    ("serve --tls maybe", "--tls maybe: use auto, off, or CERT,KEY: two files in PEM"),
    ("serve --tls a.pem,b.pem", "a.pem: no such file; --tls takes CERT,KEY in PEM, auto, or off"),
    ("plot result.json --out x.png", "result.json: schema: is missing, so this is no result: give a file that "),
    ("plot none.json --out x.png", "none.json: cannot be read: No such file or directory"),
    ("verdict", "the following arguments are required: --limit; see hbprobe verdict --help"),
]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr()
    assert printed.out == ""
    *progress, last = printed.err.splitlines()
    assert all(line.startswith("probing ") for line in progress)
    return last.removeprefix("hbprobe: ")


@pytest.mark.parametrize(("command", "message"), WRONG, ids=[command or "nothing" for command, _ in WRONG])
def test_wrong_usage_ends_with_one_line_and_status_2(
    command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == 2
    assert one_line(capsys).startswith(message)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


@pytest.mark.parametrize("verb", ["serve --tls off", "proxy cisco-asa --upstream 127.0.0.1:1"])
def test_a_port_in_use(verb: str, taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*verb.split(), "--listen", f"127.0.0.1:{taken}"]) == 2
    assert one_line(capsys) == (
        f"cannot listen on 127.0.0.1:{taken}: Address already in use; "
        "stop what listens there or choose another with --listen HOST:PORT"
    )


def test_a_server_that_cannot_be_reached(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    assert main(["probe", f"http://127.0.0.1:{port}/"]) == 3
    assert one_line(capsys) == f"TCP: 127.0.0.1:{port}: Connection refused"


def test_a_certificate_that_is_not_trusted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, tls = private_ca(tmp_path / "theirs")
    ours, _ = private_ca(tmp_path / "ours")
    with tls_server(tls) as port:
        assert main(["probe", f"https://127.0.0.1:{port}/", "--ca", str(ours)]) == 3
    assert one_line(capsys).startswith("TLS: the certificate is not trusted: ")


@contextlib.contextmanager
def tls_server(tls: ssl.SSLContext) -> Iterator[int]:
    """A server in a thread that shakes hands with one client and does no more."""
    listener = socket.create_server(("127.0.0.1", 0))

    def shake() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            tls.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=shake)
    thread.start()
    yield listener.getsockname()[1]
    thread.join()
    listener.close()


def test_a_reader_who_has_seen_enough() -> None:
    command = [sys.executable, "-m", "hbprobe", "profiles", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
