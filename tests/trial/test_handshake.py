"""Requests beside the trial: what is asked again on a fresh connection, and what is not."""

import pytest

from hbprobe.eas.client import HttpRequest
from hbprobe.net.replies import Answer, Broken, End
from hbprobe.trial.handshake import RequestSender

ASKED = HttpRequest("OPTIONS", "/Microsoft-Server-ActiveSync", (), b"")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def asked(on_warp, serve, script, times):
    """Ask so many times over one sender; return the replies, and the server, which has counted."""

    async def main():
        async with serve(script) as peer:
            sender = RequestSender(peer.dialer())
            try:
                return [await sender.ask(ASKED, 60.0) for _ in range(times)], peer
            finally:
                sender.close()

    return on_warp(main())


@pytest.mark.parametrize("act", ["close", "rst"])
def test_a_server_that_closes_after_each_answer_without_a_word(on_warp, serve, act):
    async def script(connection):
        await connection.request()
        connection.send(OK)
        await connection.request()
        getattr(connection, act)()

    replies, peer = asked(on_warp, serve, script, 4)
    assert [isinstance(reply, Answer) for reply in replies] == [True] * 4
    assert peer.connections == 4


def test_an_end_on_a_fresh_connection_is_told(on_warp, serve):
    async def script(connection):
        await connection.request()
        connection.close()

    replies, peer = asked(on_warp, serve, script, 1)
    assert isinstance(replies[0], End)
    assert len(peer.requests) == 1


def test_an_answer_that_has_begun_is_not_asked_for_twice(on_warp, serve):
    async def script(connection):
        await connection.request()
        connection.send(OK)
        await connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        connection.close()

    replies, peer = asked(on_warp, serve, script, 2)
    assert isinstance(replies[1], Broken)
    assert len(peer.requests) == 2
