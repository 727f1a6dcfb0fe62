from hbprobe import __version__
from hbprobe.report.plots.history_plot import History, Point
from hbprobe.watch.history import document, histories
from hbprobe.watch.store import State


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
