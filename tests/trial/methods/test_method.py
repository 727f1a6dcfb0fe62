import asyncio
import random
import re
import sys
from dataclasses import replace

import pytest
from support.peers import answer, web_server

from hbprobe.farend.hold_request import hold_token
from hbprobe.manner import Aftermath, Manner
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Cause, Kind, Outcome

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was acknowledged")
GRACE_S = 3.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def trial(on_warp, serve, script, hold_s, name="hold", tls=None, path="/", after_s=0.0):
    """Make one trial; return its outcome without its explanation, and the server, which has counted."""
    outcome, peer = explained_trial(on_warp, serve, script, hold_s, name, tls, path, after_s)
    return replace(outcome, causes=(), evidence=()), peer


def explained_trial(on_warp, serve, script, hold_s, name="hold", tls=None, path="/", after_s=0.0, rate=1.0):
    """Make one trial; return its outcome and the server, which has counted."""

    async def main():
        async with serve(script, tls) as peer:
            method = make(
                Environment(
                    name, peer.dialer("localhost" if tls else "127.0.0.1", path=path), GRACE_S, random.Random(1), rate
                )
            )
            outcome = await method.trial(hold_s)
            await asyncio.sleep(after_s)
            return outcome, peer

    return on_warp(main())


def far_end(early_s=0.0):
    """A server that holds as `hbprobe serve` does."""

    async def script(connection):
        head = (await connection.request()).decode()
        match = re.match(r"POST /hold\?seconds=(\S+?)&nonce=(\w+) ", head)
        await asyncio.sleep(float(match[1]) - early_s)
        connection.send(answer(hold_token(float(match[1]), match[2])))

    return script


def after(seconds, act):
    """A server that takes the request and does something later."""

    async def script(connection):
        await connection.request()
        await asyncio.sleep(seconds)
        act(connection)

    return script


def assert_only_the_witness_was_asked_more(peer):
    posted, asked = peer.requests
    assert (peer.connections, posted.split()[0], asked.split()[0]) == (2, "POST", "GET")
    assert re.search(r"nonce=(\w+) ", posted)[1] == re.fullmatch(r"GET /hold/(\w+) HTTP/1.1", asked)[1]


def bearing_witness(testimony, then):
    """A server that takes a hold and does something after 350 s, and bears witness if it has something to say."""

    async def script(connection):
        if (await connection.request()).startswith(b"GET"):
            connection.send(answer(testimony) if testimony else answer(b"", "404 Not Found"))
            return
        await asyncio.sleep(350)
        then(connection)
        await connection.read()

    return script


# hold


def test_a_hold_survives(on_warp, serve, tls):
    outcome, peer = trial(on_warp, serve, far_end(), 600, tls=tls)
    assert outcome == Outcome(Kind.SURVIVED, 600)
    assert peer.connections == 1
    assert len(peer.requests) == 1


def test_a_hold_may_be_a_fraction(on_warp, serve):
    assert trial(on_warp, serve, far_end(), 599.55)[0] == Outcome(Kind.SURVIVED, 599.55)


@pytest.mark.parametrize(("late_s", "kind"), [(2.9, Kind.SURVIVED), (3.1, Kind.CUT)])
def test_an_answer_may_come_within_the_grace(on_warp, serve, late_s, kind):
    assert trial(on_warp, serve, far_end(-late_s), 60)[0].kind is kind


@pytest.mark.parametrize(
    ("act", "how", "reason", "signed"),
    [
        ("rst", Manner.RESET, "RST", ""),
        ("fin", Manner.CLOSED, "FIN", ""),
        ("close", Manner.CLOSED, "FIN", " after TLS's close_notify"),
    ],
)
@pytest.mark.parametrize(("at_s", "exact"), [(350, True), (600, False)])
def test_an_end_is_a_cut_and_nothing_is_asked_twice(on_warp, serve, tls, act, how, reason, signed, at_s, exact):
    script = after(at_s, lambda connection: getattr(connection, act)())
    outcome, peer = trial(on_warp, serve, script, 600, tls=tls, after_s=1000)
    assert outcome == Outcome(Kind.CUT, at_s, how, exact, reason=reason + (signed if tls else ""))
    assert_only_the_witness_was_asked_more(peer)


