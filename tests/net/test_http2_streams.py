"""HTTP/2 outside, HTTP/1.1 within: what becomes of frames both ways, and what bounds a peer that means harm."""

import h2.errors
import h2.settings
import hpack
import hyperframe.frame as frames
import pytest
from h2.errors import ErrorCodes
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.net.http2_streams import PREFACE, Came, Drained, Http2Streams, Over, Reset
from tests.support.http2 import GET, POST, Http2End

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
ASKED = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


def fresh():
    """Return a server's end and a client, which have greeted each other."""
    end, client = Http2Streams(is_client=False), Http2End()
    client.take(end.data_to_send())
    assert end.take(client.said(), 0.0) == []
    client.take(end.data_to_send())
    return end, client


def answered(end, client, number, data):
    end.send(number, data)
    return client.take(end.data_to_send())


def test_a_client_begins_with_what_the_rfc_says():
    assert Http2End().said().startswith(PREFACE)


def test_settings_for_experiments_are_announced_once_whole():
    """The library h2 says one byte of an identifier, and takes both."""
    end, client = Http2Streams(is_client=False, announced={0xF862: 2**32 - 1, 0xF863: 0}), Http2End()
    data = end.data_to_send()
    client.h2.receive_data(data)
    assert {name: client.h2.remote_settings[name] for name in (0xF862, 0xF863)} == {0xF862: 2**32 - 1, 0xF863: 0}
    assert data[3:4] == b"\4", "what comes first are settings still"
    assert end.take(client.said(), 0.0) == []
    assert end.data_to_send().count(b"\xf8\x62") == 0
    assert answered(end, client, 1, OK) == []


def test_a_request_and_its_answer():
    end, client = fresh()
    assert end.take(client.ask(), 0.0) == [Came(1, ASKED)]
    assert len(end) == 1
    told = answered(end, client, 1, OK)
    assert told == [(1, {":status": "200", "content-length": "2"}), (1, b"hi"), (1, "end")]
    assert len(end) == 0


def test_an_answer_in_pieces_is_the_same():
    end, client = fresh()
    end.take(client.ask(), 0.0)
    told = [what for byte in OK for what in answered(end, client, 1, bytes([byte]))]
    assert told == [(1, {":status": "200", "content-length": "2"}), (1, b"h"), (1, b"i"), (1, "end")]


def test_fields_of_one_connection_do_not_pass():
    end, client = fresh()
    end.take(client.ask(), 0.0)
    told = answered(end, client, 1, b"HTTP/1.1 204 No Content\r\nConnection: close\r\nKeep-Alive: timeout=5\r\n\r\n")
    assert told == [(1, {":status": "204"}), (1, "end")]


def test_an_answer_that_ends_with_its_connection():
    end, client = fresh()
    end.take(client.ask(), 0.0)
    assert answered(end, client, 1, b"HTTP/1.1 200 OK\r\n\r\nhi") == [(1, {":status": "200"}), (1, b"hi")]
    assert end.finish(1)
    assert client.take(end.data_to_send()) == [(1, "end")]


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_one_that_is_cut_short_is_none(begun):
    end, client = fresh()
    end.take(client.ask(), 0.0)
    answered(end, client, 1, begun)
    assert not end.finish(1)
    assert client.take(end.data_to_send())[-1] == (1, "reset INTERNAL_ERROR")


def test_what_is_no_http1_ends_the_stream():
    end, client = fresh()
    end.take(client.ask(), 0.0)
    assert answered(end, client, 1, b"rubbish\r\n\r\n") == [(1, "reset INTERNAL_ERROR")]


def test_an_answer_before_the_request_is_whole_lets_that_end():
    end, client = fresh()
    assert end.take(client.ask(1, POST, end=False, data=b"so"), 0.0)
    assert (1, "end") in answered(end, client, 1, OK)
    assert 1 in end
    client.h2.end_stream(1)
    end.take(client.said(), 0.0)
    assert 1 not in end


def test_connect_is_refused():
    end, client = fresh()
    block = hpack.Encoder().encode([(":method", "CONNECT"), (":authority", "a:443")])
    told = end.take(frames.HeadersFrame(1, block, flags=["END_HEADERS"]).serialize(), 0.0)
    assert len(end) == 0
    if told:  # h2 before 4.2 misses the path, and ends the connection
        assert isinstance(told[0], Over)
    else:
        client.ask(1)
        assert client.take(end.data_to_send()) == [(1, {":status": "405"}), (1, "end")]


