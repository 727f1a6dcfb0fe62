"""The requests of a simulated company as Exchange sees them."""

import math

import pytest
from support.fleets import world

from hbprobe.eas.request_record import IdleConnection
from hbprobe.fleet.logged import STOLEN, logged, network_of_path, requests, truth_of
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
    truth = truth_of(world(["ios"], cut=Cut(300, Manner.RESET), firewall=Cut(math.inf)))
    document = truth.to_dict()
    assert str(300) in str(document)
    assert network_of_path(0) != network_of_path(1)