@linux
@pytest.mark.parametrize(
    ("then", "aftermath"),
    [
        (lambda _: None, Aftermath.ACKNOWLEDGED),
        (lambda connection: connection.mute(), Aftermath.NOTHING),
    ],
)
def test_silence_is_looked_into(on_warp, serve, tls, then, aftermath):
    outcome, peer = trial(on_warp, serve, after(350, then), 600, tls=tls, after_s=1000)
    assert outcome == Outcome(Kind.CUT, 603, Manner.SILENT, aftermath=aftermath, reason="nothing came")
    assert_only_the_witness_was_asked_more(peer)


@pytest.mark.parametrize(("act", "aftermath"), [("rst", Aftermath.RESET), ("close", Aftermath.CLOSED)])
def test_silence_that_breaks_when_it_is_looked_into(on_warp, serve, tls, act, aftermath):
    async def script(connection):
        await connection.request()
        await connection.read()
        getattr(connection, act)()

    outcome, _ = trial(on_warp, serve, script, 600, tls=tls)
    assert outcome == Outcome(Kind.CUT, 603, Manner.SILENT, aftermath=aftermath, reason="nothing came")


def test_a_status_of_a_proxy(on_warp, serve):
    script = after(60, lambda connection: connection.send(answer(b"timeout", "504 Gateway Timeout")))
    outcome, peer = trial(on_warp, serve, script, 600)
    assert outcome == Outcome(Kind.CUT, 60, Manner.STATUS, True, 504, reason="status 504 from a proxy")
    assert_only_the_witness_was_asked_more(peer)


def test_the_token_of_another_hold_is_no_answer(on_warp, serve):
    script = after(600, lambda connection: connection.send(answer(hold_token(600, "0" * 32))))
    assert trial(on_warp, serve, script, 600)[0] == Outcome(
        Kind.CUT, 600, Manner.STATUS, status=200, reason="status 200 from a proxy"
    )


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(b"hi"), "the answer is not from hbprobe serve; --method idle can probe any web server"),
        (
            answer(b"", "404 Not Found"),
            "status 404: there is no hbprobe serve at this address; --method idle can probe any web server",
        ),
        (answer(b"", "401 Unauthorized"), "status 401: the server wants a login"),
        (answer(b"", "503 Busy", "Retry-After: 9"), "status 503 at once: a proxy that cannot reach the server"),
        (answer(b"", "502 Bad Gateway"), "status 502 at once: a proxy that cannot reach the server"),
        (answer(b"", "301 Gone", "Location: /x"), "status 301: the server sends us to /x"),
        (
            b"220 mail.example ESMTP\r\n\r\n",
            "the answer is not HTTP: illegal status line: bytearray(b'220 mail.example ESMTP')",
        ),
    ],
)
def test_what_is_no_evidence(on_warp, serve, reply, reason):
    outcome, _ = trial(on_warp, serve, after(0, lambda connection: connection.send(reply)), 600)
    assert (outcome.kind, outcome.elapsed_s, outcome.reason) == (Kind.FAILED, 0, reason)


@pytest.mark.parametrize("name", ["hold", "idle"])
def test_a_server_that_cannot_be_reached(on_warp, serve, tls_pair, name):
    async def main():
        async with serve(after(0, lambda _: None)) as peer:
            method = make(Environment(name, peer.dialer("localhost", tls_pair[1]), GRACE_S, random.Random(1)))
            started_s = asyncio.get_running_loop().time()
            peer_ended = await method.trial(600)
            return peer_ended, asyncio.get_running_loop().time() - started_s

    outcome, took_s = on_warp(main())
    assert outcome == Outcome(
        Kind.FAILED, 0, reason="TLS: no end of the handshake within 20 s", again=True, outage=True
    )
    assert took_s == 20


def test_a_trial_that_is_given_up_closes_its_connection(on_warp, serve):
    ended = []

    async def script(connection):
        await connection.request()
        ended.append((await connection.read(), asyncio.get_running_loop().time()))

    async def main():
        async with serve(script) as peer:
            method = make(Environment("hold", peer.dialer(), GRACE_S, random.Random(1)))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(100):
                    await method.trial(600)
            await asyncio.sleep(1)

    on_warp(main())
    assert ended == [(b"", 100)]


def test_every_trial_has_its_own_nonce(on_warp, serve):
    async def main():
        async with serve(far_end()) as peer:
            method = make(Environment("hold", peer.dialer(), GRACE_S, random.Random(1040)))
            for _ in range(3):
                await method.trial(60)
            return peer.requests

    requests = on_warp(main())
    nonces = {re.fullmatch(r"POST /hold\?seconds=60\.0&nonce=([0-9a-f]{32}) HTTP/1.1", line)[1] for line in requests}
    assert len(nonces) == 3


