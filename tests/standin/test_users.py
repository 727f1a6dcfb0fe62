"""Who may log in, and Basic authentication."""

import base64

import pytest

from hbprobe.standin.users import Users, mailbox_of, read_basic

USERS = Users(users={"alice": "secret", "Bob": "pässwort: long"})


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("login", "password", "admitted"),
    [
        ("alice", "secret", True),
        (r"EXAMPLE\alice", "secret", True),
        ("ALICE", "secret", True),
        ("bob", "pässwort: long", True),
        ("alice", "Secret", False),
        ("alice", "", False),
        ("bob", "secret", False),
        ("carol", "", False),
        ("carol", "secret", False),
    ],
)
def test_who_is_admitted(login, password, admitted):
    assert USERS.admits(login, password) is admitted


@pytest.mark.parametrize(
    ("header", "read"),
    [
        (basic("alice:a:b"), ("alice", "a:b")),
        ("basic " + basic("alice:").removeprefix("Basic "), ("alice", "")),
        (basic("alice"), None),
        (basic(":secret"), None),
        (basic("EXAMPLE\\:secret"), None),
        ("Basic ???", None),
        ("Basic /w==", None),
        ("Basic", None),
        ("Bearer YTpi", None),
        ("", None),
    ],
)
def test_basic_authentication(header, read):
    assert read_basic(header) == read


def test_names_of_one_mailbox():
    assert {mailbox_of(name) for name in ("alice", "Alice", r"EXAMPLE\ALICE")} == {"alice"}


@pytest.mark.parametrize(
    ("users", "told"),
    [
        ({}, "name at least one user, as in alice: PASSWORD"),
        ({"EX\\": "a"}, r"'EX\\\\' is no name of a user"),
        ({"alice": "a", "EXAMPLE\\Alice": "b"}, r"alice and EXAMPLE\\Alice are the same user: leave one out"),
    ],
)
def test_users_that_nobody_could_tell_apart_are_refused(users, told):
    with pytest.raises(ValueError, match=told):
        Users(users=users)
