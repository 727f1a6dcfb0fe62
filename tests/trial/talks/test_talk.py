"""Every talk with its server, whole and in pieces, cut short, and with what is no such protocol."""

from dataclasses import replace
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbprobe.trial.methods.table import METHODS, Takes
from hbprobe.trial.talks.talk import MOST_LINE_BYTES, TalkOptions, Where, told
from tests.support.talkers import SERVERS

TALKS = {name: row.talk for name, row in METHODS.items() if row.talk}


def new(name, **where):
    module = import_module(f"hbprobe.trial.talks.{TALKS[name]}")
    return module.make(Where("server.example", **where))


def conversation(name, size=None):
    """Talk until the question is answered; what the server says comes in pieces of that size."""
    talk, server, bytes_in = new(name), SERVERS[name](), bytearray()

    def hear(data):
        bytes_in.extend(data)
        step = size or max(1, len(data))
        for at in range(0, len(data), step):
            if said := talk.take(data[at : at + step]):
                hear(server.take(said))

    hear(server.greeting)
    if first := talk.begin():
        hear(server.take(first))
    stood = talk.stands
    if talk.asks:
        hear(server.take(talk.ask()))
    return talk, stood, bytes(bytes_in)


def test_every_talk_has_a_server_here():
    assert set(TALKS) == set(SERVERS)


@pytest.mark.parametrize("size", [None, 1, 3])
@pytest.mark.parametrize("name", TALKS)
def test_a_talk_stands_and_is_answered(name, size):
    talk, stood, _ = conversation(name, size)
    assert stood
    assert talk.answered or not talk.asks
    assert (talk.trouble, talk.disconnect_notice) == ("", "")


@pytest.mark.parametrize("name", [name for name in TALKS if name != "raw"])
def test_half_a_greeting_is_none(name):
    talk, server = new(name), SERVERS[name]()
    greeting = server.greeting or server.take(talk.begin())
    talk.take(greeting[: len(greeting) // 2])
    assert not talk.stands
    assert not talk.trouble


@pytest.mark.parametrize("name", [name for name in TALKS if name != "raw"])
@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        b"\xff" * 64 + b"\r\n\r\n",
        b"hello\r\n" * 9 + b"\r\n",
    ],
)
def test_another_protocol_is_told_in_one_line(name, said):
    talk = new(name)
    talk.begin()
    talk.take(said)
    assert not talk.stands
    assert talk.trouble or name == "ssh", "an SSH server may say some lines first"
    assert "\n" not in talk.trouble


@pytest.mark.parametrize("name", TALKS)
@settings(max_examples=25, deadline=None)
@given(pieces=st.lists(st.binary(max_size=40), max_size=6), tail=st.binary(max_size=80))
def test_nothing_that_comes_breaks_a_talk(name, pieces, tail):
    for begun in (new(name), conversation(name)[0]):
        begun.begin() if not begun.stands else None
        for piece in (*pieces, tail):
            assert isinstance(begun.take(piece), bytes)


LOGIN = TalkOptions(user="ada", password="x")


@pytest.mark.parametrize("starttls", [False, True])
@pytest.mark.parametrize("name", [name for name, row in METHODS.items() if Takes.LOGIN in row.takes and row.talk])
@settings(max_examples=25, deadline=None)
@given(pieces=st.lists(st.binary(max_size=40), max_size=6))
def test_nothing_that_comes_in_a_login_breaks_a_talk(name, starttls, pieces):
    talk = new(name, options=replace(LOGIN, starttls=starttls))
    talk.begin()
    for piece in pieces:
        assert isinstance(talk.take(piece), bytes)
        if talk.wants_tls:
            assert isinstance(talk.secured(), bytes)
    assert "\n" not in talk.trouble


@pytest.mark.parametrize("name", ["redis", "imap", "smtp", "ssh"])
def test_a_line_without_end_is_not_kept(name):
    talk = new(name)
    talk.begin()
    talk.take(b"a" * (MOST_LINE_BYTES + 1))
    assert talk.trouble


def test_what_came_is_told_harmlessly():
    assert told(b"HTTP/1.1 400 Bad\r\nx") == "'HTTP/1.1 400 Bad'"
    assert "\x1b" not in told(b"\x1b[31mred")
    assert len(told(b"\xff" * 1000)) < 300
