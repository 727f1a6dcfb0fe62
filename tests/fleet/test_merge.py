from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.agreement import what_windows_meet

from hbprobe.exchange.settings import HIGHEST_S, Settings
from hbprobe.exchange.window import HeartbeatWindow
from hbprobe.fleet import merge
from hbprobe.fleet.merge import InOrder, WindowInArrays, in_pieces, packed, together
from hbprobe.fleet.ticks import on_grid


def samples(*rows):
    at_s, heartbeat_s = zip(*rows, strict=True)
    return packed(np.array(at_s, float), np.array(heartbeat_s, float))


def whole(parts):
    return InOrder(*map(np.concatenate, zip(*in_pieces(together(parts)), strict=True)))


@pytest.fixture(params=[1, 2, 50_000])
def at_a_time(request, monkeypatch):
    monkeypatch.setattr(merge, "_AT_A_TIME", request.param)


@pytest.mark.usefixtures("at_a_time")
def test_samples_are_put_in_the_order_of_time_then_interval():
    found = whole([samples((5, 60), (5, 90), (9, 80)), samples((5, 70), (1, 3540)), samples((2**28, 1))])
    assert found.at_s.tolist() == [1, 5, 5, 5, 9, 2**28]
    assert found.heartbeat_s.tolist() == [3540, 60, 70, 90, 80, 1]


def test_no_samples():
    assert list(in_pieces(together([]))) == []


@given(st.lists(st.tuples(st.floats(0, 3e8), st.integers(1, HIGHEST_S)), min_size=1, max_size=30))
def test_times_are_kept_to_the_tick_and_intervals_as_they_are(rows):
    found = whole([samples(*rows)])
    assert list(zip(*map(np.ndarray.tolist, found), strict=True)) == sorted((on_grid(at_s), n) for at_s, n in rows)


@given(*what_windows_meet)
def test_the_window_in_arrays_is_exchanges_window(steps, size, threshold_s, cuts):
    reference = HeartbeatWindow(size, threshold_s)
    now, times, averages, events = 0.0, [], [], []
    for pause_s, interval_s in steps:
        now += pause_s
        was_full = reference.average_s is not None
        event = reference.register(interval_s, now)
        times.append(now)
        averages.append(reference.average_s if was_full else -1)
        events += [(event.at_s, event.average_s)] if event else []

    window = WindowInArrays(Settings(sample_size=size, alert_threshold_s=threshold_s))
    found_averages, found_events = [], []
    bounds = [0, *sorted(min(cut, len(steps)) for cut in cuts), len(steps)]
    for begin, end in pairwise(bounds):
        intervals = np.array([interval_s for _, interval_s in steps[begin:end]], np.int64)
        some, fired = window.take(np.array(times[begin:end]), intervals)
        found_averages += some.tolist()
        found_events += [(event.at_s, event.average_s) for event in fired]
    assert found_averages == averages
    assert found_events == events
