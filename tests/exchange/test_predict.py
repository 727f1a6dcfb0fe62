from itertools import chain, cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.exchange.algorithms import AndroidEarly, AndroidLater, FixedInterval, Textbook, WindowsMobile
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.predict import Course, SampledPing, follow, follow_all, read_window
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import HeartbeatWindow
from hbprobe.manner import Manner

DEFAULTS = Settings()


def heartbeats(requests):
    return [request.heartbeat_s for request in requests]


def test_a_course_is_a_start_and_a_round():
    course = follow(AndroidLater(), 1000, Manner.SILENT, DEFAULTS)
    assert course.start == (SampledPing(480, 485, is_lost=False),)
    assert course.round == (SampledPing(780, 785, is_lost=False), SampledPing(1080, 1085, is_lost=True))


def test_a_heartbeat_as_long_as_the_longest_that_survives_survives():
    assert follow(FixedInterval(600), 600, Manner.SILENT, DEFAULTS).lost_share == 0.0
    assert follow(FixedInterval(600), 599.999, Manner.SILENT, DEFAULTS).lost_share == 1.0


def test_the_settled_heartbeat_is_the_one_asked_for_most():
    assert follow(WindowsMobile(answers_needed=3), 600, Manner.SILENT, DEFAULTS).settled_s == 480


def test_of_two_that_are_level_the_shorter_is_the_settled_one():
    course = follow(WindowsMobile(), 600, Manner.SILENT, DEFAULTS)
    assert (sorted(heartbeats(course.round)), course.settled_s, course.lost_share) == ([480, 780], 480, 0.5)


def test_what_the_server_refuses_is_no_sample():
    course = follow(AndroidLater(), 4000, Manner.SILENT, Settings(max_heartbeat_s=1200))
    assert heartbeats(course.start + course.round) == [480, 780, 1080, 1200]
    assert heartbeats(course.round) == [1200]


def test_a_minimum_above_the_start_is_taken_over():
    course = follow(AndroidEarly(), 4000, Manner.SILENT, Settings(min_heartbeat_s=600))
    assert heartbeats(course.start + course.round) == [600, 780, 960, 1010, 1010]


def test_a_device_that_does_not_give_way_to_the_server_has_no_samples():
    course = follow(FixedInterval(180, heeds_server=False), 4000, Manner.SILENT, Settings(min_heartbeat_s=300))
    assert course == Course((), (), 180)
    assert (course.settled_s, course.lost_share, course.heartbeats_s) == (180, 1.0, set())
    assert course.deaf_share(4000, Manner.SILENT) == 0.0
    assert read_window(course, DEFAULTS).first_event is None
    assert read_window(course, DEFAULTS).average_s is None


def test_a_silent_loss_leaves_a_device_deaf_until_it_gives_up():
    course = follow(FixedInterval(600), 400, Manner.SILENT, DEFAULTS)
    # It gives up after 610 s; for 210 of them the connection is dead.
    assert course.deaf_share(400, Manner.SILENT) == pytest.approx(210 / 610)


def test_only_silence_leaves_a_device_deaf():
    course = follow(FixedInterval(600), 400, Manner.RESET, DEFAULTS)
    assert course.deaf_share(400, Manner.RESET) == 0.0


def test_answered_requests_count_towards_the_time_that_a_device_hears():
    course = follow(WindowsMobile(), 599, Manner.SILENT, DEFAULTS)
    assert course.deaf_share(600, Manner.SILENT) == pytest.approx((790 - 600) / (480 + 790))


def test_a_cut_later_than_the_heartbeat_does_not_make_a_device_deaf_for_less_than_its_margin():
    course = follow(FixedInterval(600), 599, Manner.SILENT, DEFAULTS)
    assert course.deaf_share(700, Manner.SILENT) == pytest.approx(10 / 610)


def test_the_window_is_read_on_the_sample_after_it_is_full():
    reading = read_window(follow(Textbook(), 599, Manner.SILENT, DEFAULTS), DEFAULTS)
    # 900, 480, 720 and then 480: the first window of 200 is just above 480, later ones are 480.
    assert (reading.first_event, reading.average_s) == (201, 480)


