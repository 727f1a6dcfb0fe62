import asyncio
import re
import socket
import sys
from unittest.mock import Mock

import pytest
from support import faults

from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.dial import From, connect
from hbprobe.net.replies import End, EndKind
from hbprobe.net.target import Target
from hbprobe.net.wire import Dialer, DialError, Wire

linux = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO and mute sockets are Linux's")


# Ends


async def all_that_comes(wire, until_s=100.0):
    events = []
    while (event := await wire.receive(until_s)) is not None:
        events.append(event)
        if isinstance(event, End):
            break
    return events


def drive(on_warp, serve, tls, script, client):
    async def main():
        async with serve(script, tls) as peer:
            wire = await peer.dialer("localhost" if tls else "127.0.0.1").open()
            try:
                return await client(wire)
            finally:
                wire.close()

    return on_warp(main())


@pytest.mark.parametrize(
    ("act", "kind", "signed"),
    [("rst", EndKind.RST, False), ("fin", EndKind.FIN, False), ("close", EndKind.FIN, True)],
)
def test_every_end_keeps_its_name_and_its_time(on_warp, serve, tls, act, kind, signed):
    async def script(connection):
        await asyncio.sleep(5)
        connection.send(b"last words")
        await asyncio.sleep(2.5)
        getattr(connection, act)()

    words, end = drive(on_warp, serve, tls, script, all_that_comes)
    assert words == b"last words"
    assert end == End(kind, 7.5, signed=signed and tls is not None)


def test_rst_after_close_notify(on_warp, serve, tls_pair):
    async def script(connection):
        connection.close_by_rst()
        connection.close()

    assert drive(on_warp, serve, tls_pair, script, all_that_comes) == [End(EndKind.RST, 0, signed=True)]


def test_nothing_comes(on_warp, serve, tls):
    async def script(connection):
        await connection.read()

    async def client(wire):
        event = await wire.receive(50)
        return event, asyncio.get_running_loop().time()

    assert drive(on_warp, serve, tls, script, client) == (None, 50)


def test_what_has_come_is_there_however_late_it_is_asked_for(on_warp, serve, tls):
    async def script(connection):
        connection.send(b"early")

    async def client(wire):
        await asyncio.sleep(10)
        return await wire.receive(5)

    assert drive(on_warp, serve, tls, script, client) == b"early"


def test_what_is_sent_arrives(on_warp, serve, tls):
    seen = []

    async def script(connection):
        seen.append(await connection.read())
        connection.send(seen[0][::-1])

    async def client(wire):
        wire.send(b"abc")
        return await wire.receive(5)

    assert drive(on_warp, serve, tls, script, client) == b"cba"
    assert seen == [b"abc"]


def test_last_words_are_heard_though_sending_meets_the_rst_that_follows_them(on_warp, serve, tls):
    async def main():
        gone = asyncio.Event()

        async def script(connection):
            connection.send(b"last words")
            connection.rst()
            gone.set()

        async with serve(script, tls) as peer:
            wire = await peer.dialer("localhost" if tls else "127.0.0.1").open()
            await gone.wait()
            wire.send(b"hello?")
            try:
                return await all_that_comes(wire)
            finally:
                wire.close()

    words, end = on_warp(main())
    assert (words, end.kind) == (b"last words", EndKind.RST)


def test_sending_into_a_connection_that_has_ended_changes_nothing(on_warp, serve, tls):
    async def script(connection):
        connection.close()

    async def client(wire):
        events = await all_that_comes(wire)
        wire.send(b"hello?")
        return events, await wire.receive(50)

    (end,), more = drive(on_warp, serve, tls, script, client)
    assert end.kind is EndKind.FIN
    assert more is None


def test_damaged_tls_is_neither_rst_nor_fin(on_warp, serve, tls_pair):
    async def script(connection):
        connection.send_beneath_tls(b"this is no TLS record\x00")

    (end,) = drive(on_warp, serve, tls_pair, script, all_that_comes)
    assert end.kind is EndKind.UNREACHABLE
    assert end.detail.startswith("TLS: ")


@linux
def test_what_the_other_side_has_not_acknowledged(on_warp, serve, tls):
    async def script(connection):
        await connection.read()
        await asyncio.sleep(0.1)  # let the client acknowledge TLS's session tickets
        connection.mute()

    async def client(wire):
        wire.send(b"a")
        await asyncio.sleep(1)
        before = wire.unacknowledged_segments()
        wire.send(b"b")
        await asyncio.sleep(1)
        return before, wire.unacknowledged_segments()

    assert drive(on_warp, serve, tls, script, client) == (0, 1)


