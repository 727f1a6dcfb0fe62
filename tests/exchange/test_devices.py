import re

import pytest

from hbprobe.exchange.devices import DEVICES, Basis

BY_ID = {kind.id: kind for kind in DEVICES}


def test_the_devices_are_these():
    assert {kind.id: kind.new().heartbeat_s for kind in DEVICES} == {
        "textbook": 900,
        "windows-mobile": 480,
        "android-4.0": 470,
        "android-4.1": 470,
        "android-4.4": 480,
        "ios": 600,
        "nacho-mail": 600,
        "outlook-540": 540,
        "outlook-180": 180,
    }


def test_ids_are_unique_and_easy_to_type():
    assert len(BY_ID) == len(DEVICES)
    assert all(re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", kind.id) for kind in DEVICES)


@pytest.mark.parametrize("kind", DEVICES, ids=lambda kind: kind.id)
def test_what_is_said_of_a_product_has_a_public_source_or_says_what_was_seen(kind):
    if kind.source is None:
        assert kind.basis in (Basis.OBSERVED, Basis.EXAMPLE)
    else:
        assert kind.source.startswith("https://")
    assert kind.note


def test_each_device_is_made_anew():
    first, second = BY_ID["android-4.0"].new(), BY_ID["android-4.0"].new()
    first.answered()
    assert (first.heartbeat_s, second.heartbeat_s) == (650, 470)


def test_the_maxima_of_the_androids():
    for id_, longest_s in (("android-4.0", 1010), ("android-4.1", 1790), ("android-4.4", 1680)):
        device = BY_ID[id_].new()
        for _ in range(20):
            device.answered()
        assert device.heartbeat_s == longest_s


def test_outlook_does_not_heed_the_server_and_the_others_of_fixed_interval_do():
    for id_, then_s in (("outlook-540", 540), ("outlook-180", 180), ("ios", 300), ("nacho-mail", 300)):
        device = BY_ID[id_].new()
        device.corrected(300)
        assert device.heartbeat_s == then_s
