"""How a talk with a server becomes a trial: the ends told apart as for `hold`, and nothing that the server does taken
for the path's doing."""

import asyncio
import random
import sys

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import Ping, Pong, Request

from hbprobe.manner import Aftermath, Manner
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.target import Target
from hbprobe.net.wire import Dialer
from hbprobe.trial.evidence import Ask, Question
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import IN_ANSWER, Cause, Kind
from hbprobe.trial.talks.talk import TalkOptions
from tests.support.peers import Connection, answer
from tests.support.talkers import EVENT, SERVERS, STREAM, WebSocket, talking

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was acknowledged")
GRACE_S = 3.0


def method_for(name, peer, tls=None, path="/"):
    target = Target(tls is not None, "localhost" if tls else "127.0.0.1", peer.port, path)
    dialer = Dialer(target, tls and tls[1], offers=METHODS[name].alpn)
    return make(Environment(name, dialer, GRACE_S, random.Random(1)))


def trial(on_warp, serve, script, hold_s=60, name="redis", tls=None, path="/", ask=None):
    """Make one trial, or ask one question; return its outcome, or what was seen."""

    async def main():
        async with serve(script, tls) as peer:
            method = method_for(name, peer, tls, path)
            return await (method.trial(hold_s) if ask is None else method.ask(ask))

    return on_warp(main())


def proof(on_warp, serve, script, name="redis", tls=None):
    async def main():
        async with serve(script, tls) as peer:
            return await method_for(name, peer, tls).prove()

    return on_warp(main())


def then(seconds, act, name="redis"):
    """A server that talks, and does something so long after its client was heard last."""

    async def script(connection):
        talker = SERVERS[name]()
        if talker.greeting:
            connection.send(talker.greeting)
        while True:
            try:
                async with asyncio.timeout(seconds):
                    data = await connection.read()
            except TimeoutError:
                break
            if not data:
                return
            if said := talker.take(data):
                connection.send(said)
        act(connection, talker)

    return script


@pytest.fixture
def h2_tls():
    """TLS in which the server agrees on HTTP/2."""
    server, client = throwaway_pair()
    server.set_alpn_protocols(["h2"])
    return server, client


@pytest.mark.parametrize("name", [name for name in SERVERS if METHODS[name].schemes and name != "http2"])
def test_a_connection_that_stands_survives(on_warp, serve, name):
    outcome = trial(on_warp, serve, talking(SERVERS[name]), name=name)
    assert (outcome.kind, round(outcome.elapsed_s)) == (Kind.SURVIVED, 60)


def test_http2_survives(on_warp, serve, h2_tls):
    outcome = trial(on_warp, serve, talking(SERVERS["http2"]), name="http2", tls=h2_tls)
    assert (outcome.kind, round(outcome.elapsed_s)) == (Kind.SURVIVED, 60)


@pytest.mark.parametrize(
    ("act", "how"),
    [
        (lambda connection, _: connection.rst(), Manner.RESET),
        (lambda connection, _: connection.fin(), Manner.CLOSED),
    ],
    ids=["RST", "FIN"],
)
def test_an_end_in_the_silence_strikes_at_its_time(on_warp, serve, act, how):
    outcome = trial(on_warp, serve, then(30, act))
    assert (outcome.kind, outcome.how, outcome.exact, round(outcome.elapsed_s)) == (Kind.CUT, how, True, 30)


@linux
def test_silence_after_the_question_is_examined(on_warp, serve):
    outcome = trial(on_warp, serve, then(30, lambda connection, _: connection.mute()))
    assert (outcome.kind, outcome.how, outcome.exact) == (Kind.CUT, Manner.SILENT, False)
    assert outcome.aftermath is Aftermath.NOTHING
    assert outcome.causes == (Cause.STATE_LOST_SILENTLY,)


@linux
def test_an_acknowledgement_is_enough_where_nothing_can_be_asked(on_warp, serve):
    async def listening(connection):
        await connection.read()

    outcome = trial(on_warp, serve, listening, name="raw")
    assert (outcome.kind, round(outcome.elapsed_s)) == (Kind.SURVIVED, 60)


@linux
def test_where_nothing_can_be_asked_one_more_packet_tells(on_warp, serve):
    async def quiet(connection):
        await asyncio.sleep(30)
        connection.mute()

    outcome = trial(on_warp, serve, quiet, name="raw")
    assert (outcome.kind, outcome.how, outcome.aftermath) == (Kind.CUT, Manner.SILENT, Aftermath.NOTHING)


