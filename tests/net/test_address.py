"""Addresses, read and written."""

import errno
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.net.address import Address, cannot_listen, is_loopback, name_of


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8443", "127.0.0.1", 8443),
        ("mail.example.com:443", "mail.example.com", 443),
        ("[::1]:8443", "::1", 8443),
        ("[fe80::1%eth0]:25", "fe80::1%eth0", 25),
        ("localhost:0", "localhost", 0),
        ("localhost:65535", "localhost", 65535),
        ("[127.0.0.1]:80", "127.0.0.1", 80),
    ],
)
def test_reads(text, host, port):
    assert Address.parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "8443",
        ":8443",
        "localhost",
        "localhost:",
        "localhost:https",
        "localhost:65536",
        "localhost:-1",
        "localhost:+1",
        "localhost: 1",
        "localhost:8_443",
        "localhost:٣",
        "localhost:" + "0" * 5000,
        "[]:8443",
        "::1",
        "2001:db8::1",
        "a:b:80",
        "::1:https",
        "[::1:8443",
        "[::1]",
        "::1]:8443",
    ],
)
def test_refuses(text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        Address.parse(text)
    assert str(caught.value) == f"{text!r} is no HOST:PORT: write 127.0.0.1:8443 or [::1]:8443"


@pytest.mark.parametrize("text", ["http://user:S3cret@h:1/", "https://h:S3cret/", "user:S3cret@h:1", "S3cret@h:1"])
def test_what_may_hold_a_password_is_not_repeated(text):
    with pytest.raises(ValueError, match=r"^a URL, or a user's name, is no HOST:PORT: write") as caught:
        Address.parse(text)
    assert "S3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "mend"),
    [("::1:8443", "[::1]:8443"), ("fe80::1:443", "[fe80::1]:443"), (":::443", "[::]:443")],
)
def test_an_ipv6_address_wants_brackets(text, mend):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        Address.parse(text)
    assert str(caught.value) == f"{text!r}: write an IPv6 address in brackets, {mend}"


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address("127.0.0.1", 80), "127.0.0.1:80"),
        (Address("mail.example.com", 443), "mail.example.com:443"),
        (Address("::1", 443), "[::1]:443"),
    ],
)
def test_writes(address, text):
    assert str(address) == text


@given(st.ip_addresses(), st.integers(0, 65535))
def test_what_was_written_can_be_read(host, port):
    address = Address(str(host), port)
    assert Address.parse(str(address)) == address


def test_names_what_the_socket_module_gives():
    assert name_of(("127.0.0.1", 40000)) == "127.0.0.1:40000"
    assert name_of(("::1", 40000, 0, 0)) == "[::1]:40000"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EADDRINUSE, "bound"), "Address already in use; stop what listens there or choose another"),
        (OSError(errno.EACCES, "denied"), "Permission denied; choose another"),
        (OSError(errno.EADDRNOTAVAIL, "not mine"), "Cannot assign requested address; choose another"),
        (socket.gaierror(socket.EAI_NONAME, "unknown host"), "unknown host; choose another"),
        (OSError("broken"), "broken; choose another"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="other systems have other words")
def test_says_why_it_cannot_listen(error, words):
    told = cannot_listen(Address("::1", 443), error)
    assert str(told) == f"cannot listen on [::1]:443: {words} with --listen HOST:PORT"
    assert told.exit_status == 2


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("example.org", False),
        ("localhost.example.org", False),
    ],
)
def test_only_this_machine_is_loopback(host, answer):
    assert is_loopback(host) is answer
