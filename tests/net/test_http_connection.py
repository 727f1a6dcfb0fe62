"""A request that is held without aiohttp: its answer, its end, and what comes beside it, on the warp clock."""

import asyncio
import contextlib
import logging
import socket
import struct

import pytest
from aiohttp import web

from hbprobe import warp
from hbprobe.net.http_connection import held
from hbprobe.net.http_server import IDLE_LIMIT, Http2Watch, HttpServer, IdleLimit
from tests.support.http2 import POST, Http2End

HOLD_S = 100.0
CLOSE = "Connection: close\r\n"


class Scene:
    """A server with a request that is held, another that waits as aiohttp has it, and clients."""

    def __init__(self, server, port, tls):
        self.server, self._port, self._tls = server, port, tls
        self.answers = []
        """The futures of all that was held."""
        self._writers = []

    async def connect(self):
        names = {"ssl": self._tls, "server_hostname": "localhost"} if self._tls else {}
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, **names)
        self._writers.append(writer)
        return reader, writer

    @property
    def connections(self):
        return list(self.server._connections.values())

    @property
    def held(self):
        """How many requests wait without aiohttp."""
        return sum(connection.is_held for connection in self.connections)

    def hold(self, response, after_s=HOLD_S):
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        loop.call_later(after_s, lambda: answer.done() or answer.set_result(response()))
        self.answers.append(answer)
        return answer

    def leave(self):
        for writer in self._writers:
            writer.transport.abort()


def response_of(request):
    limit_s, status = request.query.get("limit"), int(request.query.get("status", "200"))

    def response():
        body = None if "empty" in request.query else b"told"
        made = web.Response(body=body, status=status, headers={"X-Said": "yes"})
        if "last" in request.query:
            made.force_close()
        if limit_s is not None:
            made[IDLE_LIMIT] = IdleLimit(float(limit_s))
        return made

    return response


def played(scene, *, tls=None, keepalive_s=1e6, http2=None):
    """Play a scene on the warp clock, and return what it returns; all is closed at its end."""

    async def main():
        async def hold(request):
            await request.read()
            return await held(request, playing.hold(response_of(request)))

        async def hold_unread(request):
            return await held(request, playing.hold(response_of(request)))

        async def wait(request):
            await request.read()
            await asyncio.sleep(HOLD_S)
            return response_of(request)()

        async def fail(request):
            loop = asyncio.get_running_loop()
            answer = loop.create_future()
            end = answer.cancel if "cancel" in request.query else lambda: answer.set_exception(ValueError("ours"))
            loop.call_later(HOLD_S, end)
            return await held(request, answer)

        async def at_once(request):
            return web.Response(text=f"{len(await request.read())}")

        app = web.Application(client_max_size=1 << 24)
        paths = {"/held": hold, "/unread": hold_unread, "/waits": wait, "/fails": fail, "/": at_once}
        app.add_routes([web.route("*", path, handler) for path, handler in paths.items()])
        server = HttpServer(app, tls and tls[0], keepalive_s=keepalive_s, http2=http2)
        playing = Scene(server, (await server.listen("127.0.0.1", 0))[1], tls and tls[1])
        try:
            return await scene(playing)
        finally:
            playing.leave()
            await server.close()
            assert playing.connections == []
            assert server._under_way.total() == 0
            assert all(answer.done() for answer in playing.answers)

    return warp.run(main(), warp.WarpClock())


def asked(path="/held", method="POST", headers="", body=b"", version="1.1"):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/{version}\r\nHost: x\r\n{headers}{length}\r\n".encode() + body


def now_s():
    return asyncio.get_running_loop().time()


def without_dates(answer):
    return [line for line in answer.split(b"\r\n") if not line.startswith(b"Date: ")]


# The answer


