"""What Prometheus reads."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from support.watched import RunningTarget, Writing

from hbprobe import warp
from hbprobe.errors import UserError
from hbprobe.exchange.settings import Settings
from hbprobe.net.address import Address
from hbprobe.net.wire import Target
from hbprobe.search.search import SearchSettings
from hbprobe.watch.control import Control
from hbprobe.watch.endpoint import WatchEndpoint
from hbprobe.watch.store import State
from hbprobe.watch.watchfile import WatchPlan, WatchTarget

LOOPBACK = Address("127.0.0.1", 0)
NOW = 20_000.0


def target(name, module=""):
    return WatchTarget(
        name, Target.parse(f"http://127.0.0.1:{len(name)}/"), "hold", None, SearchSettings(), module=module
    )


@pytest.fixture
def control(store):
    def make(*names, module=""):
        targets = tuple(target(name, module) for name in names)
        return Control(WatchPlan(store.path, 3600.0, None, Settings(), targets))

    return make


@pytest.fixture
def ask():
    """What asks a watch over HTTP: returns status, content type and body of each answer."""

    def asked(control, *paths, method="GET", writing=None, reload=lambda: None, **headers):
        async def main():
            async with (
                WatchEndpoint(control, writing or Writing(), reload, lambda: NOW).opened(LOOPBACK, "") as address,
                aiohttp.ClientSession(headers=headers) as session,
            ):
                answers = []
                for path in paths:
                    async with session.request(method, f"http://{address}{path}") as response:
                        answers.append((response.status, response.headers["Content-Type"], await response.text()))
                return answers

        return warp.run(main(), warp.ScaledClock())

    return asked


def samples(text):
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


@pytest.fixture
def scraped(ask, control):
    def scrape(*targets):
        ((_, content_type, text),) = ask(control(*targets), "/metrics")
        assert content_type.startswith("text/plain; version=0.0.4")
        return {name: value for name, value in samples(text).items() if not name.startswith("process_")}

    return scrape


def test_all_of_them(store, measured, trial, scraped):
    for hour in range(3):
        measured("office", 3600.0 * hour, 599.5, 600.5)
    measured("office", 10800.0, 299.5, 300.5)
    number = measured("office", 14400.0, 299.5, 300.0)
    store.add_trial(number, trial, 14_440.0)
    store.end(store.begin("office", "{}", 15000.0).id, State.FAILED, "no route")
    measured("lab", 5.0, 3540.0, None)
    store.begin("lab", "{}", 50.0)
    found = scraped("office", "lab", "new")
    (build,) = [name for name in found if name.startswith("hbprobe_build_info{")]
    assert 'version="' in build and 'python="3.' in build and found.pop(build) == "1.0"
    assert found == {
        'hbprobe_limit_survived_seconds{target="office"}': "299.5",
        'hbprobe_limit_survived_seconds{target="lab"}': "3540.0",
        'hbprobe_limit_cut_seconds{target="office"}': "300.0",
        'hbprobe_limit_info{cause="",how="silent",target="office"}': "1.0",
        'hbprobe_limit_info{cause="",how="",target="lab"}': "1.0",
        'hbprobe_healthy{target="office"}': "0.0",
        'hbprobe_healthy{target="lab"}': "1.0",
        'hbprobe_last_measurement_timestamp_seconds{target="office"}': "14400.0",
        'hbprobe_last_measurement_timestamp_seconds{target="lab"}': "5.0",
        'hbprobe_measurement_age_seconds{target="office"}': "5560.0",
        'hbprobe_measurement_age_seconds{target="lab"}': "19935.0",
        'hbprobe_measurement_duration_seconds{target="office"}': "40.0",
        'hbprobe_measurement_duration_seconds{target="lab"}': "60.0",
        'hbprobe_measuring{target="office"}': "0.0",
        'hbprobe_measuring{target="lab"}': "1.0",
        'hbprobe_measuring{target="new"}': "0.0",
        'hbprobe_measurements_total{state="done",target="office"}': "5.0",
        'hbprobe_measurements_total{state="failed",target="office"}': "1.0",
        'hbprobe_measurements_total{state="done",target="lab"}': "1.0",
        'hbprobe_measurements_total{state="running",target="lab"}': "1.0",
        'hbprobe_trials_total{outcome="cut",target="office"}': "1.0",
        'hbprobe_limit_changes_total{target="office"}': "1.0",
        'hbprobe_limit_changes_total{target="lab"}': "0.0",
        'hbprobe_limit_changes_total{target="new"}': "0.0",
        "hbprobe_unstored_findings": "3.0",
        "hbprobe_interval_seconds": "3600.0",
        "hbprobe_config_last_reload_successful": "1.0",
    }


def test_the_process_tells_of_itself(ask, control, store):
    ((_, _, text),) = ask(control("office"), "/metrics")
    assert "process_start_time_seconds" in samples(text) or "process" not in text  # there is none without /proc


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=1.0.0", "application/openmetrics-text"])
def test_openmetrics_where_it_is_asked_for(ask, control, store, measured, accept):
    measured("office", 0.0, 599.5, 600.5)
    ((_, content_type, text),) = ask(control("office"), "/metrics", Accept=accept)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n") and "# TYPE hbprobe_limit info\n" in text


def test_a_name_from_outside_is_escaped(measured, scraped):
    measured('a"\n} 1', 0, 60, 61)
    assert scraped('a"\n} 1')['hbprobe_limit_cut_seconds{target="a\\"\\n} 1"}'] == "61.0"


def test_an_address_that_is_taken(control, store):
    @asynccontextmanager
    async def endpoint(address):
        async with WatchEndpoint(control("a"), Writing(), lambda: None, lambda: NOW).opened(address, "") as at:
            yield at

    async def main():
        async with endpoint(LOOPBACK) as address, endpoint(address):
            await asyncio.sleep(0)

    with pytest.raises(UserError, match=r"127\.0\.0\.1:\d+"):
        warp.run(main(), warp.ScaledClock())


def test_a_probe_answers_from_what_is_stored_and_begins_the_next(ask, control, store, measured):
    measured("office", 0.0, 599.5, 600.5)
    asked, watched = control("office", "lab", module="web"), RunningTarget()
    asked.running["office"] = watched
    paths = ("/probe?target=office", "/probe?target=http://127.0.0.1:6/&module=web", "/probe?target=lab")
    answers = ask(asked, *paths)
    by_name, by_url, never = (samples(text) for _, _, text in answers)
    assert by_name == by_url and watched.hurried == 2
    assert (by_name["probe_success"], by_name["probe_duration_seconds"]) == ("1.0", "60.0")
    assert by_name['hbprobe_limit_cut_seconds{target="office"}'] == "600.5"
    assert (never["probe_success"], never["probe_duration_seconds"]) == ("0.0", "0.0")


def test_a_probe_fails_where_the_last_could_not_measure(ask, control, store, measured):
    measured("office", 0.0, 599.5, 600.5)
    store.end(store.begin("office", "{}", 3600.0).id, State.FAILED, "no route")
    store.begin("office", "{}", 7200.0)
    ((_, _, text),) = ask(control("office"), "/probe?target=office")
    assert samples(text)["probe_success"] == "0.0"
    assert samples(text)['hbprobe_limit_cut_seconds{target="office"}'] == "600.5", "the last that is known"


def test_a_probe_tells_its_trials(ask, control, store, trial):
    number = store.begin("office", "{}", 0.0).id
    store.add_trial(number, trial, 700.0)
    answers = ask(control("office", "new"), "/probe?target=office&debug=true", "/probe?target=new&debug=true")
    assert answers[0][2].splitlines() == [
        "target office, module -, 127.0.0.1",
        f"measurement {number}, begun 1970-01-01 00:00:00 UTC: has not ended yet",
        "trial 4: hold 600.5 s cut: silent",
    ]
    assert answers[1][2] == "new: nothing was measured yet\n"


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/probe", 400, "name a target: /probe?target=NAME or URL\n"),
        ("/probe?target=http://elsewhere.example/", 404, "'http://elsewhere.example/' is no target of this watch\n"),
        (
            "/probe?target=http%3A//elsewhere.example/%3Ftoken%3DGeheim42",
            404,
            "'http://elsewhere.example/?token=***' is no target of this watch\n",
        ),
        ("/probe?target=office&module=b", 404, "'office' of module 'b' is no target of this watch\n"),
        ("/-/healthy", 200, "the watch runs\n"),
        ("/-/ready", 200, "the watch measures, and can store what it finds\n"),
    ],
)
def test_answers(ask, control, store, path, status, told):
    assert [(code, text) for code, _, text in ask(control("office", module="a"), path)] == [(status, told)]


def test_a_watch_that_cannot_store_is_not_ready_and_lives(ask, control, store):
    answers = ask(control("office"), "/-/ready", "/-/healthy", writing=Writing(1, is_behind=True))
    assert [status for status, *_ in answers] == [503, 200]


def test_a_reload(ask, control, store):
    asked = []
    answers = ask(control("office"), "/-/reload", method="POST", reload=lambda: asked.append(1))
    assert ([status for status, *_ in answers], asked) == ([202], [1])
    assert [status for status, *_ in ask(control("office"), "/-/reload")] == [405]


@pytest.mark.parametrize("headers", [{"Origin": "https://elsewhere.example"}, {"Host": "elsewhere.example"}])
def test_no_web_page_may_ask(ask, control, store, headers):
    assert [status for status, *_ in ask(control("office"), "/metrics", "/probe?target=office", **headers)] == [
        403,
        403,
    ]


def test_a_database_that_is_gone(ask, control, store, tmp_path):
    asked = control("office")
    asked.replace(replace(asked.plan, database=tmp_path / "none.sqlite"))
    answers = ask(asked, "/metrics", "/probe?target=office")
    assert [status for status, *_ in answers] == [503, 503] and "no such database" in answers[0][2]
