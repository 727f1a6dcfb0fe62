import ssl

import pytest

from hbprobe.net.certificates import throwaway_pair
from hbprobe.trial.talks.postgresql import make
from hbprobe.trial.talks.talk import Where


def standing(said):
    talk = make(Where("db.example"))
    assert talk.begin() == bytes.fromhex("00000008 04d2162f")
    talk.take(said)
    assert talk.stands
    return talk


@pytest.mark.parametrize("answer", [b"N", b"G", b"E\x00\x00\x00\x20SFATAL"])
def test_a_server_without_tls_is_asked_about_gssapi(answer):
    talk = standing(b"N")
    assert talk.ask() == bytes.fromhex("00000008 04d21630")
    talk.take(answer)
    assert (talk.answered, talk.trouble) == (True, "")


def test_a_server_with_tls_is_asked_to_begin_it():
    talk = standing(b"S")
    server_context, _ = throwaway_pair()
    arrived, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(arrived, leaving, server_side=True)
    arrived.write(talk.ask())
    with pytest.raises(ssl.SSLError):  # it has no cipher in common, or waits for our key
        server.do_handshake()
    talk.take(leaving.read())
    assert (talk.answered, talk.trouble) == (True, "")


def test_what_is_no_answer():
    talk = standing(b"S")
    talk.take(b"?")
    assert talk.trouble == "the server does not speak PostgreSQL: '?'"


@pytest.mark.parametrize("agreed", [b"S", b"N"])
def test_an_error_that_nobody_asked_for_is_a_disconnect_notice(agreed):
    """A pooler says so when its time for a login is over."""
    talk = standing(agreed)
    talk.take(b"E\x00\x00\x00\x2fSFATAL\x00Mclient_login_timeout\x00\x00")
    assert (talk.answered, talk.disconnect_notice) == (False, "an error: 'client_login_timeout'")
