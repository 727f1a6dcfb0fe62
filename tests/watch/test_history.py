import pytest

from hbprobe import __version__
from hbprobe.report.plots.history_plot import History, Point
from hbprobe.watch.changes import Change, MeasuredBracket
from hbprobe.watch.history import change_words, document, histories, measurement_words, when
from hbprobe.watch.store import Measurement, State


def test_a_history(store, measured):
    for at, limit in enumerate([(3540.0, None), (299.5, 300.5), (299.5, 300.5)]):
        measured("office", at * 3600.0, *limit)
    measured("alone", 0.0, 60.0, 61.0)
    store.end(store.begin("office", "{}", 10800.0).id, State.FAILED, "no route")
    alone, office = histories(store)
    assert (alone.target, len(alone.measurements), alone.changes) == ("alone", 1, [])
    assert office.picture() == History(
        "office",
        (Point(0.0, 3540.0, None), Point(3600.0, 299.5, 300.5), Point(7200.0, 299.5, 300.5)),
        ((3600.0, "300.5 s instead of 3540 s or more"),),
    )
    assert [one.target for one in histories(store, "office")] == ["office"]
    assert histories(store, "none") == []


def test_the_json_form(store, measured):
    for at, limit in enumerate([(3599.5, 3600.5), (299.5, 300.5), (299.5, 300.5)]):
        measured("office", at * 3600.0, *limit)
    store.begin("office", "{}", 10800.0)
    written = document(histories(store)).to_dict()
    assert (written["schema"], written["hbprobe"]) == ("hbprobe.history/1", __version__)
    (office,) = written["targets"]
    assert office["changes"] == [
        {
            "since": "1970-01-01T01:00:00Z",
            "before": {"survived": 3599.5, "cut": 3600.5},
            "after": {"survived": 299.5, "cut": 300.5},
            "text": "since Thursday 1970-01-01 01:00 UTC the path cuts at 300.5 s instead of 3600.5 s",
        }
    ]
    assert office["measurements"][0] == {
        "id": 1,
        "started_at": "1970-01-01T00:00:00Z",
        "ended_at": "1970-01-01T00:01:00Z",
        "state": "done",
        "reason": "",
        "survived": 3599.5,
        "cut": 3600.5,
        "healthy": True,
    }
    assert (office["measurements"][3]["state"], office["measurements"][3]["ended_at"]) == ("running", None)


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
