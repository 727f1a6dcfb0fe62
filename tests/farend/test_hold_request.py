import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.farend.hold_request import (
    LONGEST_HOLD_S,
    hold_query,
    hold_token,
    nonce_announced,
    nonce_set,
    nonce_settings,
    read_seconds,
    without_drip,
    witness_path,
)
from hbprobe.net.liveness import acknowledge_on


def test_where_to_ask():
    assert hold_query(599.5, "abc") == "/hold?seconds=599.5&nonce=abc"


def test_a_whole_number_is_the_same_hold():
    assert hold_query(600, "abc") == hold_query(600.0, "abc") == "/hold?seconds=600.0&nonce=abc"
    assert hold_token(600, "abc") == hold_token(600.0, "abc")


def test_the_token():
    assert hold_token(600.0, "abc") == b"af2ce8109cfde7d0f7c0f4d0ef1795e9847b3911479c6ae8cc00f07fdae74c19\n"


@pytest.mark.parametrize(("seconds", "nonce"), [(600.0, "abd"), (600.5, "abc"), (60.0, "0abc")])
def test_every_request_has_its_own_token(seconds, nonce):
    assert hold_token(seconds, nonce) != hold_token(600.0, "abc")


def test_acknowledging_on_a_connection_that_is_gone():
    class Gone:
        def get_extra_info(self, name):
            return None

    acknowledge_on(None)
    acknowledge_on(Gone())


def test_acknowledging_on_a_closed_socket():
    class Closed(asyncio.BaseTransport):
        def get_extra_info(self, name, default=None):
            sock = socket.socket()
            sock.close()
            return sock

    acknowledge_on(Closed())


def test_a_drip_is_asked_for():
    assert hold_query(600, "abc", 60) == "/hold?seconds=600.0&nonce=abc&drip=60.0"


def test_where_the_witness_is():
    assert witness_path("abc") == "/hold/abc"


@pytest.mark.parametrize("body", [b"", b".", b"....."])
def test_what_dripped_is_no_part_of_the_answer(body):
    token = hold_token(600, "abc")
    assert without_drip(body + token) == token
    assert without_drip(body) == b""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("599.5", 599.5),
        (str(LONGEST_HOLD_S), LONGEST_HOLD_S),
        (str(LONGEST_HOLD_S + 1), None),
        ("-1", None),
        ("inf", None),
        ("nan", None),
        ("ten", None),
        ("", None),
    ],
)
def test_only_a_length_of_time_can_be_asked_for(text, seconds):
    assert read_seconds(text) == seconds


@pytest.mark.parametrize(
    ("headers", "nonce"),
    [
        ([(b"date", b"today"), (b"hbprobe-nonce", b"0Abc9")], "0Abc9"),
        ([(b"Hbprobe-Nonce", b" abc ")], "abc"),
        ([(b"date", b"today")], ""),
        ([(b"hbprobe-nonce", b"")], ""),
        ([(b"hbprobe-nonce", b"../events")], ""),
        ([(b"hbprobe-nonce", "ä".encode("latin-1"))], ""),
        ([(b"hbprobe-nonce", b"a" * 65)], ""),
    ],
)
def test_the_nonce_that_an_answer_announces(headers, nonce):
    assert nonce_announced(headers) == nonce


@given(st.integers(0, 2**128 - 1))
def test_a_nonce_among_settings_of_http2(number):
    nonce = f"{number:032x}"
    settings = nonce_settings(nonce)
    assert all(0xF000 <= name <= 0xFFFF and 0 <= value < 2**32 for name, value in settings.items())
    assert nonce_set({1: 4096, 4: 65535, 0xFAFA: 7, **settings}) == nonce


@pytest.mark.parametrize("left_out", range(4))
def test_settings_of_http2_that_announce_no_nonce(left_out):
    settings = nonce_settings("0123456789abcdef" * 2)
    del settings[list(settings)[left_out]]
    assert nonce_set(settings) == nonce_set({}) == ""