@linux
@pytest.mark.parametrize(
    ("after_s", "act", "seen"),
    [
        (60.3, Connection.fin, (Kind.SURVIVED, None, None)),
        (60.3, Connection.rst, (Kind.SURVIVED, None, None)),
        (59.5, Connection.fin, (Kind.CUT, Manner.CLOSED, None)),
    ],
    ids=["FIN in the look", "RST in the look", "FIN before it"],
)
@pytest.mark.parametrize("name", ["raw", "sse"])
def test_an_end_of_its_own_is_not_what_one_more_packet_met(on_warp, serve, name, after_s, act, seen):
    """Where a timer strikes soon after the hold, the connection has lived through that, and is not silent."""

    async def ending(connection):
        if name == "sse":
            connection.send(STREAM)
        asyncio.get_running_loop().call_later(after_s, act, connection)
        while await connection.read():
            pass

    outcome = trial(on_warp, serve, ending, name=name)
    assert (outcome.kind, outcome.how, outcome.aftermath) == seen


@linux
@pytest.mark.parametrize(
    ("act", "how", "cause"),
    [
        (Connection.rst, Manner.RESET, Cause.STATE_LOST_RESET_ON_NEXT),
        (Connection.fin, Manner.CLOSED, Cause.CLOSED_BY_PROXY),
    ],
)
def test_an_end_for_one_more_packet_is_told_as_that(on_warp, serve, act, how, cause):
    async def forgetting(connection):
        await connection.read()
        act(connection)

    outcome = trial(on_warp, serve, forgetting, name="raw")
    assert (outcome.kind, outcome.how, outcome.exact, outcome.causes[0]) == (Kind.CUT, how, False, cause)
    assert (outcome.how, outcome.aftermath) in IN_ANSWER


def ends_once_it_is_spoken_to(name, act):
    async def script(connection):
        if name == "sse":
            await connection.read()
            connection.send(STREAM)
        await connection.read()
        act(connection)

    return script


@linux
@pytest.mark.parametrize(("act", "said"), [(Connection.fin, "FIN"), (Connection.rst, "RST")], ids=["FIN", "RST"])
@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("raw", "give bytes that the server answers (--send, --expect), or the URL of its protocol"),
        ("sse", "let the server speak after the hold ({hold} in the URL)"),
    ],
)
def test_a_server_that_ends_the_connection_for_our_own_packet_is_not_measured(on_warp, serve, name, mend, act, said):
    found = proof(on_warp, serve, ends_once_it_is_spoken_to(name, act), name=name)
    assert (found.kind, found.again, found.outage) == (Kind.FAILED, False, False)
    what = "one more packet, which is to show whether the connection stands, is answered with"
    assert found.reason == f"{what} {said} at once: {mend}"


@linux
def test_a_server_that_ends_every_connection_may_be_there_later(on_warp, serve):
    async def closing(connection):
        connection.fin()

    found = proof(on_warp, serve, closing, name="raw")
    assert (found.kind, found.again, found.outage) == (Kind.FAILED, True, True)
    assert found.reason == "the connection ends at once: FIN"


@linux
def test_a_path_that_takes_nothing_is_no_path_that_forgets(on_warp, serve):
    async def deaf(connection):
        connection.mute()

    found = proof(on_warp, serve, deaf, name="raw")
    assert (found.kind, found.again, found.outage) == (Kind.FAILED, True, True)
    assert found.reason == "one more packet is not acknowledged, though it is sent at once"


@linux
@pytest.mark.parametrize("name", ["raw", "sse"])
def test_a_server_that_takes_our_own_packet_can_be_measured(on_warp, serve, name):
    assert proof(on_warp, serve, talking(SERVERS[name]), name=name) is None


def test_what_a_server_says_by_itself_is_no_limit(on_warp, serve):
    async def chatty(connection):
        connection.send(STREAM)
        while True:
            await asyncio.sleep(3)
            connection.send(EVENT)

    outcome = trial(on_warp, serve, chatty, name="sse")
    assert (outcome.kind, outcome.again) == (Kind.FAILED, False)
    assert outcome.reason == "the server speaks by itself every 3 s or sooner: longer silence cannot be tested"


