"""Questions to servers that do what a script says, on the warp clock."""

import asyncio
import random
import re
import socket
import sys

import pytest
from support.peers import answer

from hbprobe.farend.hold_request import hold_token
from hbprobe.manner import Aftermath, Manner
from hbprobe.net.liveness import can_keep_alive, keep_alive
from hbprobe.net.wire import Dialer, Target
from hbprobe.trial.asking import Asking
from hbprobe.trial.evidence import Ask, FarEndState, Question
from hbprobe.trial.outcome import Kind

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was acknowledged")
HELLO = b"HTTP/1.1 200 OK\r\nServer: test/1\r\nContent-Length: 2\r\nKeep-Alive: max=9, timeout = 75\r\n\r\nok"
HELD = re.compile(r"POST /hold\?seconds=(\S+?)&nonce=(\w+)(?:&drip=(\S+))? ")


def asked(on_warp, serve, script, ask, *, holds=True, tls=None):
    """Ask one question; return what was seen, when, and the server."""

    async def main():
        async with serve(script, tls) as peer:
            dialer = peer.dialer("localhost" if tls else "127.0.0.1")
            seen = await Asking(dialer, 3, random.Random(1), holds=holds).ask(ask)
            return seen, asyncio.get_running_loop().time(), peer

    return on_warp(main())


def holding(then, testimony=b"{}"):
    """A server that takes a held request and does something, and bears witness."""

    async def script(connection):
        head = (await connection.request()).decode()
        if head.startswith("GET"):
            connection.send(answer(testimony))
        else:
            await then(connection, *HELD.match(head).groups())

    return script


# Held requests


async def late(connection, seconds, nonce, _):
    await asyncio.sleep(float(seconds) + 10)
    connection.send(answer(hold_token(float(seconds), nonce)))


@linux
def test_a_late_answer_is_waited_for(on_warp, serve):
    waiting = b'{"up_s": 900, "seen": true, "now_s": 1}'
    seen, _, peer = asked(on_warp, serve, holding(late, waiting), Ask(Question.POST_MORTEM, 60))
    assert (seen.outcome.how, seen.outcome.elapsed_s) == (Manner.SILENT, 63)
    assert seen.socket.aftermath is Aftermath.ACKNOWLEDGED
    assert seen.far_end.state is FarEndState.WAITING
    assert seen.late_s == 10
    assert peer.connections == 2


@linux
def test_a_late_answer_that_does_not_come_is_given_up(on_warp, serve):
    async def never(connection, *_):
        await connection.read()

    waiting = b'{"up_s": 900, "seen": true, "now_s": 1}'
    seen, at_s, _ = asked(on_warp, serve, holding(never, waiting), Ask(Question.POST_MORTEM, 60))
    assert (seen.late_s, at_s) == (None, 60 + 3 + 1 + 10)


@linux
def test_an_answer_is_not_waited_for_where_the_far_end_has_answered(on_warp, serve):
    answered = b'{"up_s": 900, "seen": true, "now_s": 1, "answered_s": 1, "unacknowledged": 1}'
    seen, at_s, _ = asked(on_warp, serve, holding(late, answered), Ask(Question.POST_MORTEM, 60))
    assert (seen.far_end.state, seen.late_s, at_s) == (FarEndState.UNACKNOWLEDGED, None, 64)


def test_without_a_witness_nothing_is_known_of_the_far_end(on_warp, serve):
    async def end(connection, *_):
        await asyncio.sleep(20)
        connection.close()

    seen, _, _ = asked(on_warp, serve, holding(end), Ask(Question.POST_MORTEM, 60))
    assert (seen.outcome.how, seen.outcome.elapsed_s, seen.far_end) == (Manner.CLOSED, 20, None)


def test_close_notify_is_noted(on_warp, serve, tls_pair):
    async def end(connection, *_):
        await asyncio.sleep(20)
        connection.close()

    seen, _, _ = asked(on_warp, serve, holding(end), Ask(Question.POST_MORTEM, 60), tls=tls_pair)
    assert seen.signed


def test_who_answered_in_the_servers_place(on_warp, serve):
    async def gateway(connection, *_):
        await asyncio.sleep(20)
        connection.send(b"HTTP/1.1 504 Gateway Timeout\r\nServer: nginx/1\r\nContent-Length: 0\r\n\r\n")

    seen, _, _ = asked(on_warp, serve, holding(gateway), Ask(Question.POST_MORTEM, 60))
    assert (seen.outcome.status, seen.server) == (504, "nginx/1")


async def obliging(connection, seconds, nonce, drip):
    """Drip if asked to, read a request's body to its end, answer."""
    chunked = "Transfer-Encoding: chunked"
    if drip is not None:
        connection.send(f"HTTP/1.1 200 OK\r\n{chunked}\r\n\r\n".encode())
    body = b""
    while seconds == "0.0" and not body.endswith(b"0\r\n\r\n"):
        body += await connection.read()
        if drip is not None:
            connection.send(b"1\r\n.\r\n")
    await asyncio.sleep(float(seconds))
    token = hold_token(float(seconds), nonce)
    connection.send(b"41\r\n" + token + b"\r\n0\r\n\r\n" if drip is not None else answer(token))


@pytest.mark.parametrize("question", [Question.SERVER_DRIP, Question.CLIENT_DRIP, Question.BOTH_DRIP])
def test_a_request_that_drips(on_warp, serve, tls, question):
    seen, at_s, peer = asked(on_warp, serve, holding(obliging), Ask(question, 60, 7), tls=tls)
    assert (seen.survived, seen.outcome.elapsed_s, at_s) == (True, 60, 60)
    (line,) = peer.requests
    asks_for = "seconds=60.0" if question is Question.SERVER_DRIP else "seconds=0.0"
    assert asks_for in line
    assert ("&drip=7.0" in line) is (question is not Question.CLIENT_DRIP)


