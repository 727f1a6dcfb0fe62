"""Small servers of line protocols: what they answer is what their protocols say, whole and in pieces; what any client
of hbprobe says to them is in tests/trial/talks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbprobe.farend.responders import (
    EchoResponder,
    ImapResponder,
    LdapResponder,
    MqttResponder,
    PostgresqlResponder,
    RedisResponder,
    SmtpResponder,
    SshResponder,
)

ASKED = {
    EchoResponder: (b"what?\r\n", b"what?\r\n"),
    RedisResponder: (b"PING\r\nping\n\r\nGET x\r\n", b"+PONG\r\n+PONG\r\n-ERR unknown command\r\n"),
    SmtpResponder: (b"NOOP\r\nVRFY ada\r\n", b"250 OK\r\n502 Command not implemented\r\n"),
    ImapResponder: (b"a1 NOOP\r\na2 LIST\r\n", b"a1 OK NOOP completed\r\na2 BAD unknown command\r\n"),
    MqttResponder: (
        bytes.fromhex("100c 0004 4d515454 04 02 0000 0000  c000  3080 01") + bytes(128) + bytes.fromhex("c000"),
        bytes.fromhex("20020000 d000 d000"),
    ),
    LdapResponder: (
        bytes.fromhex("300c 020101 6007 020103 0400 8000  3081 08 02020105 6302 0400  3005 020103 4200"),
        bytes.fromhex("300c 020101 6107 0a0100 0400 0400  300d 02020105 6507 0a0100 0400 0400"),
    ),
    PostgresqlResponder: (bytes.fromhex("00000008 04d2162f 00000009 00030000 00 00000008 04d21630"), b"NN"),
    SshResponder: (
        b"SSH-2.0-x\r\n" + 2 * (bytes.fromhex("0000000c 0a c0") + bytes(10)),
        b"".join(bytes.fromhex(f"0000000c 06 03 {number:08x}") + bytes(6) for number in (0, 1)),
    ),
}


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("make", ASKED)
def test_questions_are_answered(make, size):
    asked, answers = ASKED[make]
    responder = make()
    said = b"".join(responder.take(asked[at : at + size]) for at in range(0, len(asked), size))
    assert said == answers


@pytest.mark.parametrize("make", ASKED)
@settings(max_examples=50, deadline=None)
@given(pieces=st.lists(st.binary(max_size=40), max_size=6))
def test_nothing_that_comes_breaks_one(make, pieces):
    responder = make()
    for piece in pieces:
        assert isinstance(responder.take(piece), bytes)


def test_ssh_packets_are_whole_blocks():
    version, _, packet = SshResponder.greeting.partition(b"\r\n")
    assert version.startswith(b"SSH-2.0-")
    assert int.from_bytes(packet[:4]) == len(packet) - 4
    assert len(packet) % 8 == 0
    assert packet[4] >= 4, "padding (RFC 4253, section 6)"