CLOSED = b'{"up_s": 900, "seen": true, "now_s": 350.5, "ending": "closed", "ended_s": 350}'
UNACKNOWLEDGED = b'{"up_s": 900, "seen": true, "now_s": 604, "answered_s": 600, "unacknowledged": 1}'


def test_a_cut_is_explained_by_both_ends(on_warp, serve):
    outcome, _ = explained_trial(on_warp, serve, bearing_witness(CLOSED, lambda connection: connection.fin()), 600)
    assert outcome.causes == (Cause.CLOSED_BY_PROXY,)
    assert outcome.evidence == (
        "FIN came after 5 min 50 s",
        "the far end: its connection was closed 5 min 50 s after the request came",
    )


def test_without_a_witness_two_explanations_remain(on_warp, serve):
    outcome, _ = explained_trial(on_warp, serve, bearing_witness(None, lambda connection: connection.fin()), 600)
    assert outcome.causes == (Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER)
    assert outcome.evidence == ("FIN came after 5 min 50 s",)


@linux
def test_silence_is_explained_by_both_ends(on_warp, serve):
    script = bearing_witness(UNACKNOWLEDGED, lambda connection: connection.mute())
    outcome, _ = explained_trial(on_warp, serve, script, 600)
    assert outcome.causes == (Cause.STATE_LOST_SILENTLY,)
    assert outcome.evidence == (
        "nothing came here, though the answer was due after 10 min",
        "one more packet from here was not acknowledged",
        "the far end: it has answered, and nobody acknowledges the answer (it answered after 10 min)",
    )


@linux
@pytest.mark.parametrize("name", ["hold", "idle"])
def test_all_times_are_the_paths(on_warp, serve, name):
    """A lab whose path is 60 times as fast: 600 s of it are held for 10 s."""

    async def script(connection):
        await connection.request()
        connection.send(OK if name == "idle" else b"")
        await connection.read()
        connection.mute()

    outcome, _ = explained_trial(on_warp, serve, script, 600, name, rate=60)
    assert outcome.elapsed_s == 60 * (10 + GRACE_S)
    assert outcome.evidence[0] == "nothing came here, though the answer was due after 10 min"


def test_what_survives_or_is_no_evidence_needs_no_explanation(on_warp, serve):
    for script in (far_end(), after(0, lambda connection: connection.rst())):
        outcome, peer = explained_trial(on_warp, serve, script, 600)
        assert (outcome.kind is Kind.CUT, outcome.causes, outcome.evidence) == (False, (), ())
        assert peer.connections == 1


def test_a_far_end_that_is_gone_costs_ten_seconds(on_warp, serve):
    """It still takes connections, and does not answer any more: no error, and no long wait."""

    async def script(connection):
        if (await connection.request()).startswith(b"POST"):
            await asyncio.sleep(350)
            connection.fin()
        await connection.read()

    async def main():
        async with serve(script) as peer:
            outcome = await make(Environment("hold", peer.dialer(), GRACE_S, random.Random(1))).trial(600)
            return outcome.causes, asyncio.get_running_loop().time()

    assert on_warp(main()) == ((Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER), 350 + 0.5 + 10)


# idle


@pytest.mark.parametrize(
    ("after_s", "headers", "causes"),
    [
        (7, ("Keep-Alive: timeout=7, max=100",), (Cause.CLOSED_BY_SERVER,)),
        (75, ("Server: nginx/1.22.1",), (Cause.CLOSED_BY_SERVER,)),
        (75, (), (Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY)),
        (333, ("Server: nginx/1.22.1", "Keep-Alive: timeout=5"), (Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY)),
    ],
)
def test_a_servers_own_timer_is_named_as_that(on_warp, serve, after_s, headers, causes):
    outcome, _ = explained_trial(on_warp, serve, web_server(after_s, "close", *headers), 600, "idle")
    assert (outcome.how, outcome.causes) == (Manner.CLOSED, causes)


def test_without_close_notify_a_box_is_likelier_than_a_server_of_no_known_timer(on_warp, serve, tls_pair):
    script = web_server(333, "fin")
    outcome, _ = explained_trial(on_warp, serve, script, 600, "idle", tls_pair)
    assert outcome.causes == (Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER)


def test_idle_asks_twice_on_one_connection(on_warp, serve, tls):
    outcome, peer = trial(on_warp, serve, web_server(75), 60, "idle", tls, "/a?b")
    assert outcome == Outcome(Kind.SURVIVED, 60)
    assert peer.connections == 1
    assert peer.requests == ["GET /a?b HTTP/1.1"] * 2