WAYS = [
    (version, connection, query)
    for version in ("1.0", "1.1")
    for connection in ("", CLOSE, "Connection: keep-alive\r\n")
    for query in ("", "?empty", "?last", "?status=204&empty", "?status=449")
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_it_is_the_answer_that_aiohttp_would_have_given(method):
    async def scene(playing):
        async def exchange(path, version, connection, query):
            """Send a request; half a minute after its answer ask for another on the same connection."""
            reader, writer = await playing.connect()
            writer.write(asked(path + query, method, connection, b"body" if method == "POST" else b"", version))
            await asyncio.sleep(HOLD_S + 30)
            writer.write(asked("/", headers=CLOSE))
            return without_dates(await reader.read())

        async def exchanges(path):
            made = asyncio.gather(*(exchange(path, *way) for way in WAYS))
            await asyncio.sleep(HOLD_S / 2)
            return playing.held, await made

        return await exchanges("/held"), await exchanges("/waits")

    (were_held, ours), (were_waiting, theirs) = played(scene)
    assert (were_held, were_waiting) == (len(WAYS), 0)
    for way, mine, other in zip(WAYS, ours, theirs, strict=True):
        assert mine == other, way
        assert b"X-Said: yes" in mine


def test_aiohttp_has_nothing_of_a_connection_whose_request_is_held(tls):
    async def scene(playing):
        tasks = len(asyncio.all_tasks())
        streams = [await playing.connect() for _ in range(5)]
        for _, writer in streams:
            writer.write(asked(body=b"body"))
        await asyncio.sleep(1)
        kept = len(asyncio.all_tasks()) - tasks, len(playing.server._runner.server.connections)
        answers = [await reader.readuntil(b"told") for reader, _ in streams]
        return playing.held, kept, {answer[:15] for answer in answers}, now_s()

    assert played(scene, tls=tls) == (0, (0, 0), {b"HTTP/1.1 200 OK"}, HOLD_S)


def test_one_after_another_on_one_connection(tls):
    async def scene(playing):
        reader, writer = await playing.connect()
        seen = []
        for request in [asked(), asked(body=bytes(200_000)), asked("/"), asked("/", body=b"x"), asked(), asked()]:
            writer.write(request)
            await asyncio.sleep(1)
            seen.append(playing.held)
            await reader.readuntil(b"told" if b"/held" in request else b"\r\n\r\n")
            await asyncio.sleep(1)
        return seen

    assert played(scene, tls=tls) == [1, 1, 0, 0, 1, 1]


def test_a_response_that_is_there_already_is_sent_at_once():
    async def scene(playing):
        done = asyncio.get_running_loop().create_future()
        done.set_result(web.Response(body=b"told"))
        playing.hold = lambda _: done
        reader, writer = await playing.connect()
        writer.write(asked())
        await reader.readuntil(b"told")
        return now_s()

    assert played(scene) == 0


# How the request comes


def test_wherever_the_network_cuts_it():
    request = asked(body=b"\r\n\r\nab")

    async def scene(playing):
        reader, writer = await playing.connect()
        pieces = [(request[:at], request[at:]) for at in range(1, len(request))]
        pieces.append(tuple(request[at : at + 1] for at in range(len(request))))
        for cut in pieces:
            for piece in cut:
                assert playing.held == 0
                writer.write(piece)
                await asyncio.sleep(0.01)
            assert playing.held == 1
            await reader.readuntil(b"told")

    played(scene)


def test_a_client_that_waits_to_be_told_to_go_on():
    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(asked(headers="Expect: 100-continue\r\nContent-Length: 4\r\n"))
        await reader.readuntil(b"100 Continue\r\n\r\n")
        writer.write(b"body")
        await asyncio.sleep(1)
        return playing.held, await reader.readuntil(b"told")

    assert played(scene)[0] == 1


CHUNKED = asked(headers="Transfer-Encoding: chunked\r\n") + b"4\r\nbody\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "later",
    [b"", asked("/"), asked("/")[:1], asked("/", body=b"\r\n\r\n"), b"\r\n", asked(body=b"more"), asked()[:-1]],
    ids=["nothing", "a-request", "its-first-byte", "with-a-body", "an-empty-line", "the-same", "a-half"],
)
@pytest.mark.parametrize("request_", [asked(body=b"body"), asked(), CHUNKED], ids=["body", "no-body", "chunks"])
@pytest.mark.parametrize("after_s", [0, 1], ids=["with-it", "while-it-is-held"])
def test_nothing_is_lost_that_comes_after_it(later, request_, after_s):
    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(request_ + (b"" if after_s else later))
        await asyncio.sleep(1)
        if after_s:
            writer.write(later)
        assert playing.held == (request_ != CHUNKED and (after_s == 1 or not later))
        await asyncio.sleep(3 * HOLD_S)
        writer.write({asked("/")[:1]: asked("/")[1:], asked()[:-1]: asked()[-1:]}.get(later, b""))
        await asyncio.sleep(3 * HOLD_S)
        writer.write(asked("/", headers=CLOSE))
        return await reader.read()

    answers = played(scene)
    assert answers.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answers.count(b"HTTP/1.1 200 OK") == (2 if later in (b"", b"\r\n") else 3)
    assert answers.count(b"told") == 1 + (b"/held" in later)
    assert b"400" not in answers


