"""The fleet with one object a device."""

import math

import pytest
from support.fleets import world

from hbprobe.exchange.settings import Settings
from hbprobe.fleet.reference import simulate as plainly
from hbprobe.fleet.simulation import simulate
from hbprobe.fleet.states import RequestEnd
from hbprobe.manner import Manner
from hbprobe.profiles.silent_request import Cut


def test_a_box_that_tries_another_server_is_noticed_after_both_timers_and_counts_twice():
    tried = world(["ios"], count=1, cut=Cut(300, Manner.STATUS, tries=2))
    once = world(["ios"], count=1, cut=Cut(300, Manner.STATUS))
    asked = [[sample.at_s for sample in plainly(each, 3000 + 3600).samples] for each in (tried, once)]
    assert asked[0] == asked[1]
    (twice,), (plain,) = simulate(tried, 1).kinds, simulate(once, 1).kinds
    assert twice.requests_per_day == 144, "the device hears after 600 s"
    assert plain.requests_per_day == 288
    assert simulate(tried, 1).load.requests_per_s == pytest.approx(simulate(once, 1).load.requests_per_s)
    assert twice.lost_share == plain.lost_share == 1


def test_what_one_device_comes_to_can_be_counted_by_hand():
    alone = world(["ios"], count=1, firewall=Cut(300))
    seen = plainly(alone, 7200.0)
    first_s = seen.samples[0].at_s
    count = math.ceil((7200 - first_s) / 610)  # it waits 10 s beyond its interval
    assert [sample.at_s - first_s for sample in seen.samples] == [610.0 * number for number in range(count)]
    assert {sample.heartbeat_s for sample in seen.samples} == {600}
    assert seen.ends == {RequestEnd.SILENT: count}
    assert seen.deaf_s == seen.deaf_at_firewall_s == pytest.approx(310 * count)
    assert len(seen.opened_s) == len(seen.forgotten_s) == count


def test_mail_pauses_moves_and_refusals_are_counted_each_for_itself():
    seen = plainly(world(["ios"], count=20, firewall=Cut(300), mails=60, stay_s=7200.0, waiting=1.0), 86_400.0)
    assert {RequestEnd.SILENT, RequestEnd.MAIL, RequestEnd.ARRIVED, RequestEnd.LEFT} <= set(seen.ends)
    assert seen.pauses == seen.ends[RequestEnd.SILENT]
    assert seen.late_mails and seen.late_s > 0
    refused = plainly(world(["outlook-180"], count=1, settings=Settings(min_heartbeat_s=300)), 7200.0)
    assert set(refused.ends) == {RequestEnd.REFUSED}
    assert (refused.samples, refused.corrections) == ([], refused.ends[RequestEnd.REFUSED])
