"""STARTTLS and logins: what is said, in which order, and what becomes of a trial where the server does not agree."""

import asyncio
import random

import pytest

from hbprobe.net.target import Target
from hbprobe.net.wire import Dialer
from hbprobe.trial.evidence import Question
from hbprobe.trial.methods.method import Environment
from hbprobe.trial.methods.method import make as make_method
from hbprobe.trial.outcome import Cause, Kind
from hbprobe.trial.talks.talk import TalkOptions

TLS = object()
ADA = TalkOptions(user="ada", password='s3"cret', starttls=True)
SECURED = TalkOptions(starttls=True)
PG_TLS = bytes.fromhex("00000008 04d2162f")
PG_STARTUP = bytes.fromhex("00000039 00030000") + b"user\0ada\0database\0shop\0application_name\0hbprobe\0\0"
PG_STRANGER = bytes.fromhex("0000002f 00030000") + b"user\0hbprobe\0application_name\0hbprobe\0\0"
PG_OK, PG_READY = bytes.fromhex("52 00000008 00000000"), bytes.fromhex("5a 00000005 49")
LDAP_TLS = bytes.fromhex("301d 020101 7718 8016") + b"1.3.6.1.4.1.1466.20037"
LDAP_TLS_OK = bytes.fromhex("300c 020101 7807 0a0100 0400 0400")
LDAP_BIND = bytes.fromhex("3016 020102 6011 020103 0403") + b"ada" + bytes.fromhex("8007") + b's3"cret'
LDAP_BOUND = bytes.fromhex("300c 020102 6107 0a0100 0400 0400")
LDAP_SEARCH = (
    "302a 0201{:02x} 6325 0400 0a0100 0a0100 020101 020100 010100 870b 6f626a656374436c617373 3005 0403 312e31"
)
LDAP_DONE = "300c 0201{:02x} 6507 0a0100 0400 0400"
HELLO = (b"EHLO hbprobe.invalid\r\n", b"250-mx.example\r\n250-STARTTLS\r\n250 SIZE\r\n")

TALKS = {
    "imap": (
        ("imap", "/", ADA),
        b"* OK ready\r\n",
        (b"hb STARTTLS\r\n", b"hb OK begin\r\n", TLS),
        (b'hb LOGIN "ada" "s3\\"cret"\r\n', b"* CAPABILITY IMAP4rev1 IDLE\r\nhb OK in\r\n"),
        (b"hb NOOP\r\n", b"hb OK\r\n"),
    ),
    "a mailbox": (
        ("imap", "/INBOX", ADA),
        b"* OK ready\r\n",
        (b"hb STARTTLS\r\n", b"hb OK begin\r\n", TLS),
        (b'hb LOGIN "ada" "s3\\"cret"\r\n', b"hb OK in\r\n"),
        (b'hb EXAMINE "INBOX"\r\n', b"* 3 EXISTS\r\nhb OK [READ-ONLY] open\r\n"),
        (b"hb IDLE\r\n", b"+ idling\r\n"),
        (b"DONE\r\nhb IDLE\r\n", b"hb OK idled\r\n+ idling\r\n"),
    ),
    "smtp": (
        ("smtp", "/", SECURED),
        b"220 mx.example ESMTP\r\n",
        HELLO,
        (b"STARTTLS\r\n", b"220 go ahead\r\n", TLS),
        (b"NOOP\r\n", b"250 ok\r\n"),
    ),
    "ldap": (
        ("ldap", "/", ADA),
        b"",
        (LDAP_TLS, LDAP_TLS_OK, TLS),
        (LDAP_BIND, LDAP_BOUND),
        (bytes.fromhex(LDAP_SEARCH.format(3)), bytes.fromhex(LDAP_DONE.format(3))),
        (bytes.fromhex(LDAP_SEARCH.format(4)), bytes.fromhex(LDAP_DONE.format(4))),
    ),
    "postgresql": (
        ("postgresql", "/shop", ADA),
        b"",
        (PG_TLS, b"S", TLS),
        (PG_STARTUP, bytes.fromhex("52 00000008 00000003")),
        (b'p\0\0\0\x0cs3"cret\0', PG_OK + bytes.fromhex("53 00000008 61006200") + PG_READY),
        (b"S\0\0\0\4", PG_READY),
    ),
    "postgresql, MD5": (
        ("postgresql", "/shop", ADA),
        b"",
        (PG_TLS, b"S", TLS),
        (PG_STARTUP, bytes.fromhex("52 0000000c 00000005 01020304")),
        (b"p\0\0\0\x28md5" + b"9f8196a7e65056f9ec3b5210aa02c990" + b"\0", PG_OK + PG_READY),
        (b"S\0\0\0\4", PG_READY),
    ),
    "postgresql, nobody": (
        ("postgresql", "/", SECURED),
        b"",
        (PG_TLS, b"S", TLS),
        (PG_STRANGER, bytes.fromhex("52 00000008 00000003")),
    ),
    "redis": (
        ("redis", "/", TalkOptions(user="default", password='s3"cret')),
        b"",
        (b'*3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$7\r\ns3"cret\r\n', b"+OK\r\n"),
        (b"PING\r\n", b"+PONG\r\n"),
    ),
    "mqtt": (
        ("mqtt", "/", TalkOptions(user="ada", password="x" * 200)),
        b"",
        (
            bytes.fromhex("10db01 0004 4d515454 04 c2 0000 0000 0003 616461 00c8") + b"x" * 200,
            bytes.fromhex("20020000"),
        ),
        (b"\xc0\0", b"\xd0\0"),
    ),
}


