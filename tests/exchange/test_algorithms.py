from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.exchange.algorithms import AndroidEarly, AndroidLater, FixedInterval, Textbook, WindowsMobile
from hbprobe.manner import Manner

LOUD = (Manner.RESET, Manner.CLOSED, Manner.STATUS)


def new(name):
    return {
        "windows-mobile": WindowsMobile,
        "android-4.0": AndroidEarly,
        "android-4.1": lambda: AndroidEarly(max_s=1790),
        "android-4.4": AndroidLater,
        "fixed": lambda: FixedInterval(600),
        "textbook": Textbook,
    }[name]()


NAMES = ("windows-mobile", "android-4.0", "android-4.1", "android-4.4", "fixed", "textbook")


def trace(device, path_s, how, requests):
    """Run a device on a path with a timer; write each request with + for answered and - for lost."""
    seen = []
    for _ in range(requests):
        asked_s = device.heartbeat_s
        if asked_s < path_s:
            device.answered()
        else:
            device.lost(how)
        seen.append(f"{asked_s}{'+' if asked_s < path_s else '-'}")
    return " ".join(seen)


@pytest.mark.parametrize(
    ("name", "path_s", "expected"),
    [
        ("windows-mobile", 300, "480- 480- 480- 480-"),
        ("windows-mobile", 400, "480- 480- 480- 480-"),
        ("windows-mobile", 600, "480+ 780- 480+ 780- 480+"),
        ("windows-mobile", 700, "480+ 780- 480+ 780- 480+"),
        ("windows-mobile", 1000, "480+ 780+ 1080- 780+ 1080- 780+"),
        ("windows-mobile", 1800, "480+ 780+ 1080+ 1380+ 1680+ 1800- 1680+ 1800-"),
        ("windows-mobile", 4000, "480+ 780+ 1080+ 1380+ 1680+ 1800+ 1800+"),
        ("android-4.0", 300, "470- 290+ 290+ 290+"),
        ("android-4.0", 400, "470- 290+ 290+ 290+"),
        ("android-4.0", 600, "470+ 650- 470+ 470+ 470+"),
        ("android-4.0", 700, "470+ 650+ 830- 650+ 650+"),
        ("android-4.0", 1000, "470+ 650+ 830+ 1010- 830+ 830+"),
        ("android-4.0", 1800, "470+ 650+ 830+ 1010+ 1010+"),
        ("android-4.0", 4000, "470+ 650+ 830+ 1010+ 1010+"),
        ("android-4.1", 300, "470- 290+ 290+ 290+"),
        ("android-4.1", 400, "470- 290+ 290+ 290+"),
        ("android-4.1", 600, "470+ 650- 470+ 470+ 470+"),
        ("android-4.1", 700, "470+ 650+ 830- 650+ 650+"),
        ("android-4.1", 1000, "470+ 650+ 830+ 1010- 830+ 830+"),
        ("android-4.1", 1800, "470+ 650+ 830+ 1010+ 1190+ 1370+ 1550+ 1730+ 1790+ 1790+"),
        ("android-4.1", 4000, "470+ 650+ 830+ 1010+ 1190+ 1370+ 1550+ 1730+ 1790+ 1790+"),
        ("android-4.4", 300, "480- 480- 480- 480-"),
        ("android-4.4", 400, "480- 480- 480- 480-"),
        ("android-4.4", 600, "480+ 780- 480+ 780- 480+"),
        ("android-4.4", 700, "480+ 780- 480+ 780- 480+"),
        ("android-4.4", 1000, "480+ 780+ 1080- 780+ 1080- 780+"),
        ("android-4.4", 1800, "480+ 780+ 1080+ 1380+ 1680+ 1680+"),
        ("android-4.4", 4000, "480+ 780+ 1080+ 1380+ 1680+ 1680+"),
        ("fixed", 300, "600- 600- 600-"),
        ("fixed", 400, "600- 600- 600-"),
        ("fixed", 600, "600- 600- 600-"),
        ("fixed", 700, "600+ 600+ 600+"),
        ("fixed", 1000, "600+ 600+ 600+"),
        ("fixed", 1800, "600+ 600+ 600+"),
        ("fixed", 4000, "600+ 600+ 600+"),
        ("textbook", 300, "900- 480- 300- 60+ 60+"),
        ("textbook", 400, "900- 480- 300+ 300+"),
        ("textbook", 600, "900- 480+ 720- 480+ 480+ 480+"),
        ("textbook", 700, "900- 480+ 720- 480+ 480+ 480+"),
        ("textbook", 800, "900- 480+ 720+ 720+"),
        ("textbook", 1000, "900+ 900+ 900+"),
        ("textbook", 1800, "900+ 900+ 900+"),
        ("textbook", 4000, "900+ 900+ 900+"),
    ],
)
def test_on_a_path_that_goes_silent(name, path_s, expected):
    assert trace(new(name), path_s, Manner.SILENT, expected.count(" ") + 1) == expected


