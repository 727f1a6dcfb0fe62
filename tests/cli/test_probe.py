"""The probe as its users call it, in real time on very short holds."""

import asyncio
import contextlib
import json
import re
import threading

import pytest

from hbprobe import warp
from hbprobe.cli.main import main
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.net.certificates import private_ca

pytestmark = pytest.mark.realtime

SHORT = ("--min", "0.1", "--max", "0.3", "--precision", "0.1", "--connections", "3", "--strategy", "split")


@contextlib.contextmanager
def far_end(tls=None):
    """A far end in a thread; gives its port, and a list of what it said."""
    said, ready, port = [], threading.Event(), []

    async def serve():
        stop = asyncio.Event()
        server = FarEnd(Settings(), tls, said.append)
        port.extend([(await server.listen("127.0.0.1", 0))[1], asyncio.get_running_loop(), stop])
        ready.set()
        await stop.wait()
        await server.close()

    thread = threading.Thread(target=lambda: warp.run(serve(), warp.ScaledClock()))
    thread.start()
    try:
        assert ready.wait(10)
        yield port[0], said
    finally:
        port[1].call_soon_threadsafe(port[2].set)
        thread.join()


def probe(capsys, *arguments):
    status = main(["probe", *arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err.splitlines()


def test_a_path_that_cuts_nothing(capsys):
    with far_end() as (port, said):
        status, out, err = probe(capsys, f"http://127.0.0.1:{port}/", *SHORT, "--json")
    result = json.loads(out)
    assert (result["verb"], result["target"], result["clock"]) == ("probe", f"http://127.0.0.1:{port}/", "real")
    assert (result["limit"]["survived"], result["limit"]["cut"]) == (0.3, None)
    assert (result["notes"], result["path"], result["cut_by"], result["complete"]) == ([], [], None, True)
    assert status == (0 if result["verdict"]["healthy"] else 1)
    assert re.fullmatch(rf"probing http://127\.0\.0\.1:{port}/: about \d+ s, \d+ s at worst", err[0])
    assert all(line.endswith(" survived") for line in err[1:])
    assert len(said) == len(result["trials"]) == len(err) - 1


def test_text(capsys):
    with far_end() as (port, _):
        _, out, _ = probe(capsys, f"http://127.0.0.1:{port}/", *SHORT)
    assert f"http://127.0.0.1:{port}/" in out
    assert "survives 0.3 s; nothing beyond 0.3 s was tried" in out


def test_trust_in_a_private_ca(capsys, tmp_path):
    ca, tls = private_ca(tmp_path)
    with far_end(tls) as (port, _):
        status, out, _ = probe(capsys, f"https://localhost:{port}/", *SHORT, "--ca", str(ca), "--json")
    assert status in (0, 1)
    assert json.loads(out)["notes"] == []


def test_no_check_of_the_certificate_is_repeated_in_the_result(capsys, tmp_path):
    with far_end(private_ca(tmp_path)[1]) as (port, _):
        status, out, _ = probe(capsys, f"https://127.0.0.1:{port}/", *SHORT, "--insecure", "--json")
    assert status in (0, 1)
    assert json.loads(out)["notes"] == ["the server's certificate was not verified (--insecure)"]


def test_a_certificate_that_is_not_trusted(capsys, tmp_path):
    with far_end(private_ca(tmp_path)[1]) as (port, said):
        status, out, err = probe(capsys, f"https://localhost:{port}/", *SHORT)
    assert (status, out, said) == (3, "", [])
    assert err[-1] == "hbprobe: TLS: the certificate is not trusted: unable to get local issuer certificate"
    assert len(err) == 2


def test_the_idle_method(capsys):
    with far_end() as (port, said):
        status, out, _ = probe(capsys, f"http://127.0.0.1:{port}/", *SHORT, "--method", "idle", "--json")
    result = json.loads(out)
    assert status in (0, 1)
    assert (result["method"], result["limit"]["survived"], said) == ("idle", 0.3, [])


def test_a_journal_that_is_complete_is_not_asked_again(capsys, tmp_path):
    journal = str(tmp_path / "journal.jsonl")
    with far_end() as (port, said):
        url = f"http://127.0.0.1:{port}/"
        first, out, _ = probe(capsys, url, *SHORT, "--journal", journal, "--json")
        asked = len(said)
        again, out_again, err = probe(capsys, url, *SHORT, "--resume", journal, "--json")
        refused, _, why = probe(capsys, url, *SHORT, "--journal", journal)
    assert first == again
    assert len(said) == asked
    results = [json.loads(text) for text in (out, out_again)]
    assert results[0]["trials"] == results[1]["trials"]
    assert results[0]["limit"] == results[1]["limit"]
    assert len(err) == 1 + len(results[0]["trials"])
    assert (refused, len(why)) == (2, 1)


def test_plain_http_to_a_port_of_https_is_no_finding(capsys, tmp_path):
    journal = tmp_path / "journal.jsonl"
    with far_end(private_ca(tmp_path)[1]) as (port, _):
        status, out, err = probe(
            capsys, f"http://127.0.0.1:{port}/", *SHORT, "--connections", "1", "--journal", str(journal)
        )
    assert (status, out) == (3, "")
    assert len(journal.read_text().splitlines()) == 1
    assert re.fullmatch(
        rf"hbprobe: .*; this port speaks TLS: write https://127\.0\.0\.1:{port}/; go on with .*", err[-1]
    )
