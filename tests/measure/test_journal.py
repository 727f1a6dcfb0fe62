import json
import os
import sys
import threading
from dataclasses import replace

import pytest
from support.faults import full_disk

from hbprobe.errors import RequestError, UserError
from hbprobe.manner import Aftermath, Manner
from hbprobe.measure.description import describe
from hbprobe.measure.journal import Answers, HopTrial, Journal
from hbprobe.net.replies import Connection
from hbprobe.search.search import SearchSettings
from hbprobe.trial.evidence import Ask, FarEndSaw, FarEndState, Observation, Question
from hbprobe.trial.outcome import Cause, Kind, Outcome, SocketSaw, Trial

SETTINGS = SearchSettings(min_s=60.0)
HEADER = describe("https://mail.example:443/", "hold", SETTINGS)
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


@pytest.fixture(autouse=True)
def quick_digests(monkeypatch):
    monkeypatch.setattr("hbprobe.measure.description._ROUNDS", 1)


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


def other(path, difference):
    what = f"{path}: is the journal of another measurement: {difference}"
    return f"{what}; say the same, or begin another with journal"


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
            "schema": "hbprobe.journal/2",
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
            "expect": "",
            "headers_file": "",
            "insecure": "",
            "query": "",
            "send": "",
            "subprotocol": "",
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
            "stalled_s": 0.0,
            "connection": None,
        },
        {"event": "abandoned", "trial": 1, "at_s": 1803.5},
    ]


def test_each_line_is_written_through_to_the_disk(path, monkeypatch):
    on_disk = []
    monkeypatch.setattr(os, "fsync", lambda _: on_disk.append(path.read_bytes().count(b"\n")))
    with Journal(path, HEADER, resume=False) as journal:
        for number in range(1, 4):
            journal.settle()
            assert on_disk[-1] == number
            journal.started(number, 60.0, 0.0)
    assert on_disk[-1] == 4


def test_nobody_waits_for_a_slow_disk(path, monkeypatch):
    """The loop that dates the ends of connections goes on while the disk sleeps."""
    awake, threads = threading.Event(), set()

    def fsync(_):
        threads.add(threading.current_thread())
        awake.wait()

    monkeypatch.setattr(os, "fsync", fsync)
    with Journal(path, HEADER, resume=False) as journal:
        for trial in TRIALS:
            journal.ended(trial)
        awake.set()
    assert threading.current_thread() not in threads
    assert list(resume(path).trials) == TRIALS


def test_a_disk_that_never_answers_does_not_hold_the_end_up(path, monkeypatch):
    awake = threading.Event()
    monkeypatch.setattr("hbprobe.measure.log_file._PATIENCE_S", 0.01)
    monkeypatch.setattr(os, "fsync", lambda _: awake.wait())
    with Journal(path, HEADER, resume=False) as journal:
        journal.ended(TRIALS[0])
    awake.set()
    assert journal.remarks == (f"{path}: the disk does not answer; the last lines may not be there",)


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


FULL = "cannot be written: No space left on device; the measurement goes on without it"


@pytest.mark.parametrize("room", [0, 1, 150, 400])
def test_a_full_disk_is_a_remark(path, monkeypatch, room):
    write_some, _ = full_disk(room)
    monkeypatch.setattr(os, "write", write_some)
    with Journal(path, HEADER, resume=False) as journal:
        for trial in TRIALS:
            journal.ended(trial)
    assert journal.remarks == (f"{path}: {FULL}",)
    monkeypatch.undo()
    assert len(path.read_bytes()) == room
    again = Journal(path, HEADER, resume=True)
    with again:
        assert len(again.trials) < len(TRIALS)
        again.ended(TRIALS[-1])
    assert resume(path).trials[-1] == TRIALS[-1]


@pytest.mark.parametrize("room", range(0, 700, 23))
def test_a_disk_that_has_room_again_has_every_line_whole(path, monkeypatch, room):
    write_some, left = full_disk(room)
    monkeypatch.setattr(os, "write", write_some)
    with Journal(path, HEADER, resume=False) as journal:
        journal.ended(TRIALS[0])
        journal.ended(TRIALS[1])
        journal.settle()
        left[0] = 1 << 20
        journal.ended(TRIALS[2])
    assert list(resume(path).trials) == TRIALS[:3]
    said = (f"{path}: {FULL}", f"{path}: can be written again, and nothing is missing")
    assert journal.remarks == (said if room < 600 else journal.remarks)


