import math

import pytest

from hbprobe.probe.prior import Prior


def test_counts_known_timers_and_smooths_the_rest() -> None:
    prior = Prior({300.0: 0.25, 600.0: 0.75})
    assert prior.candidates(60, 3600) == [300.0, 600.0]
    assert prior.candidates(300, 600) == []
    assert prior.between(299.5, 300.5) > 0.85 * 0.25
    assert prior.between(0, 299.5) < 0.15
    assert prior.between(301, 302) == pytest.approx(0.15 * math.log(302 / 301) / math.log(7 * 86400))


def test_a_bracket_includes_its_upper_end_as_a_limit_does() -> None:
    prior = Prior({300.0: 1.0})
    assert prior.between(299.5, 300.0) > 0.85
    assert prior.between(300.0, 301.0) < 0.15


def test_the_open_end_holds_the_timers_above() -> None:
    assert Prior({300.0: 0.5, 86400.0: 0.5}).between(3540, math.inf) == pytest.approx(0.85 * 0.5)
