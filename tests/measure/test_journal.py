import json
import os
from dataclasses import replace

import pytest

from hbprobe.errors import UserError
from hbprobe.manner import Aftermath, Manner
from hbprobe.measure.journal import Journal, header
from hbprobe.search.search import SearchSettings
from hbprobe.trial.outcome import Cause, Kind, Outcome, Trial

SETTINGS = SearchSettings()
HEADER = header("https://mail.example:443/", "hold", SETTINGS)
OUTCOMES = [
    Outcome(Kind.SURVIVED, 599.5),
    *(
        Outcome(Kind.CUT, 603.25, Manner.SILENT, aftermath=aftermath, reason="nothing came")
        for aftermath in (None, *Aftermath)
    ),
    Outcome(Kind.CUT, 350.001, Manner.RESET, exact=True, reason="RST"),
    Outcome(
        Kind.CUT,
        350.5,
        Manner.RESET,
        exact=True,
        causes=(Cause.RESET_BY_BOX, Cause.RESET_BY_SERVER),
        evidence=("RST", "ü"),
    ),
    Outcome(Kind.CUT, 600, Manner.CLOSED, reason="FIN after TLS's close_notify"),
    Outcome(Kind.CUT, 60.5, Manner.STATUS, exact=True, status=504, reason="status 504 from a proxy"),
    Outcome(Kind.FAILED, 0.1, status=401, reason="status 401: the server wants a login"),
    Outcome(Kind.FAILED, 0, reason='odd "text"\nwith \x1b[31m marks and ü'),
]
TRIALS = [Trial(number, 60.5 + number, 1000.0 * number, outcome) for number, outcome in enumerate(OUTCOMES, 1)]


def write(path, *trials, describes=HEADER):
    with Journal(path, describes, resume=False) as journal:
        for trial in trials:
            journal.started(trial.number, trial.hold_s, trial.started_s)
            journal.ended(trial)
    return path


def resume(path, describes=HEADER):
    with Journal(path, describes, resume=True) as journal:
        return journal


def refuses(path, describes=HEADER):
    with pytest.raises(UserError) as error:
        resume(path, describes)
    return str(error.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def test_the_lines(path):
    with Journal(path, HEADER, resume=False) as journal:
        journal.started(1, 3540.0, 0.0)
        journal.started(2, 1800.5, 0.0)
        journal.ended(Trial(2, 1800.5, 0.0, OUTCOMES[1]))
        journal.abandoned(1, 1803.5)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {
            "schema": "hbprobe.journal/1",
            "target": "https://mail.example:443/",
            "method": "hold",
            "search": {
                "min_s": 60.0,
                "max_s": 3540.0,
                "precision_s": 1.0,
                "connections": 1,
                "confirm": 1,
                "grace_s": 3.0,
                "noise": 0.0,
                "confidence": 0.95,
            },
        },
        {"event": "start", "trial": 1, "hold_s": 3540.0, "started_s": 0.0},
        {"event": "start", "trial": 2, "hold_s": 1800.5, "started_s": 0.0},
        {
            "event": "end",
            "trial": 2,
            "hold_s": 1800.5,
            "started_s": 0.0,
            "kind": "cut",
            "elapsed_s": 603.25,
            "how": "silent",
            "exact": False,
            "status": None,
            "aftermath": None,
            "reason": "nothing came",
            "causes": [],
            "evidence": [],
        },
        {"event": "abandoned", "trial": 1, "at_s": 1803.5},
    ]


def test_each_line_is_on_disk_before_anything_goes_on(path, monkeypatch):
    on_disk = []
    monkeypatch.setattr(os, "fsync", lambda _: on_disk.append(path.read_bytes().count(b"\n")))
    with Journal(path, HEADER, resume=False) as journal:
        journal.started(1, 60.0, 0.0)
        journal.ended(TRIALS[0])
        journal.abandoned(2, 1.0)
    assert on_disk == [1, 2, 3, 4]


def test_every_outcome_comes_back_as_it_was(path):
    journal = resume(write(path, *TRIALS))
    assert list(journal.trials) == TRIALS
    assert journal.last_number == len(TRIALS)


def test_an_older_journal_knows_no_causes(path):
    write(path, TRIALS[0])
    *lines, last = path.read_text().splitlines()
    older = {key: value for key, value in json.loads(last).items() if key not in ("causes", "evidence")}
    path.write_text("\n".join([*lines, json.dumps(older), ""]))
    assert list(resume(path).trials) == TRIALS[:1]


def test_a_trial_that_was_started_or_given_up_leaves_its_number(path):
    write(path, TRIALS[0])
    with Journal(path, HEADER, resume=True) as journal:
        journal.started(7, 60.0, 0.0)
        journal.abandoned(8, 1.0)
    assert resume(path).last_number == 8
    assert list(resume(path).trials) == TRIALS[:1]


def test_going_on_appends(path):
    write(path, TRIALS[0])
    with Journal(path, HEADER, resume=True) as journal:
        journal.ended(TRIALS[1])
    assert list(resume(path).trials) == TRIALS[:2]


def test_a_line_that_was_cut_off_is_dropped(path):
    write(path, *TRIALS[:2])
    whole = path.read_bytes()
    lengths = range(whole[:-1].rindex(b"\n") + 2, len(whole))
    for length in lengths:
        path.write_bytes(whole[:length])
        with Journal(path, HEADER, resume=True) as journal:
            assert list(journal.trials) == TRIALS[:1]
            journal.ended(TRIALS[1])
        assert path.read_bytes() == whole


