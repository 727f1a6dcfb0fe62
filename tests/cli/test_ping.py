"""`probe --method ping`, `preflight` and `lab --method ping` as their users call them."""

import asyncio
import contextlib
import json
import threading

import pytest

from hbprobe import warp
from hbprobe.cli.main import main
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.net.certificates import private_ca
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.service import StandIn
from hbprobe.standin.users import Users
from hbprobe.standin.webconfig_rules import Limits
from hbprobe.trial.methods.table import Takes, taking

PASSWORD = "correct horse"
SETTINGS = Settings(min_heartbeat_s=1, max_heartbeat_s=5)


@contextlib.contextmanager
def activesync(tls=None, settings=SETTINGS, rules=None):
    """A stand-in in a thread that lets `ada` in; gives its port."""
    ready, held = threading.Event(), []
    users = Users(users={"ada": PASSWORD})

    async def serve():
        stop = asyncio.Event()
        server = FarEnd(settings, tls, services=[StandIn(settings, users, rules, limits=Limits(error_delay_s=0))])
        held.extend([(await server.listen("127.0.0.1", 0))[1], asyncio.get_running_loop(), stop])
        ready.set()
        await stop.wait()
        await server.close()

    thread = threading.Thread(target=lambda: warp.run(serve(), warp.ScaledClock()))
    thread.start()
    try:
        assert ready.wait(10)
        yield held[0]
    finally:
        held[1].call_soon_threadsafe(held[2].set)
        thread.join()


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("HBPROBE_PASSWORD", PASSWORD)


def run(capsys, *arguments):
    status = main(arguments)
    printed = capsys.readouterr()
    assert PASSWORD not in printed.out + printed.err
    return status, printed.out, printed.err.splitlines()


# probe


@pytest.mark.realtime
def test_probe(capsys, tmp_path):
    journal = tmp_path / "journal.jsonl"
    options = ("--method", "ping", "--user", "ada", "--min", "1", "--max", "2", "--json", "--journal", str(journal))
    with activesync() as port:
        _, out, err = run(capsys, "probe", f"http://127.0.0.1:{port}/", *options)
    result = json.loads(out)
    assert (result["method"], result["limit"]["survived"], result["limit"]["cut"]) == ("ping", 2, None)
    assert result["server"] == {"min_heartbeat_s": 1, "max_heartbeat_s": 5, "protocol": "14.1", "release": "15.2"}
    assert result["search"]["precision_s"] == 2
    assert result["verdict"]["settings"]["max_heartbeat_s"] == 5
    assert [note.partition(" hbprobe")[0] for note in result["notes"]] == [
        "the server goes on to list the probe's device"
    ]
    assert err[1] == "trial 1: hold 2 s survived"
    assert PASSWORD not in journal.read_text()


@pytest.mark.realtime
def test_a_token_in_place_of_a_password(capsys, tmp_path, monkeypatch):
    admits = {"Bearer s3cret.t0ken": ("ada", PASSWORD)}
    monkeypatch.setattr("hbprobe.standin.request_checks.read_basic", admits.get)
    journal, token = tmp_path / "journal.jsonl", tmp_path / "token"
    token.write_text("s3cret.t0ken\n")
    options = ("--method", "ping", "--user", "ada", "--min", "1", "--max", "2", "--json", "--journal", str(journal))
    with activesync() as port:
        _, out, err = run(capsys, "probe", f"http://127.0.0.1:{port}/", *options, "--token-file", str(token))
    assert json.loads(out)["limit"]["survived"] == 2
    assert not any("t0ken" in text for text in (out, *err, journal.read_text()))


@pytest.mark.realtime
def test_the_servers_limits_end_a_search_that_goes_beyond_them(capsys):
    options = ("--method", "ping", "--user", "ada", "--min", "60", "--max", "600")
    with activesync() as port:
        status, out, err = run(capsys, "probe", f"http://127.0.0.1:{port}/", *options)
    assert (status, out) == (3, "")
    text = "the server takes heartbeats from 1 s to 5 s, and the search is to be from 60 to 600 s"
    assert err[-1] == f"hbprobe: {text}"