@linux
def test_what_belongs_to_the_beginning_breaks_no_silence(on_warp, serve):
    async def slow(connection):
        connection.send(STREAM)
        await asyncio.sleep(0.4)
        connection.send(EVENT)

    assert trial(on_warp, serve, slow, name="sse").kind is Kind.SURVIVED


def test_a_stream_that_dies_tells_how_long_after_its_last_event(on_warp, serve):
    async def dying(connection):
        connection.send(STREAM)
        await asyncio.sleep(10)
        connection.send(EVENT)
        await asyncio.sleep(25)
        connection.rst()

    outcome = trial(on_warp, serve, dying, name="sse")
    assert (outcome.kind, outcome.how, round(outcome.elapsed_s)) == (Kind.CUT, Manner.RESET, 25)


def events_after(seconds):
    async def script(connection):
        head = (await connection.request()).decode()
        assert "GET /events?silence=60 " in head
        connection.send(STREAM)
        await asyncio.sleep(seconds)
        connection.send(EVENT)

    return script


@pytest.mark.parametrize(("after_s", "kind"), [(60, Kind.SURVIVED), (20, Kind.FAILED), (90, Kind.CUT)])
def test_a_server_that_speaks_after_the_hold(on_warp, serve, after_s, kind):
    path = "/events?silence=%7Bhold%7D"
    assert trial(on_warp, serve, events_after(after_s), name="sse", path=path).kind is kind


def test_a_servers_goodbye_names_it(on_warp, serve):
    def bye(connection, _):
        connection.send(b"* BYE Autologout; idle for too long\r\n")
        connection.close()

    outcome = trial(on_warp, serve, then(40, bye, "imap"), name="imap")
    assert (outcome.kind, outcome.how, round(outcome.elapsed_s)) == (Kind.CUT, Manner.CLOSED, 40)
    assert outcome.causes == (Cause.CLOSED_BY_SERVER,)
    assert "before that came BYE Autologout; idle for too long" in outcome.evidence


def test_where_a_server_may_have_a_limit_of_its_own_that_is_said(on_warp, serve):
    outcome = trial(on_warp, serve, then(40, lambda connection, _: connection.fin(), "ssh"), name="ssh")
    assert outcome.causes == (Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY)
    assert outcome.evidence[-1] == (
        "a server of this protocol may end it by itself: LoginGraceTime of OpenSSH, 2 min by default"
    )


def test_a_limit_that_cannot_be_a_servers_usual_one_is_said_to_be_none(on_warp, serve):
    outcome = trial(on_warp, serve, then(4, lambda connection, _: connection.fin(), "ssh"), name="ssh")
    assert outcome.causes == (Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER)
    assert outcome.evidence[-1] == (
        "a server of this protocol may end it by itself so early only where it is set far below the usual: "
        "LoginGraceTime of OpenSSH, 2 min by default"
    )


def test_the_limit_is_where_goaway_came_and_not_where_the_end_did(on_warp, serve, h2_tls):
    async def script(connection):
        talker = SERVERS["http2"]()
        connection.send(talker.take(await connection.read()))
        connection.send(talker.take(await connection.read()))
        await asyncio.sleep(30)
        connection.send(talker.goodbye())
        await asyncio.sleep(5)
        connection.close()

    outcome = trial(on_warp, serve, script, name="http2", tls=h2_tls)
    assert (outcome.kind, outcome.how, round(outcome.elapsed_s)) == (Kind.CUT, Manner.CLOSED, 30)
    assert outcome.evidence[:2] == ("FIN came after 35 s", "5 s before that came GOAWAY NO_ERROR")
    assert set(outcome.causes) == {Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY}, "a proxy speaks HTTP/2, too"


FAREWELLS = {"imap": b"* BYE Autologout\r\n", "smtp": b"421 idle too long\r\n", "mqtt": b"\xe0\x00"}


@pytest.mark.parametrize("name", FAREWELLS)
def test_last_words_and_the_end_after_them_have_times_of_their_own(on_warp, serve, name):
    def slowly(connection, _):
        connection.send(FAREWELLS[name])
        asyncio.get_running_loop().call_later(5, connection.fin)

    outcome = trial(on_warp, serve, then(40, slowly, name), name=name)
    assert (outcome.kind, outcome.how, round(outcome.elapsed_s)) == (Kind.CUT, Manner.CLOSED, 40)
    assert outcome.evidence[0] == "FIN came after 45 s"
    assert outcome.evidence[1].startswith("5 s before that came ")