def test_after_closing_nothing_is_known_of_acknowledgements(on_warp, serve):
    async def script(connection):
        await connection.read()

    async def client(wire):
        wire.close()
        await asyncio.sleep(1)
        return wire.unacknowledged_segments()

    assert drive(on_warp, serve, None, script, client) is None


def test_closing_tells_the_server_with_close_notify(on_warp, serve, tls):
    seen = []

    async def script(connection):
        seen.append(await connection.read())  # a bare FIN under TLS raises

    async def client(wire):
        wire.close()
        await asyncio.sleep(1)

    drive(on_warp, serve, tls, script, client)
    assert seen == [b""]


# Dialling


def dial(on_warp, dialer):
    """Return what dialling fails with, and when."""

    async def main():
        with pytest.raises(DialError) as error:
            await dialer.open()
        return str(error.value), asyncio.get_running_loop().time()

    return on_warp(main())


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def lookup(monkeypatch, *addresses):
    """Let every name stand for these addresses; return a list that grows with each look-up."""
    asked = []

    def getaddrinfo(host, port, *args, **kwargs):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_port_where_nobody_listens(on_warp, closed_port):
    dialer = Dialer(Target(False, "127.0.0.1", closed_port, "/"), None)
    assert dial(on_warp, dialer) == (f"TCP: 127.0.0.1:{closed_port}: Connection refused", 0)