def test_two_never_write_one_journal(path):
    with Journal(path, HEADER, resume=False) as journal:
        journal.ended(TRIALS[0])
        journal.settle()
        text = f"{path}: another hbprobe writes it; wait for its end, or name another file"
        assert refuses(path) == text
        with pytest.raises(UserError) as error:
            Journal(path, HEADER, resume=False)
        assert str(error.value) == text
        journal.ended(TRIALS[1])
    assert list(resume(path).trials) == TRIALS[:2]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs")
@pytest.mark.parametrize("is_resumed", [False, True])
def test_a_pipe_is_no_journal(path, is_resumed):
    os.mkfifo(path)
    with pytest.raises(UserError) as error:
        Journal(path, HEADER, resume=is_resumed)
    assert str(error.value) == f"{path}: is no ordinary file; name another"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_it_is_for_its_owner_only(path):
    write(path, TRIALS[0])
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_query_holds_is_not_kept(path):
    target = "https://mail.example:443/a?token=geheim&user=x#y"
    describes = describe(target, "idle", SETTINGS)
    write(path, TRIALS[0], describes=describes)
    assert "geheim" not in path.read_text()
    assert (
        json.loads(path.read_text().splitlines()[0])["target"] == "https://mail.example:443/a?token=***&user=***#***"
    )
    assert list(resume(path, describes).trials) == TRIALS[:1]


def test_a_journal_of_the_first_version_can_be_gone_on_with(path):
    target = "https://mail.example:443/a?token=geheim"
    old = {"schema": "hbprobe.journal/1", **describe(target, "hold", SETTINGS).said, "target": target}
    end = {"event": "end", "trial": 1, "hold_s": 61.5, "started_s": 0.0, "kind": "survived", "elapsed_s": 61.5}
    end |= {"how": None, "exact": False, "status": None, "aftermath": None, "reason": ""}
    path.write_text(f"{json.dumps(old)}\n{json.dumps(end)}\n")
    describes = describe(target, "hold", SETTINGS)
    with Journal(path, describes, resume=True) as journal:
        assert list(journal.trials) == [Trial(1, 61.5, 0.0, Outcome(Kind.SURVIVED, 61.5))]
        journal.ended(TRIALS[1])
    assert [trial.number for trial in resume(path, describes).trials] == [1, 2]
    (remark,) = resume(path, describes).remarks
    why = f"{path}: was begun by an older hbprobe, which did not note these, so that they were not compared"
    assert remark == f"{why}: expect, headers_file, insecure, query, send, subprotocol"


def test_what_is_known_of_the_connection_comes_back(path):
    moments = ("2026-11-22T02:17:00.250Z", "2026-11-22T02:27:00.250Z")
    outcome = replace(
        OUTCOMES[0], stalled_s=8.1, connection=Connection("10.0.0.2", 40001, "192.0.2.9", 443, *moments)
    )
    trial = Trial(1, 599.5, 0.0, outcome)
    assert list(resume(write(path, trial)).trials) == [trial]


def test_anything_else_may_be_noted_and_comes_back(path):
    seen = [
        Observation(Ask(Question.CLIENT_DRIP, 60.5, 3.0), OUTCOMES[0]),
        Observation(
            Ask(Question.POST_MORTEM, 60.5),
            OUTCOMES[1],
            socket=SocketSaw(Aftermath.NOTHING, 3),
            far_end=FarEndSaw(FarEndState.GAVE_UP, 60.0, 50.0),
        ),
    ]
    with Journal(path, HEADER, resume=False) as journal:
        for one in seen:
            journal.note("answer", one)
        journal.note("hop", HopTrial(3, 1, 60.5, OUTCOMES[1]))
    with path.open("a") as file:
        file.write('{"event":"answer","value":{"ask":5}}\n')
    journal = resume(path)
    assert journal.noted("answer", Observation) == seen
    assert journal.noted("hop", HopTrial) == [HopTrial(3, 1, 60.5, OUTCOMES[1])]
    assert journal.noted("unheard", Observation) == []
    assert [remark.partition(" is damaged")[0] for remark in journal.remarks] == [f"{path}:5:"]


def test_a_measurement_of_another_verb(path):
    write(path, TRIALS[0], describes=describe(URL, "hold", SETTINGS, verb="diagnose"))
    message = refuses(path, describe(URL, "hold", SETTINGS, verb="locate"))
    assert message == other(path, "verb is diagnose there and locate here")