@pytest.mark.parametrize("name", FAREWELLS)
def test_no_end_is_told_where_none_came(on_warp, serve, name):
    farewell = then(40, lambda connection, _: connection.send(FAREWELLS[name]), name)
    outcome = trial(on_warp, serve, farewell, name=name)
    assert (outcome.kind, outcome.how, round(outcome.elapsed_s)) == (Kind.FAILED, None, 40)
    assert outcome.reason.startswith("after 40 s came ")
    assert outcome.reason.endswith(", and no end of the connection within 10 s: longer silence cannot be tested")


ERRORS = {"smtp": b"451 4.7.0 Timeout waiting for client input\r\n", "redis": b"-ERR idle for too long\r\n"}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_that_nobody_asked_for_is_a_farewell(on_warp, serve, name):
    def end(connection, _):
        connection.send(ERRORS[name])
        connection.fin()

    outcome = trial(on_warp, serve, then(40, end, name), name=name)
    assert (outcome.how, round(outcome.elapsed_s), outcome.exact) == (Manner.CLOSED, 40, True)
    assert outcome.causes == (Cause.CLOSED_BY_SERVER,)
    assert ERRORS[name].decode().strip() in outcome.evidence[1]


def test_what_was_said_before_the_end_is_quoted(on_warp, serve):
    def end(connection, _):
        connection.send(b"250 nobody asked\r\n")
        connection.fin()

    outcome = trial(on_warp, serve, then(40, end, "smtp"), name="smtp")
    assert outcome.reason == ("the server spoke by itself, and ended the connection at once: '250 nobody asked'")


def test_a_stream_that_is_over_is_no_end_of_its_connection(on_warp, serve):
    async def over(connection):
        await connection.read()
        connection.send(STREAM)
        await asyncio.sleep(4)
        connection.send(b"0\r\n\r\n")

    outcome = trial(on_warp, serve, over, name="sse")
    assert outcome.kind is Kind.FAILED
    assert outcome.reason == (
        "after 4 s came the end of the stream, as HTTP has it, and no end of the connection within 10 s: "
        "longer silence cannot be tested"
    )


def goodbye_with(name, number):
    """A server that says goodbye in one piece with its answer to so manieth a message, and ends the connection."""

    async def script(connection):
        talker, left = SERVERS[name](), number
        if talker.greeting:
            connection.send(talker.greeting)
        while data := await connection.read():
            if said := talker.take(data):
                left -= 1
                last = left == 0 and (FAREWELLS[name] if name in FAREWELLS else talker.goodbye())
                connection.send(said + (last or b""))
                if last:
                    connection.fin()

    return script


@pytest.mark.parametrize(
    ("name", "number", "words"),
    [("imap", 3, "BYE Autologout"), ("mqtt", 4, "DISCONNECT"), ("websocket", 4, "Close, code 1001 (going away)")],
)
def test_an_end_that_comes_with_the_answer_to_a_ping_is_kept(on_warp, serve, name, number, words):
    seen = trial(on_warp, serve, goodbye_with(name, number), name=name, ask=Ask(Question.BOTH_DRIP, 60, 10))
    outcome = seen.outcome
    assert (outcome.kind, outcome.how, outcome.aftermath) == (Kind.CUT, Manner.CLOSED, Aftermath.CLOSED)
    assert (round(outcome.elapsed_s), seen.disconnect_notice) == (30, words)


def test_goaway_for_too_many_pings_is_kept(on_warp, serve, h2_tls):
    """grpcio says so in one piece with the answer to the third."""

    async def script(connection):
        talker, pings = SERVERS["http2"](), 0
        while data := await connection.read():
            said = talker.take(data)
            pings += b"hbprobe." in data
            if pings == 3:
                talker.connection.close_connection(11, b"too_many_pings")
                connection.send(said + talker.connection.data_to_send())
                connection.close()
                return
            connection.send(said)

    seen = trial(on_warp, serve, script, name="http2", tls=h2_tls, ask=Ask(Question.BOTH_DRIP, 60, 10))
    assert (seen.outcome.kind, seen.outcome.how, round(seen.outcome.elapsed_s)) == (Kind.CUT, Manner.CLOSED, 30)
    assert seen.disconnect_notice == "GOAWAY ENHANCE_YOUR_CALM (too_many_pings)"


