"""The page of a running watch: what it is told, who gets it, and the report on each measurement."""

import json
import socket

import aiohttp
import pytest
from support import watched

from hbprobe import warp
from hbprobe.net.address import Address
from hbprobe.web import watch_page
from hbprobe.web.watch_page import PagedEndpoint

NOW = 1_795_528_800.0  # 2026-11-24 14:00 UTC


@pytest.fixture(scope="session")
def found(tmp_path_factory):
    """A database of a day, which no test changes."""
    path = tmp_path_factory.mktemp("watch") / "watch.sqlite"
    watched.stored(path, NOW)
    return path


@pytest.fixture
def ask(found):
    """What asks the page of a watch: path and headers each; returns status, headers and text of each."""

    def asked(*requests, steered=None, listen="127.0.0.1"):
        async def main():
            control = steered() if steered else watched.of_days(found, NOW, 29)
            endpoint = PagedEndpoint(control, watched.Writing(), lambda: None, lambda: NOW)
            async with endpoint.opened(Address(listen, 0), "") as at, aiohttp.ClientSession() as session:
                answers = []
                for path, headers in requests:
                    named = {name: value.format(port=at.port) for name, value in headers.items()}
                    async with session.get(f"http://127.0.0.1:{at.port}{path}", headers=named) as response:
                        answers.append((response.status, dict(response.headers), await response.text()))
                return answers

        return warp.run(main(), warp.ScaledClock())

    return asked


@pytest.fixture
def state(ask):
    return json.loads(ask(("/state", {}))[0][2])


def test_what_is_known_of_each_target(state):
    branch, head, warehouse = state["targets"]
    assert branch["answer"][0] == ["limit", "survives 899.5 s, cut at 900.5 s: silent (2 trials, no contradiction)"]
    assert [name for name, _ in branch["answer"]].count("do") == 1
    (change,) = branch["changes"]
    assert change["text"] == "since Tuesday 2026-11-24 02:00 UTC the path cuts at 900.5 s instead of 1800 s"
    assert len(branch["measurements"]) == 25 and branch["left_out"] == 0
    assert (head["search"], head["next_at"]) == (None, "2026-11-24T14:25:00Z")
    assert warehouse["answer"] == [] and warehouse["last"] is None
    assert warehouse["measurements"][0]["reason"] == "TCP: no route to host"


def test_the_search_that_runs(state):
    search = state["targets"][0]["search"]
    assert (search["survived"], search["cut"], search["holds"]) == (900.0, 1800.0, [1080.0, 1260.0, 1440.0, 1620.0])
    assert search["trials"][-1] == "trial 3: hold 1800 s cut: silent" and search["left_s"] > 1800
    assert search["measurement"] == state["targets"][0]["measurements"][-1]["id"]


def test_one_target_alone(ask):
    one, none = (json.loads(text) for _, _, text in ask(("/state?target=warehouse", {}), ("/state?target=x", {})))
    assert [told["target"] for told in one["targets"]] == ["warehouse"] and none["targets"] == []


def test_the_latest_are_shown_and_the_others_counted(ask, monkeypatch):
    monkeypatch.setattr(watch_page, "_MOST_MEASUREMENTS", 10)
    branch = json.loads(ask(("/state?target=branch+office", {}))[0][2])["targets"][0]
    assert (len(branch["measurements"]), branch["left_out"]) == (10, 15)
    assert len(branch["changes"]) == 1, "all are looked at"


def test_what_happens_is_told_in_order(found):
    async def main():
        control = watched.of_days(found, NOW, 29)
        endpoint = PagedEndpoint(control, watched.Writing(), lambda: None, lambda: NOW)
        feed = endpoint._onlooker.feed
        start = feed.place
        control.says("a line")
        control.happened("branch office")
        control.running["branch office"].run = None
        control.happened("branch office")
        control.happened("")
        await endpoint.close()
        return feed.since(feed.number(start)), control.observers

    events, observers = warp.run(main(), warp.ScaledClock())
    assert [event["event"] for event in events] == ["said", "search", "measured", "plan"]
    assert events[1]["search"]["holds"] == [1080.0, 1260.0, 1440.0, 1620.0] and observers == []


def test_a_report_and_its_result(ask):
    html, document, missing, running, wrong = ask(
        ("/measurements/1", {}),
        ("/measurements/1?as=json", {}),
        ("/measurements/4000", {}),
        ("/measurements/29", {}),
        ("/measurements/x", {}),
    )
    assert html[0] == 200 and "script" not in html[1]["Content-Security-Policy"]
    assert "<svg" in html[2] and "survives 1799 s, cut at 1800 s" in html[2].lower().replace("&#x27;", "'")
    assert json.loads(document[2])["schema"] == "hbprobe.result/1"
    assert [status for status, *_ in (missing, running, wrong)] == [404, 404, 404]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example", "Host": "evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost:{port}"}, 200),
    ],
)
def test_only_its_own_page_may_ask(ask, headers, status):
    assert {code for code, *_ in ask(*((path, headers) for path in ("/", "/state?target=x")))} == {status}


def test_beyond_loopback_the_page_is_for_those_who_name_the_machine(ask):
    hosts = (socket.gethostname(), "127.0.0.1", "evil.example", "127.0.0.1.evil.example", "")
    asked = [(path, {"Host": host}) for host in hosts for path in ("/", "/state?target=x", "/-/healthy")]
    told = [status for status, *_ in ask(*asked, listen="0.0.0.0")]
    assert told == [200, 200, 200] * 2 + [403, 403, 200] * 3


def test_a_database_that_cannot_be_read(tmp_path, ask):
    def steered():
        return watched.control(tmp_path / "none.sqlite", "office")

    answers = ask(("/state", {}), ("/measurements/1", {}), steered=steered)
    assert [status for status, *_ in answers] == [503, 503] and "no such database" in json.loads(answers[0][2])[
        "error"
    ]


def test_a_result_of_a_newer_hbprobe(tmp_path, ask):
    path = tmp_path / "watch.sqlite"

    def steered():
        with watched.Store(path, create=True) as store:
            number = store.begin("office", "{}", NOW).id
            store.finish(number, watched.result(60.0, 61.0, NOW), NOW)
            store._db.execute("UPDATE measurement SET result = '{}'")
        return watched.control(path, "office")

    told, report = ask(("/state", {}), ("/measurements/1", {}), steered=steered)
    ((name, text),) = json.loads(told[2])["targets"][0]["answer"]
    assert name == "limit" and text.startswith("cannot be read: ")
    assert report[0] == 503 and "schema: is missing" in report[2]
