"""What the server remembers of a device, and of the request with which it waits."""

import pytest

from hbprobe.eas.commands import DeviceInformation
from hbprobe.standin.admin_rules import Characteristic
from hbprobe.standin.device import FOLDER_IDS, DeviceState, ServedRequest, Waiting, end, let_go, take_over, wait
from hbprobe.standin.messages import ClientRequest


@pytest.fixture
def device():
    return DeviceState("alice", "D1", "Phone", 0.0)


def waiting_of(device):
    turn = ServedRequest(ClientRequest(), 0.0, device=device)
    wait(turn, device, Waiting(480.0, ("5",), b"quiet", lambda _: b"changed"))
    return turn


def test_what_rules_look_at_is_what_is_known(device):
    assert device.traits() == {Characteristic.DEVICE_TYPE: "Phone"}
    device.information = DeviceInformation(model="M", os="OS", user_agent="told")
    assert device.traits() == {
        Characteristic.DEVICE_TYPE: "Phone",
        Characteristic.USER_AGENT: "told",
        Characteristic.DEVICE_MODEL: "M",
        Characteristic.DEVICE_OS: "OS",
    }
    device.user_agent = "said"
    assert device.traits()[Characteristic.USER_AGENT] == "said"


def test_a_folder_that_was_never_synchronized_has_news(device):
    device.sync_keys = {"5": 1, "6": 1}
    device.changed = {"6", "7"}
    assert device.news_in(("1", "5", "6")) == ("1", "6")
    assert not device.knows_folders
    assert "5" in FOLDER_IDS


def test_a_newer_request_ends_the_older_as_if_it_had_been_quiet(device):
    told = []
    older = waiting_of(device)
    older.on_answer = lambda: told.append(older.answer.body)
    take_over(device)
    assert (told, older.error, older.waiting, device.turn) == ([b"quiet"], "NMStolen", None, None)
    take_over(device)
    assert told == [b"quiet"]


def test_who_is_answered_waits_no_more_and_keeps_its_headers(device):
    turn = waiting_of(device)
    turn.headers = (("X-MS-NoPush", ""),)
    end(turn, b"changed")
    assert (turn.answer.body, turn.answer.header("x-ms-nopush"), device.turn) == (b"changed", "", None)


def test_letting_go_of_an_older_request_leaves_the_newer_one_alone(device):
    older = waiting_of(device)
    newer = waiting_of(device)
    let_go(older)
    assert device.turn is newer
