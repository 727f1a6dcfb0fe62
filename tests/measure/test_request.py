"""Requests: what they take, and what they say against the rest."""

import asyncio
import dataclasses

import pytest

import hbprobe
from hbprobe.errors import CannotMeasureError, RequestError
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.measure.observe import Observer
from hbprobe.measure.request import SEARCH_FIELDS, Searching
from hbprobe.search.search import SearchSettings

URL = "https://probe.example.net:8443/"


def test_what_people_write_becomes_seconds_and_shares():
    request = hbprobe.Probe(URL, max="10min", min="0:01:30", precision=2, noise="10%", grace="1m0s")
    settings = request.search_settings()
    assert (settings.min_s, settings.max_s, settings.precision_s) == (90.0, 600.0, 2.0)
    assert (settings.noise, settings.grace_s) == (0.1, 60.0)


@pytest.mark.parametrize(
    ("url", "method"),
    [
        (URL, "hold"),
        ("http://h/", "hold"),
        ("wss://h/live", "websocket"),
        ("WS://h/", "websocket"),
        ("sse+https://h/events", "sse"),
        ("grpcs://h/", "http2"),
        ("rediss://h", "redis"),
        ("tcp://h:99", "raw"),
        ("gopher://h/", "hold"),
    ],
)
def test_the_scheme_chooses_the_method(url, method):
    assert hbprobe.Probe(url).method == method
    assert hbprobe.Locate(url).method == method
    assert hbprobe.Diagnose(url).method == method
    assert hbprobe.Lab().method == "hold"


@pytest.mark.parametrize(
    ("asked", "status", "has_verdict"),
    [
        ({}, 1, False),
        ({"heartbeat": "55s"}, 0, False),
        ({"heartbeat": 700}, 1, False),
        ({"exchange": True}, 1, True),
    ],
)
def test_a_websocket_is_judged_as_it_is_asked(asked, status, has_verdict):
    result = hbprobe.Lab(["ten-minute-provider"], method="websocket", max=800, precision=20, **asked).run()
    assert (result.exit_status, result.verdict is not None) == (status, has_verdict)
    assert result.to_dict()["heartbeat"]["safe"] >= 250
    assert type(result).from_dict(result.to_dict()).to_dict() == result.to_dict()


def test_a_request_that_is_held_may_be_left_unjudged():
    result = hbprobe.Lab(["ten-minute-provider"], max=800, precision=20, no_exchange=True).run()
    assert (result.exit_status, result.verdict) == (1, None)


def test_a_method_that_is_named_is_taken():
    assert hbprobe.Probe(URL, method="idle").method == "idle"


@pytest.mark.parametrize(
    ("url", "method", "text"),
    [
        ("wss://h/", "idle", "method idle: wss:// goes with method websocket: name that, or none"),
        ("IMAPS://h/", "hold", "method hold: imaps:// goes with method imap: name that, or none"),
        (URL, "redis", "method redis: https:// goes with method hold, idle or ping: name that, or none"),
        ("tcp://h", "", "'tcp://h' is no URL to probe: write tcp://HOST:PORT[/PATH]"),
        ("tls://h", "", "'tls://h' is no URL to probe: write tls://HOST:PORT[/PATH]"),
        ("h:80", "raw", "'h:80' is no URL to probe: write tls://HOST:PORT[/PATH]"),
    ],
)
def test_a_url_that_the_method_does_not_take(url, method, text):
    with pytest.raises(RequestError) as error:
        hbprobe.Probe(url, method=method).run()
    assert str(error.value) == text


def test_nothing_said_is_the_search_s_own_defaults():
    assert hbprobe.Probe(URL, method="idle").search_settings() == SearchSettings()
    assert hbprobe.Probe(URL).search_settings() == SearchSettings(connections=8)
    assert hbprobe.Lab().path().search == SearchSettings(connections=8)
    assert {name for name in SEARCH_FIELDS if getattr(Searching(), name) is not None} == set()


