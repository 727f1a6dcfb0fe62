import pytest

from hbprobe.diagnosis.heartbeat import heartbeat_words, lives, safe_interval_s
from hbprobe.trial.outcome import Limit

CUT = Limit(59.5, 60.5)
OPEN = Limit(3540, None)
LOW = Limit(None, 60)
UNKNOWN = Limit(None, None)


@pytest.mark.parametrize(
    ("limit", "safe_s"), [(CUT, 29), (Limit(349.5, 350.5), 174), (Limit(3, 4), 1.5), (OPEN, None), (LOW, None)]
)
def test_half_of_what_survived_is_safe(limit, safe_s):
    assert safe_interval_s(limit) == safe_s


@pytest.mark.parametrize(
    ("limit", "heartbeat_s", "alive"),
    [
        (CUT, 55, True),
        (CUT, 59.5, True),
        (CUT, 60, None),
        (CUT, 60.5, False),
        (OPEN, 3540, True),
        (OPEN, 4000, None),
        (LOW, 30, None),
        (UNKNOWN, 30, None),
    ],
)
def test_a_heartbeat_lives_below_what_survived(limit, heartbeat_s, alive):
    assert lives(limit, heartbeat_s) is alive


@pytest.mark.parametrize(
    ("limit", "heartbeat_s", "words"),
    [
        (CUT, 25, "a heartbeat every 25 s lives, with 34.5 s to spare"),
        (CUT, 55, "a heartbeat every 55 s lives, with 4.5 s to spare; none may be lost or so late"),
        (CUT, 90, "a heartbeat every 1 min 30 s is too seldom: silence of 60.5 s was cut"),
        (
            CUT,
            60,
            (
                "whether a heartbeat every 1 min lives is not known: it lies between 59.5 s, which survived, and "
                "60.5 s, which was cut (--precision)"
            ),
        ),
        (OPEN, 4000, "a heartbeat every 1 h 6 min 40 s was not tried: nothing longer than 3540 s was (--max)"),
        (LOW, 30, "a heartbeat every 30 s was not tried: nothing shorter than 60 s was (--min)"),
        (UNKNOWN, 30, "a heartbeat every 30 s was not tried: no trial told anything"),
        (OPEN, 55, "a heartbeat every 55 s lives: nothing was cut"),
    ],
)
def test_in_words(limit, heartbeat_s, words):
    assert heartbeat_words(limit, heartbeat_s) == words
