from dataclasses import fields

import hbprobe
from hbprobe.measure import description
from hbprobe.measure.description import FIELDS, describe, is_sealed, seal
from hbprobe.measure.request import Journalling, Request
from hbprobe.search.search import SearchSettings


def journalled():
    """The requests that keep a journal."""
    public = (getattr(hbprobe, name) for name in hbprobe.__all__)
    return [
        each
        for each in public
        if isinstance(each, type) and issubclass(each, Request) and issubclass(each, Journalling)
    ]


def test_each_field_of_each_request_changes_trials_or_does_not():
    assert {each.__name__ for each in journalled()} == {"Probe", "Diagnose", "Locate", "Lab"}
    assert {each.name for kind in journalled() for each in fields(kind) if each.init} == FIELDS.keys()


def test_a_secret_is_known_again_and_stands_nowhere():
    sealed = seal(b"geheim", b"salt")
    assert "geheim" not in sealed
    assert sealed != seal(b"geheim", b"other salt")
    assert is_sealed(sealed, b"geheim")
    assert not is_sealed(sealed, b"other")


def test_nothing_is_the_same_as_nothing_only():
    assert is_sealed("", b"")
    assert is_sealed(None, b"")
    assert not is_sealed("", b"geheim")
    assert not is_sealed(seal(b"geheim", b"salt"), b"")


def test_what_is_no_digest_is_that_of_nothing():
    assert not any(is_sealed(text, b"geheim") for text in ("pbkdf2$", "pbkdf2$x$y", "geheim", 5, [1]))


def test_the_digests_come_last(monkeypatch):
    monkeypatch.setattr(description, "_ROUNDS", 1)
    described = describe("https://h/?a=geheim", "hold", SearchSettings(), {"send": b"geheim"}, label="home")
    assert "geheim" not in str(described)
    *_, query, send = described.kept(lambda length: b"x" * length).items()
    assert [query[0], send[0]] == ["query", "send"]
    assert is_sealed(query[1], b"https://h/?a=geheim")
