import pytest

from hbprobe.watch.changes import Change, MeasuredBracket
from hbprobe.watch.store import Measurement, State
from hbprobe.watch.words import change_words, measurement_words, when

TUESDAY = 1795528800.0  # 2026-11-24 14:00 UTC


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ((3599.0, 3600.0), (299.0, 300.0), "cuts at 300 s instead of 3600 s"),
        ((3540.0, None), (299.0, 300.0), "cuts at 300 s instead of carrying 3540 s"),
        ((299.0, 300.0), (3540.0, None), "carries 3540 s instead of cutting at 300 s"),
    ],
)
def test_a_change(before, after, words):
    change = Change(MeasuredBracket(0, *before), MeasuredBracket(TUESDAY, *after))
    assert change_words(change) == f"since Tuesday 2026-11-24 14:00 UTC the path {words}"


def test_a_time():
    assert when(TUESDAY + 5.9) == "2026-11-24 14:00:05"


@pytest.mark.parametrize(
    ("state", "reason", "limit", "words"),
    [
        (State.DONE, "", (599.5, 600.5), "survives 599.5 s, cut at 600.5 s"),
        (State.DONE, "", (3540.0, None), "survives 3540 s; nothing beyond 59 min was tried"),
        (State.RUNNING, "", (None, None), "has not ended yet"),
        (State.FAILED, "no route", (None, None), "could not measure: no route"),
        (State.GIVEN_UP, "too old", (None, None), "given up: too old"),
    ],
)
def test_a_measurement(state, reason, limit, words):
    assert measurement_words(Measurement(1, "a", "{}", 0, 0, state, reason, *limit, None)) == words