@pytest.mark.realtime
def test_a_wrong_password_is_tried_once(capsys, monkeypatch):
    monkeypatch.setenv("HBPROBE_PASSWORD", "wrong horse")
    with activesync() as port:
        status, out, err = run(
            capsys, "probe", f"http://127.0.0.1:{port}/", "--method", "ping", "--user", "ada", "--connections", "3"
        )
    assert (status, out) == (3, "")
    assert err[-1].startswith(
        "hbprobe: status 401: the server does not let this user in with this password or token; check"
    )
    assert "wrong horse" not in "".join(err)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--method ping", "--user is missing: ActiveSync wants a login"),
        ("--user ada", f"--user and --password-file go with --method {taking(Takes.LOGIN)}"),
        ("--password-file x", f"--user and --password-file go with --method {taking(Takes.LOGIN)}"),
        ("--token-file x", "--token-file and --token-command go with --method ping"),
        ("--token-command x", "--token-file and --token-command go with --method ping"),
        ("--method ping --user ada --min 60.5", "--min 60.5: a heartbeat is a whole number of seconds"),
        ("--method ping --user ada --max 99.5", "--max 99.5: a heartbeat is a whole number of seconds"),
        (
            "--method ping --user ada --precision 1",
            "--precision 1: with --method ping it is an even number of seconds",
        ),
        (
            "--method ping --user ada --password-file nowhere",
            "--password-file nowhere: cannot be read: No such file or directory",
        ),
    ],
)
def test_wrong_usage(capsys, options, text):
    assert run(capsys, "probe", "https://mail.example.com/", *options.split()) == (
        2,
        "",
        [f"hbprobe: {text}; see hbprobe probe --help"],
    )


# preflight


@pytest.mark.realtime
def test_preflight(capsys, tmp_path):
    ca, tls = private_ca(tmp_path)
    with activesync(tls) as port:
        status, out, err = run(
            capsys, "preflight", f"https://localhost:{port}/", "--user", "ada", "--ca", str(ca), "--json"
        )
    document = json.loads(out)
    assert status == 0
    assert document["schema"] == "hbprobe.preflight/1"
    assert (document["target"], document["user"], document["passed"]) == (f"https://localhost:{port}/", "ada", True)
    assert [check["name"] for check in document["checks"]][:3] == ["name", "TCP", "TLS"]
    assert {check["state"] for check in document["checks"]} == {"passed"}
    assert document["checks"][-1]["found"] == ["held for 1 s, and answered"]
    assert document["server"]["max_heartbeat_s"] == 5
    assert len(err) > len(document["checks"])


@pytest.mark.realtime
def test_preflight_of_a_server_that_blocks(capsys):
    with activesync(rules=AdminRules(default_access_level="block")) as port:
        status, out, _ = run(capsys, "preflight", f"http://127.0.0.1:{port}/", "--user", "ada")
    assert status == 3
    assert out.startswith("not ready: "), "where nobody watches, the answer stands first"
    lines = [line.split() for line in out.splitlines()]
    assert ["-", "Ping", "not", "tried"] in lines
    assert "        status 403: the server blocks this device" in out.splitlines()
    assert "to do: Get-MobileDevice tells why (DeviceAccessStateReason); Set-CASMailbox" in " ".join(out.split())


@pytest.mark.realtime
def test_quarantine(capsys):
    """The shortest heartbeat is a second here, so a second shows it."""
    text = (
        "the server tells this device of no changes: it is in quarantine, or Exchange is still finding out what it is"
    )
    with activesync(rules=AdminRules(default_access_level="quarantine")) as port:
        flown = run(capsys, "preflight", f"http://127.0.0.1:{port}/", "--user", "ada")
        probed = run(capsys, "probe", f"http://127.0.0.1:{port}/", "--method", "ping", "--user", "ada")
    assert (flown[0], probed[0], probed[1]) == (3, 3, "")
    assert text in " ".join(flown[1].split())
    assert probed[2][-1].startswith(f"hbprobe: {text}; Get-MobileDevice tells which (DeviceAccessState): ")


@pytest.mark.realtime
def test_preflight_in_the_clear_says_so_when_nobody_checked(capsys, tmp_path):
    _, tls = private_ca(tmp_path)
    with activesync(tls) as port:
        status, out, _ = run(capsys, "preflight", f"https://localhost:{port}/", "--user", "ada", "--insecure")
    assert status == 0
    answer = out.partition("\n\n")[0].splitlines()
    assert answer[0].startswith("ready: all ")
    assert answer[-1] == "the server's certificate was not verified (--insecure)"


def test_preflight_wants_a_user(capsys):
    text = "hbprobe: --user is missing: ActiveSync wants a login; see hbprobe preflight --help"
    assert run(capsys, "preflight", "https://mail.example.com/") == (2, "", [text])


# lab


def test_lab(capsys):
    status, out, _ = run(capsys, "lab", "--method", "ping", "--json")
    result = json.loads(out)
    assert status == 0
    assert (result["limit"]["survived"], result["limit"]["cut"]) == (599, 601)
    assert result["server"] == {"min_heartbeat_s": 60, "max_heartbeat_s": 3540, "protocol": "14.1", "release": "15.2"}
    assert result["notes"] == []


def test_lab_in_words(capsys):
    _, out, _ = run(capsys, "lab", "--method", "ping")
    assert "server  ActiveSync 14.1 (release 15.2), takes heartbeats from 60 s to 3540 s" in out
