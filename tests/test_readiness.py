"""Descriptors and their callbacks: which are called, in what order, and which no more."""

import socket
import sys

import pytest

from hbprobe import warp
from hbprobe.readiness import AT_ONCE, Readiness

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")


@pytest.fixture
def failures():
    return []


@pytest.fixture
def ready(failures):
    made = Readiness(failures.append)
    yield made
    made.close()


@pytest.fixture
def pair():
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def told(ready):
    ready.tell(ready.poll(0, AT_ONCE))


def test_calls_what_can_be_read_or_written(ready, pair):
    one, other = pair
    calls = []
    ready.add_reader(one.fileno(), (calls.append, ("read",)))
    told(ready)
    assert calls == []
    ready.add_writer(one.fileno(), (calls.append, ("write",)))
    told(ready)
    assert calls == ["write"]
    other.send(b"x")
    told(ready)
    assert calls == ["write", "read", "write"]
    assert ready.remove_writer(one.fileno())
    told(ready)
    assert calls[3:] == ["read"]
    assert ready.remove_reader(one.fileno())
    assert (ready.remove_reader(one.fileno()), ready.remove_writer(one.fileno()), len(ready)) == (False, False, 0)


def test_a_reader_that_ends_it_all_is_followed_by_no_writer(ready, pair):
    one, other = pair
    calls = []

    def end():
        ready.remove_reader(one.fileno())
        ready.remove_writer(one.fileno())

    ready.add_reader(one.fileno(), (end, ()))
    ready.add_writer(one.fileno(), (calls.append, ("write",)))
    other.send(b"x")
    told(ready)
    assert calls == []


def test_an_event_of_a_closed_descriptor_is_not_taken_for_its_successors(ready):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        readable = [socket.socketpair() for _ in range(2)]
        calls, successors = [], []

        def replace(sock, other):
            """Close the other one, and take its number for a new connection that nothing has come on."""
            calls.append(sock)
            number = other.fileno()
            ready.remove_reader(number)
            other.close()
            successor = socket.create_connection(listener.getsockname())
            successors.append(successor)
            assert successor.fileno() == number
            ready.add_reader(number, (calls.append, ("successor",)))

        (first, _), (second, _) = readable
        ready.add_reader(first.fileno(), (replace, (first, second)))
        ready.add_reader(second.fileno(), (replace, (second, first)))
        for _, far in readable:
            far.send(b"x")
        told(ready)
        assert len(calls) == 1
        for sock in (*successors, *(one for pair in readable for one in pair)):
            sock.close()


def test_what_is_wanted_no_more_keeps_nobody_busy(ready, pair):
    one, other = pair
    ready.add_reader(one.fileno(), (pytest.fail, ("removed",)))
    ready.add_writer(one.fileno(), (pytest.fail, ("removed",)))
    ready.remove_reader(one.fileno())
    ready.remove_writer(one.fileno())
    other.send(b"x")
    told(ready)
    assert ready.poll(0, AT_ONCE) == [], "the kernel has been told the first time that something came up"


def test_a_number_that_was_let_go_or_removed_serves_its_next_owner(ready):
    for let_go in (ready.forget, ready.remove_reader):
        calls = []
        old, far = socket.socketpair()
        with far:
            number = old.fileno()
            ready.add_reader(number, (pytest.fail, ("closed",)))
            let_go(number)
            old.close()
        one, other = socket.socketpair()
        with one, other:
            assert number in (one.fileno(), other.fileno())
            new, peer = (one, other) if one.fileno() == number else (other, one)
            ready.add_reader(number, (calls.append, ("read",)))
            told(ready)
            peer.send(b"x")
            told(ready)
            assert calls == ["read"]
            ready.forget(new.fileno())


def test_who_waited_to_write_goes_on_to_read(ready, pair):
    one, other = pair
    calls = []

    def written():
        ready.remove_writer(one.fileno())
        ready.add_reader(one.fileno(), (calls.append, ("read",)))
        calls.append("written")

    ready.add_writer(one.fileno(), (written, ()))
    told(ready)
    told(ready)
    assert calls == ["written"]
    other.send(b"x")
    told(ready)
    assert calls == ["written", "read"]


def test_what_fails_is_told_and_stops_nobody(ready, failures, pair):
    calls = []

    def fail():
        raise ValueError("wrong")

    ready.add_writer(pair[0].fileno(), (fail, ()))
    ready.add_writer(pair[1].fileno(), (calls.append, ("write",)))
    told(ready)
    assert ([str(error) for error in failures], calls) == (["wrong"], ["write"])


@pytest.mark.parametrize("leaves", ["call_soon", "call_later", "stop"])
def test_a_loop_leaves_its_wait_when_a_callback_gives_it_work(pair, leaves):
    one, other = pair
    loop = warp.new_loop(warp.ScaledClock())
    order = []

    def readable():
        one.recv(1)
        order.append("read")
        if leaves == "call_soon":
            loop.call_soon(loop.stop)
        elif leaves == "call_later":
            loop.call_later(0, loop.stop)
        else:
            loop.stop()

    loop.add_reader(one, readable)
    other.send(b"x")
    loop.run_forever()
    assert order == ["read"]
    assert loop.remove_reader(one)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_a_callback_that_raises_reaches_the_loops_handler(pair):
    one, _ = pair
    loop = warp.new_loop(warp.WarpClock())
    contexts = []

    def handle(_, context):
        contexts.append(context)
        loop.remove_writer(one)
        loop.stop()

    loop.set_exception_handler(handle)
    loop.add_writer(one, lambda: 1 / 0)
    loop.run_forever()
    (context,) = contexts
    assert isinstance(context["exception"], ZeroDivisionError)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
