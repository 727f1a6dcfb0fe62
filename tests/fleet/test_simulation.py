from itertools import pairwise

import pytest
from support.fleets import KINDS, world

from hbprobe.exchange.settings import Settings
from hbprobe.fleet import simulation as running
from hbprobe.fleet.simulation import simulate
from hbprobe.manner import Manner
from hbprobe.profiles.silent_request import Cut
from hbprobe.records.simulations import FleetPart


def test_a_path_that_is_shorter_than_what_they_ask_for():
    result = simulate(world(["ios"], firewall=Cut(300)), 1)
    (ios,) = result.kinds
    assert ios.lost_share == 1
    assert ios.requests_per_day == pytest.approx(86_400 / 610, abs=0.6)
    assert ios.without_push_min_per_day == pytest.approx(1440 * 310 / 610, rel=0.01)
    assert result.well_share == 0
    assert result.load.table_entries == pytest.approx(40 * 300 / 610, rel=0.02)
    assert result.load.handshakes_per_s == pytest.approx(result.load.requests_per_s, rel=0.01)


def test_event_1040_comes_every_quarter_of_an_hour():
    result = simulate(world(["android-4.0"], cut=Cut(600)), 1)
    assert result.mean_s == 470 == result.lowest_s
    assert [event.average_s for event in result.events] == [470] * len(result.events)
    gaps_s = [later.at_s - event.at_s for event, later in pairwise(result.events)]
    assert min(gaps_s) >= 900 and max(gaps_s) < 950
    first_s = 200 / (40 / 470)  # one sample more than the window holds
    assert result.events[0].at_s == pytest.approx(first_s, abs=60)


def test_mail_makes_requests_and_not_losses():
    quiet, busy = simulate(world(["ios"]), 1), simulate(world(["ios"], mails=100), 1)
    assert busy.per_device_day.requests == pytest.approx(144 + 100 / 2, rel=0.05)  # a mail cuts a cycle in half
    assert busy.kinds[0].lost_share == 0 == busy.per_device_day.late_mails
    assert quiet.per_device_day.late_mails == 0


def test_mail_is_late_while_there_is_no_push():
    result = simulate(world(["ios"], count=200, cut=Cut(300), mails=20), 2)
    assert result.per_device_day.late_mails == pytest.approx(20 * 0.4, rel=0.25)
    assert result.per_device_day.late_mail_s == pytest.approx(155, rel=0.1)


def test_a_device_that_the_server_refuses():
    result = simulate(world(["outlook-180"], settings=Settings(min_heartbeat_s=300)), 1)
    assert result.lowest_s is None and result.mean_s == 0
    assert result.kinds[0].without_push_min_per_day == pytest.approx(1440, rel=0.001)


def test_one_seed_gives_the_same_numbers_however_the_work_is_divided(monkeypatch):
    def numbers(seed):
        fleet = world(["ios", "android-4.4"], cut=Cut(700), mails=30, stay_s=9000, waiting=0.5, seed=seed)
        return FleetPart.of(simulate(fleet, 0.5), mix="").to_dict()

    first = numbers(7)
    assert numbers(7) == first
    assert numbers(8) != first
    monkeypatch.setattr(running, "_COHORT", 17)
    monkeypatch.setattr(running, "_SAMPLES", 500)
    assert numbers(7) == first


def test_who_gives_up_before_the_box_does_hears_nothing():
    (patient,) = simulate(world(["ios"], count=1, cut=Cut(300, Manner.STATUS, tries=4)), 1).kinds
    waits_s = 600 + KINDS["ios"].new().margin_s
    assert patient.requests_per_day == pytest.approx(86_400 / waits_s, abs=1)


def test_mail_reaches_a_device_whose_request_is_tried_again():
    lost = simulate(world(["ios"], cut=Cut(300, Manner.SILENT), mails=60), 1).per_device_day
    tried = simulate(world(["ios"], cut=Cut(300, Manner.STATUS, tries=3), mails=60), 1).per_device_day
    assert lost.late_mails > 1 > tried.late_mails


def test_one_hears_how_far_it_is_in_the_day_that_does_not_count_too(monkeypatch):
    told = []
    monkeypatch.setattr(running, "_COHORT", 10)
    monkeypatch.setattr(running, "_LEAST", 10)
    simulate(world(["ios"], count=40), 1, told=told.append)
    assert told[:4] == [1 / 8, 1 / 4, 3 / 8, 1 / 2]
    assert told == sorted(told) and told[-1] == 1


@pytest.mark.parametrize("warm_up_s", [600.0, 4000.0, 86_400.0])
def test_a_short_slice_does_not_make_the_next_one_long(monkeypatch, warm_up_s):
    taken = []
    look = running._Run._look
    monkeypatch.setattr(running, "_SAMPLES", 2000)
    monkeypatch.setattr(
        running._Run,
        "_look",
        lambda run, slices: (
            taken.append(sum(len(part) for one in slices for part in one.samples)),
            look(run, slices),
        ),
    )
    simulate(world(["ios"], count=300), 1, warm_up_s)
    assert max(taken) < 3 * 2000