@pytest.mark.parametrize("name", ["label", "source", "family", "user", "profiles", "set", "seed", "clock"])
@pytest.mark.parametrize(("there", "here"), [("a", "b"), ("a", ""), ("", "b")])
def test_whatever_its_answers_hang_on_must_agree_said_or_not(path, name, there, here):
    write(path, TRIALS[0], describes=describe(URL, "hold", SETTINGS, **{name: there}))
    with pytest.raises(RequestError) as error:
        resume(path, describe(URL, "hold", SETTINGS, **{name: here}))
    difference = f"{name} is {there or 'not given'} there and {here or 'not given'} here"
    assert str(error.value) == other(path, difference)
    assert error.value.field == name
    assert list(resume(path, describe(URL, "hold", SETTINGS, **{name: there})).trials) == TRIALS[:1]


def test_boxes_are_the_same_whichever_verb_names_them(path):
    write(path, TRIALS[0], describes=describe("lab", "hold", SETTINGS, profiles="a"))
    assert list(resume(path, describe("lab", "hold", SETTINGS, lab="a")).trials) == TRIALS[:1]
    assert refuses(path, describe("lab", "hold", SETTINGS, lab="b")) == other(path, "lab is a there and b here")


THERE = Observation(Ask(Question.ELSEWHERE, 600.0), OUTCOMES[1])


def test_answers_of_another_address_are_those_of_no_other(path):
    with Journal(path, HEADER, resume=False) as journal:
        answers = Answers(journal)
        answers.compared_with("https://b/?key=secret", "compare")
        answers.answered(THERE)
    assert b"secret" not in path.read_bytes()
    with Journal(path, HEADER, resume=True) as journal:
        assert Answers(journal).known(THERE.ask) == THERE
        answers = Answers(journal)
        answers.compared_with("https://b/?key=secret", "other_port")
        assert answers.known(THERE.ask) == THERE
        with pytest.raises(RequestError) as error:
            answers.compared_with("https://c/", "other_port")
        assert error.value.field == "other_port"
        assert str(error.value) == other(path, "other_port is https://b/?key=*** there and https://c/ here")
        with pytest.raises(RequestError) as error:
            answers.compared_with("https://b/?key=other", "compare")
        assert str(error.value) == other(path, "compare is another there than here, in the values of its query")


def test_an_address_may_be_compared_with_later(path):
    write(path, TRIALS[0])
    with Journal(path, HEADER, resume=True) as journal:
        answers = Answers(journal)
        answers.compared_with("https://b/", "compare")
        assert answers.known(THERE.ask) is None


def test_an_older_journal_does_not_say_which_address_answered(path):
    here = Observation(Ask(Question.POST_MORTEM, 600.0), OUTCOMES[1])
    with Journal(path, HEADER, resume=False) as journal:
        journal.note("answer", THERE)
        journal.note("answer", here)
    with Journal(path, HEADER, resume=True) as journal:
        answers = Answers(journal)
        answers.compared_with("https://b/", "compare")
        assert answers.known(here.ask) == here
        assert answers.known(THERE.ask) is None


@pytest.mark.parametrize("is_resumed", [False, True])
@pytest.mark.parametrize("secrets", [{}, {"send": b"secret"}])
def test_one_that_was_killed_before_its_header_stood_is_used(path, is_resumed, secrets):
    describes = describe(URL, "hold", SETTINGS, secrets)
    whole = write(path, TRIALS[0], describes=describes).read_bytes()
    for length in range(whole.index(b"\n") + 1):
        path.write_bytes(whole[:length])
        with Journal(path, describes, resume=is_resumed) as journal:
            assert list(journal.trials) == []
            journal.started(1, TRIALS[0].hold_s, TRIALS[0].started_s)
            journal.ended(TRIALS[0])
        assert len(path.read_bytes()) == len(whole)
        assert list(resume(path, describes).trials) == TRIALS[:1]


URL = "https://mail.example:443/"


