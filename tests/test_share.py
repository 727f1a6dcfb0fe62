"""Shares as people write them."""

import pytest

from hbprobe.share import parse_share


@pytest.mark.parametrize(("text", "value"), [("0.1", 0.1), ("10%", 0.1), ("0", 0.0), ("99.9%", 0.999)])
def test_reads_fractions_and_percentages(text, value):
    assert parse_share(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "%", "1", "100%", "-0.1", "nan", "inf", "a lot", "10 %%"])
def test_everything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"is no share: write 0\.1 or 10%"):
        parse_share(text)