def test_a_name_that_does_not_exist(on_warp, monkeypatch):
    def getaddrinfo(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    dialer = Dialer(Target(False, "no.such.example", 80, "/"), None)
    assert dial(on_warp, dialer) == ("name: no.such.example: Name or service not known", 0)


def test_the_first_address_that_takes_the_connection_is_kept(on_warp, serve, monkeypatch, closed_port):
    async def script(connection):
        await connection.read()

    async def main():
        async with serve(script) as peer:
            asked = lookup(monkeypatch, ("127.0.0.1", closed_port), ("127.0.0.1", peer.port))
            dialer = peer.dialer("two.example")
            for _ in range(3):
                (await dialer.open()).close()
            return asked, peer.connections

    assert on_warp(main()) == (["two.example"], 3)


def test_no_address_takes_the_connection(on_warp, monkeypatch, closed_port):
    lookup(monkeypatch, ("127.0.0.1", closed_port), ("127.0.0.1", closed_port))
    dialer = Dialer(Target(False, "two.example", 80, "/"), None)
    assert dial(on_warp, dialer) == ("TCP: two.example:80: Connection refused", 0)


def test_a_protocol_that_this_system_lacks(on_warp, monkeypatch):
    def no_socket(*args):
        raise OSError(97, "ignored")

    async def main():
        dialer = Dialer(Target(False, "127.0.0.1", 80, "/"), None)
        monkeypatch.setattr("hbprobe.net.wire.socket.socket", no_socket)
        with pytest.raises(DialError) as error:
            await dialer.open()
        monkeypatch.undo()
        return str(error.value)

    assert on_warp(main()) == "TCP: 127.0.0.1:80: Address family not supported by protocol"


def test_an_address_from_which_nothing_comes_back(on_warp, monkeypatch):
    async def never(*args):
        await asyncio.Event().wait()

    async def main():
        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
        with pytest.raises(DialError) as error:
            await Dialer(Target(False, "127.0.0.1", 80, "/"), None).open()
        return str(error.value), asyncio.get_running_loop().time()

    assert on_warp(main()) == ("TCP: 127.0.0.1:80: no connection within 20 s", 20)


def dial_tls(on_warp, script, serve, server_tls, client_tls, host="localhost"):
    async def main():
        async with serve(script, server_tls) as peer:
            with pytest.raises(DialError) as error:
                await peer.dialer(host, client_tls).open()
            return str(error.value), asyncio.get_running_loop().time()

    return on_warp(main())


async def idle_script(connection):
    await connection.read()


def test_a_certificate_of_an_unknown_authority(on_warp, serve, tls_pair):
    message = dial_tls(on_warp, idle_script, serve, tls_pair, throwaway_pair()[1])
    assert message == ("TLS: the certificate is not trusted: unable to get local issuer certificate", 0)


def test_a_certificate_for_another_name(on_warp, serve, tls_pair, monkeypatch):
    lookup(monkeypatch, ("127.0.0.1", 0))

    async def main():
        async with serve(idle_script, tls_pair) as peer:
            lookup(monkeypatch, ("127.0.0.1", peer.port))
            with pytest.raises(DialError) as error:
                await peer.dialer("mail.example").open()
            return str(error.value)

    assert on_warp(main()) == (
        "TLS: the certificate is not trusted: Hostname mismatch, certificate is not valid for 'mail.example'."
    )


def test_plain_text_instead_of_tls(on_warp, serve, tls_pair):
    async def script(connection):
        connection.send(b"220 mail.example ESMTP\r\n")

    assert dial_tls(on_warp, script, serve, None, tls_pair[1]) == (
        "TLS: a mail or FTP server answers at this port",
        0,
    )


@pytest.mark.parametrize(("act", "name"), [("rst", "RST"), ("fin", "FIN")])
def test_an_end_in_the_middle_of_the_handshake(on_warp, serve, tls_pair, act, name):
    async def script(connection):
        await connection.read()
        getattr(connection, act)()

    message, _ = dial_tls(on_warp, script, serve, None, tls_pair[1])
    assert message == f"TLS: {name} in the middle of the handshake"


def test_a_server_that_never_answers_the_handshake(on_warp, serve, tls_pair):
    message = dial_tls(on_warp, idle_script, serve, None, tls_pair[1])
    assert message == ("TLS: no end of the handshake within 20 s", 20)


def test_an_alert_in_the_middle_of_the_handshake(on_warp, serve, tls_pair):
    async def script(connection):
        await connection.read()
        connection.send(b"\x15\x03\x03\x00\x02\x02\x28")  # RFC 8446, section 6: fatal, handshake_failure

    message, _ = dial_tls(on_warp, script, serve, None, tls_pair[1])
    assert message.startswith("TLS: the server refuses the handshake: ")


def test_a_prepared_dialer_goes_to_the_same_address(on_warp, serve, monkeypatch):
    async def script(connection):
        await connection.read()

    async def main():
        prepared = []
        async with serve(script) as peer:
            asked = lookup(monkeypatch, ("127.0.0.1", peer.port))
            dialer = peer.dialer("one.example")
            other = dialer.prepared(prepared.append)
            for each in (dialer, other, other):
                (await each.open()).close()
            return asked, len(prepared), peer.connections

    assert on_warp(main()) == (["one.example"], 2, 3)


def test_bytes_after_the_handshake_was_given_up(on_warp, tls_pair):
    """A trial may become moot in the middle of it, when the server's answer is already on its way."""

    async def main():
        wire = Wire(tls_pair[1], "localhost")
        wire.connection_made(Mock())
        waiting = asyncio.ensure_future(wire.handshake())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        wire.data_received(b"\x16\x03\x03")
        return waiting.cancelled()

    assert on_warp(main())


# What is late is not lost


def test_a_process_that_stood_still_finds_what_came_in_time(faulty, serve, tls):
    """The deadline passes and the answer is read in the same turn of the loop."""

    async def script(connection):
        await asyncio.sleep(5)
        connection.send(b"in time")
        faulty.stall(8)

    async def main():
        async with serve(script, tls) as peer:
            wire = await peer.dialer("localhost" if tls else "127.0.0.1").open()
            try:
                return await wire.receive(6), asyncio.get_running_loop().time()
            finally:
                wire.close()

    data, now_s = faulty.run(main())
    assert data == b"in time"
    assert now_s >= 13


def test_what_lies_in_the_socket_at_the_deadline_is_read_before_silence_is_declared(faulty, serve):
    """The process is stopped after the loop has looked at its sockets, and before it learns what time it is."""

    async def script(connection):
        await connection.request()

        def answer():
            connection.send(b"in time")
            faulty.stall(8)

        asyncio.get_running_loop().call_later(1, lambda: faulty.before_a_jump(answer))

    async def main():
        async with serve(script) as peer:
            wire = await peer.dialer().open()
            wire.send(b"GET / HTTP/1.1\r\n\r\n")
            try:
                return await wire.receive(6)
            finally:
                wire.close()

    assert faulty.run(main()) == b"in time"


# Many dials, and addresses that are dead


@pytest.mark.parametrize("round_trip_s", [0.4, 5.0])
def test_any_number_of_dials_stand_on_a_long_path(on_warp, serve, monkeypatch, round_trip_s):
    """They wait for the first, which finds the address, and not for each other."""

    async def main():
        async with serve(idle_script) as peer:
            faults.slow_connects(monkeypatch, round_trip_s)
            dialer = peer.dialer()
            wires = await asyncio.gather(*(dialer.open() for _ in range(64)))
            took_s = asyncio.get_running_loop().time()
            for wire in wires:
                wire.close()
            return took_s, [wire.round_trip_s for wire in wires]

    assert on_warp(main()) == (pytest.approx(2 * round_trip_s), pytest.approx([round_trip_s] * 64))


def test_an_address_that_takes_no_syn_costs_its_share_of_the_time(on_warp, serve, monkeypatch):
    dead = ("127.9.9.9", 9)

    async def main():
        async with serve(idle_script) as peer:
            lookup(monkeypatch, dead, ("127.0.0.1", peer.port))
            faults.slow_connects(monkeypatch, lambda address: 1e6 if address == dead else 0)
            dialer = peer.dialer("two.example")
            await asyncio.sleep(0)
            (await dialer.open()).close()
            first_s = asyncio.get_running_loop().time()
            (await dialer.open()).close()
            return first_s, asyncio.get_running_loop().time(), dialer.address[1]

    first_s, second_s, address = on_warp(main())
    assert first_s == second_s == 1.25
    assert address[0] == "127.0.0.1"


@linux
def test_a_deaf_address_in_real_time():
    """As above, with a listener whose backlog is full: the kernel drops the SYNs."""

    async def main():
        with faults.deaf_port() as deaf, socket.create_server(("127.0.0.1", 0)) as good:
            addresses = [(socket.AF_INET, ("127.0.0.1", port)) for port in (deaf, good.getsockname()[1])]
            sock, address = await connect(addresses)
            sock.close()
            return address == addresses[1]

    assert asyncio.run(main())


def test_all_addresses_are_dead(on_warp, monkeypatch):
    async def main():
        lookup(monkeypatch, ("127.0.0.1", 1), ("127.0.0.1", 2), ("127.0.0.1", 3))
        faults.slow_connects(monkeypatch, 1e6)
        with pytest.raises(DialError) as error:
            await Dialer(Target(False, "three.example", 80, "/"), None).open()
        return str(error.value), error.value.passing, asyncio.get_running_loop().time()

    assert on_warp(main()) == ("TCP: three.example:80: no connection within 20 s", True, 20)


def test_who_waits_for_the_first_dial_shares_its_failure_and_the_next_may_succeed(on_warp, serve, monkeypatch):
    async def main():
        async with serve(idle_script) as peer:
            faults.failing_connects(monkeypatch, [ConnectionRefusedError(111, "")])
            dialer = peer.dialer()
            ends = await asyncio.gather(*(dialer.open() for _ in range(3)), return_exceptions=True)
            (await dialer.open()).close()
            return [(str(end), end.passing) for end in ends], peer.port

    ends, port = on_warp(main())
    assert ends == [(f"TCP: 127.0.0.1:{port}: Connection refused", True)] * 3


def test_the_first_dial_may_be_given_up_while_others_wait_for_it(on_warp, serve, monkeypatch):
    async def main():
        async with serve(idle_script) as peer:
            faults.slow_connects(monkeypatch, 1)
            dialer = peer.dialer()
            first, second = (asyncio.ensure_future(dialer.open()) for _ in range(2))
            await asyncio.sleep(0.5)
            first.cancel()
            (await second).close()
            return asyncio.get_running_loop().time()

    assert on_warp(main()) == 1.5


@pytest.mark.parametrize(
    ("tls_error", "passing"),
    [("fin", True), ("rst", True), ("banner", False)],
)
def test_which_ends_of_a_handshake_may_pass(on_warp, serve, tls_pair, tls_error, passing):
    async def script(connection):
        await connection.read()
        if tls_error == "banner":
            connection.send(b"220 mail.example ESMTP\r\n")
        else:
            getattr(connection, tls_error)()

    async def main():
        async with serve(script) as peer:
            with pytest.raises(DialError) as error:
                await peer.dialer("localhost", tls_pair[1]).open()
            return error.value.passing

    assert on_warp(main()) is passing


# Where connections start


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.7"])
def test_a_connection_may_start_at_an_address(on_warp, serve, source):
    async def script(connection):
        connection.send(connection._socket.getpeername()[0].encode())

    async def main():
        async with serve(script) as peer:
            wire = await Dialer(Target(False, "127.0.0.1", peer.port, "/"), None, start=From(source=source)).open()
            try:
                return await wire.receive(5)
            finally:
                wire.close()

    assert on_warp(main()) == source.encode()


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (
            From(source="192.0.2.1"),
            "source: 192.0.2.1: Cannot assign requested address; no connection can start there",
        ),
        (From(source="no-such-if0"), "source: no-such-if0: No such device; no connection can start there"),
    ],
)
@linux
def test_where_no_connection_can_start(on_warp, start, reason):
    async def main():
        with pytest.raises(DialError) as error:
            await Dialer(Target(False, "127.0.0.1", 80, "/"), None, start=start).open()
        return str(error.value), error.value.passing

    assert on_warp(main()) == (reason, False)