def test_what_comes_while_it_is_held_is_bounded():
    much = 3_000_000

    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(asked())
        await asyncio.sleep(1)
        for _ in range(3):
            writer.write(asked("/", body=bytes(much)))
        await asyncio.sleep(1)
        (connection,) = playing.connections
        kept, unsent = len(connection._later), writer.transport.get_write_buffer_size()
        await reader.readuntil(b"told")
        writer.write(asked("/", headers=CLOSE))
        return kept, unsent, (await reader.read()).count(str(much).encode())

    kept, unsent, answered = played(scene)
    assert kept <= 128 * 1024
    assert unsent > 0
    assert answered == 3


def test_aiohttp_may_have_enough_of_what_came_meanwhile():
    """So many requests that it reads no more for a while: that is not undone by the end of the hold."""
    count = 100

    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(asked())
        await asyncio.sleep(1)
        writer.write(b"".join(asked("/waits") for _ in range(count)))
        await reader.readuntil(b"told")
        await asyncio.sleep(1)
        (transport,) = playing.server._everyone
        is_reading = transport.is_reading()
        for _ in range(count):
            await reader.readuntil(b"told")
        return is_reading, transport.is_reading(), now_s()

    assert played(scene) == (False, True, (1 + count) * HOLD_S)


def test_a_body_that_nobody_wanted_is_never_taken_for_the_end_of_the_next():
    """A request that is refused by its head alone, and its body, an end of a head within, beside the next request."""
    body = b"ab\r\n\r\n" + asked()

    async def scene(playing):
        reader, writer = await playing.connect()
        first = asked("/refused", body=body)
        writer.write(first[: -len(body)])
        await reader.readuntil(b"404: Not Found")
        writer.write(body + asked())
        await asyncio.sleep(1)
        were_held = playing.held
        writer.write(asked("/", headers=CLOSE))
        return were_held, await reader.read()

    were_held, answers = played(scene)
    assert were_held == 0
    assert answers.count(b"told") == 1
    assert answers.endswith(b"\r\n\r\n0")


def test_a_body_that_is_not_whole_is_waited_for_whatever_came_before():
    """A body that nobody wanted ends a head too early, by just what is missing of the next body."""
    unwanted = b"\r\n\r\n"
    head = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 56\r\n\r\n"
    body = bytes(56)
    assert len(head) + 2 == len(body)

    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(asked("/refused", body=unwanted)[: -len(unwanted)])
        await reader.readuntil(b"404: Not Found")
        writer.write(unwanted + head + body[:2])
        await asyncio.sleep(1)
        were_held = playing.held
        writer.write(body[2:])
        await reader.readuntil(b"told")
        writer.write(asked("/", headers=CLOSE))
        return were_held, (await reader.read())[:15]

    assert played(scene) == (0, b"HTTP/1.1 200 OK")


def test_a_request_whose_begin_came_with_the_one_before_is_waited_for_by_aiohttp():
    """Its body holds what might be the end of a head, and so many bytes of the next request come with it."""
    second, third = asked(body=b"\r\n\r\nab"), asked("/", headers=CLOSE)

    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(asked("/") + second[:-6])
        await asyncio.sleep(1)
        writer.write(second[-6:] + third[:4])
        await asyncio.sleep(1)
        were_held = playing.held
        writer.write(third[4:])
        return were_held, (await reader.read()).count(b"HTTP/1.1 200 OK")

    assert played(scene) == (0, 3)


# How it ends


@pytest.mark.parametrize("how", ["fin", "rst", "half"])
def test_a_client_that_goes_away_is_noticed_at_once(how, tls):
    async def scene(playing):
        _, writer = await playing.connect()
        writer.write(asked())
        await asyncio.sleep(HOLD_S / 2)
        assert playing.held == 1
        if how == "rst":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        elif how == "half" and not tls:
            writer.write_eof()
        else:
            writer.close()
        ended = []
        playing.answers[0].add_done_callback(lambda answer: ended.append((answer.cancelled(), now_s())))
        await asyncio.sleep(1)
        return ended, playing.connections

    assert played(scene, tls=tls) == ([(True, HOLD_S / 2)], [])


