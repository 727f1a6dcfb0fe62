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
from hbprobe.net.certificates import private_ca
from hbprobe.trial.methods.table import METHODS, Takes, taking

PROXY_HELP = "; see hbprobe proxy --help"
FILES = {
    "broken.yaml": "id: x\ntimers: [\n",
    "key.yaml": "id: key\nname: K\ncategory: nat\nlayer: packet\ntimers:\n  idel: {}\nsources: {}\n",
    "unit.yaml": (
        "id: unit\nname: U\ncategory: nat\nlayer: packet\ntimers:\n  idle:\n    default: 5 parsecs\n"
        "    expiry: silent\n    restarted_by: data\n    source: s\nsources:\n  s: {grade: example, says: made up}\n"
    ),
    "range.yaml": (
        "id: range\nname: R\ncategory: nat\nlayer: packet\ntimers:\n  idle:\n    default: 5\n    min: 10\n"
        "    max: 20\n    expiry: silent\n    restarted_by: data\n    source: s\n"
        "sources:\n  s: {grade: example, says: made up}\n"
    ),
    "open.xml": "<configuration>\n  <appSettings>\n    <add key='x'\n",
    "bomb.xml": '<!DOCTYPE a [<!ENTITY b "boom">]>\n<configuration/>\n',
    "result.json": "{}",
    "twins.json": '[{"name": "web", "upstream": "127.0.0.1:9"}, {"name": "web", "upstream": "127.0.0.1:10"}]',
    "there.jsonl": "{}\n",
    "other.jsonl": '{"schema":"hbprobe.journal/2","target":"https://127.0.0.1:9/","method":"hold","search":'
    '{"min_s":4.0,"max_s":1800.0,"precision_s":1.0,"connections":8,"confirm":1,"grace_s":3.0}}\n',
}

MANY = " ..."
"""Here begins a list that grows with the catalogue."""

