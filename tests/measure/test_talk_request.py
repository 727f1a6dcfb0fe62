"""What a user says of a talk: what goes with which method, and that no secret goes where it must not."""

import pytest

import hbprobe
from hbprobe.cli.request_options import option_of
from hbprobe.errors import RequestError
from hbprobe.measure.request import target_of
from hbprobe.trial.talks.talk import NO_OPTIONS


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch):
    for name in ("HBPROBE_PASSWORD", "HBPROBE_HEADERS"):
        monkeypatch.delenv(name, raising=False)


def options(url, **said):
    request = hbprobe.Probe(url, **said)
    return request.talk(target_of(url, request.traits.schemes))


def refused(url, **said):
    with pytest.raises(RequestError) as raised:
        options(url, **said)
    return raised.value.told(option_of)


def test_nothing_said():
    assert options("redis://h") == NO_OPTIONS
    assert options("https://h/") == NO_OPTIONS


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (r"PING\r\n", b"PING\r\n"),
        (r"\x00\xfF\0\t\\n", b"\x00\xff\x00\t\\n"),
        ("größer", "größer".encode()),
        (" ", b" "),
    ],
)
def test_bytes_are_written_as_in_c(text, data):
    assert options("tcp://h:9", send=text, expect=text).send == data
    assert options("tls://h:9", send=text, expect=text).expect == data


@pytest.mark.parametrize(
    ("url", "said", "text"),
    [
        ("tcp://h:9", {"send": ""}, "--send: nothing to send"),
        ("tcp://h:9", {"expect": "x"}, "--expect goes with --send: nothing else is answered"),
        (
            "tcp://h:9",
            {"send": r"\q"},
            r"--send: \q means nothing: write \\ for a backslash; there are \r, \n, \t, \0 and \xHH",
        ),
        (
            "tcp://h:9",
            {"send": "x", "expect": "x\\"},
            r"--expect: \ means nothing: write \\ for a backslash; there are \r, \n, \t, \0 and \xHH",
        ),
        ("redis://h", {"send": "x"}, "--send and --expect go with --method raw"),
        ("rediss://h", {"starttls": True}, "--starttls goes with --method imap, postgresql, smtp or ldap"),
        ("h2://h/", {"subprotocol": ["x"]}, "--subprotocol goes with --method websocket"),
        ("ws://h/", {"subprotocol": "mqtt"}, "--subprotocol: give a list, as in ['mqtt']"),
        ("ws://h/", {"subprotocol": ["a b"]}, "--subprotocol 'a b': no name of a sub-protocol"),
        ("h2://h/", {"headers_file": "x"}, "--headers-file goes with --method websocket or sse"),
        ("h2://h/", {"headers": {"a": "b"}}, "--headers-file goes with --method websocket or sse"),
        ("mqtts://h/", {"password_file": "x"}, "--password-file goes with --user"),
        ("imaps://h/", {"starttls": True}, "--starttls: imaps:// speaks TLS from its beginning: drop --starttls"),
        (
            "redis://h",
            {"user": "ada", "password": "x"},
            "a password or a token goes over TLS only, as in https; redis is for a server on this machine",
        ),
        ("wss://h/", {"headers": {"a b": "c"}}, "--headers-file: 'a b' is no header of HTTP"),
        ("wss://h/", {"headers": {"X": "a\r\nY: b"}}, "--headers-file: 'X' is no header of HTTP"),
        ("wss://h/", {"headers": {"Host": "x"}}, "--headers-file: Host: hbprobe says that itself"),
        (
            "wss://h/",
            {"headers": {"Sec-WebSocket-Key": "x"}},
            "--headers-file: Sec-WebSocket-Key: hbprobe says that itself",
        ),
        (
            "ws://h/",
            {"headers": {"Cookie": "x"}},
            "--headers-file: Cookie would go in the clear: use wss:// or sse+https://",
        ),
    ],
)
def test_what_cannot_be(url, said, text):
    assert refused(url, **said) == text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://127.0.0.1", {}),
        ("redis://localhost", {}),
        ("mqtt://[::1]", {}),
        ("imap://mail.example", {"starttls": True}),
        ("rediss://h", {}),
    ],
)
def test_a_password_goes_over_tls_or_nowhere(url, said):
    found = options(url, user="ada", password="s3cret", **said)
    assert (found.user, found.password) == ("ada", "s3cret")
    assert "s3cret" not in repr(found)


def test_headers_come_from_a_file_or_the_environment(tmp_path, monkeypatch):
    file = tmp_path / "headers"
    file.write_text("Origin: https://app.example\n\nAuthorization: Bearer a:b\n", encoding="utf-8")
    file.chmod(0o600)
    monkeypatch.setenv("HBPROBE_HEADERS", "Cookie: s3cret")
    named = options("wss://h/", headers_file=file)
    assert named.headers == (("Origin", "https://app.example"), ("Authorization", "Bearer a:b"))
    assert options("sse+https://h/").headers == (("Cookie", "s3cret"),)
    assert options("rediss://h/") == NO_OPTIONS, "which has no headers"
    assert "s3cret" not in repr(options("wss://h/"))


def test_files_that_hold_no_headers(tmp_path):
    binary, wrong = tmp_path / "binary", tmp_path / "wrong"
    binary.write_bytes(b"\xff")
    wrong.write_text("Bearer s3cret\n")
    missing = tmp_path / "missing"
    assert refused("wss://h/", headers_file=missing) == (
        f"--headers-file {missing}: cannot be read: No such file or directory"
    )
    assert refused("wss://h/", headers_file=binary) == f"--headers-file {binary}: is not text in UTF-8"
    assert refused("wss://h/", headers_file=wrong) == ("--headers-file: write a line 'Name: value' for each header")


def test_certificates_of_a_connection_that_is_plain_at_first(tmp_path):
    request = hbprobe.Probe("imap://h", starttls=True, insecure=True)
    dialer = request.dialer(target_of("imap://h", request.traits.schemes))
    assert (dialer.tls, dialer.target.tls) == (True, False)
    plain = hbprobe.Probe("imap://h", insecure=True)
    with pytest.raises(RequestError) as raised:
        plain.dialer(target_of("imap://h", plain.traits.schemes))
    text = "--ca and --insecure go with TLS; there is no certificate in imap"
    assert raised.value.told(option_of) == text
