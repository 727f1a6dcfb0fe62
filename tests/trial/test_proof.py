"""What is at the other end: `hbprobe serve`, or what it seems to be instead."""

import random
import re

import pytest

from hbprobe import __version__
from hbprobe.exchange.settings import Settings
from hbprobe.farend.hold_request import hold_token
from hbprobe.farend.server import FarEnd
from hbprobe.net.wire import Dialer, Target
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Kind
from hbprobe.trial.proof import FarEndProof, prove, prove_http


def proved(on_warp, serve, script, *, server_tls=None, client_tls=None):
    """Ask a scripted server who it is; return what that showed, with `PORT` for its port."""

    async def main():
        async with serve(script, server_tls) as peer:
            found = await prove(Dialer(Target(client_tls is not None, "localhost", peer.port, "/"), client_tls))
            return found if isinstance(found, FarEndProof) else (found, found.reason.replace(str(peer.port), "PORT"))

    return on_warp(main())


def answering(status, body=b"", *headers):
    async def script(connection):
        await connection.request()
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        connection.send("\r\n".join(lines).encode() + body)

    return script


def test_hbprobe_serve_tells_its_version(on_warp, tls):
    async def main():
        far_end = FarEnd(Settings(), tls and tls[0])
        _, port = await far_end.listen("127.0.0.1", 0)
        try:
            dialer = Dialer(Target(tls is not None, "localhost", port, "/"), tls and tls[1])
            method = make(Environment("hold", dialer, 3.0, random.Random(1)))
            return await method.prove(), method.far_end
        finally:
            await far_end.close()

    assert on_warp(main()) == (None, FarEndProof(__version__, bears_witness=True))


def test_one_that_bears_witness_and_does_not_tell_its_version(on_warp, serve):
    script = answering("200 OK", b'{"up_s": 4, "seen": false}')
    assert proved(on_warp, serve, script) == FarEndProof(None, bears_witness=True)


def test_one_that_bears_no_witness_shows_that_it_can_hold(on_warp, serve):
    async def script(connection):
        head = (await connection.request()).decode()
        body = b""
        if match := re.match(r"POST /hold\?seconds=(\S+?)&nonce=(\w+) ", head):
            body = hold_token(float(match[1]), match[2])
        status = "200 OK" if body else "404 Not Found"
        connection.send(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    assert proved(on_warp, serve, script) == FarEndProof(None, bears_witness=False)


ANOTHER = "the answer is not from hbprobe serve; --method idle can probe any web server"
NO_SERVE = "there is no hbprobe serve at this address; --method idle can probe any web server"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (answering("404 Not Found"), f"status 404: {NO_SERVE}"),
        (answering("200 OK", b"<h1>Welcome</h1>"), ANOTHER),
        (answering("200 OK", b"[" * 100_000), ANOTHER),
        (answering("401 Unauthorized"), "status 401: the server wants a login"),
        (answering("302 Found", b"", "Location: /login"), "status 302: the server sends us to /login"),
    ],
)  # fmt: skip
def test_another_web_server(on_warp, serve, script, reason):
    found, said = proved(on_warp, serve, script)
    assert (found.kind, found.again, said) == (Kind.FAILED, False, reason)


def test_a_banner(on_warp, serve):
    async def script(connection):
        connection.send(b"220 mail.example ESMTP\r\n")

    found, said = proved(on_warp, serve, script)
    assert said.endswith("; this port speaks another protocol: it says '220 mail.example ESMTP'")
    assert not found.again


def test_a_banner_instead_of_tls(on_warp, serve, tls_pair):
    async def script(connection):
        connection.send(b"SSH-2.0-OpenSSH_9.2\r\n")

    found, said = proved(on_warp, serve, script, client_tls=tls_pair[1])
    assert said == "TLS: SSH answers at this port"
    assert not found.again


def test_plain_http_instead_of_tls(on_warp, serve, tls_pair):
    async def script(connection):
        await connection.read()
        connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    found, said = proved(on_warp, serve, script, client_tls=tls_pair[1])
    assert said == "TLS: plain HTTP answers at this port: write http://localhost:PORT/"
    assert not found.again


def test_tls_instead_of_plain_http(on_warp, serve, tls_pair):
    async def script(connection):
        await connection.read()

    found, said = proved(on_warp, serve, script, server_tls=tls_pair)
    assert said.endswith("; this port speaks TLS: write https://localhost:PORT/")
    assert not found.again


@pytest.mark.parametrize("act", ["rst", "fin", "read"])
def test_a_server_that_may_be_well_in_a_while(on_warp, serve, act):
    async def script(connection):
        await connection.request()
        if (result := getattr(connection, act)()) is not None:
            await result

    found, _ = proved(on_warp, serve, script)
    assert (found.kind, found.again, found.outage) == (Kind.FAILED, True, True)


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Service Unavailable"])
def test_a_proxy_without_a_server(on_warp, serve, status):
    found, said = proved(on_warp, serve, answering(status))
    assert said == f"status {status[:3]} at once: a proxy that cannot reach the server"
    assert (found.again, found.outage) == (True, True)


# HTTP alone, for a method that needs no far end of ours


def http_proved(on_warp, serve, script):
    async def main():
        async with serve(script) as peer:
            return await prove_http(Dialer(Target(False, "localhost", peer.port, "/"), None))

    return on_warp(main())


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "404 Not Found", "503 Service Unavailable"])
def test_whatever_answers_in_http_will_do(on_warp, serve, status):
    assert http_proved(on_warp, serve, answering(status)) is None


@pytest.mark.parametrize("ends", [True, False])
def test_without_http_it_is_said_what_answers_instead(on_warp, serve, ends):
    async def script(connection):
        connection.send(b"220 mail.example ESMTP\r\n")
        await connection.read()
        if ends:
            connection.close()

    found = http_proved(on_warp, serve, script)
    assert found.reason.endswith("this port speaks another protocol: it says '220 mail.example ESMTP'")
    assert (found.kind, found.again) == (Kind.FAILED, False)


def test_a_name_without_a_server_may_have_one_in_a_while(on_warp, serve):
    async def main():
        async with serve(answering("200 OK")) as peer:
            port = peer.port
        return await prove_http(Dialer(Target(False, "localhost", port, "/"), None))

    found = on_warp(main())
    assert (found.kind, found.again, found.outage) == (Kind.FAILED, True, True)


# Who has proved itself before


@pytest.mark.parametrize("name", ["hold", "idle"])
@pytest.mark.parametrize("act", ["rst", "fin"])
def test_what_ends_at_once_was_another_protocol_only_where_nobody_stood_there_before(on_warp, serve, name, act):
    is_up = False

    async def script(connection):
        await connection.request()
        if not is_up:
            getattr(connection, act)()
            return
        body = b'{"up_s": 1, "seen": false}'
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async def main():
        nonlocal is_up
        async with serve(script) as peer:
            dialer = Dialer(Target(False, "localhost", peer.port, "/"), None)
            method = make(Environment(name, dialer, 1.0, random.Random(1)))
            first = await method.prove()
            is_up = True
            assert await method.prove() is None
            is_up = False
            return first.reason, (await method.prove()).reason

    end = f"{act.upper()} at once"
    assert on_warp(main()) == (
        f"{end}: another protocol, or a proxy that cannot reach the server",
        f"{end}: it was there before, so it went down, or a proxy cannot reach it any more",
    )
