import contextlib
import json
import os
import sqlite3
from dataclasses import replace

import pytest

from hbprobe.errors import UserError
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Cause, Kind, Outcome, Trial
from hbprobe.watch import store as module
from hbprobe.watch.store import Measurement, State, Store, only_watch


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


def test_what_another_program_wrote_is_a_line(store, trial, measured):
    measured("a", 0.0, 60, 61)
    store.add_trial(1, trial, 0)
    for change, message in (
        ("measurement SET state = 'martian'", "measurement 1: state: Input should be 'running', 'done', "),
        ("measurement SET started_at = 'noon'", "measurement 1: started_at: Input should be a valid number"),
        ("measurement SET cut_s = 9e999", "measurement 1: cut_s: Input should be a finite number"),
        ("measurement SET seen_at = 1e300", "measurement 1: seen_at: Input should be less than or equal to"),
        ("measurement SET reason = x'ff'", "measurement 1: reason: Input should be a valid string"),
        ("measurement SET result = x'78'", "result of measurement 1: cannot be read: it is cut short"),
        ("measurement SET result = x'00ff'", "result of measurement 1: cannot be read: Error -3"),
        ("trial SET trial = '{}'", "trial of measurement 1: trial: Field required"),
        ("trial SET trial = 'x'", "trial of measurement 1: cannot be read: Expecting value"),
    ):
        store._db.execute("BEGIN")
        store._db.execute(f"UPDATE {change}")
        with pytest.raises(UserError) as raised:
            (store.measurements(), store.trials(1), store.result(1))
        store._db.execute("ROLLBACK")
        assert str(raised.value).startswith(f"{store.path}: {message}") and "\n" not in str(raised.value)


def test_measurements_are_ordered_by_number(store, measured):
    """A clock was set back by a day."""
    measured("a", 200_000.0, 60, 61)
    measured("a", 113_600.0, 30, 31)
    assert [one.cut_s for one in store.measurements("a")] == [61, 31]
    assert store.latest("a").cut_s == 31


def test_results_are_kept_compressed_and_plain_ones_are_read(store, measured, result_of):
    number = measured("a", 0, 60, 61)
    (kept,) = store._db.execute("SELECT result FROM measurement").fetchone()
    plain = store.result(number)
    assert isinstance(kept, bytes) and len(kept) < len(plain) / 2
    store._db.execute("UPDATE measurement SET result = ?", (plain,))
    assert store.result(number) == plain


VERSION_1 = """
CREATE TABLE measurement (id INTEGER PRIMARY KEY, target TEXT NOT NULL, asked TEXT NOT NULL, started_at REAL NOT NULL,
    seen_at REAL NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', survived_s REAL, cut_s REAL,
    healthy INTEGER, result TEXT);
CREATE INDEX measurement_by_target ON measurement (target, started_at);
CREATE TABLE trial (measurement INTEGER NOT NULL REFERENCES measurement (id), number INTEGER NOT NULL,
    outcome TEXT NOT NULL, trial TEXT NOT NULL, PRIMARY KEY (measurement, number)) WITHOUT ROWID;
INSERT INTO measurement VALUES (7, 'a', '{}', 1.0, 2.0, 'done', '', 60.0, 61.0, 1, '{"old": true}');
INSERT INTO trial VALUES (7, 4, 'cut', '{"number":4,"hold_s":75.0,"started_s":1.0,"outcome":{"kind":"cut",
    "elapsed_s":61.0,"how":"status","status":504,"exact":true,"aftermath":null,"causes":["proxy-status"],"evidence":["x"],
    "reason":"HTTP 504","again":false,"outage":false}}');
PRAGMA user_version = 1; PRAGMA application_id = 0x68627072; PRAGMA journal_mode = WAL;
"""


def test_a_database_of_an_older_hbprobe(tmp_path, result_of):
    file = tmp_path / "old.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as old:
        old.executescript(VERSION_1)
    file.chmod(0o644)
    with Store(file, create=False) as reader:
        assert (reader.latest("a").cut_s, reader.result(7)) == (61.0, '{"old": true}')
        told = {"causes": (Cause.PROXY_STATUS,), "evidence": ("x",), "reason": "HTTP 504"}
        outcome = Outcome(Kind.CUT, 61.0, Manner.STATUS, exact=True, status=504, **told)
        assert reader.trials(7) == [Trial(4, 75.0, 1.0, outcome)]
    with Store(file, create=True) as writer:
        assert file.stat().st_mode & 0o777 == 0o600
        assert writer.begin("a", "{}", 3.0).id == 8
        writer.finish(8, result_of(60, 61), 4.0)
    with Store(file, create=True) as again:
        assert again.result(7) == '{"old": true}' and json.loads(again.result(8))["limit"]["cut"] == 61


def test_no_count_reads_what_trials_showed(store):
    """All that is asked at each look at the metrics is answered from indexes."""
    plans = []
    for words in (
        "SELECT outcome, count(*) FROM trial JOIN measurement ON id = measurement WHERE target = ? GROUP BY outcome",
        "SELECT state, count(*) FROM measurement WHERE target = ? GROUP BY state",
    ):
        plans += [row[3] for row in store._db.execute(f"EXPLAIN QUERY PLAN {words}", ("a",))]
    searches = [plan for plan in plans if plan.startswith("SEARCH")]
    assert len(searches) == 3 and all("COVERING INDEX" in plan for plan in searches), plans


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_folder_that_cannot_be_written(tmp_path, store, measured):
    measured("a", 0, 60, 61)
    tmp_path.chmod(0o500)
    with Store(store.path, create=False) as reader:
        assert reader.latest("a").cut_s == 61
    tmp_path.chmod(0o700)


def test_a_disk_that_is_read_only(store, measured, monkeypatch):
    """Where SQLite can put nothing beside the file, it opens one that is closed, and an open one is a line."""
    measured("a", 0, 60, 61)
    really = module._to_read

    class Refused:
        def execute(self, _):
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error

        def close(self):
            pass

    monkeypatch.setattr(module, "_to_read", lambda path, how: really(path, how) if "immutable" in how else Refused())
    with pytest.raises(
        UserError, match=r"its folder cannot be written, and it was not closed: copy it, together with"
    ):
        Store(store.path, create=False)
    store.close()
    with Store(store.path, create=False) as reader:
        assert reader.latest("a").cut_s == 61


# One watch at a time


def test_one_watch_at_a_time(tmp_path):
    database = tmp_path / "watch.sqlite"
    with (
        only_watch(database),
        pytest.raises(UserError, match=r"watch\.sqlite: another hbprobe watch works on it"),
        only_watch(database),
    ):
        pass
    with only_watch(database):
        pass
    assert not database.exists()


def test_no_watch_where_nothing_can_be_written(tmp_path):
    with (
        pytest.raises(UserError, match=r"x\.lock: cannot be written: unable to open database file"),
        only_watch(tmp_path / "no" / "x"),
    ):
        pass