WRONG = [
    # the command line itself
    ("nonsense", "'nonsense': no such verb (choose from lab, preflight, probe," + MANY),
    ("lab --preci 1", "--preci: no such option (did you mean --precision?); see hbprobe lab --help"),
    ("probe", "URL is missing; see hbprobe probe --help"),
    ("proxy cisco-asa", "--upstream is missing; see hbprobe proxy --help"),
    (
        "verdict",
        (
            "--limit is missing: give the path's timer, 'open' where nothing is cut, or an --event; "
            "see hbprobe verdict --help"
        ),
    ),
    ("verdict --event nowhere.txt", "nowhere.txt: cannot be read: No such file or directory"),
    (
        "verdict --event other.jsonl",
        (
            "other.jsonl: the numbers of event 1040 or 3033 are not in it: paste the event as the Event Viewer shows "
            "it, with its numbers in square brackets"
        ),
    ),
    # what was meant
    ("prob https://x/", "'prob': no such verb (did you mean probe?); see hbprobe --help"),
    ("profiles lst", "'lst': no such action (did you mean list?); see hbprobe profiles --help"),
    ("verdict --lmit 600", "--lmit: no such option (did you mean --limit?); see hbprobe verdict --help"),
    ("lab -4", "-4: no such option; see hbprobe lab --help"),
    ("lab cisco-asa --min=5 -6", "-6: no such option; see hbprobe lab --help"),
    ("lab --kernel -5", "-5: no such option; see hbprobe lab --help"),
    ("probe https://h/ --label=", "--label: a value is missing; see hbprobe probe --help"),
    (
        "probe imaps://h --method hold",
        "--method hold: imaps:// goes with --method imap: name that, or none; see hbprobe probe --help",
    ),
    ("probe tcp://h", "'tcp://h' is no URL to probe: write tcp://HOST:PORT[/PATH]; see hbprobe probe --help"),
    ("probe http://127.0.0.1:9/ -6", "-4/-6: 127.0.0.1 is an IPv4 address, and only IPv6 is asked for; see" + MANY),
    (
        "diagnose --lab cisco-asa -4",
        "--lab: a lab is in this process: drop --source and -4/-6; see hbprobe diagnose --help",
    ),
    ("lab --kernl", "--kernl: no such option (did you mean --kernel?); see hbprobe lab --help"),
    (
        "lab --method ide",
        f"--method ide: choose from {', '.join(METHODS)} (did you mean idle?); see hbprobe lab --help",
    ),
    ("verdict --limit 9 --how x", "--how x: choose from silent, reset, closed, status; see hbprobe verdict --help"),
    ("completion tcsh", "SHELL tcsh: choose from bash, zsh, fish; see hbprobe completion --help"),
    ("help nothing", "'nothing': no such verb (choose from lab, preflight, probe," + MANY),
    ("--nonsense", "--nonsense: no such option; see hbprobe --help"),
    ("lab --min", "--min: a value is missing; see hbprobe lab --help"),
    ("lab --json=3", "--json: takes no value; see hbprobe lab --help"),
    ("verdict --limit 600 more", "'more': nothing more was expected here; see hbprobe verdict --help"),
    ("profiles show a b", "'b': nothing more was expected here; see hbprobe profiles show --help"),
    # connections
    ("probe https://x/ -4 -6", "-4 does not go with -6: drop one; see hbprobe probe --help"),
    (
        "probe https://x/ --user a",
        f"--user and --password-file go with --method {taking(Takes.LOGIN)}; see hbprobe probe --help",
    ),
    ("locate https://x/ --hops 300", "--hops 300: no packet goes further than 255 hops; see hbprobe locate --help"),
    # the fault proxy
    ("toxiproxy -port x", "-port: 'x' is no whole number; see hbprobe toxiproxy --help"),
    (
        "toxiproxy --port 70000",
        "--port: '70000' is no port: write a number from 0 to 65535; see hbprobe toxiproxy --help",
    ),
    ("toxiproxy --config nothing.json", "--config nothing.json: cannot be read: No such file or directory"),
    ("toxiproxy --config open.xml", "--config open.xml: is no JSON: Expecting value: line 1 column 1 (char 0)"),
    (
        "toxiproxy --port 0 --config result.json",
        "--config result.json: bad request body: an array of proxies is wanted",
    ),
    (
        "toxiproxy --port 0 --config twins.json",
        "--config twins.json: two proxies are called 'web': give each its own name",
    ),
    (
        "proxy cisco-asa --upstream https://h:geheim@h:1",
        "--upstream: a URL, or a user's name, is no HOST:PORT: write 127.0.0.1:8443 or [::1]:8443" + PROXY_HELP,
    ),
    # profiles
    ("lab cisco-as", "no profile called 'cisco-as'; near: cisco-asa," + MANY),
    ("lab cisco-asa,nothing", "no profile called 'nothing'; hbprobe profiles list shows all"),
    ("lab nothing", "no profile called 'nothing'; hbprobe profiles list shows all"),
    (
        "proxy cisco-asa,nothing --upstream 127.0.0.1:1",
        "no profile called 'nothing'; hbprobe profiles list shows all",
    ),
    ("lab missing.yaml", "missing.yaml: no such file or folder"),
    ("lab result.json", "result.json: a profile is a file that ends in .yaml or .yml"),
    ("lab folder", "folder: holds no profile (.yaml or .yml)"),
    ("lab broken.yaml", "broken.yaml:3:1: broken YAML: a quote or bracket that is never closed"),
    ("lab key.yaml", "key.yaml:6: timers.idel: unknown key; did you mean idle? (allowed:" + MANY),
    (
        "lab unit.yaml",
        "unit.yaml:7: timers.idle.default: '5 parsecs' has an unknown unit 'parsecs': use ms, s, sec, m, min, h, d",
    ),
    ("lab range.yaml", "range.yaml:7: timers.idle.default: 5 s is below min, 10 s"),
    # timers
    ("lab --set nonsense", "--set 'nonsense': write TIMER=SECONDS, as in idle=5 or idle=off"),
    ("lab --set idle=", "--set 'idle=': write TIMER=SECONDS, as in idle=5 or idle=off"),
    ("lab --set idel=5", "--set 'idel=5': no such timer; did you mean idle? (allowed:" + MANY),
    ("lab --set idle=1 --set idle=2", "--set 'idle=2': idle is set twice"),
    (
        "lab --set idle=5x",
        "idle=5x: '5x' has an unknown unit 'x': use ms, s, sec, m, min, h, d, or off",
    ),
    ("lab --set idle=0", "idle=0: must be above 0; idle=off switches the timer off"),
    ("lab --set lifetime=5", "ten-minute-provider has no timer lifetime: it has idle"),
    # the search
    ("lab --min 2h", "--min must be below max, not 7200 and 3540; see hbprobe lab --help"),
    (
        "probe https://127.0.0.1:9/ --min 60 --max 60",
        "--min must be below max, not 60 and 60; see hbprobe probe --help",
    ),
    ("lab --min 5x", "--min: '5x' has an unknown unit 'x': use ms, s, sec, m, min, h, d; see hbprobe lab --help"),
    (
        "lab --max -1",
        "--max: '-1' is below 0: write seconds (600) or a number and a unit (10min); see hbprobe lab --help",
    ),
    ("lab --min 0", "--min must be above 0, not 0; see hbprobe lab --help"),
    ("lab --precision 0", "--precision must be above 0, not 0; see hbprobe lab --help"),
    ("lab --precision 0.1ms", "--precision must be 0.001 s or more, not 0.0001; see hbprobe lab --help"),
    ("lab --connections 0", "--connections: 0 is no whole number from 1 to 99999; see hbprobe lab --help"),
    ("lab --confirm 1.5", "--confirm: '1.5' is no whole number; see hbprobe lab --help"),
    ("lab --noise 2", "--noise: '2' is no share: write 0.1 or 10%; see hbprobe lab --help"),
    ("lab --noise 40%", "--noise must be 0.3 or less, not 0.4; see hbprobe lab --help"),
    ("lab --confidence 0", "--confidence must be above 0, not 0; see hbprobe lab --help"),
    (
        "lab --max 31d",
        "--max 31 d: hbprobe serve holds for 30 d at most; use --method idle for more; see hbprobe lab --help",
    ),
    # clocks
    (
        "lab --clock fast",
        "--clock: 'fast' is no clock: use warp, real, or a rate above 0 such as 20; see hbprobe lab --help",
    ),
    (
        "lab --clock nan",
        "--clock: 'nan' is no clock: use warp, real, or a rate above 0 such as 20; see hbprobe lab --help",
    ),
    (
        "lab --clock 0",
        "--clock: '0' is no clock: use warp, real, or a rate above 0 such as 20; see hbprobe lab --help",
    ),
    (
        "proxy cisco-asa --upstream 127.0.0.1:1 --clock x",
        "--clock: 'x' is no clock: use warp, real, or a rate above 0 such as 20",
    ),
    (
        "proxy cisco-asa --upstream 127.0.0.1:1 --clock warp",
        "--clock warp: a program outside cannot follow that clock; use real or a rate such as 20",
    ),
    # web.config
    (
        "lab --webconfig open.xml",
        "open.xml:3:5: is not well-formed XML (unclosed token): the file ends too early: copy all of it",
    ),
    ("serve --webconfig bomb.xml", "bomb.xml:1: has a DOCTYPE, which a web.config does not need: remove it"),
    (
        "probe http://127.0.0.1:9/ --webconfig none.xml",
        "none.xml: No such file or directory: give the back end's ClientAccess\\Sync\\web.config",
    ),
    (
        "verdict --limit 600 --webconfig folder",
        "folder: Is a directory: give the back end's ClientAccess\\Sync\\web.config",
    ),
    # addresses
    (
        "proxy cisco-asa --upstream 127.0.0.1",
        "--upstream: '127.0.0.1' is no HOST:PORT: write 127.0.0.1:8443 or [::1]:8443; see hbprobe proxy --help",
    ),
    (
        "serve --listen 127.0.0.1:99999",
        "--listen: '127.0.0.1:99999' is no HOST:PORT: write 127.0.0.1:8443 or [::1]:8443; see hbprobe serve --help",
    ),
    (
        "proxy cisco-asa --upstream ::1:80",
        "--upstream: '::1:80': write an IPv6 address in brackets, [::1]:80; see hbprobe proxy --help",
    ),
    (
        "proxy cisco-asa --upstream 127.0.0.1:1 --max-flows 0",
        "--max-flows: '0' is no whole number above 0; see hbprobe proxy --help",
    ),
    # URLs and trust
    (
        "probe ftp://x",
        (
            "'ftp://x' is no URL to probe: write https://HOST[:PORT][/PATH], or tcp://HOST:PORT for any other "
            "protocol; see hbprobe probe --help"
        ),
    ),
    (
        "probe mail.example",
        "'mail.example' is no URL to probe: write https://HOST[:PORT][/PATH]; see hbprobe probe --help",
    ),
    (
        "probe https://x:99999/",
        "'https://x:99999/' is no URL to probe: write https://HOST[:PORT][/PATH]; see hbprobe probe --help",
    ),
    ("probe https://u:secret@x/", "a URL to probe holds no user name or password; see hbprobe probe --help"),
    (
        "probe https://127.0.0.1:9/ --ca none.pem",
        "--ca: none.pem: no such file: give a certificate in PEM; see hbprobe probe --help",
    ),
    (
        "probe https://127.0.0.1:9/ --ca result.json",
        f"--ca: result.json: no certificate in PEM ([X509: NO_CERTIFICATE_OR_CRL_FOUND] {MANY}",
    ),
    (
        "probe http://127.0.0.1:9/ --insecure",
        "--ca and --insecure go with TLS; there is no certificate in http; see hbprobe probe --help",
    ),
    (
        "probe https://127.0.0.1:9/ --ca a.pem --insecure",
        "--insecure does not go with --ca: drop one; see hbprobe probe --help",
    ),
    ("serve --tls maybe", "--tls maybe: use auto, off, or CERT,KEY: two files in PEM"),
    ("serve --tls a.pem,", "--tls a.pem,: use auto, off, or CERT,KEY: two files in PEM"),
    ("serve --tls a.pem,b.pem", "a.pem: no such file; --tls takes CERT,KEY in PEM, auto, or off"),
    (
        "serve --state result.json",
        "result.json: the certificates cannot be kept there: File exists; use --state DIR",
    ),
    # journals
    (
        "probe https://127.0.0.1:9/ --journal there.jsonl",
        "there.jsonl: exists already; go on with it by --resume, or name another file",
    ),
    ("probe https://127.0.0.1:9/ --journal no/x.jsonl", "no/x.jsonl: cannot be written: No such file or directory"),
    ("probe https://127.0.0.1:9/ --resume none.jsonl", "none.jsonl: cannot be read: No such file or directory"),
    (
        "probe https://127.0.0.1:9/ --resume there.jsonl",
        "there.jsonl: is no journal of this version (hbprobe.journal/2); start a new one",
    ),
    (
        "probe https://127.0.0.1:9/ --resume other.jsonl",
        (
            "other.jsonl: is the journal of another measurement: --max is 1800.0 there and 3540.0 here; "
            "say the same, or begin another with --journal; see hbprobe probe --help"
        ),
    ),
    (
        "probe https://127.0.0.1:9/ --journal a.jsonl --resume b.jsonl",
        "--resume does not go with --journal: drop one; see hbprobe probe --help",
    ),
    # results
    ("lab --out result.json/x", "--out result.json/x: cannot be written: Not a directory; see hbprobe lab --help"),
    ("lab --out there.jsonl", "--out there.jsonl: cannot be written: File exists; see hbprobe lab --help"),
    (
        "plot result.json --out x.png",
        "result.json: schema: is missing, so this is no result: give a file that --json or --out wrote",
    ),
    ("plot none.json --out x.png", "none.json: cannot be read: No such file or directory"),
    ("plot --out x.png", "plot: nothing to draw: name a RESULT.json, or a profile with --profile"),
    (
        "verdict --limit 0",
        "--limit: 0 is no timer: give more than 0, or 'open' where nothing is cut; see hbprobe verdict --help",
    ),
]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr()
    assert printed.out == ""
    *progress, last = printed.err.splitlines()
    assert all(line.startswith(("probing ", "the first look ")) for line in progress)
    return last.removeprefix("hbprobe: ")


@pytest.mark.parametrize(("command", "message"), WRONG, ids=[command or "nothing" for command, _ in WRONG])
def test_wrong_usage_ends_with_one_line_and_status_2(
    command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == 2
    line = one_line(capsys)
    assert line[: len(message) - len(MANY)] + MANY == message if message.endswith(MANY) else line == message


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
        port = sock.getsockname()[1]  # kept, and not listened to: nobody else can be given it meanwhile
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
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
