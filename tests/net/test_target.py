import pytest

from hbprobe.net.target import Scheme, Target

CHAT = {"wss": Scheme(tls=True, port=443), "ws": Scheme(tls=False, port=80)}
ANY_PORT = {"tcp": Scheme(tls=False, port=None)}
RAW = {"tls": Scheme(tls=True, port=None), **ANY_PORT}
MIXED = {**CHAT, **ANY_PORT}


@pytest.mark.parametrize(
    ("url", "target", "written", "authority"),
    [
        ("https://mail.example", Target(True, "mail.example", 443, "/"), "https://mail.example:443/", "mail.example"),
        ("HTTP://Mail.Example/", Target(False, "mail.example", 80, "/"), "http://mail.example:80/", "mail.example"),
        (
            "https://[::1]:8443/a/b?c=d#e",
            Target(True, "::1", 8443, "/a/b?c=d"),
            "https://[::1]:8443/a/b?c=***",
            "[::1]:8443",
        ),
        (
            "http://mail.example/@me?a=b@c",
            Target(False, "mail.example", 80, "/@me?a=b@c"),
            "http://mail.example:80/@me?a=***",
            "mail.example",
        ),
        ("http://10.0.0.1:81", Target(False, "10.0.0.1", 81, "/"), "http://10.0.0.1:81/", "10.0.0.1:81"),
        (
            "https://bücher.example/ä b?ü",
            Target(True, "xn--bcher-kva.example", 443, "/%C3%A4%20b?%C3%BC"),
            "https://xn--bcher-kva.example:443/%C3%A4%20b?***",
            "xn--bcher-kva.example",
        ),
    ],
)
def test_a_url_is_taken_apart(url, target, written, authority):
    assert Target.parse(url) == target
    assert str(target) == written
    assert target.authority == authority


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("wss://h/live?token=Geheim42", "wss://h:443/live?token=***"),
        ("wss://h/?a=1&token=Geheim42&b", "wss://h:443/?a=***&token=***&***"),
        ("ws://h:81?token=Geheim42#x", "ws://h:81?token=***"),
    ],
)
def test_what_may_be_a_secret_is_asked_for_and_not_told(url, told):
    target = Target.parse(url, CHAT)
    assert str(target) == f"{target}" == told
    assert "token=Geheim42" in target.path and "token=Geheim42" in target.url
    assert Target.parse(target.url, CHAT) == target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "mail.example:443",
        "ftp://mail.example/",
        "https://",
        "https:///path",
        "https://:443/",
        "https://mail.example:0/",
        "https://mail.example:65536/",
        "https://mail.example:https/",
        "https://[::1/",
        f"https://{'a' * 64}.example/",
    ],
)
def test_what_is_no_url_to_probe(url):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        Target.parse(url)
    assert str(error.value) == f"{url!r} is no URL to probe: write https://HOST[:PORT][/PATH]"


@pytest.mark.parametrize(
    "url",
    [
        "https://me@mail.example/",
        "https://me:secret@mail.example/",
        "https://:secret@mail.example?a",
        "ftp://me:secret@mail.example/",
        "https://me:secret@[::1/",
    ],
)
def test_a_url_with_a_password_is_refused_without_repeating_it(url):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        Target.parse(url)
    assert str(error.value) == "a URL to probe holds no user name or password"


@pytest.mark.parametrize(
    "url",
    [
        "me:Geheim42@mail.example/",
        "//me:Geheim42@mail.example/",
        "https:/me:Geheim42@mail.example",
        "https:me:Geheim42@mail.example",
        r"https:\\me:Geheim42@mail.example",
        "https//me:Geheim42@mail.example",
        "me:Geheim42%40mail.example",
        "https://me:Geheim42%40mail.example/",
        "https://me:Geheim42/@mail.example/",
        "mail.example/?token=Geheim42",
        "mail.example/?Geheim42",
        "mail.example/?Geheim42=",
        "mail.example/#Geheim42",
        "ftp://mail.example/?token=Geheim42&user=me",
    ],
)
def test_no_mistake_in_a_url_repeats_a_secret(url):
    with pytest.raises(ValueError, match="no URL to probe: write") as error:
        Target.parse(url)
    assert "Geheim42" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "schemes", "written", "tls", "authority"),
    [
        ("wss://h/live", CHAT, "wss://h:443/live", True, "h"),
        ("WS://h", CHAT, "ws://h:80/", False, "h"),
        ("tcp://h:99", ANY_PORT, "tcp://h:99/", False, "h:99"),
    ],
)
def test_other_schemes(url, schemes, written, tls, authority):
    target = Target.parse(url, schemes)
    assert (str(target), target.tls, target.authority) == (written, tls, authority)


@pytest.mark.parametrize(
    ("url", "schemes", "mend"),
    [
        ("https://h/", CHAT, "wss://HOST[:PORT][/PATH]"),
        ("wss://h/", {"https": Scheme(tls=True, port=443)}, "https://HOST[:PORT][/PATH]"),
        ("tcp://h", ANY_PORT, "tcp://HOST:PORT[/PATH]"),
        ("tcp://h", RAW, "tcp://HOST:PORT[/PATH]"),
        ("TLS://h", RAW, "tls://HOST:PORT[/PATH]"),
        ("ftp://h", RAW, "tls://HOST:PORT[/PATH]"),
        ("ws://", CHAT, "ws://HOST[:PORT][/PATH]"),
        ("h:80", CHAT, "wss://HOST[:PORT][/PATH]"),
        ("tcp://h", MIXED, "tcp://HOST:PORT[/PATH]"),
        ("wss://", MIXED, "wss://HOST[:PORT][/PATH]"),
    ],
)
def test_what_is_no_url_of_these_schemes(url, schemes, mend):
    with pytest.raises(ValueError, match="is no URL to probe") as error:
        Target.parse(url, schemes)
    assert str(error.value).endswith(f"write {mend}")