@pytest.mark.parametrize(
    ("start", "family"),
    [
        (From(), socket.AF_UNSPEC),
        (From(socket.AF_INET6), socket.AF_INET6),
        (From(source="10.0.0.1"), socket.AF_INET),
        (From(source="fe80::1%eth0"), socket.AF_INET6),
        (From(source="eth0"), socket.AF_UNSPEC),
    ],
)
def test_only_addresses_of_a_kind_that_fits_are_looked_up(on_warp, monkeypatch, start, family):
    asked = []

    def getaddrinfo(host, port, family, *rest):
        asked.append(family)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    only = {socket.AF_INET: " (asked for IPv4 only)", socket.AF_INET6: " (asked for IPv6 only)"}.get(family, "")
    dialer = Dialer(Target(False, "a.example", 80, "/"), None, start=start)
    assert dial(on_warp, dialer) == (f"name: a.example: unknown{only}", 0)
    assert asked == [family]


# What the boxes' logs call it


def test_a_connection_tells_what_a_firewalls_log_calls_it(serve):
    async def main():
        async with serve(idle_script) as peer:
            wire = await peer.dialer().open()
            own = wire._transport.get_extra_info("sockname")
            wire.close()
            return wire.connection, own, peer.port

    connection, own, port = asyncio.run(main())
    assert (connection.source, connection.source_port) == own
    assert (connection.destination, connection.destination_port) == ("127.0.0.1", port)
    moment = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ"
    assert re.fullmatch(f"{moment} {moment}", f"{connection.opened_at} {connection.closed_at}")
    assert connection.opened_at <= connection.closed_at