def test_what_http1_cannot_say_ends_the_stream_alone():
    end, client = fresh()
    client.h2.config.validate_outbound_headers = client.h2.config.normalize_outbound_headers = False
    told = end.take(client.ask(1, [*GET[:1], (":path", "/a b"), *GET[2:]], end=False), 0.0)
    assert isinstance(told[-1], Reset)
    assert end.take(client.ask(3), 0.0) == [Came(3, ASKED)]


def test_what_there_is_no_room_for_waits():
    end, client = fresh()
    client.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 10})
    end.take(client.said() + client.ask(), 0.0)
    end.take(client.said(), 0.0)
    told = answered(end, client, 1, b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n" + b"x" * 30)
    assert told[-1] == (1, b"x" * 10)
    assert end.is_blocked(1)
    told = []
    for _ in range(5):
        told += end.take(client.said(), 0.0)
        client.take(end.data_to_send())
        if 1 in end:
            client.h2.increment_flow_control_window(10, 1)
    assert told == [Drained(1)]
    assert not end.is_blocked(1)


def test_streams_share_what_room_there_is():
    end, client = fresh()
    end.take(client.ask(1) + client.ask(3), 0.0)
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n" + b"x" * 60_000
    for number in (1, 3):
        end.send(number, whole)
    assert not end.is_blocked(1)
    assert end.is_blocked(3), "both have 65,535 bytes of the connection"
    told = []
    for _ in range(3):
        client.take(end.data_to_send())
        told += end.take(client.said(), 0.0)
    assert told == [Drained(3)]


def test_a_client_that_is_paused_sends_no_more_than_its_window():
    end, client = fresh()
    end.take(client.ask(1, POST, end=False), 0.0)
    end.pause(1)
    window = client.h2.local_flow_control_window(1)
    for _ in range(window // 10_000):
        client.h2.send_data(1, b"x" * 10_000)
        end.take(client.said(), 0.0)
    client.take(end.data_to_send())
    assert client.h2.local_flow_control_window(1) == window % 10_000
    end.resume(1)
    client.take(end.data_to_send())
    assert client.h2.local_flow_control_window(1) == window


def test_goaway_ends_it():
    end, client = fresh()
    end.take(client.ask(), 0.0)
    client.h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
    assert end.take(client.said(), 0.0) == [Over("GOAWAY ENHANCE_YOUR_CALM", by_peer=True)]
    assert (len(end), end.is_over) == (0, True)
    end.send(1, OK)
    end.reset(1, ErrorCodes.CANCEL)
    assert end.take(b"more", 0.0) == []


def test_ours_too():
    end, client = fresh()
    end.go_away()
    assert client.take(end.data_to_send()) == ["goaway NO_ERROR"]


# The other end


def test_as_a_client_it_asks_in_http2_and_hears_in_http1():
    end, server = Http2Streams(is_client=True), Http2End(client=False)
    number = end.open()
    end.send(
        number, b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nSum: 1\r\n\r\n"
    )
    told = server.take(end.data_to_send())
    assert told == [
        (1, {":method": "POST", ":scheme": "https", ":authority": "a", ":path": "/x", "te": "trailers"}),
        (1, b"hi"),
        (1, ("trailers", {"sum": "1"})),
        (1, "end"),
    ]
    server.h2.send_headers(1, [(":status", "103"), ("a", "b")])
    server.h2.send_headers(1, [(":status", "200")])
    server.h2.send_data(1, b"yes")
    server.h2.send_headers(1, [("grpc-status", "0")], end_stream=True)
    told = end.take(server.said(), 0.0)
    assert b"".join(event.data for event in told) == (
        b"HTTP/1.1 103 \r\na: b\r\n\r\nHTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nyes\r\n0\r\ngrpc-status: 0\r\n\r\n"
    )
    assert len(end) == 0


def test_a_stream_that_the_server_resets():
    end, server = Http2Streams(is_client=True), Http2End(client=False)
    end.send(end.open(), ASKED)
    server.take(end.data_to_send())
    server.h2.reset_stream(1, ErrorCodes.REFUSED_STREAM)
    assert end.take(server.said(), 0.0) == [Reset(1, "RST_STREAM REFUSED_STREAM")]


# Those who mean harm


def harmed(end, data, now=0.0):
    """Return what ends the connection."""
    told = end.take(data, now)
    assert isinstance(told[-1], Over)
    assert not told[-1].by_peer
    assert (end.is_over, len(end)) == (True, 0)
    return told[-1].reason, Http2End().h2


def test_too_many_streams():
    end, client = fresh()
    for number in range(1, 201, 2):
        end.take(client.ask(number, end=False), 0.0)
    assert len(end) == 100
    block = hpack.Encoder().encode(GET)
    one_more = frames.HeadersFrame(201, block, flags=["END_HEADERS", "END_STREAM"]).serialize()
    assert "stream" in harmed(end, one_more)[0].lower()


def test_a_head_without_an_end():
    end, _ = fresh()
    begun = frames.HeadersFrame(1, hpack.Encoder().encode(GET), flags=[]).serialize()
    more = frames.ContinuationFrame(1, b"").serialize()
    harmed(end, begun + more * 1000)


def test_a_head_that_grows_when_it_is_unpacked():
    end, _ = fresh()
    encoder = hpack.Encoder()
    name = [("x" * 100, "y" * 3000)]
    block = encoder.encode(GET + name) + encoder.encode(name * 100)
    assert len(block) < 16_384
    harmed(end, frames.HeadersFrame(1, block, flags=["END_HEADERS"]).serialize())


@pytest.mark.parametrize(
    "frame",
    [
        frames.PingFrame(0, b"12345678"),
        frames.SettingsFrame(0, settings={}),
        frames.PriorityFrame(1, depends_on=0, stream_weight=1, exclusive=False),
        frames.ExtensionFrame(type=200, stream_id=0, flag_byte=0, body=b""),
    ],
    ids=["PING", "SETTINGS", "PRIORITY", "unknown"],
)
def test_frames_that_bring_nothing(frame):
    end, client = fresh()
    many = frame.serialize() * 1000
    end.take(many, 0.0)
    assert not end.is_over
    assert harmed(end, many + many)[0] == "too many frames that bring nothing"
    assert client.take(end.data_to_send())[-1] == "goaway ENHANCE_YOUR_CALM"


def test_data_without_data():
    end, client = fresh()
    end.take(client.ask(1, POST, end=False), 0.0)
    harmed(end, frames.DataFrame(1, b"").serialize() * 3000)


def test_streams_that_are_reset_at_once():
    end, client = fresh()
    many = b""
    for number in range(1, 801, 2):
        many += client.ask(number, POST, end=False)
        client.h2.reset_stream(number)
        many += client.said()
    assert harmed(end, many)[0] == "too many frames that bring nothing"


def test_a_ping_every_second_is_no_harm():
    end, _ = fresh()
    for second in range(100_000, 103_000):
        end.take(frames.PingFrame(0, b"12345678").serialize(), float(second))
    assert not end.is_over


# Whatever comes

TALK = PREFACE + Http2End().ask(1, POST, end=False, data=b"some")[len(PREFACE) :]


@pytest.mark.parametrize("size", [1, 7, len(TALK)])
def test_pieces_are_the_same_as_the_whole(size):
    end = Http2Streams(is_client=False)
    told = [event for at in range(0, len(TALK), size) for event in end.take(TALK[at : at + size], 0.0)]
    assert b"".join(event.data for event in told) == (
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsome\r\n"
    )


@pytest.mark.parametrize("length", range(0, len(TALK), 5))
def test_what_is_cut_short_waits(length):
    end = Http2Streams(is_client=False)
    assert all(isinstance(event, Came) for event in end.take(TALK[:length], 0.0))
    assert not end.is_over


@given(st.binary(max_size=200), st.integers(0, len(TALK)), st.booleans())
def test_garbage_ends_it_or_waits(garbage, at, is_client):
    end = Http2Streams(is_client=is_client)
    if is_client:
        end.send(end.open(), ASKED)
    told = end.take(TALK[:at] + garbage, 0.0) + end.take(garbage, 1.0)
    assert all(isinstance(event, Came | Drained | Reset | Over) for event in told)
    assert end.is_over is any(isinstance(event, Over) for event in told)
    end.data_to_send()
