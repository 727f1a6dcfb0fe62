from datetime import datetime

import pytest
from support.company import BEGIN, company, path, write_logs

from hbprobe.eas.releases import Release
from hbprobe.evidence.logs.answer.windows import Emptied, Servers, rebuild
from hbprobe.evidence.logs.request import Logs
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import HeartbeatWindow

SMALL = Settings(sample_size=3, alert_threshold_s=480, max_heartbeat_s=600)


def samples(*values, server="EX1", kind="iPhone", command="Ping"):
    return [(server, command, 1000 * 100 * number, value, kind) for number, value in enumerate(values)]


def test_the_window_is_looked_at_once_it_was_full():
    windows = rebuild(samples(480, 480, 480, 480), {"EX1": 10_000.0}, SMALL)
    (event,) = windows.events
    assert (event.at_s, event.average_s, event.command, windows.samples) == (300, 480, "Ping", 4)


def test_each_server_and_command_has_its_own():
    mixed = sorted(samples(480, 480, 480) + samples(480, 480, 480, server="EX2") + samples(480, 480, command="Sync"))
    assert rebuild(mixed, {}, SMALL).events == ()


def test_exchanges_own_test_is_not_sampled():
    assert rebuild(samples(*[60] * 9, kind="TestActiveSyncConnectivity"), {}, SMALL).samples == 0


def test_the_end_of_a_log_is_not_judged():
    late = rebuild(samples(480, 480, 480, 480), {"EX1": 899.0}, SMALL)
    assert late.events == () and late.judged_until_s == {"EX1": 299.0}


SERVERS = Servers({"EX1": frozenset({"10.0.0.1", "fe80::1%12"}), "EX2": frozenset({"10.0.0.2"})})


@pytest.mark.parametrize(
    ("server", "other", "are_one"),
    [
        ("EX1", "ex1.example.test", True),
        ("EX1", "EX2.example.test", False),
        ("EX1", "10.0.0.1", True),
        ("EX1", "FE80::1", True),
        ("EX1", "10.0.0.2", False),
        ("EX1", "10.0.0.9", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("10.0.0.1", "127.0.0.1", None),
        ("EX1", "::1", None),
        ("10.0.0.3", "EX1", None),
        ("W3SVC2", "EX1", None),
        ("W3SVC2", "10.0.0.1", None),
        ("EX1", "", False),
        ("10.0.0.1", "", None),
    ],
)
def test_a_server_has_a_name_and_addresses(server, other, are_one):
    assert SERVERS.are_one(server, other) is are_one


@pytest.mark.parametrize(
    ("server", "fires"), [("ex1.example.test", 0), ("10.0.0.1", 0), ("127.0.0.1", 0), ("EX2", 1), ("10.0.0.9", 1)]
)
def test_a_worker_that_begins_anew_has_an_empty_window_and_others_go_on(server, fires):
    assert len(rebuild(samples(480, 480, 480, 480), {}, SMALL, [Emptied(250.0, server)], SERVERS).events) == fires


@pytest.mark.parametrize(("release", "is_exact"), [(Release.V2010, False), (Release.V2019, True)])
def test_the_events_of_a_company_are_rebuilt(tmp_path, release, is_exact):
    """Since 2013 the log has the start to the millisecond; before, the order of requests within a second is lost."""
    world = company(path("a", 300), path("b"), mix={"ios": 5, "outlook-180": 2, "android-4.4": 3}, devices=80)
    records = write_logs(tmp_path, world, release)
    window = HeartbeatWindow(200, 540)
    in_order = sorted(records, key=lambda record: record.started_s)
    raised = [window.register(record.heartbeat_s, record.started_s) for record in in_order]
    truth = [(BEGIN.timestamp() + event.at_s, event.average_s) for event in raised if event is not None]
    evidence = Logs([tmp_path]).run()
    until_s = max(BEGIN.timestamp() + record.ended_s for record in records) - 3540
    truth = [event for event in truth if event[0] <= until_s]
    assert len(truth) > 20
    found = [(event.at, event.average_s) for event in evidence.events]
    assert abs(len(found) - len(truth)) <= 1
    for (at, average_s), (true_s, true_average_s) in zip(found, truth, strict=False):
        assert not is_exact or abs(datetime.fromisoformat(at).timestamp() - true_s) <= 1
        assert not is_exact or average_s == true_average_s
