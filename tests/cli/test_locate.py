"""`hbprobe locate` where there is nothing to locate, and where it cannot be done; tests/lab/kernel has real hops."""

import builtins
import json
import re
import subprocess
import sys

import pytest

from hbprobe.cli.main import main
from hbprobe.manner import Manner
from hbprobe.measure.run import Run
from hbprobe.search.search import Search
from hbprobe.trial.outcome import Kind, Outcome

linux = pytest.mark.skipif(sys.platform != "linux", reason="locate needs Linux")


def run(capsys, *arguments):
    status = main(["locate", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture(scope="session")
def far_end():
    """A far end on loopback, without any box."""
    argv = [sys.executable, "-m", "hbprobe", "serve", "--tls", "off", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
        line = program.stdout.readline()
        yield f"http://127.0.0.1:{re.search(r'127.0.0.1:([0-9]+)', line)[1]}"
        program.terminate()


@linux
@pytest.mark.realtime
@pytest.mark.parametrize("method", ["hold", "idle"])
def test_a_request_that_nothing_cuts(capsys, far_end, method):
    status, out, err = run(capsys, far_end, "--limit", "1.5", "--grace", "1", "--method", method, "--json")
    assert status == 0
    first, *ended = err.splitlines()
    assert first == "TCP is answered at hop 1; holding 3 requests for 2 s, side by side"
    reaches = ("without keep-alives", "with keep-alives to hop 1", "with keep-alives all the way")
    assert sorted(ended) == sorted(f"{reach}: lived" for reach in reaches)
    document = json.loads(out)
    assert document["finding"]["code"] == "open"
    assert [(trial["ttl"], trial["outcome"]) for trial in document["trials"]] == [
        (0, "survived"),
        (1, "survived"),
        (None, "survived"),
    ]


@linux
@pytest.mark.realtime
def test_a_search_that_finds_no_limit(capsys, far_end):
    status, out, err = run(capsys, far_end, "--min", "0.2", "--max", "0.4", "--precision", "0.1")
    assert status == 0
    assert "nothing was cut up to 0.4 s, so there is nothing to locate" in out
    assert "which a known limit spares" in err


class Silent:
    """A path on which nothing survives."""

    name = "hold"

    def told(self):
        return None

    async def prove(self):
        return None

    async def trial(self, hold_s):
        return Outcome(Kind.CUT, hold_s, Manner.SILENT)


@linux
def test_a_limit_that_is_too_short_to_be_known(capsys, monkeypatch):
    async def set_up(name, dialer, settings, prior, rng, account, talk, journal, observer):
        return Run(Search(settings, prior), Silent())

    monkeypatch.setattr("hbprobe.measure.setup.set_up", set_up)
    status, _, err = run(capsys, "http://127.0.0.1:1", "--min", "5", "--max", "6")
    assert status == 3
    assert err.endswith("hbprobe: the limit is below 5 s: search with a shorter min, or say the limit\n")


@linux
def test_nobody_is_there(capsys):
    status, out, err = run(capsys, "http://127.0.0.1:1", "--limit", "300")
    assert (status, out) == (3, "")
    assert err == "hbprobe: TCP: 127.0.0.1:1: Connection refused\n"


@linux
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--limit", "1"],
            "--limit 1: keep-alives go out once a second at most: a limit below 1.5 s cannot be located",
        ),
        (["--hops", "256"], "--hops 256: no packet goes further than 255 hops"),
        (["--hops", "0"], "--hops: 0 is no whole number from 1 to 255"),
        (["--insecure"], "--ca and --insecure go with TLS; there is no certificate in http"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    assert run(capsys, "http://127.0.0.1:1", *arguments) == (
        2,
        "",
        f"hbprobe: {message}; see hbprobe locate --help\n",
    )


def test_another_system(capsys, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    status, _, err = run(capsys, "http://127.0.0.1:1", "--limit", "300")
    assert status == 3
    assert err == (
        "hbprobe: locate needs Linux: TCP keep-alives with a TTL of their own, and error queues that name hops\n"
    )


@linux
def test_raw_without_scapy(capsys, monkeypatch):
    load = builtins.__import__

    def without_scapy(name, *rest):
        if name.startswith("scapy"):
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_scapy)
    status, _, err = run(capsys, "http://127.0.0.1:1", "--limit", "300", "--raw")
    told = "hbprobe: --raw needs scapy, which is not there: pip install scapy; see hbprobe locate --help\n"
    assert (status, err) == (2, told)
