import pytest

from hbprobe.probe.outcome import Aftermath, How, Limit
from hbprobe.report.words import death_words, effort_words, how_words, limit_words, path_words, thresholds


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (Limit(599.4, 600.3, How.SILENT), "survives 599.4 s, cut at 600.3 s: silent"),
        (Limit(59.5, 60.0, How.STATUS, status=504, exact=True), "survives 59.5 s, cut at 60 s: HTTP status 504"),
        (Limit(None, 5.003, How.RESET, exact=True), "cut at 5.003 s: reset (RST); shorter holds were not tried"),
        (Limit(3540, None), "survives 3540 s, the longest hold tried"),
        (Limit(None, None), "unknown: no trial told anything"),
    ],
)
def test_limit(limit, expected):
    assert limit_words(limit, with_how=True) == expected


def test_limit_without_how():
    assert limit_words(Limit(599.4, 600.3, How.SILENT)) == "survives 599.4 s, cut at 600.3 s"


@pytest.mark.parametrize(
    ("how", "status", "expected"),
    [
        (How.SILENT, None, "silent"),
        (How.RESET, None, "reset (RST)"),
        (How.CLOSED, None, "closed (FIN)"),
        (How.STATUS, 504, "HTTP status 504"),
        (How.STATUS, None, "an HTTP status"),
        (None, None, "cut"),
    ],
)
def test_how(how, status, expected):
    assert how_words(Limit(1, 2, how, status)) == expected


def test_death_with_what_came_after():
    assert death_words(Limit(1, 2, How.SILENT, aftermath=Aftermath.RESET)) == [
        "silent: nothing comes; a box forgets the connection without a word",
        "one more packet was answered with RST: the state is lost, and the box says so when asked",
    ]


def test_death_by_status_names_it():
    assert death_words(Limit(1, 2, How.STATUS, 504)) == [
        "HTTP status 504: a box on the way answers in the server's place"
    ]


def test_no_death():
    assert death_words(Limit(3540, None)) == []


@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("aftermath", Aftermath)
def test_every_death_has_words(how, aftermath):
    assert len(death_words(Limit(1, 2, how, aftermath=aftermath))) == 2


def test_effort(measure, cutting_at):
    result = measure(cutting_at(600), path_s=34560, wall_s=0.1)
    assert effort_words(result) == "13 trials, 9 h 36 min of path time in 0.1 s of wall time"


def test_path(measure, cutting_at):
    assert path_words(measure(cutting_at(600), path=("nat", "proxy"))) == "nat, then proxy"
    assert path_words(measure(cutting_at(600), path=())) == "https://127.0.0.1:8443"


def test_thresholds_are_those_of_the_verdict_or_the_defaults(ten_minutes):
    defaults = {"shortest heartbeat 60 s": 60, "alert threshold 540 s": 540, "longest heartbeat 3540 s": 3540}
    assert thresholds(None) == defaults
    assert thresholds(ten_minutes.verdict) == defaults
    settings = {"min_heartbeat_s": 120, "alert_threshold_s": 480, "max_heartbeat_s": 900}
    assert thresholds({"settings": settings}) == {
        "shortest heartbeat 120 s": 120,
        "alert threshold 480 s": 480,
        "longest heartbeat 900 s": 900,
    }
