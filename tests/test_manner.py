"""The table of expiries: each row is whole, and agrees with itself."""

import pytest

from hbprobe.manner import LOOKS, Act, Aftermath, Expiry, Layer, Manner


@pytest.mark.parametrize(
    ("act", "heard"),
    [
        (Act.MUTE, Manner.SILENT),
        (Act.LISTEN, Manner.SILENT),
        (Act.RESET_ON_NEXT, Manner.SILENT),
        (Act.RESET, Manner.RESET),
        (Act.CLOSE, Manner.CLOSED),
    ],
)
def test_what_an_end_hears_at_expiry(act, heard):
    assert act.heard is heard


@pytest.mark.parametrize("expiry", Expiry)
def test_each_row_agrees_with_itself(expiry):
    traits = expiry.traits
    assert expiry.meaning
    assert traits.layers
    assert expiry.ends is (traits.manner is not None) is (traits.look is not None)
    assert (traits.http_act is not None) is (Layer.HTTP in traits.layers)
    assert traits.answers is (traits.manner is Manner.STATUS)
    if traits.act is not None:
        assert traits.manner is traits.act.heard, "a client that waits sees what its end hears"
    if traits.aftermath is not None:
        assert traits.manner is Manner.SILENT, "one more packet is for who was told nothing"


def test_which_expiries_tell_an_end_anything():
    assert [expiry for expiry in Expiry if expiry.tells] == [Expiry.RESET_ON_NEXT, Expiry.RESET, Expiry.CLOSE]
    assert [expiry for expiry in Expiry if not expiry.ends] == [Expiry.REBALANCE]
    assert Expiry.RESET_ON_NEXT.traits.aftermath is Aftermath.RESET


def test_looks_are_told_apart_without_colour():
    looks = [LOOKS[manner] for manner in Manner]
    for trait in ("label", "color", "hatch", "marker"):
        assert len({getattr(look, trait) for look in looks}) == len(Manner)
