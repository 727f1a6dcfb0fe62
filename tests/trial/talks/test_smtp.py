import pytest

from hbprobe.trial.talks.smtp import make
from hbprobe.trial.talks.talk import Where


@pytest.mark.parametrize("line", ["421 too many connections", "554 no SMTP service here"])
def test_a_server_that_turns_us_away(line):
    talk = make(Where("mail.example"))
    talk.take(f"{line}\r\n".encode())
    assert talk.trouble == f"the server turns us away: {line}"


def test_a_greeting_of_several_lines_stands_at_its_last():
    talk = make(Where("mail.example"))
    talk.take(b"220-mx.example\r\n220-no mail from strangers\r\n")
    assert not talk.stands
    talk.take(b"220 ESMTP\r\n")
    assert talk.stands
    assert not talk.answered


def test_421_is_a_disconnect_notice():
    talk = make(Where("mail.example"))
    talk.take(b"220 mx\r\n421 4.4.2 mx Error: timeout exceeded\r\n")
    assert talk.disconnect_notice == "421 4.4.2 mx Error: timeout exceeded"


@pytest.mark.parametrize("line", ["451 4.7.0 Timeout waiting for client input", "500 5.7.0 idle"])
def test_an_error_that_nobody_asked_for_is_a_disconnect_notice(line):
    talk = make(Where("mail.example"))
    talk.take(f"220 mx\r\n{line}\r\n".encode())
    assert (talk.answered, talk.disconnect_notice) == (False, line)


def test_an_error_is_an_answer_and_after_that_nobody_asks():
    talk = make(Where("mail.example"))
    talk.take(b"220 mx\r\n")
    assert talk.ask()
    talk.take(b"502 what is that\r\n")
    assert (talk.answered, talk.disconnect_notice) == (True, "")
    talk.take(b"451 4.4.2 timeout\r\n")
    assert talk.disconnect_notice == "451 4.4.2 timeout"
