import pytest

from hbprobe.report.documents.sources import discreet_text, redacted

HIDDEN = [
    ("https://me:pa55@host:8443/x", "https://***@host:8443/x"),
    ("https://me@host/", "https://***@host/"),
    ("https://host/x?key=s3cret&b=2 came", "https://host/x?*** came"),
    ("GET /Sync?User=eva&DeviceId=1 failed", "GET /Sync?*** failed"),
    ("https://host/x?s3cret came", "https://host/x?*** came"),
    ("h2://host:443/?s3cret==, and", "h2://host:443/?*** and"),
    ("GET /Sync?s3cret failed", "GET /Sync?*** failed"),
    ("Authorization: Basic ZXZhOnBhc3M=", "Authorization: ***"),
    ("sent cookie=abc; d=e", "sent cookie: ***"),
    ("it sent Bearer eyJhbGciOi.J9", "it sent Bearer ***"),
    ("answered NTLM TlRMTVNTUAAB", "answered NTLM ***"),
    ("password=hunter2, then", "password=*** then"),
    ("Password: 'two words' then", "Password=*** then"),
    ('{"access_token":"abc def"}', '{"access_token=***}'),
    ("api-key=1 SESSIONID=2", "api-key=*** SESSIONID=***"),
]


@pytest.mark.parametrize(("text", "left"), HIDDEN)
def test_what_is_hidden(text, left):
    assert discreet_text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "https://probe.example.net:8443/",
        "the server's certificate was not verified (--insecure)",
        "client > a?b > server: what now? nothing came",
        "401: basic authentication is wanted",
        "HTTP status 504 after 300.1 s",
        "the answer has the wrong token",
    ],
)
def test_what_stays(text):
    assert discreet_text(text) == text


def test_data_is_gone_through_to_the_bottom():
    data = {"a": ["https://u:p@h/", 1, None, True], "password": "x", "token": 5, "verdict": {"Cookie": "x", "b": "y"}}
    assert redacted(data) == {
        "a": ["https://***@h/", 1, None, True],
        "password": "***",
        "token": 5,
        "verdict": {"Cookie": "***", "b": "y"},
    }


@pytest.mark.parametrize(
    "letters", ["a", "a-", "?", "basic ", "://", "cookie ", "token", "a?b", "token' ", "xpassword"]
)
def test_a_long_text_of_a_server_does_not_take_for_ever(letters):
    """A time that grows with the square of this length is more than ten seconds even of the plainest expression."""
    text = letters * (200_000 // len(letters))
    assert discreet_text(text)


def test_the_name_of_a_secret_may_be_long():
    assert discreet_text("x" * 200 + "-password=hunter2") == "x" * 200 + "-password=***"
    assert redacted({"x" * 200 + "_token": "abc"}) == {"x" * 200 + "_token": "***"}