@pytest.mark.parametrize(("name", "number"), [("imap", 1), ("mqtt", 2)])
def test_an_end_that_comes_with_the_one_answer_after_the_silence_is_none_of_it(on_warp, serve, name, number):
    outcome = trial(on_warp, serve, goodbye_with(name, number), name=name)
    assert (outcome.kind, round(outcome.elapsed_s)) == (Kind.SURVIVED, 60)


@pytest.mark.parametrize("name", ["mqtt", "websocket"])
def test_an_end_that_comes_with_the_beginning_is_no_silence(on_warp, serve, name):
    outcome = trial(on_warp, serve, goodbye_with(name, 1), name=name)
    assert (outcome.kind, outcome.again, outcome.outage) == (Kind.FAILED, True, True)
    assert outcome.reason.startswith("the server ends the connection once it stands: ")


UNASKED = {
    "redis": b"+PONG\r\n",
    "mqtt": b"\xd0\x00",
    "smtp": b"250 OK\r\n",
    "imap": b"hb OK\r\n",
    "postgresql": b"N",
}


@pytest.mark.parametrize("name", UNASKED)
def test_an_answer_that_nobody_asked_for_breaks_the_silence(on_warp, serve, name):
    async def pushing(connection):
        asyncio.get_running_loop().call_later(20, connection.send, UNASKED[name])
        await talking(SERVERS[name])(connection)

    outcome = trial(on_warp, serve, pushing, name=name)
    assert (outcome.kind, outcome.again) == (Kind.FAILED, False)
    assert outcome.reason == "the server speaks by itself every 20 s or sooner: longer silence cannot be tested"


def test_a_server_that_answers_nothing_is_no_path_that_cuts(on_warp, serve):
    async def mute_ws(connection):
        talker = SERVERS["websocket"]()
        connection.send(talker.take(await connection.read()))

    found = proof(on_warp, serve, mute_ws, name="websocket")
    assert found.kind is Kind.FAILED
    assert found.reason == "the server does not answer a question that is asked at once"
    assert proof(on_warp, serve, talking(SERVERS["websocket"]), name="websocket") is None


def test_another_protocol_cannot_be_measured(on_warp, serve):
    async def web_server(connection):
        await connection.read()
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    found = proof(on_warp, serve, web_server)
    assert (found.kind, found.again) == (Kind.FAILED, False)
    assert found.reason == "the server does not speak Redis: 'HTTP/1.1 400 Bad Request'"


@pytest.mark.parametrize(("name", "secure"), [("redis", "rediss"), ("websocket", "wss"), ("raw", "tls")])
def test_a_port_that_speaks_tls_and_is_spoken_to_in_the_clear(on_warp, serve, tls_pair, name, secure):
    async def main():
        async with serve(talking(SERVERS[name]), tls_pair) as peer:
            options = TalkOptions(send=b"x") if name == "raw" else TalkOptions()
            dialer = Dialer(Target(False, "localhost", peer.port, "/"), None)
            return await make(Environment(name, dialer, GRACE_S, random.Random(1), talk=options)).prove(), peer.port

    found, port = on_warp(main())
    assert (found.kind, found.again) == (Kind.FAILED, False)
    assert found.reason.endswith(f"; this port speaks TLS: write {secure}://localhost:{port}/")


def in_the_clear_only(server, *, closes):
    """A server that waits for the rest of what it takes for one long message of its protocol."""

    async def script(connection):
        talker = server()
        while (data := await connection.read()) and not data.startswith(b"\x16"):
            connection.send(talker.take(data))
        if data and closes:
            connection.close()
        await asyncio.Event().wait()

    return script


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize(
    ("name", "secure", "plain"),
    [("redis", "rediss", "redis"), ("mqtt", "mqtts", "mqtt"), ("websocket", "wss", "ws"), ("ldap", "ldaps", "ldap")],
)
def test_a_port_without_tls_that_is_spoken_to_in_tls(on_warp, serve, name, secure, plain, closes):
    """Nothing that a user has given us is said there in the clear."""

    async def main():
        async with serve(in_the_clear_only(SERVERS[name], closes=closes)) as peer:
            dialer = Dialer(Target(True, "127.0.0.1", peer.port, "/", secure), throwaway_pair()[1])
            said = TalkOptions(user="ada", password="s3cret")
            return await make(Environment(name, dialer, GRACE_S, random.Random(1), talk=said)).prove(), peer.port

    found, port = on_warp(main())
    assert (found.kind, found.again) == (Kind.FAILED, False)
    why = "FIN in the middle of the handshake" if closes else "no end of the handshake within 20 s"
    assert found.reason == f"TLS: {why}; this port does not speak TLS: write {plain}://127.0.0.1:{port}/"