def test_idle_measures_the_servers_own_timer(on_warp, serve, tls):
    outcome, peer = trial(on_warp, serve, web_server(75), 600, "idle", tls)
    reason = "FIN after TLS's close_notify" if tls else "FIN"
    assert outcome == Outcome(Kind.CUT, 75, Manner.CLOSED, True, reason=reason)
    assert peer.requests == ["GET / HTTP/1.1"]


@pytest.mark.parametrize("secure", [False, True])
def test_idle_explains_with_what_it_has(on_warp, serve, tls_pair, secure):
    """Who ends a connection on which nothing is asked is rather the server: each has a timer for that."""
    outcome, _ = explained_trial(on_warp, serve, web_server(75), 600, "idle", tls_pair if secure else None)
    assert outcome.causes == (Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY)
    signed = ("TLS's close_notify came first: whoever ended it holds the keys of the connection",)
    shipped = "so long does a quiet connection live, as shipped, at nginx (keepalive_timeout)"
    assert outcome.evidence == ("FIN came after 1 min 15 s, while nothing was asked", *signed * secure, shipped)


def test_idle_sees_rst_in_the_silence(on_warp, serve, tls):
    outcome, _ = trial(on_warp, serve, web_server(75, "rst"), 600, "idle", tls)
    assert outcome == Outcome(Kind.CUT, 75, Manner.RESET, True, reason="RST")


def test_idle_sees_rst_in_answer_to_the_next_request(on_warp, serve, tls):
    async def script(connection):
        await connection.request()
        connection.send(OK)
        await connection.read()
        connection.rst()

    outcome, _ = trial(on_warp, serve, script, 600, "idle", tls)
    assert outcome == Outcome(
        Kind.CUT, 600, Manner.RESET, aftermath=Aftermath.RESET, reason="RST in answer to the next request"
    )


@linux
def test_idle_sees_that_the_next_request_is_not_answered(on_warp, serve, tls):
    async def script(connection):
        await connection.request()
        connection.send(OK)
        await asyncio.sleep(100)
        connection.mute()

    outcome, _ = trial(on_warp, serve, script, 600, "idle", tls)
    assert outcome == Outcome(Kind.CUT, 603, Manner.SILENT, aftermath=Aftermath.NOTHING, reason="nothing came")


@pytest.mark.parametrize(("size", "every_s", "after_s"), [(1, 1, 6), (100_000, 10, 1), (1, 1000, 6)])
def test_idle_is_no_measure_of_a_server_that_speaks_unasked(on_warp, serve, tls, size, every_s, after_s):
    """Which then ends the connection: that would be a limit of it otherwise. Not all that it says is kept."""

    async def script(connection):
        await connection.request()
        connection.send(OK)
        for _ in range(20):
            await asyncio.sleep(1)
            connection.send(b"x" * size)
            await asyncio.sleep(every_s)
        connection.fin()

    outcome, peer = trial(on_warp, serve, script, 600, "idle", tls)
    assert outcome == Outcome(Kind.FAILED, after_s, reason="the server speaks unasked: no idle timer can be measured")
    assert peer.requests == ["GET / HTTP/1.1"]


@pytest.mark.parametrize("headers", [("Connection: close",), ()])
def test_idle_needs_a_server_that_keeps_connections(on_warp, serve, headers):
    async def script(connection):
        await connection.request()
        connection.send(answer(b"ok", "200 OK", *headers) if headers else b"HTTP/1.0 200 OK\r\n\r\nok")
        connection.close()

    outcome, _ = trial(on_warp, serve, script, 600, "idle")
    text = "the server closes the connection after each answer, so there is no idle time to measure"
    assert (outcome.kind, outcome.reason) == (Kind.FAILED, text)


@pytest.mark.parametrize("act", ["close", "rst", "read"])
def test_idle_needs_an_answer_to_the_first_request(on_warp, serve, act):
    async def script(connection):
        await connection.request()
        result = getattr(connection, act)()
        if result is not None:
            await result

    outcome, _ = trial(on_warp, serve, script, 600, "idle")
    text = "the server did not answer the first request"
    assert outcome == Outcome(Kind.FAILED, 0, reason=text, again=True, outage=True)


def test_a_method_that_needs_more(on_warp, serve):
    async def main():
        async with serve(far_end()) as peer:
            make(Environment("ping", peer.dialer(), GRACE_S, random.Random(1)))

    with pytest.raises(ValueError, match="a Ping needs an account"):
        on_warp(main())
