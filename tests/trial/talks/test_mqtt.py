import pytest

from hbprobe.trial.talks.mqtt import make
from hbprobe.trial.talks.talk import TalkOptions, Where


def test_connect_asks_for_no_keep_alive():
    assert make(Where("broker.example")).begin() == bytes.fromhex("100c 0004 4d515454 04 02 0000 0000")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (1, "the broker does not know MQTT 3.1.1"),
        (5, "the broker wants a login"),
        (99, "the broker refuses: code 99"),
    ],
)
def test_a_broker_that_refuses(code, why):
    talk = make(Where("broker.example"))
    talk.take(bytes((0x20, 2, 0, code)))
    assert (talk.stands, talk.trouble) == (False, why)


def test_a_login_that_is_not_authorized_may_be_a_wrong_one():
    talk = make(Where("broker.example", options=TalkOptions(user="ada", password="s3cret")))
    talk.take(bytes((0x20, 2, 0, 5)))
    assert talk.trouble == "the broker refuses the login (code 5, not authorized)"


def test_other_packets_are_passed_over():
    talk = make(Where("broker.example"))
    talk.take(bytes.fromhex("20020000"))
    talk.take(bytes((0x30, 0x80 | 2, 1)) + bytes(130) + b"\xd0\x00")
    assert (talk.answered, talk.trouble) == (True, "")


def test_a_length_that_does_not_end():
    talk = make(Where("broker.example"))
    talk.take(b"\x20\xff\xff\xff\xff\xff")
    assert talk.trouble.startswith("the server does not speak MQTT")


def test_disconnect_is_a_disconnect_notice():
    talk = make(Where("broker.example"))
    talk.take(bytes.fromhex("20020000 e000"))
    assert talk.disconnect_notice == "DISCONNECT"