def test_a_server_without_http2(on_warp, serve):
    found = proof(on_warp, serve, talking(SERVERS["http2"]), name="http2", tls=throwaway_pair())
    assert found.reason == "the server does not speak h2: in TLS it agrees on nothing"


def test_a_connection_that_ends_in_the_beginning_may_stand_later(on_warp, serve):
    async def closing(connection):
        connection.close()

    found = proof(on_warp, serve, closing)
    assert (found.kind, found.again, found.outage) == (Kind.FAILED, True, True)
    assert found.reason == "the server does not begin to talk: FIN"


def test_what_a_server_of_another_protocol_begins_with_is_told(on_warp, serve):
    async def greeting(connection):
        connection.send(b"220 mail.example ESMTP\r\n")
        await connection.read()
        connection.close()

    found = proof(on_warp, serve, greeting, name="ssh")
    assert found.reason.startswith("the server does not begin to talk: ")
    assert "'220 mail.example ESMTP'" in found.reason


def test_the_protocols_own_ping_keeps_a_connection_alive(on_warp, serve):
    ask = Ask(Question.BOTH_DRIP, 60, 10)
    lived = trial(on_warp, serve, then(20, lambda connection, _: connection.rst()), ask=ask)
    died = trial(on_warp, serve, then(5, lambda connection, _: connection.rst()), ask=ask)
    assert (lived.outcome.kind, round(lived.outcome.elapsed_s)) == (Kind.SURVIVED, 60)
    assert (died.outcome.kind, died.outcome.how) == (Kind.CUT, Manner.RESET)


@pytest.mark.parametrize("name", ["websocket", "http2", "redis", "ldap"])
def test_bytes_that_nobody_answers_keep_a_connection_alive(on_warp, serve, h2_tls, name):
    ask, tls = Ask(Question.CLIENT_DRIP, 60, 10), h2_tls if name == "http2" else None
    lived = trial(on_warp, serve, talking(SERVERS[name]), name=name, tls=tls, ask=ask)
    assert (lived.outcome.kind, round(lived.outcome.elapsed_s)) == (Kind.SURVIVED, 60)


def test_what_a_talk_can_say_decides_what_is_asked(on_warp):
    async def asked(name):
        dialer = Dialer(Target(False, "127.0.0.1", 1, "/"), None)
        return Question.CLIENT_DRIP in make(Environment(name, dialer, GRACE_S, random.Random(1))).asks

    talks = [name for name, row in METHODS.items() if row.talk]
    assert [name for name in talks if on_warp(asked(name))] == ["websocket", "http2", "redis", "ldap"]


def test_no_connection(on_warp, serve):
    async def main():
        async with serve(talking(SERVERS["redis"])) as peer:
            method = method_for("redis", peer)
        return await method.trial(60)

    outcome = on_warp(main())
    assert (outcome.kind, outcome.again) == (Kind.FAILED, True)


def test_the_hold_is_the_paths_and_the_silence_the_loops(on_warp, serve):
    async def main():
        async with serve(talking(SERVERS["redis"])) as peer:
            dialer = Dialer(Target(False, "127.0.0.1", peer.port, "/"), None)
            method = make(Environment("redis", dialer, GRACE_S, random.Random(1), 100))
            began_s = asyncio.get_running_loop().time()
            outcome = await method.trial(600)
            return outcome, asyncio.get_running_loop().time() - began_s

    outcome, took_s = on_warp(main())
    assert (round(outcome.elapsed_s), round(took_s)) == (600, 6)


def test_another_address_is_asked_in_the_same_way(on_warp, serve):
    async def main():
        async with serve(talking(SERVERS["redis"])) as peer, serve(talking(SERVERS["redis"])) as other:
            there = method_for("redis", peer).at(other.dialer())
            return await there.trial(5), other.connections, peer.connections

    outcome, asked, not_asked = on_warp(main())
    assert (outcome.kind, asked, not_asked) == (Kind.SURVIVED, 1, 0)


# What the far end saw


