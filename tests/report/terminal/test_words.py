from dataclasses import replace

import pytest

from hbprobe.exchange.settings import Settings
from hbprobe.manner import Aftermath, Manner
from hbprobe.report.terminal.words import (
    cause_words,
    confidence_words,
    death_words,
    effort_words,
    how_words,
    limit_words,
    path_words,
    server_words,
    thresholds,
)
from hbprobe.trial.outcome import Cause, Limit


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (Limit(599.4, 600.3, Manner.SILENT), "survives 599.4 s, cut at 600.3 s: silent"),
        (Limit(59.5, 60.0, Manner.STATUS, status=504, exact=True), "survives 59.5 s, cut at 60 s: HTTP status 504"),
        (Limit(None, 5.003, Manner.RESET, exact=True), "cut at 5.003 s: reset (RST); shorter holds were not tried"),
        (Limit(3540, None), "survives 3540 s; nothing beyond 59 min was tried"),
        (Limit(None, None), "unknown: no trial told anything"),
    ],
)
def test_limit(limit, expected):
    assert limit_words(limit, with_how=True) == expected


def test_limit_without_how():
    assert limit_words(Limit(599.4, 600.3, Manner.SILENT)) == "survives 599.4 s, cut at 600.3 s"


@pytest.mark.parametrize(
    ("how", "status", "expected"),
    [
        (Manner.SILENT, None, "silent"),
        (Manner.RESET, None, "reset (RST)"),
        (Manner.CLOSED, None, "closed (FIN)"),
        (Manner.STATUS, 504, "HTTP status 504"),
        (Manner.STATUS, None, "an HTTP status"),
        (None, None, "cut"),
    ],
)
def test_how(how, status, expected):
    assert how_words(Limit(1, 2, how, status)) == expected


def test_death_with_what_came_after():
    assert death_words(Limit(1, 2, Manner.SILENT, aftermath=Aftermath.RESET)) == [
        "silent: nothing comes, and the client waits on",
        "one more packet was answered with RST: the state is lost, and the box says so when asked",
    ]


def test_what_came_after_is_evidence_and_not_said_twice():
    limit = Limit(1, 2, Manner.SILENT, aftermath=Aftermath.RESET, evidence=("one more packet from here was",))
    assert death_words(limit) == ["silent: nothing comes, and the client waits on"]


def test_causes_and_what_shows_them():
    assert cause_words((), ()) == []
    assert cause_words((Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER), ("FIN came after 5 s", "b")) == [
        "a proxy closed the connection; or the server closed the connection",
        "- FIN came after 5 s",
        "- b",
    ]


def test_death_by_status_names_it():
    assert death_words(Limit(1, 2, Manner.STATUS, 504)) == ["HTTP status 504: an answer comes, and not the server's"]


@pytest.mark.parametrize(
    ("confidence", "noise", "expected"),
    [
        (0.99876, 0.1, "to 99.8 % at least, if 10 % of the trials die for other reasons than the timer"),
        (0.99999, 0.02, "to 99.9 % at least, if 2 % of the trials die for other reasons than the timer"),
        (0.5, 0.025, "to 50 % at least, if 2.5 % of the trials die for other reasons than the timer"),
    ],
)
def test_confidence_is_never_rounded_up(confidence, noise, expected):
    assert confidence_words(confidence, noise) == expected


def test_no_death():
    assert death_words(Limit(3540, None)) == []


@pytest.mark.parametrize("how", Manner)
@pytest.mark.parametrize("aftermath", Aftermath)
def test_every_death_has_words(how, aftermath):
    limit = Limit(1, 2, how, aftermath=aftermath)
    assert len(death_words(limit)) == (2 if limit.heard is how else 1)


@pytest.mark.parametrize(
    ("how", "aftermath", "end"), [(Manner.RESET, Aftermath.RESET, "RST"), (Manner.CLOSED, Aftermath.CLOSED, "FIN")]
)
def test_who_is_told_only_when_asking_does_not_notice_before(how, aftermath, end):
    (words,) = death_words(Limit(1, 2, how, aftermath=aftermath))
    assert words.endswith(f": nothing comes; the client notices when it next speaks, and is answered with {end}")


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
    settings = Settings(min_heartbeat_s=120, alert_threshold_s=480, max_heartbeat_s=900)
    assert thresholds(replace(ten_minutes.verdict, settings=settings)) == {
        "shortest heartbeat 120 s": 120,
        "alert threshold 480 s": 480,
        "longest heartbeat 900 s": 900,
    }


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ((60, 3540, "15.2"), "ActiveSync 14.1 (release 15.2), takes heartbeats from 60 s to 3540 s"),
        ((60, None, None), "ActiveSync 14.1, takes heartbeats from 60 s"),
        ((None, 900, None), "ActiveSync 14.1, takes heartbeats to 900 s"),
        ((None, None, None), "ActiveSync 14.1, does not tell which heartbeats it takes"),
    ],
)
def test_what_a_server_said_of_itself(told, text):
    names = ("min_heartbeat_s", "max_heartbeat_s", "release")
    assert server_words({"protocol": "14.1", **dict(zip(names, told, strict=True))}) == text
