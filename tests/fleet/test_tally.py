"""What came of a fleet, in numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.agreement import what_windows_meet
from support.fleets import world

from hbprobe.exchange.settings import Settings
from hbprobe.fleet import tally
from hbprobe.fleet.merge import WindowInArrays, packed
from hbprobe.fleet.simulation import simulate
from hbprobe.fleet.tally import AverageCurve, PerMinute
from hbprobe.manner import Manner
from hbprobe.profiles.silent_request import Cut


def test_a_fleet_that_only_asks_for_600_s():
    result = simulate(world(["ios"]), 1)
    (ios,) = result.kinds
    assert (ios.id, ios.devices, ios.heartbeats) == ("ios", 40, ((600, 1.0),))
    assert ios.requests_per_day == ios.wakeups_per_day == 144
    assert (ios.lost_share, ios.without_push_min_per_day) == (0, 0)
    assert result.events == () and result.lowest_s == 600 and result.mean_s == result.mean_asked_s == 600
    assert result.load.requests_per_s == pytest.approx(40 / 600)
    assert result.load.handshakes_per_s == 0, "each has its connection already, and keeps it"
    assert result.load.table_entries == 40
    assert result.load.bytes_per_device_day == 144 * 600
    assert result.well_share == 1


def test_the_firewall_is_not_blamed_for_another_box():
    assert simulate(world(["ios"], cut=Cut(300), firewall=Cut(3600)), 1).well_share == 1


def test_a_device_that_closes_its_connections():
    result = simulate(world(["android-4.0"]), 1)
    assert result.kinds[0].heartbeats == ((1010, 1.0),)
    assert result.load.handshakes_per_s == pytest.approx(40 / 1010, rel=0.02)


def test_those_that_leave_are_remembered_by_the_firewall():
    staying = simulate(world(["ios"], count=200, firewall=Cut(3600)), 1).load
    moving = simulate(world(["ios"], count=200, firewall=Cut(3600), stay_s=7200), 1).load
    # 12 leave a day, and each is remembered for the rest of its heartbeat and an hour: half a device more.
    assert staying.table_entries == 200
    assert moving.table_entries == pytest.approx(200 * (1 + 12 * 3900 / 86_400), rel=0.05)


def test_pauses_after_losses():
    result = simulate(world(["ios"], cut=Cut(300, Manner.RESET), waiting=1.0), 1)
    assert result.kinds[0].requests_per_day == pytest.approx(86_400 / 360, rel=0.01)
    assert result.kinds[0].wakeups_per_day == pytest.approx(2 * 86_400 / 360, rel=0.01)
    assert result.kinds[0].without_push_min_per_day == pytest.approx(1440 * 60 / 360, rel=0.01)


def samples(at_s, heartbeat_s=600):
    return packed(np.array(at_s, float), np.full(len(at_s), heartbeat_s, float))


@pytest.fixture(params=["loop", "arrays"])
def way(request, monkeypatch):
    monkeypatch.setattr(tally, "IS_FAST", request.param == "loop")


@pytest.mark.usefixtures("way")
def test_minutes_count_what_is_in_them_and_what_came_before_is_one_heap():
    minutes = PerMinute(600.0, 3)
    minutes.add(samples([1.0, 599.9, 600.0, 659.0, 719.0, 779.0, 780.0]))
    assert (minutes.before, minutes.counts.tolist()) == (2, [2, 1, 1])
    minutes.add_unordered(np.array([700.0, 5.0, 1e300, 780.0]))
    minutes.add_unordered(np.array([7.0, 6.0]))
    minutes.add(samples([]))
    minutes.add_unordered(np.array([]))
    assert (minutes.before, minutes.counts.tolist()) == (5, [2, 2, 1])


@pytest.mark.usefixtures("way")
@given(
    st.lists(st.integers(0, 2**33).map(lambda tick: tick / 2**20), min_size=1), st.integers(0, 90), st.integers(1, 90)
)
def test_times_in_any_order_are_counted_as_ordered_ones_are(times_s, begin_s, count):
    in_order, unordered = PerMinute(float(begin_s), count), PerMinute(float(begin_s), count)
    in_order.add(samples(sorted(times_s)))
    unordered.add_unordered(np.array(times_s))
    assert (in_order.before, in_order.counts.tolist()) == (unordered.before, unordered.counts.tolist())


@pytest.mark.usefixtures("way")
def test_the_average_over_time_has_a_lowest_a_mean_and_a_highest_in_each_span():
    curve, window = AverageCurve(100.0, 400.0, 3), WindowInArrays(Settings(sample_size=1))
    assert curve.lowest_s() is None
    asked = [(100.0, 700), (110.0, 500), (150.0, 400), (320.0, 300)]
    curve.look(np.concatenate([samples([at_s], asks_s) for at_s, asks_s in asked]), window)
    curve.look(samples([]), window)
    curve.look(samples([390.0], 200), window)
    assert curve.points() == ((100.0, 400, 450.0, 500), (300.0, 200, 250.0, 300))
    assert curve.lowest_s() == 200


@given(*what_windows_meet)
def test_exchanges_window_is_the_same_in_a_loop_and_in_arrays(steps, size, threshold_s, cuts):
    at_s = 50.0 + np.cumsum([pause_s for pause_s, _ in steps])
    asked = packed(at_s, np.array([asks_s for _, asks_s in steps], float))
    seen = []
    for is_fast in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tally, "IS_FAST", is_fast)
            window = WindowInArrays(Settings(sample_size=size, alert_threshold_s=threshold_s))
            curve = AverageCurve(50.0, 20_000.0, 7)
            events = [event for part in np.split(asked, sorted(cuts)) for event in curve.look(part, window)]
            seen.append((events, curve.points(), curve.lowest_s()))
    assert seen[0] == seen[1]
