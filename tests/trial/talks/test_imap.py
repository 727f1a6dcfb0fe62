from hbprobe.trial.talks.imap import make
from hbprobe.trial.talks.talk import Where


def test_a_server_that_turns_us_away():
    talk = make(Where("mail.example"))
    talk.take(b"* BYE Too many connections\r\n")
    assert (talk.trouble, talk.disconnect_notice) == ("the server turns us away: BYE Too many connections", "")


def test_what_comes_unasked_is_no_answer():
    talk = make(Where("mail.example"))
    talk.take(b"* OK ready\r\n")
    assert talk.ask() == b"hb NOOP\r\n"
    talk.take(b"* OK Still here\r\n")
    assert not talk.answered
    talk.take(b"hb BAD not before the login\r\n")
    assert talk.answered


def test_bye_is_a_disconnect_notice():
    talk = make(Where("mail.example"))
    talk.take(b"* OK ready\r\n* BYE Disconnected for inactivity.\r\n")
    assert talk.disconnect_notice == "BYE Disconnected for inactivity."