def test_a_journal_with_only_a_header(path):
    journal = resume(write(path))
    assert list(journal.trials) == []
    assert journal.last_number == 0


# Journals that cannot be used


def test_one_that_exists_is_not_overwritten(path):
    write(path, TRIALS[0])
    before = path.read_bytes()
    with pytest.raises(UserError) as error:
        Journal(path, HEADER, resume=False)
    assert str(error.value) == f"{path}: exists already; go on with it by --resume, or name another file"
    assert path.read_bytes() == before


def test_a_folder_that_does_not_exist(tmp_path):
    path = tmp_path / "nowhere" / "journal.jsonl"
    with pytest.raises(UserError) as error:
        Journal(path, HEADER, resume=False)
    assert str(error.value) == f"{path}: cannot be written: No such file or directory"


def test_one_that_is_not_there(path):
    assert refuses(path) == f"{path}: cannot be read: No such file or directory"


def test_one_that_is_a_folder(tmp_path):
    assert refuses(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"


def test_a_disk_that_is_full(path, monkeypatch):
    with Journal(path, HEADER, resume=False) as journal:
        monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(UserError) as error:
            journal.started(1, 60.0, 0.0)
    assert str(error.value) == f"{path}: cannot be written: No space left on device"


URL = "https://mail.example:443/"


@pytest.mark.parametrize(
    ("describes", "difference"),
    [
        (
            header("https://a.example:443/", "hold", SETTINGS),
            f"target is {URL} there and https://a.example:443/ here",
        ),
        (header(URL, "idle", SETTINGS), "method is hold there and idle here"),
        (header(URL, "hold", replace(SETTINGS, min_s=30.0)), "min is 60.0 there and 30.0 here"),
        (header(URL, "hold", replace(SETTINGS, max_s=900.0)), "max is 3540.0 there and 900.0 here"),
        (header(URL, "hold", replace(SETTINGS, precision_s=5.0)), "precision is 1.0 there and 5.0 here"),
        (header(URL, "hold", replace(SETTINGS, confirm=2)), "confirm is 1 there and 2 here"),
        (header(URL, "hold", replace(SETTINGS, grace_s=9.0)), "grace is 3.0 there and 9.0 here"),
    ],
)
def test_the_journal_of_another_search(path, describes, difference):
    write(path, TRIALS[0])
    assert refuses(path, describes) == f"{path}: is the journal of another search: {difference}"


def test_the_number_of_connections_may_differ(path):
    write(path, TRIALS[0])
    describes = header("https://mail.example:443/", "hold", replace(SETTINGS, connections=8))
    assert list(resume(path, describes).trials) == TRIALS[:1]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"notes that are no journal, and have no line end",
        b'{"schema":"hbprobe.journal/1","tar',
        b'{"schema":"hbprobe.journal/2"}\n',
        b'{"schema":"hbprobe.result/1"}\n',
        b'{"event":"start"}\n',
    ],
)
def test_another_file_is_refused_and_left_as_it_is(path, text):
    path.write_bytes(text)
    assert refuses(path) == f"{path}: is no journal of this version (hbprobe.journal/1); start a new one"
    assert path.read_bytes() == text


@pytest.mark.parametrize("search", ["null", "[]", "5", '"min_s"'])
def test_a_header_that_is_damaged(path, search):
    path.write_text(
        f'{{"schema":"hbprobe.journal/1","target":"https://mail.example:443/","method":"hold","search":{search}}}\n'
    )
    assert refuses(path) == f"{path}: is the journal of another search: min is None there and 60.0 here"


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff", b"[1]", b"5", b'{"event":', b"[" * 100_000])
def test_garbage_in_the_middle(path, garbage):
    write(path, TRIALS[0])
    path.write_bytes(path.read_bytes() + garbage + b"\n")
    assert refuses(path) == f"{path}:4: is no line of a journal; start a new one"


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("kind", "cancelled", "ValueError(\"'cancelled' is not a valid Kind\")"),
        ("how", "loud", "ValueError(\"'loud' is not a valid How\")"),
        ("aftermath", "x", "ValueError(\"'x' is not a valid Aftermath\")"),
        ("elapsed_s", "soon", "ValueError(\"could not convert string to float: 'soon'\")"),
        ("elapsed_s", -1, "ValueError('-1 is no time')"),
        ("hold_s", float("nan"), "ValueError('nan is no time')"),
        ("started_s", 1e999, "ValueError('inf is no time')"),
        ("status", "x", "ValueError(\"invalid literal for int() with base 10: 'x'\")"),
        ("trial", None, "TypeError"),
        ("causes", ["bad-luck"], "ValueError(\"'bad-luck' is not a valid Cause\")"),
        ("evidence", None, "TypeError"),
    ],
)
def test_a_damaged_trial(path, key, value, what):
    write(path, TRIALS[0])
    *lines, last = path.read_text().splitlines()
    path.write_text("\n".join([*lines, json.dumps(json.loads(last) | {key: value}), ""]))
    message = refuses(path)
    assert message.startswith(f"{path}:3: a trial is damaged ({what}")
    assert message.endswith("); start a new journal")


def test_a_trial_that_lacks_something(path):
    write(path, TRIALS[0])
    *lines, last = path.read_text().splitlines()
    event = json.loads(last)
    del event["exact"]
    path.write_text("\n".join([*lines, json.dumps(event), ""]))
    assert refuses(path) == f"{path}:3: a trial is damaged (KeyError('exact')); start a new journal"