def test_the_start_can_keep_the_event_away_for_a_while():
    settings = Settings(sample_size=3, alert_threshold_s=540)
    course = follow(Textbook(), 599, Manner.SILENT, settings)
    assert heartbeats(course.start + course.round) == [900, 480, 720, 480]
    # Windows of three, from the second on: (480 + 720 + 480) / 3 = 560, (720 + 480 + 480) / 3 = 560, then 480.
    assert (read_window(course, settings).first_event, read_window(course, settings).average_s) == (6, 480)


def test_the_average_of_a_saw_tooth_is_its_lowest():
    settings = Settings(sample_size=1)
    course = follow(WindowsMobile(), 599, Manner.SILENT, settings)
    assert (read_window(course, settings).first_event, read_window(course, settings).average_s) == (3, 480)


@pytest.mark.parametrize(("answers_needed", "first_event"), [(1, None), (3, None), (4, 201)])
def test_how_many_answers_windows_mobile_wants_decides_on_a_path_of_ten_minutes(answers_needed, first_event):
    course = follow(WindowsMobile(answers_needed=answers_needed), 599, Manner.SILENT, DEFAULTS)
    assert read_window(course, DEFAULTS).first_event == first_event


SETTINGS = st.builds(
    lambda ends, size, threshold_s: Settings(min(ends), max(ends), size, threshold_s),
    st.tuples(st.integers(1, 3540), st.integers(1, 3540)),
    st.integers(1, 30),
    st.integers(0, 3540),
)


def by_hand(device, longest_s, how, settings, requests):
    """Run a device request by request, with no thought of rounds."""
    samples_s = []
    for _ in range(requests):
        asked_s = device.heartbeat_s
        if asked_s > settings.max_heartbeat_s:
            device.corrected(settings.max_heartbeat_s)
        elif asked_s < settings.min_heartbeat_s:
            device.corrected(settings.min_heartbeat_s)
        else:
            samples_s.append(asked_s)
            device.lost(how) if asked_s > longest_s else device.answered()
    return samples_s


@given(st.sampled_from(DEVICES), st.integers(0, 4000), st.sampled_from(Manner), SETTINGS)
def test_a_course_foretells_every_sample(kind, longest_s, how, settings):
    samples_s = by_hand(kind.new(), longest_s, how, settings, 300)
    course = follow(kind.new(), longest_s, how, settings)
    foretold = islice(chain(course.start, cycle(course.round)), len(samples_s))
    assert heartbeats(foretold) == samples_s


@given(st.sampled_from(DEVICES), st.integers(0, 4000), st.sampled_from(Manner), SETTINGS)
def test_the_reading_is_that_of_a_long_run(kind, longest_s, how, settings):
    window, first_event = HeartbeatWindow(settings.sample_size, settings.alert_threshold_s), None
    for number, sample_s in enumerate(by_hand(kind.new(), longest_s, how, settings, 300), start=1):
        if window.register(sample_s, number * 1000.0) and first_event is None:
            first_event = number
    assert read_window(follow(kind.new(), longest_s, how, settings), settings).first_event == first_event


@given(st.sampled_from(DEVICES), st.floats(0, 4000), st.sampled_from(Manner), SETTINGS)
def test_a_device_tells_no_more_paths_apart_than_are_followed(kind, longest_s, how, settings):
    courses = follow_all(kind.new, how, settings)
    key_s = max(key_s for key_s in courses if key_s <= longest_s)
    assert follow(kind.new(), longest_s, how, settings) == courses[key_s]


def test_the_paths_that_a_device_tells_apart_are_its_heartbeats():
    assert list(follow_all(Textbook, Manner.SILENT, DEFAULTS)) == [0, 60, 300, 480, 720, 900]
    assert list(follow_all(AndroidEarly, Manner.SILENT, DEFAULTS)) == [0, 290, 470, 650, 830, 1010]
