import pytest

from hbprobe.exchange.devices import CURRENT, DEVICES
from hbprobe.exchange.event_reading import AlertEvent, AskingDevice, Paths, explain
from hbprobe.exchange.predict import follow
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import Command
from hbprobe.manner import Manner

SETTINGS = Settings()


def found(average_s, devices=DEVICES, threshold_s=540, command=Command.PING):
    return explain(AlertEvent(average_s, threshold_s, command), SETTINGS, devices)


def test_a_client_that_asks_for_so_little_whatever_the_path_does():
    assert found(207, CURRENT) == (AskingDevice("outlook-180", "Outlook app (180 s)", (Paths(0, None),)),)
    assert found(207, CURRENT)[0].on_any_path


def test_one_that_does_so_only_after_losses():
    assert found(130) == (AskingDevice("textbook", "Textbook client", (Paths(0, 300),)),)
    assert not found(130)[0].on_any_path


def test_an_average_that_is_not_told_is_the_threshold_at_most():
    assert found(None) == found(540)
    assert found(None, threshold_s=200) == found(200, threshold_s=200)


def test_nobody_asks_for_less_than_the_server_takes():
    assert found(59) == ()


def test_of_sync_nothing_is_known():
    assert found(207, command=Command.SYNC) == ()


@pytest.mark.parametrize("average_s", [130, 207, 400, 480, 540])
def test_on_those_paths_each_does_it_in_some_manner_and_elsewhere_in_none(average_s):
    told = {one.id: one.paths for one in found(average_s)}
    for kind in DEVICES:
        for carried_s in range(0, 1900, 37):
            asks = (follow(kind.new(), carried_s, how, SETTINGS) for how in Manner)
            does = any(request.heartbeat_s <= average_s for course in asks for request in course.round)
            within = any(
                one.carried_s <= carried_s and (one.cut_s is None or carried_s < one.cut_s)
                for one in told.get(kind.id, ())
            )
            assert does == within, (kind.id, carried_s)