@pytest.mark.parametrize(
    ("make", "field", "text"),
    [
        (lambda: hbprobe.Probe(URL, max="soon"), "max", "--max: 'soon' is not a duration: write seconds (600) or a"),
        (lambda: hbprobe.Probe(URL, max=float("nan")), "max", "--max: nan is more than a hundred years"),
        (lambda: hbprobe.Probe(URL, max=True), "max", "--max: True is not a duration: give seconds, or text such as"),
        (lambda: hbprobe.Probe(URL, min=700, max=600), "min", "--min must be below max, not 700 and 600"),
        (lambda: hbprobe.Probe(URL, connections=0), "connections", "--connections: 0 is no whole number from 1 to"),
        (lambda: hbprobe.Probe(URL, noise=2), "noise", "--noise: 2 is no share: give a number from 0 to 1"),
        (lambda: hbprobe.Probe(URL, method="get"), "method", "--method: 'get' is not one of hold, idle, ping"),
        (lambda: hbprobe.Locate(URL, method="get"), "method", "--method: 'get' is not one of hold, idle, ping"),
        (
            lambda: hbprobe.Lab(method="ping", kernel=True),
            "method",
            "--method ping: --kernel measures with hold, ",
        ),
        (lambda: hbprobe.Probe(URL, heartbeat=0), "heartbeat", "--heartbeat 0: give more than 0"),
        (
            lambda: hbprobe.Probe(URL, exchange=True, no_exchange=True),
            "exchange",
            "--exchange does not go with --no_exchange: drop one",
        ),
        (lambda: hbprobe.Probe(URL, family="5"), "family", "--family: '5' is not one of any, 4, 6"),
        (lambda: hbprobe.Probe(URL, label="a\nb"), "label", "--label: give one line of at most 80 characters"),
        (lambda: hbprobe.Probe(URL, source=""), "source", "--source: '' is no address and no interface"),
        (lambda: hbprobe.Probe(URL, ca="a", insecure=True), "insecure", "--insecure does not go with --ca: drop one"),
        (lambda: hbprobe.Probe(URL, journal="a", resume="a"), "resume", "--resume does not go with --journal"),
        (lambda: hbprobe.Probe(URL, max="31d"), "max", "--max 31 d: hbprobe serve holds for "),
        (lambda: hbprobe.Verdict(limit=0), "limit", "--limit: 0 is no timer: give more than 0, or 'open'"),
        (lambda: hbprobe.Locate(URL, hops=256), "hops", "--hops 256: no packet goes further than 255 hops"),
        (lambda: hbprobe.Locate(URL, limit=1), "limit", "--limit 1: keep-alives go out once a second at most"),
        (lambda: hbprobe.Diagnose(), "url", "name what to diagnose: a URL, or boxes with --lab"),
        (lambda: hbprobe.Lab("cisco-asa"), "profiles", "--profiles: give a list, as in ['cisco-asa']"),
        (lambda: hbprobe.Lab(pcap="a"), "pcap", "--pcap goes with --kernel"),
        (lambda: hbprobe.Lab(clock="x"), "clock", "--clock: 'x' is no clock: use warp, real, or a rate above 0"),
        (lambda: hbprobe.Fleet(days=0), "days", "--days: 0 is no number of days: give more than 0, at most 3650"),
        (lambda: hbprobe.Fleet(device=["ipod"]), "device", "--device ipod: no such device"),
        (lambda: hbprobe.Size(shortest=0), "shortest", "--shortest 0 s --longest 3600 s: the first must be above 0"),
        (lambda: hbprobe.Size(step=0.1), "step", "--step 0 s: give at least a second, and at most 1000 timers"),
        (lambda: hbprobe.Size(mail=-1), "mail", "--mail: -1 is no number of mails: give 0 to 100000"),
        (lambda: hbprobe.Watch(""), "file", "--file: name a watch file"),
    ],
)
def test_what_cannot_be_names_its_field(make, field, text):
    with pytest.raises(RequestError) as caught:
        make()
    assert caught.value.field == field
    assert caught.value.told(lambda name: f"--{name}").startswith(text)


REQUESTS = {
    hbprobe.Probe: {"url": URL},
    hbprobe.Diagnose: {"url": URL},
    hbprobe.Locate: {"url": URL},
    hbprobe.Preflight: {"url": URL},
    hbprobe.Verdict: {"limit": 600},
    hbprobe.Lab: {},
    hbprobe.Fleet: {},
    hbprobe.FleetShare: {"share_of": "5min"},
    hbprobe.Size: {},
    hbprobe.Watch: {"file": "watch.yaml"},
    hbprobe.Capture: {"files": ["a.pcap"]},
    hbprobe.Logs: {"paths": ["logs"]},
}


