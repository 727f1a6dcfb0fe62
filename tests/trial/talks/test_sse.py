import pytest

from hbprobe.trial.talks.sse import make
from hbprobe.trial.talks.talk import TalkOptions, Where
from tests.support.talkers import EVENT, STREAM


def test_the_hold_is_put_where_the_url_has_a_place_for_it():
    talk = make(Where("server.example", "/events?silence=%7Bhold%7D", 90.5))
    assert talk.begin().startswith(b"GET /events?silence=90.5 HTTP/1.1\r\n")
    assert talk.due


def test_an_event_is_an_answer_only_where_one_is_due():
    for path, answered in (("/events?silence=%7Bhold%7D", True), ("/events", False)):
        talk = make(Where("server.example", path, 5))
        talk.begin()
        talk.take(STREAM)
        talk.take(EVENT)
        assert (talk.stands, talk.answered) == (True, answered)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            "status 404 instead of an event stream: there is nothing at this path",
        ),
        (
            b"HTTP/1.1 204 No Content\r\n\r\n",
            "status 204 instead of an event stream: there is none at this path",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
            "the answer is no event stream, but text/html",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "the answer is no event stream, but has no type"),
    ],
)
def test_what_is_no_event_stream(head, why):
    talk = make(Where("server.example"))
    talk.begin()
    talk.take(head)
    assert (talk.stands, talk.trouble) == (False, why)


def test_the_end_of_a_stream_is_a_disconnect_notice():
    talk = make(Where("server.example"))
    talk.begin()
    talk.take(STREAM + EVENT + b"0\r\n\r\n")
    assert talk.disconnect_notice == "the end of the stream, as HTTP has it"


def test_headers_of_the_users_own_come_in_place_of_ours():
    options = TalkOptions(headers=(("Authorization", "Bearer ë"), ("accept", "text/plain")))
    head = make(Where("example.net", options=options)).begin().decode("latin-1").lower()
    assert "\r\nauthorization: bearer ë\r\n" in head
    assert head.count("\r\naccept: ") == 1
    assert "\r\naccept: text/plain\r\n" in head
