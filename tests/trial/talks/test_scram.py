"""SCRAM-SHA-256 with the numbers of RFC 7677, section 3, whose user is named in the first message."""

import pytest

from hbprobe.trial.talks.scram import Scram

NONCE = "rOprNGfwEbeRWgbNEkqO"
CHALLENGE = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"


@pytest.fixture
def scram(monkeypatch):
    scram = Scram("pencil", NONCE)
    assert scram.first() == f"n,,n=,r={NONCE}".encode()
    monkeypatch.setattr(scram, "_bare", f"n=user,r={NONCE}".encode())
    return scram


def test_the_example_of_the_rfc(scram):
    assert scram.final(CHALLENGE) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert scram.is_server(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert not scram.is_server(b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"e=other-error",
        b"r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        CHALLENGE.replace(b"4096", b"99999999"),
        CHALLENGE.replace(b"i=4096", b"i=many"),
        CHALLENGE.replace(b"W22", b"\xff"),
    ],
)
def test_no_challenge(scram, challenge):
    with pytest.raises(ValueError):  # noqa: PT011  whatever is wrong with it
        scram.final(challenge)


def test_before_the_challenge_nobody_has_shown_anything():
    assert not Scram("pencil", NONCE).is_server(b"v=")