@pytest.mark.parametrize("value", [object(), 3.5j, {1, 2}, [None]], ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    ("request_", "name"),
    [(kind, each.name) for kind in REQUESTS for each in dataclasses.fields(kind) if each.init],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_no_field_takes_what_it_has_no_use_for(request_, name, value):
    """One error, at once, that names the field: not one of Python's in the middle of a measurement."""
    with pytest.raises(RequestError, match=f"^{name}: ") as caught:
        request_(**{**REQUESTS[request_], name: value})
    assert caught.value.field == name


def test_every_request_is_held_to_that():
    public = {getattr(hbprobe, name) for name in hbprobe.__all__}
    records = {each for each in public if dataclasses.is_dataclass(each) and hasattr(each, "run")}
    assert records == set(REQUESTS)


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_an_authority_that_is_of_no_use_is_the_field_ca(tmp_path, text):
    ca = tmp_path / "ca.pem"
    if text is not None:
        ca.write_text(text)
    for kind, login in ON_A_PATH.items():
        with pytest.raises(RequestError, match=f"^ca: {ca}: no ") as caught:
            kind("https://127.0.0.1:9/", ca=ca, **login).run()
        assert caught.value.field == "ca"


ON_A_PATH = {
    hbprobe.Probe: {},
    hbprobe.Diagnose: {},
    hbprobe.Locate: {},
    hbprobe.Preflight: {"user": "ada", "password": "secret"},
}


@pytest.mark.parametrize("kind", ON_A_PATH, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    ("host", "said", "field", "text"),
    [
        ("127.0.0.1", {"source": "192.0.2.1"}, "source", "--source 192.0.2.1: Cannot assign requested address; no "),
        ("127.0.0.1", {"source": "no-such-if0"}, "source", "--source no-such-if0: No such device; no connection can"),
        ("a.example", {"source": "2001:db8::1"}, "source", "--source 2001:db8::1: "),
        (
            "127.0.0.1",
            {"source": "::1"},
            "source",
            "--source ::1: an IPv6 address reaches no IPv4 address, which 127.",
        ),
        (
            "[::1]",
            {"source": "127.0.0.1"},
            "source",
            "--source 127.0.0.1: an IPv4 address reaches no IPv6 address, wh",
        ),
        (
            "127.0.0.1",
            {"family": "6"},
            "family",
            "--family: 127.0.0.1 is an IPv4 address, and only IPv6 is asked for",
        ),
        ("[::1]", {"family": "4"}, "family", "--family: ::1 is an IPv6 address, and only IPv4 is asked for"),
        (
            "a.example",
            {"source": "127.0.0.1", "family": "6"},
            "family",
            "--family: 127.0.0.1 is an IPv4 address, and ",
        ),
    ],
)
def test_from_where_nothing_can_start_is_said_before_anything_is_asked(tmp_path, kind, host, said, field, text):
    """It is the request that cannot be, and not the far end; no journal is begun for it."""
    journal = tmp_path / "trials.jsonl"
    kept = {} if kind is hbprobe.Preflight else {"journal": journal}
    with pytest.raises(RequestError) as caught:
        kind(f"https://{host}:9/", **ON_A_PATH[kind], **kept, **said).run()
    assert caught.value.field == field
    assert caught.value.told(lambda name: f"--{name}").startswith(text)
    assert not journal.exists()


def test_a_timer_of_a_lab_is_off_where_it_is_none():
    path = hbprobe.Lab(["cisco-asa"], set={"idle": None}).path()
    assert path.boxes[0].timers.idle is None
    assert path == hbprobe.Lab(["cisco-asa"], set={"idle": "off"}).path()


def test_a_secret_of_the_wrong_type_is_not_told():
    for secret in ({"password": b"secret"}, {"headers": {"Authorization": b"secret"}}):
        with pytest.raises(RequestError) as caught:
            hbprobe.Probe("wss://a.example/", user="ada", **secret)
        assert "secret" not in str(caught.value)


def test_values_in_a_message_may_hold_braces():
    with pytest.raises(RequestError, match=r"^method: '\{max\}' is not one of hold, idle, ping, "):
        hbprobe.Probe(URL, method="{max}")


def test_a_password_is_not_shown():
    assert "secret" not in repr(hbprobe.Probe(URL, user="ada", password="secret", method="ping"))


# How they are carried out


def test_run_where_a_loop_runs_says_what_to_use():
    async def main():
        with pytest.raises(
            RuntimeError, match=r"^Lab\.run\(\) in a running event loop: use `await Lab\(\.\.\.\)\.measure"
        ):
            hbprobe.Lab().run()

    asyncio.run(main())


def test_a_simulation_in_a_program_keeps_its_own_clock():
    async def main():
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        result = await hbprobe.Lab(["ten-minute-provider"]).measure()
        return result, loop.time() - began_s

    result, took_s = asyncio.run(main())
    assert (result.limit.survived_s, result.limit.cut_s, result.limit.manner) == (599.5, 600.5, "silent")
    assert took_s < result.path_s / 10


def test_who_is_cancelled_is_cancelled():
    async def main():
        async with asyncio.timeout(0.3):
            await hbprobe.Lab(clock="real").measure()

    with pytest.raises(TimeoutError):
        asyncio.run(main())


class _Cancels(Observer):
    """Ends the measurement once it has a trial, as Ctrl-C does."""

    has_cancelled = False

    def search(self, run):
        if run.trials and not self.has_cancelled:
            self.has_cancelled = True
            asyncio.current_task().cancel()


def test_ctrl_c_returns_what_was_found():
    result = hbprobe.Lab().run(_Cancels())
    assert not result.complete and result.trials
    assert result.exit_status == 3


def test_a_program_that_is_cancelled_gets_no_partial_record():
    async def main():
        far_end = FarEnd(Settings(), None)
        _, port = await far_end.listen("127.0.0.1", 0)
        try:
            async with asyncio.timeout(0.5):
                await hbprobe.Probe(f"http://127.0.0.1:{port}/").measure()
        finally:
            await far_end.close()

    with pytest.raises(TimeoutError):
        asyncio.run(main())


def test_what_cannot_be_measured_at_all_has_no_part(tmp_path):
    with pytest.raises(CannotMeasureError) as caught:
        hbprobe.Probe("http://127.0.0.1:1/", journal=tmp_path / "j", max=61, precision=1).run()
    assert caught.value.partial is None