def test_a_server_that_stops_drops_it_at_once(tls):
    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(asked())
        await asyncio.sleep(1)
        before_s = now_s()
        ended = []
        playing.answers[0].add_done_callback(lambda answer: ended.append(answer.cancelled()))
        await playing.server.close()
        seen = list(ended), now_s() - before_s
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        return seen

    assert played(scene, tls=tls) == ([True], 0)


def test_a_mistake_of_ours_is_500_and_logged(caplog):
    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(asked("/fails"))
        return await reader.read()

    with caplog.at_level(logging.ERROR):
        assert played(scene).startswith(b"HTTP/1.1 500 ")
    assert [record.exc_info[1].args for record in caplog.records] == [("ours",)]


@pytest.mark.parametrize("later", [b"", asked("/")], ids=["let-go", "not-let-go"])
def test_an_answer_that_is_given_up_closes_the_connection(later):
    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(asked("/fails?cancel") + later)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        return now_s()

    assert played(scene) == HOLD_S


# How long a connection may be idle


@pytest.mark.parametrize(("query", "idle_s"), [("", 50), ("?limit=20", 20)])
def test_it_is_idle_from_the_answer_on(query, idle_s):
    async def scene(playing):
        reader, writer = await playing.connect()
        for _ in range(2):
            writer.write(asked("/held" + query))
            await reader.readuntil(b"told")
            await asyncio.sleep(15)
        await reader.read()
        return now_s()

    assert played(scene, keepalive_s=50) == 2 * HOLD_S + 15 + idle_s


def test_a_held_one_makes_no_room_and_an_idle_one_does():
    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(asked())
        await asyncio.sleep(1)
        while_held = playing.server._make_room()
        await reader.readuntil(b"told")
        at_once = playing.server._make_room()
        await asyncio.sleep(3600)
        return while_held, at_once, playing.server._make_room()

    assert played(scene) == (False, False, True)


def test_room_is_made_of_who_says_nothing_and_not_of_whom_nobody_has_read():
    async def scene(playing):
        reader, writer = await playing.connect()
        silent, _ = await playing.connect()
        await asyncio.sleep(0.01)
        writer.write(asked())
        assert playing.server._make_room()
        return await silent.read(), await reader.readuntil(b"told")

    nothing, told = played(scene)
    assert (nothing, told[:12]) == (b"", b"HTTP/1.1 200")


def test_room_is_not_made_of_whom_aiohttp_has_not_got_to():
    """It reads a request in one turn of the loop, and looks at it in the next."""

    async def scene(playing):
        reader, writer = await playing.connect()
        await asyncio.sleep(0.01)
        writer.write(asked())
        (transport,) = playing.server._everyone
        while transport.has_unread():  # noqa: ASYNC110  the loop must come to it
            await asyncio.sleep(0)
        made = playing.server._make_room()
        return made, await reader.readuntil(b"told")

    made, told = played(scene)
    assert (made, told[:12]) == (False, b"HTTP/1.1 200")


# HTTP/2, whose streams are connections of HTTP/1.1 here


def test_streams_are_held_each_by_itself():
    async def scene(playing):
        reader, writer = await playing.connect()
        client = Http2End()
        for number in (1, 3):
            writer.write(client.ask(number, [*POST[:1], (":path", "/held"), *POST[2:]]))
        told, seen = [], []
        for after_s in (1, HOLD_S / 2, HOLD_S / 2):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(after_s):
                    while True:
                        told += client.take(await reader.read(1 << 16))
                        writer.write(client.said())
            seen.append((playing.held, [answer.cancelled() for answer in playing.answers]))
            if len(seen) == 1:
                client.h2.reset_stream(1)
                writer.write(client.said())
        return seen, told[-2:], len(playing.server)

    seen, told, connections = played(scene, http2=Http2Watch)
    assert seen == [(2, [False, False]), (1, [True, False]), (0, [True, False])]
    assert (told, connections) == ([(3, b"told"), (3, "end")], 1)


def test_a_stream_that_may_not_send_yet_waits_with_its_answer():
    async def scene(playing):
        reader, writer = await playing.connect()
        writer.write(asked())
        await asyncio.sleep(1)
        (connection,) = playing.connections
        connection.pause_writing()
        await reader.readuntil(b"told")
        writer.write(asked())
        await asyncio.sleep(1)
        was_held = playing.held
        connection.resume_writing()
        await asyncio.sleep(1)
        return was_held, playing.held

    assert played(scene) == (0, 1)
