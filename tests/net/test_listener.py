"""Accepting connections: on several addresses, in vain, and without descriptors."""

import asyncio
import contextlib
import errno
import os
import resource
import socket
import sys

import pytest

from hbprobe.net import listener
from hbprobe.net.listener import Listener, ListeningSocket, raise_limit

on_posix = pytest.mark.skipif(os.name != "posix", reason="descriptor limits")


class Host:
    """A listener, and what it told."""

    def __init__(self, make_room=lambda: False):
        self.accepted = []
        self.refused = []
        self.listener = Listener(
            lambda sock, _: self.accepted.append(sock), lambda *what: self.refused.append(what), make_room
        )

    def close(self):
        self.listener.close()
        for sock in self.accepted:
            sock.close()


@pytest.fixture
def hosting(in_use):
    """Make a listener, and check at its end that nothing is left: `with hosting() as host: ...`."""

    @contextlib.contextmanager
    def host(*args):
        before = in_use()
        made = Host(*args)
        try:
            yield made
        finally:
            made.close()
        assert in_use() == before

    return host


def resolving_to(monkeypatch, *hosts):
    """Let every name have these addresses."""

    async def getaddrinfo(host, port, **_):
        families = [socket.AF_INET6 if ":" in host else socket.AF_INET for host in hosts]
        return [
            (family, socket.SOCK_STREAM, 0, "", (host, port, 0, 0) if ":" in host else (host, port))
            for family, host in zip(families, hosts, strict=True)
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


def connecting(address):
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    sock.setblocking(False)
    sock.connect_ex(address)
    return sock


def end_of(sock):
    """Say how a connection stands, without waiting."""
    try:
        return sock.recv(1) or "fin"
    except BlockingIOError:
        return "open"
    except ConnectionResetError:
        return "rst"


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


# Listening


async def test_port_0_lets_the_system_choose(hosting):
    with hosting() as host:
        name, port = await host.listener.listen("127.0.0.1", 0)
        assert name == "127.0.0.1"
        assert port > 0
        with connecting((name, port)) as client:
            await asyncio.sleep(1)
            (accepted,) = host.accepted
            assert accepted.getpeername() == client.getsockname()
            assert not accepted.getblocking()
            assert end_of(client) == "open"


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6")
async def test_listens_on_every_address_of_a_name_with_one_port(hosting, monkeypatch):
    resolving_to(monkeypatch, "127.0.0.1", "::1")
    with hosting() as host:
        name, port = await host.listener.listen("both", 0)
        assert name == "127.0.0.1"
        with connecting(("127.0.0.1", port)) as old, connecting(("::1", port)) as new:
            await asyncio.sleep(1)
            peers = {sock.getpeername()[:2] for sock in host.accepted}
            assert peers == {old.getsockname()[:2], new.getsockname()[:2]}


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6")
async def test_listens_on_ipv6(hosting):
    with hosting() as host:
        name, port = await host.listener.listen("::1", 0)
        assert name == "::1"
        with connecting((name, port)):
            await asyncio.sleep(1)
            assert len(host.accepted) == 1


async def test_a_crowd_is_let_in(hosting):
    with hosting() as host, contextlib.ExitStack() as clients:
        address = await host.listener.listen("127.0.0.1", 0)
        for _ in range(300):
            clients.enter_context(connecting(address))
        await asyncio.sleep(1)
        assert len(host.accepted) == 300


async def test_after_closing_nobody_is_let_in(hosting):
    with hosting() as host:
        address = await host.listener.listen("127.0.0.1", 0)
    with socket.socket() as client:
        assert client.connect_ex(address) == errno.ECONNREFUSED


# Listening in vain


async def test_a_port_that_is_taken(hosting, listening_socket):
    with listening_socket() as taken, hosting() as host:
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked
            await host.listener.listen(*taken.getsockname())
        assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is not configured elsewhere")
async def test_where_one_address_is_taken_it_listens_on_none(hosting, in_use, monkeypatch, listening_socket):
    resolving_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    with listening_socket() as taken, hosting() as host:
        port = taken.getsockname()[1]
        before = in_use()
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked
            await host.listener.listen("both", port)
        assert caught.value.errno == errno.EADDRINUSE
        assert in_use() == before
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.2", port)) == errno.ECONNREFUSED


async def test_a_name_that_does_not_exist(hosting):
    with hosting() as host, pytest.raises(socket.gaierror):
        await host.listener.listen("no-such-host.invalid", 0)


async def test_many_who_come_together_after_some_who_came_alone(hosting):
    with hosting() as host, contextlib.ExitStack() as open_socks:
        address = await host.listener.listen("127.0.0.1", 0)
        for together in (1, 1, 1, 300, 1, 2, 1, 10):
            before = len(host.accepted)
            for _ in range(together):
                open_socks.enter_context(connecting(address))
            await asyncio.sleep(1)
            assert len(host.accepted) == before + together


# Out of descriptors


@on_posix
async def test_without_descriptors_clients_are_reset_one_by_one(hosting, few_descriptors):
    with hosting() as host, contextlib.ExitStack() as open_socks:
        address = await host.listener.listen("127.0.0.1", 0)
        clients = [open_socks.enter_context(socket.socket()) for _ in range(5)]
        few_descriptors(2)
        for client in clients:
            client.setblocking(False)
            client.connect_ex(address)
        await asyncio.sleep(3600)  # that the clock gets there shows that the listener does not spin
        assert [end_of(client) for client in clients] == ["open", "open", "rst", "rst", "rst"]
        assert len(host.accepted) == 2
        reason = os.strerror(errno.EMFILE)
        assert [why for _, why in host.refused] == [reason] * 3
        assert all(who.startswith("127.0.0.1:") for who, _ in host.refused)


@on_posix
async def test_with_descriptors_again_clients_are_let_in_again(hosting, few_descriptors):
    with hosting() as host, contextlib.ExitStack() as open_socks:
        address = await host.listener.listen("127.0.0.1", 0)
        clients = [open_socks.enter_context(socket.socket()) for _ in range(4)]
        few_descriptors(1)
        for number, client in enumerate(clients):
            client.setblocking(False)
            client.connect_ex(address)
            await asyncio.sleep(1)
            if number == 1:
                host.accepted.pop().close()
        assert [end_of(client) for client in clients] == ["fin", "rst", "open", "rst"]


@on_posix
async def test_asks_for_room_before_it_turns_clients_away(hosting, few_descriptors):
    kept = []

    def make_room():
        if kept:
            os.close(kept.pop())
            return True
        return False

    with hosting(make_room) as host, contextlib.ExitStack() as open_socks:
        address = await host.listener.listen("127.0.0.1", 0)
        clients = [open_socks.enter_context(socket.socket()) for _ in range(4)]
        kept += [os.open(os.devnull, os.O_RDONLY) for _ in range(2)]
        few_descriptors(1)
        for client in clients:
            client.setblocking(False)
            client.connect_ex(address)
        await asyncio.sleep(1)
        assert [end_of(client) for client in clients] == ["open", "open", "open", "rst"]
        assert len(host.refused) == 1


@on_posix
async def test_where_even_the_spare_does_not_help_it_looks_away_for_a_while(hosting, monkeypatch):
    class Sock(ListeningSocket):
        broken = True
        tries = 0

        def accept(self):
            Sock.tries += 1
            if Sock.broken:
                raise OSError(errno.ENFILE, os.strerror(errno.ENFILE))
            return super().accept()

    with hosting() as host:
        monkeypatch.setattr(listener, "ListeningSocket", Sock)
        address = await host.listener.listen("127.0.0.1", 0)
        monkeypatch.undo()
        with connecting(address) as client:
            await asyncio.sleep(9.5)
            assert (Sock.tries, end_of(client), host.refused) == (2 * 10, "open", [])
            Sock.broken = False
            await asyncio.sleep(1)
            assert len(host.accepted) == 1
        Sock.broken = True
        with connecting(address):
            await asyncio.sleep(0.5)  # it looks away, and is closed meanwhile
    await asyncio.sleep(5)


async def test_what_it_accepts_never_blocks_and_sends_at_once(hosting):
    with hosting() as host:
        address = await host.listener.listen("127.0.0.1", 0)
        with connecting(address):
            await asyncio.sleep(1)
            (sock,) = host.accepted
            assert (sock.getblocking(), sock.family, sock.type) == (False, socket.AF_INET, socket.SOCK_STREAM)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_other_errors_of_accept_are_passed_over(hosting, monkeypatch):
    errors = [ConnectionAbortedError(), OSError(errno.EPROTO, "protocol"), InterruptedError()]

    class Sock(ListeningSocket):
        def accept(self):
            if errors:
                raise errors.pop(0)
            return super().accept()

    with hosting() as host:
        monkeypatch.setattr(listener, "ListeningSocket", Sock)
        address = await host.listener.listen("127.0.0.1", 0)
        monkeypatch.undo()
        with connecting(address) as client:
            await asyncio.sleep(1)
            assert (len(host.accepted), end_of(client), errors) == (1, "open", [])


@pytest.mark.parametrize(
    ("hard", "refused", "limit"),
    [(20_000, False, 20_000), (resource.RLIM_INFINITY, False, 10_240), (20_000, True, 256), (10, False, 10)],
)
def test_the_limit_is_raised_as_far_as_it_goes(monkeypatch, hard, refused, limit):
    limits = [(256, hard)]

    def setrlimit(_, wanted):
        if refused:
            raise ValueError("current limit exceeds maximum limit")
        limits.append(wanted)

    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    assert raise_limit() == limit
