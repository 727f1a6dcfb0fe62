from hbprobe.farend.hold_request import nonce_settings
from hbprobe.net.http2_streams import Http2Streams
from hbprobe.trial.talks.http2 import make
from hbprobe.trial.talks.talk import Where
from tests.support.talkers import Http2


def standing():
    talk, server = make(Where("server.example")), Http2()
    talk.take(server.take(talk.begin()))
    return talk, server


def test_it_begins_with_the_preface():
    assert make(Where("server.example")).begin().startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


def test_a_ping_of_the_servers_is_acknowledged():
    talk, server = standing()
    server.connection.ping(b"12345678")
    assert talk.take(server.connection.data_to_send())
    assert not talk.answered


def test_goaway_is_a_disconnect_notice():
    talk, server = standing()
    talk.take(server.goodbye())
    assert talk.disconnect_notice == "GOAWAY NO_ERROR"
    assert talk.ask() == b"", "nothing can be asked any more"


def test_too_many_pings():
    talk, server = standing()
    server.connection.close_connection(error_code=11, additional_data=b"too_many_pings")
    talk.take(server.connection.data_to_send())
    assert talk.disconnect_notice == "GOAWAY ENHANCE_YOUR_CALM (too_many_pings)"


def test_a_far_end_of_ours_announces_its_witness():
    nonce = "0123456789abcdef" * 2
    talk, server = make(Where("server.example")), Http2Streams(is_client=False, announced=nonce_settings(nonce))
    server.take(talk.begin(), 0.0)
    for byte in server.data_to_send():
        talk.take(bytes([byte]))
    assert (talk.stands, talk.witness_nonce) == (True, nonce)


def test_another_server_has_no_witness():
    talk, server = standing()
    assert talk.witness_nonce == ""
    server.connection.update_settings({4: 1 << 20, 0x0A: 1})
    talk.take(server.connection.data_to_send())
    assert talk.witness_nonce == ""