@pytest.mark.parametrize(
    ("name", "how", "path_s", "expected"),
    [
        ("android-4.0", Manner.RESET, 300, "470- 290+ 290+"),
        ("android-4.0", Manner.RESET, 600, "470+ 650- 470+ 470+"),
        ("android-4.0", Manner.RESET, 1000, "470+ 650+ 830+ 1010- 830+ 830+"),
        ("android-4.0", Manner.CLOSED, 400, "470- 470- 470-"),
        ("android-4.0", Manner.CLOSED, 600, "470+ 650- 470+ 650- 470+"),
        ("android-4.0", Manner.CLOSED, 1000, "470+ 650+ 830+ 1010- 470+ 650+ 830+ 1010-"),
        ("android-4.0", Manner.STATUS, 400, "470- 470- 470-"),
        ("android-4.0", Manner.STATUS, 700, "470+ 650+ 830- 830- 830-"),
        ("android-4.1", Manner.CLOSED, 700, "470+ 650+ 830- 470+ 650+ 830-"),
        ("android-4.1", Manner.STATUS, 1800, "470+ 650+ 830+ 1010+ 1190+ 1370+ 1550+ 1730+ 1790+"),
        ("android-4.4", Manner.RESET, 1000, "480+ 780+ 1080- 780+ 1080- 780+"),
        ("android-4.4", Manner.CLOSED, 1000, "480+ 780+ 1080- 780+ 1080- 780+"),
        ("android-4.4", Manner.STATUS, 600, "480+ 780- 780- 780-"),
        ("android-4.4", Manner.STATUS, 1000, "480+ 780+ 1080- 1080- 1080-"),
    ],
)
def test_on_a_path_that_ends_requests_aloud(name, how, path_s, expected):
    assert trace(new(name), path_s, how, expected.count(" ") + 1) == expected


@pytest.mark.parametrize("name", ["windows-mobile", "fixed", "textbook"])
@pytest.mark.parametrize("how", LOUD)
def test_some_devices_do_not_tell_manners_of_loss_apart(name, how):
    for path_s in (300, 600, 1000):
        assert trace(new(name), path_s, how, 9) == trace(new(name), path_s, Manner.SILENT, 9)


@pytest.mark.parametrize(
    ("name", "timeouts_s"),
    [
        ("windows-mobile", [490, 790]),
        ("android-4.0", [505, 685]),
        ("android-4.4", [485, 785]),
        ("fixed", [610, 610]),
        ("textbook", [910, 910]),
    ],
)
def test_a_device_gives_up_a_while_after_its_heartbeat(name, timeouts_s):
    device = new(name)
    found_s = [device.timeout_s]
    device.answered()
    assert [*found_s, device.timeout_s] == timeouts_s


def test_windows_mobile_may_want_several_answers_before_a_step():
    assert trace(WindowsMobile(answers_needed=3), 600, Manner.SILENT, 9) == (
        "480+ 480+ 480+ 780- 480+ 480+ 480+ 780- 480+"
    )


def test_windows_mobile_falls_to_its_minimum_when_a_proven_heartbeat_fails():
    device = WindowsMobile(answers_needed=2)
    assert trace(device, 4000, Manner.SILENT, 5) == "480+ 480+ 780+ 780+ 1080+"
    # 1080 was answered once, so the loss that follows is not that of a step up.
    assert trace(device, 500, Manner.SILENT, 2) == "1080- 480+"


def test_windows_mobile_counts_answers_in_a_row():
    device = WindowsMobile(answers_needed=2)
    device.answered()
    device.lost(Manner.SILENT)
    device.answered()
    assert device.heartbeat_s == 480


def test_early_android_keeps_a_heartbeat_that_was_answered_before():
    device = AndroidEarly()
    assert trace(device, 4000, Manner.SILENT, 3) == "470+ 650+ 830+"
    assert trace(device, 1000, Manner.SILENT, 2) == "1010- 830+"
    assert trace(device, 300, Manner.SILENT, 3) == "830- 830- 830-"


def test_early_android_forgets_all_when_its_service_starts_again():
    device = AndroidEarly()
    device.corrected(600)
    device.lost(Manner.SILENT)
    device.lost(Manner.CLOSED)
    assert astuple(device) == astuple(AndroidEarly())


@pytest.mark.parametrize(
    ("name", "bound_s", "expected"),
    [
        # Too long for the server: the longest that it admits.
        ("windows-mobile", 400, "400+ 400+ 400+"),
        ("android-4.0", 400, "400+ 400+ 400+"),
        ("android-4.4", 400, "400+ 700+ 1000+"),
        ("fixed", 400, "400+ 400+ 400+"),
        ("textbook", 400, "400+ 400+ 400+"),
        # Too short for the server: the shortest that it admits.
        ("windows-mobile", 700, "700+ 1000+ 1300+"),
        ("android-4.0", 700, "700+ 880+ 1010+ 1010+"),
        ("android-4.0", 1500, "1500+ 1500+ 1500+"),
        ("android-4.4", 700, "700+ 1000+ 1300+"),
        ("android-4.4", 1800, "1800+ 1680+ 1680+"),
        ("fixed", 700, "700+ 700+ 700+"),
        ("textbook", 1000, "1000+ 1000+ 1000+"),
    ],
)
def test_status_5_is_heeded(name, bound_s, expected):
    device = new(name)
    device.corrected(bound_s)
    assert trace(device, 4000, Manner.SILENT, expected.count(" ") + 1) == expected


