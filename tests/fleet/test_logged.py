"""The requests of a simulated company as Exchange sees them."""

import math

import pytest
from support.fleets import world

from hbprobe.eas.request_record import IdleConnection, RequestRecord
from hbprobe.exchange.window import HeartbeatWindow
from hbprobe.fleet.logged import STOLEN, logged, network_of_path, requests, truth_of
from hbprobe.fleet.mail import DAY_S
from hbprobe.fleet.merge import Fired
from hbprobe.fleet.simulation import simulate
from hbprobe.manner import Manner
from hbprobe.profiles.silent_request import Cut


def of(until_s=7200.0, *, steals=True, count=3, **more):
    return list(requests(world(["ios"], count=count, **more), until_s, steals=steals))


def test_on_an_open_path_every_ping_is_answered_on_time():
    found = of()
    assert {(one.command_status, one.error, one.expired) for one in found} == {(1, None, True)}
    assert all(one.took_s == pytest.approx(600.013) for one in found)
    assert [one.ended_s for one in found] == sorted(one.ended_s for one in found)


def test_a_path_that_dies_in_silence_is_not_seen_in_a_line():
    assert all(one.is_delivered and one.gone_s is None and one.expired for one in of(firewall=Cut(300)))


def idle_ends(until_s=7200.0, **more):
    found = list(logged(world(["ios"], count=3, **more), until_s))
    assert [one.ended_s for one in found] == sorted(one.ended_s for one in found)
    return found, [one for one in found if isinstance(one, IdleConnection)]


def test_what_is_given_up_in_silence_stands_until_the_server_finds_it_idle():
    found, idle = idle_ends(firewall=Cut(300))
    answered_s = {(one.peer_port, one.ended_s) for one in found if not isinstance(one, IdleConnection)}
    assert len(idle) > 3
    assert all((one.peer_port, one.ended_s - 120) in answered_s for one in idle)


@pytest.mark.parametrize("more", [{}, {"cut": Cut(300, Manner.RESET)}], ids=["open", "reset"])
def test_no_connection_is_idle_where_devices_ask_again_or_the_server_is_told(more):
    assert idle_ends(**more)[1] == []


def test_where_the_front_end_is_told_its_line_ends_with_the_cut():
    found = of(cut=Cut(300, Manner.RESET))
    assert found
    for one in found:
        assert not one.is_delivered
        assert one.gone_s is None or one.gone_s - one.started_s == pytest.approx(300, abs=0.01)


def test_a_new_ping_ends_the_one_that_waits_since_2013():
    cut = Cut(300, Manner.RESET)
    assert STOLEN in {one.error for one in of(cut=cut)}
    assert STOLEN not in {one.error for one in of(cut=cut, steals=False)}


def test_the_truth_is_told_beside_the_logs():
    fired = Fired(900.0, 512)
    truth = truth_of(world(["ios"], cut=Cut(300, Manner.RESET), firewall=Cut(math.inf)), [fired])
    document = truth.to_dict()
    assert str(300) in str(document)
    assert document["events"] == [{"at_s": 900.0, "average_s": 512}]
    assert network_of_path(0) != network_of_path(1)


@pytest.mark.parametrize(
    "box",
    [
        Cut(300), Cut(200, Manner.RESET, spread_s=100.0), Cut(300, Manner.STATUS, tries=3),
        Cut(250, Manner.CLOSED, spread_s=60.0, tries=2),
    ],
    ids=["silent", "reset that varies", "status of the third server", "closed, varies, second server"],
)  # fmt: skip
def test_logs_are_of_the_very_requests_that_are_counted(box):
    """What `fleet` says of event 1040, and its mean of all samples, can be computed again from what is logged."""
    fleet = world(["ios", "android-4.1"], count=60, cut=box, mails=40, stay_s=20_000.0, waiting=0.5)
    result = simulate(fleet, 0.1)
    until_s = DAY_S * 1.1
    pings = [one for one in logged(fleet, until_s + 86_400, DAY_S) if isinstance(one, RequestRecord)]
    asked = sorted((one.started_s, one.heartbeat_s) for one in pings if DAY_S <= one.started_s < until_s)
    window = HeartbeatWindow(fleet.settings.sample_size, fleet.settings.alert_threshold_s)
    events = [event for at_s, heartbeat_s in asked if (event := window.register(heartbeat_s, at_s)) is not None]
    assert result.events
    assert [Fired(event.at_s - DAY_S, event.average_s) for event in events] == list(result.events)
    mean_s = sum(heartbeat_s for _, heartbeat_s in asked) / len(asked)
    assert mean_s == pytest.approx(result.mean_s, rel=0.01 if box.tries > 1 else 1e-9)


def test_nothing_is_logged_that_began_before_the_logs():
    found = list(logged(world(["ios"], count=3, firewall=Cut(300)), 9000.0, 5000.0))
    assert min(one.started_s for one in found if isinstance(one, RequestRecord)) >= 5000.0
    assert all(one.ended_s > 5000.0 for one in found)


def test_what_a_box_asks_again_is_a_request_whose_client_the_server_sees_go():
    once = next(iter(requests(world(["ios"], count=1, cut=Cut(300, Manner.STATUS, tries=2)), 3000.0)))
    assert once.gone_s == pytest.approx(once.started_s + 300) or once.error == STOLEN
    begun_s = [one.started_s for one in of(5000.0, count=1, cut=Cut(300, Manner.STATUS, tries=2))]
    assert begun_s == pytest.approx([begun_s[0] + 300 * number for number in range(len(begun_s))])
