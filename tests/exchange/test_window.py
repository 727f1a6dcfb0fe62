import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.exchange.window import Command, Event1040, HeartbeatWindow, is_sampled


def feed(window, intervals_s, every_s=1000.0):
    """Register samples that are far enough apart for the event's period; return the events by sample number."""
    events = {}
    for number, interval_s in enumerate(intervals_s, start=1):
        if event := window.register(interval_s, number * every_s):
            events[number] = event
    return events


def test_the_first_look_is_on_the_sample_after_the_window_is_full():
    assert list(feed(HeartbeatWindow(200, 540), [480] * 203)) == [201, 202, 203]


def test_an_average_that_equals_the_threshold_raises_the_event():
    assert feed(HeartbeatWindow(2, 540), [540] * 3) == {3: Event1040(3000.0, 540, Command.PING, 540)}


def test_an_average_above_the_threshold_raises_nothing():
    assert feed(HeartbeatWindow(2, 540), [541] * 9) == {}


def test_the_average_is_rounded_down_before_it_is_compared():
    # 540 and 541 make 540.5; Exchange sees 540.
    events = feed(HeartbeatWindow(2, 540), [1000, 540, 541])
    assert [(number, event.average_s) for number, event in events.items()] == [(3, 540)]


def test_only_the_newest_samples_count():
    window = HeartbeatWindow(3, 540)
    assert list(feed(window, [60, 60, 60, 3540, 3540, 3540])) == []
    assert window.average_s == 3540


def test_the_sample_that_fills_the_window_is_not_looked_at():
    assert feed(HeartbeatWindow(3, 540), [60, 60, 60]) == {}


def test_there_is_no_average_before_the_window_is_full():
    window = HeartbeatWindow(2, 540)
    averages_s = [window.average_s]
    for interval_s in (480, 780, 1080):
        window.register(interval_s, 0.0)
        averages_s.append(window.average_s)
    assert averages_s == [None, None, 630, 930]


@pytest.mark.parametrize(("gap_s", "logged"), [(899.999, False), (900.0, True)])
def test_the_event_comes_at_most_once_in_900_seconds(gap_s, logged):
    window = HeartbeatWindow(1, 540)
    window.register(480, 0.0)
    assert window.register(480, 100.0) is not None
    assert (window.register(480, 100.0 + gap_s) is not None) is logged


def test_a_suppressed_event_does_not_begin_a_new_period():
    window = HeartbeatWindow(1, 540)
    times_s = [0.0, 1.0, 600.0, 899.0, 901.0]
    assert [bool(window.register(480, now)) for now in times_s] == [False, True, False, False, True]


def test_each_command_has_its_own_window_and_its_own_period():
    ping, sync = HeartbeatWindow(1, 540), HeartbeatWindow(1, 540, Command.SYNC)
    ping.register(480, 0.0)
    assert ping.register(480, 1.0) == Event1040(1.0, 480, Command.PING, 540)
    assert sync.register(480, 2.0) is None
    assert sync.register(470, 3.0) == Event1040(3.0, 470, Command.SYNC, 540)


@pytest.mark.parametrize("size", [0, -1])
def test_a_window_without_room_is_refused(size):
    with pytest.raises(ValueError, match=f"^a window needs room for a sample, not for {size}$"):
        HeartbeatWindow(size, 540)


@pytest.mark.parametrize(
    ("device_type", "sampled"),
    [
        ("iPhone", True),
        ("TestActiveSyncConnectivity", False),
        ("TestActiveSyncConnectivityUser", False),
        ("MyTestActiveSyncConnectivity", True),
        ("", True),
    ],
)
def test_exchanges_own_test_device_is_not_sampled(device_type, sampled):
    assert is_sampled(device_type) is sampled


@given(st.integers(1, 12), st.integers(0, 100), st.lists(st.integers(1, 100), max_size=60))
def test_it_agrees_with_the_rule_written_out(size, threshold_s, samples_s):
    expected = [
        number
        for number in range(size + 1, len(samples_s) + 1)
        if sum(samples_s[number - size : number]) // size <= threshold_s
    ]
    assert list(feed(HeartbeatWindow(size, threshold_s), samples_s)) == expected