class ToldEnd:
    """A WebSocket endpoint that ends, and announces where it may be asked what it saw; what came is kept."""

    def __init__(self, act, testimony, announces=True):
        self.act, self.testimony = act, testimony
        self.headers = [(b"Hbprobe-Nonce", b"abc123")] if announces else []
        self.came = bytearray()

    async def __call__(self, connection):
        first = await connection.read()
        if first.startswith(b"GET /hold/"):
            connection.send(answer(self.testimony))
            return
        self.came += first
        endpoint = WebSocket(self.headers)
        connection.send(endpoint.take(first))
        await asyncio.sleep(30)
        self.act(connection)
        while data := await connection.read():
            self.came += data


def told_end(on_warp, serve, act, testimony, announces=True):
    """Hold 60 s; return the outcome, all that was asked, and how many connections there were."""

    async def main():
        far_end = ToldEnd(act, testimony, announces)
        async with serve(far_end) as peer:
            outcome = await method_for("websocket", peer).trial(60)
            return outcome, bytes(far_end.came), peer.connections

    return on_warp(main())


STOOD = b'{"up_s": 900, "seen": true, "now_s": 30, "held": false, "stalled_s": 0}'
DIED = b'{"up_s": 900, "seen": true, "now_s": 30, "held": false, "ended_s": 30, "ending": "reset", "stalled_s": 0}'


@pytest.mark.parametrize(
    ("act", "testimony", "causes", "word"),
    [
        (Connection.rst, DIED, (Cause.RESET_BY_BOX,), "its connection was reset 30 s after the request came"),
        (Connection.fin, DIED, (Cause.CLOSED_BY_PROXY,), "its connection was reset 30 s after the request came"),
        pytest.param(
            Connection.mute,
            STOOD,
            (Cause.STATE_LOST_SILENTLY,),
            "nothing came to it that it had to answer, and its connection stands",
            marks=linux,
        ),
    ],
    ids=["reset", "closed", "silent"],
)
def test_a_far_end_that_announces_itself_is_asked_after_a_cut(on_warp, serve, act, testimony, causes, word):
    outcome, _, connections = told_end(on_warp, serve, act, testimony)
    assert (outcome.kind, outcome.causes, connections) == (Kind.CUT, causes, 2)
    assert outcome.evidence[-1] == f"the far end: {word}"


def test_a_server_that_announces_nothing_is_not_asked(on_warp, serve):
    outcome, came, connections = told_end(on_warp, serve, Connection.rst, DIED, announces=False)
    assert (outcome.causes, connections) == ((Cause.RESET_BY_BOX, Cause.RESET_BY_SERVER), 1)
    assert b"nonce" not in came.lower().replace(b"sec-websocket-key", b"")


@pytest.mark.parametrize("testimony", [b"no page", b'{"up_s": 900, "seen": false}'], ids=["nobody", "another"])
def test_where_another_answers_in_its_place_nothing_is_known_of_it(on_warp, serve, testimony):
    outcome, _, connections = told_end(on_warp, serve, Connection.rst, testimony)
    assert (outcome.kind, outcome.causes, connections) == (Kind.CUT, (Cause.RESET_BY_BOX, Cause.RESET_BY_SERVER), 2)
    assert not any("far end" in line for line in outcome.evidence)


@pytest.mark.parametrize(
    ("act", "testimony", "reason"),
    [
        pytest.param(
            Connection.mute,
            STOOD.replace(b'"stalled_s": 0', b'"stalled_s": 2'),
            "the far end stood still for 2 s meanwhile, which says nothing of the path",
            marks=linux,
        ),
        (Connection.rst, b'{"up_s": 12, "seen": false}', "the far end was restarted meanwhile"),
    ],
    ids=["stalled", "restarted"],
)
def test_what_the_far_end_did_itself_is_no_evidence(on_warp, serve, act, testimony, reason):
    outcome, _, _ = told_end(on_warp, serve, act, testimony)
    assert (outcome.kind, outcome.again, outcome.reason) == (Kind.FAILED, True, reason)


@linux
def test_the_packet_after_a_silent_end_is_one_of_the_protocols(on_warp, serve):
    """What gets through after all must not end the connection: that would be told as the path's doing."""
    frames = told_end(on_warp, serve, lambda _: None, STOOD)[1].partition(b"\r\n\r\n")[2]
    reader = WSConnection(ConnectionType.CLIENT)
    server = WebSocket()
    reader.receive_data(server.take(reader.send(Request(host="x", target="/"))))
    list(reader.events())
    server.connection.receive_data(frames)
    assert [type(event) for event in server.connection.events()] == [Ping, Pong]