@pytest.mark.parametrize(
    ("describes", "difference"),
    [
        (
            describe("https://a.example:443/", "hold", SETTINGS),
            f"url is {URL} there and https://a.example:443/ here",
        ),
        (describe(URL, "idle", SETTINGS), "method is hold there and idle here"),
        (describe(URL, "hold", replace(SETTINGS, min_s=30.0)), "min is 60.0 there and 30.0 here"),
        (describe(URL, "hold", replace(SETTINGS, max_s=900.0)), "max is 3540.0 there and 900.0 here"),
        (describe(URL, "hold", replace(SETTINGS, precision_s=5.0)), "precision is 1.0 there and 5.0 here"),
        (describe(URL, "hold", replace(SETTINGS, confirm=2)), "confirm is 1 there and 2 here"),
        (describe(URL, "hold", replace(SETTINGS, grace_s=9.0)), "grace is 3.0 there and 9.0 here"),
    ],
)
def test_the_journal_of_another_search(path, describes, difference):
    write(path, TRIALS[0])
    assert refuses(path, describes) == other(path, difference)


def test_the_number_of_connections_may_differ(path):
    write(path, TRIALS[0])
    describes = describe("https://mail.example:443/", "hold", replace(SETTINGS, connections=8))
    assert list(resume(path, describes).trials) == TRIALS[:1]


@pytest.mark.parametrize(
    "text",
    [
        b"notes that are no journal, and have no line end",
        b'{"schema":"hbprobe.journal/1","tar',
        b'{"schema":"hbprobe.journal/3"}\n',
        b'{"schema":"hbprobe.result/1"}\n',
        b'{"event":"start"}\n',
    ],
)
def test_another_file_is_refused_and_left_as_it_is(path, text):
    path.write_bytes(text)
    assert refuses(path) == f"{path}: is no journal of this version (hbprobe.journal/2); start a new one"
    assert path.read_bytes() == text


@pytest.mark.parametrize("search", ["null", "[]", "5", '"min_s"'])
def test_a_header_that_is_damaged(path, search):
    path.write_text(
        f'{{"schema":"hbprobe.journal/1","target":"https://mail.example:443/","method":"hold","search":{search}}}\n'
    )
    assert refuses(path) == other(path, "min is not given there and 60.0 here")


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff", b"[1]", b"5", b'{"event":', b"[" * 100_000])
def test_a_torn_line_costs_itself_and_no_other(path, garbage):
    write(path, TRIALS[0])
    path.write_bytes(path.read_bytes() + garbage + b"\n")
    with Journal(path, HEADER, resume=True) as journal:
        journal.ended(TRIALS[1])
    assert list(journal.trials) == TRIALS[:1]
    assert journal.remarks == (f"{path}:4: is damaged (is no JSON object), and was passed over",)
    assert list(resume(path).trials) == TRIALS[:2]


def test_a_trial_that_stands_twice_counts_once(path):
    write(path, TRIALS[0], TRIALS[0], TRIALS[1])
    assert list(resume(path).trials) == TRIALS[:2]


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("kind", "cancelled", "kind: Input should be 'survived', 'cut' or 'failed'"),
        ("how", "loud", "how: Input should be 'silent', 'reset', 'closed' or 'status'"),
        ("aftermath", "x", "aftermath: Input should be "),
        ("elapsed_s", "soon", "elapsed_s: Input should be a valid number"),
        ("elapsed_s", -1, "elapsed_s: Input should be greater than or equal to 0"),
        ("hold_s", float("nan"), "hold_s: Input should be a finite number"),
        ("started_s", 1e999, "started_s: Input should be a finite number"),
        ("status", "x", "status: Input should be a valid integer"),
        ("trial", None, "trial: Input should be a valid integer"),
        ("causes", ["bad-luck"], "causes.0: Input should be "),
        ("evidence", None, "evidence: Input should be a valid tuple"),
        ("connection", {"source": "::1"}, "connection.source_port: Field required"),
    ],
)
def test_a_damaged_trial(path, key, value, what):
    write(path, *TRIALS[:2])
    lines = path.read_text().splitlines()
    lines[2] = json.dumps(json.loads(lines[2]) | {key: value})
    path.write_text("\n".join([*lines, ""]))
    journal = resume(path)
    assert list(journal.trials) == TRIALS[1:2]
    (remark,) = journal.remarks
    assert remark.startswith(f"{path}:3: is damaged ({what}")


def test_a_trial_that_lacks_something(path):
    write(path, TRIALS[0])
    *lines, last = path.read_text().splitlines()
    event = json.loads(last)
    del event["exact"]
    path.write_text("\n".join([*lines, json.dumps(event), ""]))
    assert resume(path).remarks == (f"{path}:3: is damaged (exact: Field required), and was passed over",)
