"""The answer in sentences."""

import pytest

from hbprobe.evidence.logs.answer.log_findings import COUNTED_BY, bracket_words, findings_of, sure_words
from hbprobe.records.logs import CoveragePart, EventPart, PassiveLimitPart, WindowsPart

QUIET = WindowsPart(samples=0, full=False, lowest_s=None, judged_until=None, rebuilt=0, logged=0, both=0)
FULL = WindowsPart(
    samples=300, full=True, lowest_s=599, judged_until="1970-01-01T00:00:00Z", rebuilt=0, logged=0, both=0
)
FIRED = FULL.model_copy(update={"lowest_s": 479, "rebuilt": 1})
COVERAGE = CoveragePart(
    requests=1, devices=1, users=1, waits=1, answered=1, told=0, silent=0, moved=0, unknown=0, failed=0, refused=0,
    heartbeat_from_blob=1, heartbeat_from_time_taken=0,
)  # fmt: skip


def limit(judgement="limit", **more):
    said = {
        "by": "network", "key": "wifi", "survived": 298.0, "cut": 300.0, "how": "silent", "confidence": 0.9987,
        "gain": 50.0, "eps": 0.0, "hit": 1.0, "silences": 100, "losses": 30, "devices": 9, "longest_answered": 290.0,
        "longest_asked": 600.0,
    }  # fmt: skip
    return PassiveLimitPart(judgement=judgement, **(said | more))


def event(average_s, *, rebuilt=True, logged=False, at=None):
    return EventPart(
        at=at, server="EX1", command="Ping", average_s=average_s, threshold_s=480, rebuilt=rebuilt, logged=logged
    )


def texts(*limits, together=None, windows=QUIET, events=(), both=0, coverage=COVERAGE, held=False, **counts):
    known = dict.fromkeys(COUNTED_BY, 0) | counts
    windows = windows.model_copy(update={"logged": sum(one.logged for one in events), "both": both})
    found = findings_of(limits, together, windows, events, known, coverage, is_held_against=held)
    return [f"{one.severity}: {one.text}" for one in found]


TOLD = {
    "fixed": (
        limit(),
        "wifi: waiting requests die at 298 to 300 s (99.9 % sure), in silence; its idle timer must be above 11 min",
    ),
    "several": (
        limit("several", how="told", confidence=None, survived=298.041, cut=299.797),
        "wifi: several limits, or one that varies; losses set in at 298 to 300 s, and devices are told (RST",
    ),
    "nowhere": (
        limit(key="-"),
        "on networks that the log does not tell, of which there may be several: waiting requests die at 298 to 300 s",
    ),
    "without a time": (
        limit("too-little"),
        "wifi: 30 of 100 waiting requests seem lost: more than accident explains, and at no time that tells a limit",
    ),
    "not all": (
        limit(hit=0.93),
        "(99.9 % sure), in silence, but 7% of those that last longer are answered; its idle timer",
    ),
    "without what is asked for": (
        limit(longest_asked=None),
        "in silence; its idle timer must be above what devices ask for there, which the log does not tell",
    ),
    "perhaps of devices": (
        limit(own_doing=("iPhone", "WP", "Android", "Nokia")),
        "in silence; or iPhone, WP, Android and others asked late after answers (asleep, or gathering requests)",
    ),
    "several, perhaps of devices": (
        limit("several", own_doing=("iPhone",)),
        "in silence; or iPhone asked late after answers (asleep, or gathering requests), which looks the same: see",
    ),
    "of a device": (
        limit(by="device"),
        "1 device with waiting requests that die after some time, as the table has it",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_limit_is_told_as_far_as_it_is_known(name):
    one, told = TOLD[name]
    (found,) = texts(one)
    assert found.startswith("problem: ") and told in found


@pytest.mark.parametrize("judgement", ["none-seen", "too-little"])
def test_where_no_limit_is_known_none_is_told(judgement):
    assert texts(limit(judgement, losses=3)) == []


def test_what_all_share_stands_first():
    first, *rest = texts(limit(), together=(299.0, 300.0))
    assert first == "problem: all networks share 299 to 300 s: the box is on your side of them, before the server"
    assert len(rest) == 1
    (first, *_) = texts(limit(own_doing=("iPhone",)), together=(299.0, 300.0))
    assert first.endswith("before the server, or devices do it on their own")


BOTH, LOGGED = event(479, logged=True), event(470, rebuilt=False, logged=True)
EVENTS = {
    "nothing": ({}, None),
    "not": ({"windows": FULL}, "note: event 1040 does not fire: the lowest average is 599 s"),
    "rebuilt": (
        {"windows": FIRED, "events": [event(479)]},
        "problem: event 1040: 1 time by the requests in the log, with an average of 479 s",
    ),
    "both": (
        {"windows": FIRED, "events": [BOTH, LOGGED], "both": 1, "held": True},
        "problem: event 1040: 1 time by the requests in the log, 2 logged, 1 of them the same, with averages from 4",
    ),
    "logged": (
        {"events": [LOGGED], "held": True},
        "problem: event 1040: 1 time logged, and no log has the intervals that led to it, with an average of 470 s",
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_event_1040(name):
    asked, told = EVENTS[name]
    found = texts(**asked)
    assert len(found) == (told is not None) and (told is None or found[0].startswith(told))


def test_devices_in_trouble_are_counted_with_their_report():
    failed = COVERAGE.model_copy(update={"failed": 2})
    blocked, logins, errors = texts(blocked=2, login_loops=1, coverage=failed)
    assert blocked == "note: 2 devices blocked or in quarantine: hbprobe logs ... --report blocked"
    assert logins.endswith("1 device refused at login ten times or more in a row: hbprobe logs ... --report logins")
    assert errors.startswith("note: 2 waiting requests ended with an HTTP error, which says nothing of the networks")


@pytest.mark.parametrize(("after_s", "then", "is_told"), [(240, 60, True), (240, 40, False), (0, 90, False)])
def test_errors_after_one_time_are_those_of_a_front_end(after_s, then, is_told):
    failed = COVERAGE.model_copy(update={"failed": 100, "failed_after": after_s, "failed_then": then})
    (told,) = texts(coverage=failed)
    words = (
        f"problem: 100 waiting requests ended with an HTTP error, {then} of them after {after_s} s: a front end or"
    )
    assert told.startswith(words) is is_told
    assert is_told or told.startswith("note: 100 waiting requests ended with an HTTP error, which says nothing")


def test_words_of_a_bracket_and_of_how_sure_it_is():
    assert (bracket_words(300.0, 300.0), bracket_words(298.0, 300.5)) == ("300 s", "298 to 300.5 s")
    assert (sure_words(1.0), sure_words(0.9504)) == (">99.9 %", "95.0 %")


def test_which_logged_events_cannot_be_among_the_rebuilt_ones_is_told():
    times = ("1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z", "1970-01-01T00:00:09Z", "1969-12-31T23:00:00")
    events = [event(480, rebuilt=False, logged=True, at=at) for at in times]
    (told,) = texts(windows=FULL, events=events, held=True)
    assert "4 logged, 0 of them the same, 2 later than is judged, 1 at times without a zone, with an average" in told