def test_on_the_warp_clock_no_log_knows_it(on_warp, serve):
    async def client(wire):
        return wire.connection

    assert drive(on_warp, serve, None, idle_script, client) is None


@pytest.mark.parametrize("error", [TimeoutError(110, "Connection timed out"), ConnectionAbortedError(10053, "")])
def test_a_connection_that_the_system_gave_up_is_told_from_one_without_a_route(on_warp, error):
    async def main():
        ends = []
        for exc in (error, OSError(113, "No route to host")):
            wire = Wire(None, "localhost")
            transport = Mock()
            transport.get_extra_info.return_value.dup.return_value = socket.socket()  # one with nothing to read
            wire.connection_made(transport)
            wire.connection_lost(exc)
            ends.append((await wire.receive(1)).kind)
        return ends

    assert on_warp(main()) == [EndKind.TIMED_OUT, EndKind.UNREACHABLE]


@pytest.mark.parametrize(
    ("words", "kind", "told"),
    [
        (b"421 too slow\r\n", EndKind.FIN, "421 too slow"),
        (b"\xff\xfe\x00\x01\x02", EndKind.UNREACHABLE, ""),
    ],
)
def test_last_words_in_the_clear_in_the_middle_of_tls(on_warp, serve, tls_pair, words, kind, told):
    """As exim says them, which gives a client up that is too slow."""

    async def script(connection):
        await connection.read()
        connection.send_beneath_tls(words)
        await asyncio.sleep(1)
        connection.fin()

    async def main():
        async with serve(script, tls_pair) as peer:
            wire = await peer.dialer("localhost").open()
            wire.send(b"hello")
            end = await wire.receive(asyncio.get_running_loop().time() + 10)
            wire.close()
            return end.kind, wire.in_the_clear

    assert on_warp(main()) == (kind, told)
