from hbprobe.trial.talks.ssh import make
from hbprobe.trial.talks.talk import Where

KEXINIT = bytes.fromhex("0000000c 0a 14") + bytes(10)
"""Much shorter than a real one; nobody reads what is in it."""
UNIMPLEMENTED = bytes.fromhex("0000000c 0a 03") + bytes(10)
DISCONNECT = bytes.fromhex("0000000c 0a 01") + bytes(10)


def standing():
    talk = make(Where("server.example"))
    assert talk.begin() == b"SSH-2.0-hbprobe\r\n"
    talk.take(b"welcome\r\nSSH-2.0-OpenSSH_9.2\r\n" + KEXINIT)
    assert talk.stands
    return talk


def test_a_disconnect_before_the_question_is_a_disconnect_notice():
    talk = standing()
    talk.take(DISCONNECT)
    assert (talk.answered, talk.disconnect_notice) == (False, "DISCONNECT")


def test_a_disconnect_after_the_question_is_its_answer():
    talk = standing()
    talk.ask()
    talk.take(DISCONNECT)
    assert (talk.answered, talk.disconnect_notice) == (True, "")


def test_what_comes_before_the_question_is_no_answer_to_it():
    talk = standing()
    talk.take(UNIMPLEMENTED)
    assert not talk.answered
    talk.ask()
    talk.take(UNIMPLEMENTED)
    assert talk.answered


def test_the_question_is_a_whole_packet():
    question = standing().ask()
    assert int.from_bytes(question[:4]) == len(question) - 4
    assert len(question) % 8 == 0
    assert question[4] >= 4, "padding (RFC 4253, section 6)"


def test_a_packet_that_cannot_be():
    talk = standing()
    talk.take(b"\xff\xff\xff\xff\x00\x00\x00")
    assert talk.trouble.startswith("the server does not speak SSH")
