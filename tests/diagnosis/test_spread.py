import pytest

from hbprobe.diagnosis.spread import spread_holds, spread_of
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Kind, Limit, Outcome, Trial


@pytest.mark.parametrize(
    ("limit", "holds"),
    [
        (Limit(599, 600, Manner.RESET), (900, 900, 900)),
        (Limit(599, 600, Manner.SILENT), (150, 525, 900)),
        (Limit(3540, None), (3540, 3540, 3540)),
    ],
)
def test_trials_are_held_where_they_tell_most(limit, holds):
    assert spread_holds(limit, 3, 3540) == holds


def test_a_single_trial():
    assert spread_holds(Limit(599, 600, Manner.SILENT), 1, 3540) == (150,)


def test_the_sum():
    lived = Trial(1, 60, 0, Outcome(Kind.SURVIVED, 60))
    cut = Trial(2, 120, 0, Outcome(Kind.CUT, 100, Manner.RESET, True))
    assert spread_of([lived]).fit is None
    spread = spread_of([lived, cut])
    assert spread.trials == (lived, cut)
    assert spread.fit is not None
