import pytest
from wsproto.events import CloseConnection, Ping, TextMessage

from hbprobe.trial.talks.talk import TalkOptions, Where
from hbprobe.trial.talks.websocket import make
from tests.support.talkers import WebSocket


def standing():
    talk, server = make(Where("server.example", "/live?a=b")), WebSocket()
    talk.take(server.take(talk.begin()))
    return talk, server


def test_the_upgrade_names_host_and_path():
    head = make(Where("server.example:8443", "/live?a=b")).begin()
    assert head.startswith(b"GET /live?a=b HTTP/1.1\r\n")
    assert b"Host: server.example:8443\r\n" in head


NOT_TAKEN = "the server does not take the request, perhaps for want of a sub-protocol or a header"


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("401 Unauthorized", "status 401 instead of a WebSocket: it wants a login, or another than it was given"),
        ("426 Upgrade Required", "status 426 instead of a WebSocket: it wants another version of WebSocket"),
        ("200 OK", "status 200 instead of a WebSocket: there is none at this path"),
        ("418 Teapot", "status 418 instead of a WebSocket: there is none at this path"),
        ("400 Bad Request", f"status 400 instead of a WebSocket: {NOT_TAKEN}"),
        ("301 Moved\r\nLocation: /live?key=s3cret", "status 301 instead of a WebSocket: it is at /live?key=***"),
        (
            "503 Service Unavailable",
            "status 503 instead of a WebSocket: the server, or a proxy that cannot reach it, is in trouble",
        ),
    ],
)
def test_an_endpoint_that_refuses(status, why):
    talk = make(Where("server.example"))
    talk.begin()
    talk.take(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
    assert (talk.stands, talk.trouble) == (False, why)


def test_a_ping_of_the_servers_is_answered():
    talk, server = standing()
    pong = talk.take(server.says(Ping(payload=b"are you there")))
    assert server.take(pong) == b""
    assert not talk.answered, "that was the server's ping, not ours"


def test_a_message_is_no_answer():
    talk, server = standing()
    talk.ask()
    assert talk.take(server.says(TextMessage(data="news"))) == b""
    assert not talk.answered


@pytest.mark.parametrize(("reason", "told"), [("", "Close, code 1001"), ("bye", "Close, code 1001 (bye)")])
def test_a_close_is_a_disconnect_notice_and_is_answered(reason, told):
    talk, server = standing()
    assert talk.take(server.says(CloseConnection(code=1001, reason=reason)))
    assert talk.disconnect_notice == told
    assert talk.ask() == b"", "nothing can be asked any more"


def test_what_a_user_says_of_the_request():
    options = TalkOptions(headers=(("Origin", "https://app.example"), ("X-Name", "Zoë")), subprotocols=("mqtt", "v2"))
    head = make(Where("example.net", options=options)).begin().decode("latin-1").lower()
    assert "\r\norigin: https://app.example\r\n" in head
    assert "\r\nx-name: zoë\r\n" in head
    assert "\r\nsec-websocket-protocol: mqtt, v2\r\n" in head