@pytest.fixture
def meet(on_warp, serve, tls_pair):
    """Let a method meet a server that says so much in turn; return the outcomes, and what the server heard."""

    def run(name, path, options, greeting, *turns, hold_s=60, make=lambda method: method.trial(60)):
        heard = []

        async def script(connection):
            connection.send(greeting)
            for _, answer, *more in turns:
                if not (data := await connection.read()):
                    return
                heard.append(data)
                connection.send(answer)
                if more:
                    await connection.start_tls(tls_pair[0])

        async def main():
            async with serve(script) as peer:
                tls = tls_pair[1] if options.starttls else None
                dialer = Dialer(Target(False, "localhost", peer.port, path, name), tls, later=options.starttls)
                return await make(make_method(Environment(name, dialer, 3.0, random.Random(1), talk=options)))

        return on_warp(main()), heard

    return run


@pytest.mark.parametrize("talk", TALKS)
def test_what_is_said(meet, talk):
    where, greeting, *turns = TALKS[talk]
    outcome, heard = meet(*where, greeting, *turns)
    assert heard == [said for said, *_ in turns]
    assert (outcome.kind, round(outcome.elapsed_s)) == (Kind.SURVIVED, 60)


REFUSED = {
    "no STARTTLS": (
        ("imap", "/", SECURED),
        b"* OK ready\r\n",
        (b"", b"hb BAD what?\r\n"),
        "the server refuses STARTTLS: 'hb BAD what?'",
    ),
    "no IMAP login": (
        ("imap", "/", TalkOptions(user="ada", password="x")),
        b"* OK ready\r\n",
        (b"", b"hb NO [AUTHENTICATIONFAILED] no\r\n"),
        "the server refuses the login: 'hb NO [AUTHENTICATIONFAILED] no'",
    ),
    "a mailbox of nobody's": (
        ("imap", "/INBOX", TalkOptions()),
        b"* OK ready\r\n",
        (b"", b""),
        "the URL names a mailbox: nobody opens one without a login",
    ),
    "no SMTP": (
        ("smtp", "/", SECURED),
        b"220 mx\r\n",
        (b"", b"502 what?\r\n"),
        "the server refuses the greeting: '502 what?'",
    ),
    "no LDAP login": (
        ("ldap", "/", TalkOptions(user="cn=ada", password="x")),
        b"",
        (b"", bytes.fromhex("300c 020101 6107 0a0131 0400 0400")),
        "the server refuses the login: 'code 49, invalidCredentials'",
    ),
    "no PostgreSQL TLS": (
        ("postgresql", "/", SECURED),
        b"",
        (b"", b"N"),
        "the server does not encrypt: it has no TLS",
    ),
    "no PostgreSQL TLS for a login": (
        ("postgresql", "/", ADA),
        b"",
        (b"", b"N"),
        "the server does not encrypt: it has no TLS",
    ),
    "no PostgreSQL login": (
        ("postgresql", "/", TalkOptions(user="ada", password="x")),
        b"",
        (b"", b"E\0\0\0\x18SFATAL\0Mwho is ada\0\0"),
        "the server refuses the login: 'who is ada'",
    ),
    "PostgreSQL wants GSSAPI": (
        ("postgresql", "/", TalkOptions(user="ada", password="x")),
        b"",
        (b"", bytes.fromhex("52 00000008 00000007")),
        "the server wants a login of another kind, or does not know the password itself (7)",
    ),
    "no Redis login": (
        ("redis", "/", TalkOptions(user="ada", password="x")),
        b"",
        (b"", b"-WRONGPASS invalid\r\n"),
        "the server refuses the login: '-WRONGPASS invalid'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_server_that_does_not_agree(meet, name):
    where, greeting, turn, reason = REFUSED[name]
    outcome, _ = meet(*where, greeting, turn)
    assert (outcome.kind, outcome.again, outcome.reason) == (Kind.FAILED, False, reason)


def test_a_query_is_no_part_of_a_mailbox_and_its_name_is_not_told(meet):
    opened = (b'hb EXAMINE "Geheim 42"\r\n', b"hb NO none\r\n")
    where = "imap", "/Geheim%2042?token=Geheim43", TalkOptions(user="ada", password="x")
    outcome, _ = meet(*where, b"* OK ready\r\n", (b'hb LOGIN "ada" "x"\r\n', b"hb OK\r\n"), opened)
    assert outcome.reason == "the server refuses the mailbox: 'hb NO none'"


@pytest.mark.parametrize(
    ("answer", "again", "reason"),
    [
        (b"220 are you there?\r\n", False, "TLS: a mail or FTP server answers at this port"),
        (b"", True, "TLS: no end of the handshake within 20 s"),
    ],
)
def test_a_server_that_agrees_and_does_not_begin_tls(meet, answer, again, reason):
    outcome, _ = meet(
        "smtp", "/", SECURED, b"220 mx.example ESMTP\r\n", HELLO, (b"", b"220 go ahead\r\n"), (b"", answer)
    )
    assert (outcome.kind, outcome.again, outcome.reason) == (Kind.FAILED, again, reason)


def test_what_came_before_tls_is_nobodys_word(meet):
    """RFC 3207, section 6: who sits in between may add lines of its own to the agreement."""
    outcome, _ = meet(
        "imap",
        "/",
        ADA,
        b"* OK ready\r\n",
        (b"", b"hb OK begin\r\nhb OK in\r\n", TLS),
        (b"", b"hb NO\r\n"),
    )
    assert outcome.reason == "the server refuses the login: 'hb NO'"


def test_a_session_that_the_server_ends_says_why(on_warp, serve):
    async def script(connection):
        await connection.read()
        connection.send(PG_OK + PG_READY)
        await asyncio.sleep(30)
        words = b"SFATAL\0C57P05\0Mterminating connection due to idle-session timeout\0\0"
        connection.send(b"E" + (4 + len(words)).to_bytes(4) + words)
        connection.close()

    async def main():
        async with serve(script) as peer:
            options = TalkOptions(user="ada", password="x")
            dialer = Dialer(Target(False, "127.0.0.1", peer.port, "/"), None)
            return await make_method(Environment("postgresql", dialer, 3.0, random.Random(1), talk=options)).trial(60)

    outcome = on_warp(main())
    assert (outcome.kind, outcome.causes) == (Kind.CUT, (Cause.CLOSED_BY_SERVER,))
    assert "before that came an error: 'terminating connection due to idle-session timeout'" in outcome.evidence


def test_what_can_be_asked_again_and_again(on_warp):
    async def main():
        dialer = Dialer(Target(False, "127.0.0.1", 9, "/"), None)

        def asks(name, **options):
            method = make_method(Environment(name, dialer, 3.0, random.Random(1), talk=TalkOptions(**options)))
            return Question.BOTH_DRIP in method.asks, method.notes

        said = "logged in as ada: what a server allows before the login does not count"
        assert asks("postgresql") == (False, ())
        assert asks("postgresql", user="ada", starttls=True) == (True, (said, "TLS began by STARTTLS"))
        assert asks("raw") == (False, ())
        assert asks("raw", send=b"x") == (True, ())

    on_warp(main())


@pytest.mark.parametrize(
    ("expect", "answer", "reason"),
    [
        (b"", b"anything", None),
        (b"+PONG", b"+PO", "the answer is not the one that is expected: '+PO'"),
        (b"+PONG", b"-ERR\r\n+PONG\r\n", None),
    ],
)
def test_bytes_of_ones_own(meet, expect, answer, reason):
    options = TalkOptions(send=b"\x00PING\r\n", expect=expect)
    outcome, heard = meet("raw", "/", options, b"hello", (b"", answer))
    assert heard == [b"\x00PING\r\n"]
    assert (outcome.kind is Kind.SURVIVED, outcome.reason or None) == (reason is None, reason)


def test_bytes_that_nobody_answers(meet):
    async def both(method):
        return await method.prove(), await method.trial(60)

    (proof, trial), _ = meet("raw", "/", TalkOptions(send=b"x"), b"", make=both)
    assert proof.reason == "the server does not answer a question that is asked at once"
    assert trial.kind is Kind.CUT
