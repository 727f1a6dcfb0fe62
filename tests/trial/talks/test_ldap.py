import pytest

from hbprobe.trial.talks.ldap import make
from hbprobe.trial.talks.talk import Where

LDAP_DONE = "300c 0201{:02x} 6507 0a0100 0400 0400"


def test_the_search_is_one_whole_message():
    search = make(Where("server.example")).begin()
    assert search[0] == 0x30
    assert search[1] == len(search) - 2


def test_an_entry_comes_before_the_end_of_a_search():
    talk = make(Where("server.example"))
    talk.begin()
    talk.take(bytes.fromhex("300a 020101 6405 0400 3001 00"))
    assert not talk.stands
    talk.take(bytes.fromhex(LDAP_DONE.format(1)))
    assert talk.stands


def test_an_answer_to_another_question_is_none():
    talk = make(Where("server.example"))
    talk.begin()
    talk.take(bytes.fromhex(LDAP_DONE.format(1)))
    talk.ask()
    talk.take(bytes.fromhex(LDAP_DONE.format(1)))
    assert not talk.answered
    talk.take(bytes.fromhex(LDAP_DONE.format(2)))
    assert talk.answered


def test_a_notice_of_disconnection_is_a_disconnect_notice():
    talk = make(Where("server.example"))
    talk.begin()
    talk.take(bytes.fromhex("300c 020100 7807 0a0134 0400 0400"))
    assert talk.disconnect_notice == "a notice of disconnection (RFC 4511, 4.4.1)"


@pytest.mark.parametrize("said", ["3080", "3085", "3003 040100", "300c 020601"])
def test_what_is_no_message(said):
    talk = make(Where("server.example"))
    talk.take(bytes.fromhex(said) + bytes(20))
    assert talk.trouble.startswith("the server does not speak LDAP")