def test_status_5_is_not_heeded_by_a_device_that_does_not():
    device = FixedInterval(180, heeds_server=False)
    device.corrected(300)
    assert device.heartbeat_s == 180


@pytest.mark.parametrize(
    ("name", "expected"),
    [("windows-mobile", "700- 700- 700-"), ("android-4.0", "700- 700- 700-"), ("android-4.4", "700- 480- 480-")],
)
def test_after_status_5_a_loss_leads_down_to_the_servers_minimum_or_not(name, expected):
    device = new(name)
    device.corrected(700)
    assert trace(device, 400, Manner.SILENT, 3) == expected


def test_status_5_lets_early_android_step_up_again():
    device = AndroidEarly()
    assert trace(device, 400, Manner.SILENT, 2) == "470- 290+"
    device.corrected(300)
    assert trace(device, 4000, Manner.SILENT, 3) == "300+ 480+ 660+"


def test_the_textbook_client_looks_below_a_heartbeat_that_no_longer_gets_through():
    device = Textbook()
    assert trace(device, 600, Manner.SILENT, 4) == "900- 480+ 720- 480+"
    assert trace(device, 400, Manner.SILENT, 3) == "480- 300+ 300+"


EVENTS = st.lists(st.sampled_from([None, *Manner]), max_size=60)
BOUNDS = {
    "windows-mobile": (480, 1800),
    "android-4.0": (290, 1010),
    "android-4.1": (290, 1790),
    "android-4.4": (480, 1680),
    "fixed": (600, 600),
    "textbook": (60, 900),
}


@given(st.sampled_from(NAMES), EVENTS)
def test_a_heartbeat_is_always_within_the_devices_bounds(name, events):
    device, (low, high) = new(name), BOUNDS[name]
    for how in events:
        assert low <= device.heartbeat_s <= high
        device.answered() if how is None else device.lost(how)
    assert low <= device.heartbeat_s <= high


@given(st.sampled_from(NAMES), EVENTS)
def test_a_loss_never_makes_a_heartbeat_longer_nor_an_answer_shorter(name, events):
    device = new(name)
    for how in events:
        before_s = device.heartbeat_s
        device.answered() if how is None else device.lost(how)
        if how is None:
            assert device.heartbeat_s >= before_s
        elif not (name == "textbook" and before_s == 60) and how is not Manner.CLOSED:
            assert device.heartbeat_s <= before_s


@given(EVENTS)
def test_early_android_never_steps_up_again_after_a_step_down(events):
    device = AndroidEarly()
    dropped = False
    for how in events:
        before_s = device.heartbeat_s
        device.answered() if how is None else device.lost(how)
        dropped = (dropped or device.heartbeat_s < before_s) and how is not Manner.CLOSED
        assert not (dropped and device.heartbeat_s > before_s)


@given(st.sampled_from(NAMES), st.integers(1, 4000), st.integers(1, 4000))
def test_whatever_bounds_a_server_names_a_device_asks_for_seconds(name, first_s, second_s):
    device = new(name)
    for bound_s in (first_s, second_s):
        if bound_s != device.heartbeat_s:
            device.corrected(bound_s)
        for how in (None, Manner.SILENT, Manner.SILENT, None, Manner.RESET):
            assert device.heartbeat_s >= 1
            device.answered() if how is None else device.lost(how)


@pytest.mark.parametrize(
    ("device", "asks_s"),
    [
        (Textbook(), 900),
        (WindowsMobile(), 780),
        (AndroidEarly(), 470),
        (AndroidLater(), 780),
        (FixedInterval(600), 600),
    ],
)
def test_on_another_network_some_begin_anew(device, asks_s):
    if isinstance(device, Textbook):
        device.lost(Manner.SILENT)
    device.answered()
    device.moved()
    assert device.heartbeat_s == asks_s


def test_windows_mobile_does_not_blame_a_step_for_what_is_lost_on_another_network():
    device = WindowsMobile()
    device.answered()
    device.answered()
    device.moved()
    assert device.heartbeat_s == 1080
    device.lost(Manner.SILENT)
    assert device.heartbeat_s == 480


def test_android_up_to_4_3_closes_its_connections():
    kinds = (Textbook, WindowsMobile, AndroidEarly, AndroidLater, FixedInterval)
    assert [kind for kind in kinds if not kind.reuses_connection] == [AndroidEarly]
