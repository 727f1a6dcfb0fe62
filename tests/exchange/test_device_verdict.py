import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbprobe.exchange.algorithms import Device
from hbprobe.exchange.device_verdict import PathLimit, judge_device, timer_above
from hbprobe.exchange.devices import DEVICES, Basis, DeviceKind
from hbprobe.exchange.predict import follow, read_window
from hbprobe.exchange.settings import Settings
from hbprobe.manner import Manner

BY_ID = {kind.id: kind for kind in DEVICES}
DEFAULTS = Settings()


def judged(id_, timer_s, how=Manner.SILENT, settings=DEFAULTS):
    return judge_device(BY_ID[id_], PathLimit(timer_s - 1, timer_s, how), settings)


@pytest.mark.parametrize(("heartbeat_s", "timer_s"), [(480, 540), (470, 480), (3540, 3600), (59, 60), (60, 120)])
def test_a_timer_is_the_next_full_minute_strictly_above(heartbeat_s, timer_s):
    assert timer_above(heartbeat_s) == timer_s


@pytest.mark.parametrize(
    ("bracket", "limit", "words"),
    [
        ((599.0, 600.0, "reset"), PathLimit(599.0, 600.0, Manner.RESET), "The path carries 599 s and cuts 600 s"),
        ((599.0, 600.0, None), PathLimit(599.0, 600.0, Manner.SILENT), "The path carries 599 s and cuts 600 s"),
        ((None, 60.0, "closed"), PathLimit(0.0, 60.0, Manner.CLOSED), "The path cuts 60 s"),
    ],
)
def test_a_limit_is_taken_from_its_bracket(bracket, limit, words):
    found = PathLimit.from_bracket(*bracket)
    assert (found, str(found)) == (limit, words)


def test_where_nothing_was_cut_everything_survives():
    assert PathLimit.from_bracket(3540.0, None, None) == PathLimit(math.inf, math.inf, Manner.SILENT)


def test_a_limit_of_which_nothing_is_known_is_refused():
    with pytest.raises(ValueError, match=r"^a limit needs the longest hold that survived, or the shortest that was"):
        PathLimit.from_bracket(None, None, None)


def test_all_that_is_said_of_a_device():
    found = judged("android-4.0", 600)
    assert (found.id, found.name, found.basis) == ("android-4.0", "Android 4.0", Basis.SOURCE_CODE)
    assert (found.settled_s, found.lowest_s, found.highest_s, found.average_s) == (470, 470, 470, 470)
    assert (found.event_1040, found.first_sample, found.event_1040_on_open_path) == (True, 201, False)
    assert (found.refused, found.lost_share, found.deaf_share, found.smallest_timer_s) == (False, 0.0, 0.0, 660)


@pytest.mark.parametrize(
    ("how", "timers_s"),
    [
        (Manner.SILENT, (780, 540, 660, 660, 540, 660, 660, None, None)),
        (Manner.RESET, (780, 540, 660, 660, 540, 660, 660, None, None)),
        (Manner.CLOSED, (780, 540, 480, 480, 540, 660, 660, None, None)),
        # After a status some devices never go back: only a timer above their maximum will do.
        (Manner.STATUS, (780, 540, 1020, 1800, 1740, 660, 660, None, None)),
    ],
)
def test_the_smallest_timer_of_each_device(how, timers_s):
    found = tuple(judge_device(kind, PathLimit(599, 600, how), DEFAULTS).smallest_timer_s for kind in DEVICES)
    assert found == timers_s


def test_the_manner_of_a_loss_can_decide():
    assert [judged("android-4.0", 600, how).event_1040 for how in Manner] == [True, True, False, False]


def is_well(kind, longest_s, how, settings):
    course = follow(kind.new(), longest_s, how, settings)
    return course.lost_share < 1 and read_window(course, settings).first_event is None


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(DEVICES), st.sampled_from(Manner), st.integers(1, 12), st.integers(1, 1800))
def test_no_smaller_timer_of_full_minutes_would_do(kind, how, sample_size, threshold_s):
    chosen = Settings(sample_size=sample_size, alert_threshold_s=threshold_s)
    timer_s = judge_device(kind, PathLimit(0, 60, how), chosen).smallest_timer_s
    # A timer carries what is shorter than it. Every device here asks for less than half an hour.
    well = {minutes * 60: is_well(kind, minutes * 60 - 1, how, chosen) for minutes in range(1, 32)}
    for candidate_s, is_enough in well.items():
        if timer_s is not None and candidate_s >= timer_s:
            assert is_enough
    assert timer_s is not None or not well[1860]
    # A minute less is not enough, or would not be with every longer timer.
    if timer_s is not None and timer_s > 60:
        between = (is_well(kind, longest_s, how, chosen) for longest_s in range(timer_s - 61, timer_s))
        assert not all(between)


class Contrary(Device):
    """Is well up to 600 s and from 900 s on, but not in between."""

    def __init__(self):
        self.heartbeat_s = 600

    def answered(self):
        self.heartbeat_s = {600: 700, 700: 800, 800: 900, 900: 900, 300: 300}[self.heartbeat_s]

    def lost(self, how):
        self.heartbeat_s = {600: 600, 700: 600, 800: 300, 900: 300}[self.heartbeat_s]

    def corrected(self, bound_s):
        self.heartbeat_s = bound_s


def test_a_longer_timer_can_be_worse(monkeypatch):
    monkeypatch.setattr("hbprobe.exchange.predict.astuple", lambda device: (device.heartbeat_s,))
    kind = DeviceKind("contrary", "Contrary", Contrary, Basis.EXAMPLE, None, "made up")
    events = {
        longest_s: judge_device(kind, PathLimit(longest_s, longest_s + 1, Manner.SILENT), DEFAULTS).event_1040
        for longest_s in (600, 700, 800, 900)
    }
    assert events == {600: False, 700: True, 800: True, 900: False}
    assert judge_device(kind, PathLimit(600, 601, Manner.SILENT), DEFAULTS).smallest_timer_s == 960