def test_a_client_drips_as_often_as_it_should(on_warp, serve):
    bodies = []

    async def listen(connection, *_):
        while not bodies or not bodies[-1].endswith(b"0\r\n\r\n"):
            bodies.append(await connection.read())

    asked(on_warp, serve, holding(listen), Ask(Question.CLIENT_DRIP, 60, 25))
    assert bodies == [b"1\r\n.\r\n", b"1\r\n.\r\n", b"0\r\n\r\n"]


def test_an_end_while_it_drips(on_warp, serve):
    async def end(connection, *_):
        await asyncio.sleep(20)
        connection.rst()

    seen, at_s, _ = asked(on_warp, serve, holding(end), Ask(Question.CLIENT_DRIP, 60, 7))
    assert (seen.outcome.how, seen.outcome.elapsed_s, at_s) == (Manner.RESET, 20, 20.5)


def test_an_answer_before_the_request_is_whole(on_warp, serve):
    async def early(connection, *_):
        await asyncio.sleep(20)
        connection.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    seen, at_s, _ = asked(on_warp, serve, holding(early), Ask(Question.CLIENT_DRIP, 60, 7))
    assert (seen.outcome.how, seen.outcome.status, at_s) == (Manner.STATUS, 408, 20.5)


@pytest.mark.parametrize(
    "question", [each for each in Question if each is not Question.KEEP_ALIVE or can_keep_alive()]
)
def test_the_far_end_is_asked_about_every_cut(on_warp, serve, question):
    """Whatever was asked, it may have stood still, or have been restarted."""

    async def script(connection):
        while head := await connection.request():
            if head.startswith(b"GET /hold/"):
                said = b'{"hbprobe": "1", "up_s": 1, "seen": false}'
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
            elif b"seconds=0.0" in head and question is Question.BETWEEN_REQUESTS:
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await asyncio.sleep(20)
                connection.close()
                return
            else:
                await asyncio.sleep(20)
                connection.close()
                return

    seen, _, _ = asked(on_warp, serve, script, Ask(question, 60, 7))
    assert seen.outcome.kind is Kind.CUT
    assert seen.far_end is not None and seen.far_end.state is FarEndState.RESTARTED


def test_a_path_that_cannot_be_dialled(on_warp):
    async def main():
        dialer = Dialer(Target(False, "127.0.0.1", 1, "/"), None)
        return await Asking(dialer, 3, random.Random(1), holds=True).ask(Ask(Question.POST_MORTEM, 60))

    seen = on_warp(main())
    assert (seen.survived, seen.outcome.kind) == (None, Kind.FAILED)
    assert seen.outcome.reason == "TCP: 127.0.0.1:1: Connection refused"


# Quiet between two requests


def web_server(after_first):
    async def script(connection):
        await connection.request()
        connection.send(HELLO)
        await after_first(connection)

    return script


async def answer_again(connection):
    await connection.request()
    connection.send(HELLO)


async def close_after_75_s(connection):
    await asyncio.sleep(75)
    connection.close()


async def reset_the_next(connection):
    await connection.read()
    connection.rst()


async def say_nothing(connection):
    await connection.read()


@pytest.mark.parametrize(
    ("then", "survived", "how", "at_s", "aftermath"),
    [
        (answer_again, True, None, 100, None),
        (close_after_75_s, False, Manner.CLOSED, 75, None),
        (reset_the_next, False, Manner.RESET, 100, Aftermath.RESET),
        (say_nothing, False, Manner.SILENT, 103, None),
    ],
)
@pytest.mark.parametrize("holds", [False, True])
def test_between_requests(on_warp, serve, then, survived, how, at_s, aftermath, holds):
    question = Question.BETWEEN_REQUESTS if holds else Question.POST_MORTEM
    seen, _, _ = asked(on_warp, serve, web_server(then), Ask(question, 100), holds=holds)
    assert (seen.survived, seen.outcome.how, seen.outcome.elapsed_s) == (survived, how, at_s)
    assert seen.outcome.aftermath is aftermath
    assert seen.announced_s == 75
    assert (seen.socket is not None) is (how is Manner.SILENT)


def test_a_server_that_closes_after_each_answer(on_warp, serve):
    async def script(connection):
        await connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok")
        connection.close()

    seen, _, _ = asked(on_warp, serve, script, Ask(Question.POST_MORTEM, 100), holds=False)
    assert (seen.survived, seen.outcome.reason) == (
        None,
        "the server closes the connection after each answer, so there is no idle time to measure",
    )


# Keep-alives


@pytest.mark.skipif(not can_keep_alive(), reason="this system does not let one choose")
@linux
def test_a_socket_keeps_alive():
    with socket.socket() as sock:
        keep_alive(200.0)(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [sock.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [200, 200, 127]


@linux
def test_the_keep_alive_question_is_asked_on_such_a_socket(on_warp, serve):
    prepared = []

    async def main():
        async with serve(holding(obliging)) as peer:
            dialer = peer.dialer()
            dialer.prepared = lambda prepare: prepared.append(prepare) or dialer
            asking = Asking(dialer, 3, random.Random(1), holds=True)
            return [await asking.ask(Ask(q, 60, 20)) for q in (Question.KEEP_ALIVE, Question.POST_MORTEM)]

    assert [seen.survived for seen in on_warp(main())] == [True, True]
    assert len(prepared) == 1
