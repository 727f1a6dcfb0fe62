import json
import sqlite3
from dataclasses import replace

import pytest

from hbprobe.errors import UserError
from hbprobe.trial.outcome import Kind, Outcome, Trial
from hbprobe.watch.store import Measurement, State, Store, StoredTrials


def test_a_measurement_from_begin_to_finish(store, trial, result_of):
    begun = store.begin("office", '{"a": 1}', 1000.0)
    assert begun == Measurement(1, "office", '{"a": 1}', 1000.0, 1000.0, State.RUNNING, "", None, None, None)
    assert store.latest("office") == begun and store.result(1) is None
    store.add_trial(1, trial, 1600.0)
    assert store.latest("office") == replace(begun, seen_at=1600.0)
    store.finish(1, result_of(599.5, 600.5), 2000.0)
    done = replace(begun, seen_at=2000.0, state=State.DONE, survived_s=599.5, cut_s=600.5, healthy=False)
    assert store.measurements("office") == store.measurements() == [done]
    assert json.loads(store.result(1))["limit"]["cut"] == 600.5


def test_a_trial_comes_back_as_it_was(store, trial):
    number = store.begin("office", "{}", 0).id
    plain = Trial(2, 60.0, 0.0, Outcome(Kind.SURVIVED, 60.0))
    store.add_trial(number, trial, 1)
    store.add_trial(number, plain, 2)
    assert store.trials(number) == [plain, trial]
    assert store.trials(number + 1) == []


def test_what_a_run_finds(store, trial):
    number = store.begin("office", "{}", 0).id
    first = StoredTrials(store, number, lambda: 5.0)
    assert (list(first.trials), first.last_number) == ([], 0)
    first.started(1, 60, 0)
    first.ended(trial)
    first.abandoned(5, 0)
    again = StoredTrials(store, number, lambda: 6.0)
    assert (again.trials, again.last_number) == ([trial], 4)
    assert store.latest("office").seen_at == 5.0


def test_no_verdict_and_an_end_without_a_result(store, result_of):
    first, second = store.begin("a", "{}", 0).id, store.begin("a", "{}", 1).id
    store.finish(first, result_of(None, None), 2)
    store.end(second, State.FAILED, "no route")
    one, other = store.measurements("a")
    assert (one.state, one.healthy, one.survived_s) == (State.DONE, None, None)
    assert (other.state, other.reason, store.result(second)) == (State.FAILED, "no route", None)
    assert store.measurements("a", State.FAILED) == [other]


def test_counts(store, trial, measured):
    measured("a", 0, 60, 61)
    measured("b", 0, 60, 61)
    store.add_trial(1, trial, 0)
    assert store.count("a") == ({"done": 1}, {"cut": 1})
    assert store.count("b") == ({"done": 1}, {})
    assert store.count("c") == ({}, {})


def test_it_is_there_for_the_next_one_and_for_others_meanwhile(tmp_path, trial):
    file = tmp_path / "w.sqlite"
    with Store(file, create=True) as writer:
        number = writer.begin("a", "{}", 0).id
        with Store(file, create=False) as reader:
            writer.add_trial(number, trial, 1)
            assert reader.trials(number) == [trial]
    with Store(file, create=True) as again:
        assert again.trials(number) == [trial]


def test_what_was_written_is_written_through(store):
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_one_trial_a_number(store, trial):
    number = store.begin("a", "{}", 0).id
    store.add_trial(number, trial, 1)
    with pytest.raises(UserError, match="UNIQUE constraint failed"):
        store.add_trial(number, trial, 2)
    assert store.latest("a").seen_at == 1, "nothing of it is there"


def test_no_such_database(tmp_path):
    with pytest.raises(UserError, match=r"none\.sqlite: no such database: hbprobe watch makes it"):
        Store(tmp_path / "none.sqlite", create=False)


def test_something_else(tmp_path):
    (tmp_path / "text").write_text("text, and enough of it to be no empty database" * 20)
    with pytest.raises(UserError, match="text: cannot be used as a database: file is not a database"):
        Store(tmp_path / "text", create=True)
    with pytest.raises(UserError, match="cannot be used as a database: unable to open database file"):
        Store(tmp_path, create=True)
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("CREATE TABLE mine (a)")
    other.close()
    with pytest.raises(UserError, match="other: is no database of this hbprobe: name another file"):
        Store(tmp_path / "other", create=True)
