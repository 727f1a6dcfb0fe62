import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.errors import UserError
from hbprobe.manner import Aftermath, Manner
from hbprobe.records.record import Verb
from hbprobe.records.result import Result, load_result
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Cause, Kind, Limit, Outcome, Trial

KEYS = [
    "schema",
    "hbprobe",
    "verb",
    "target",
    "label",
    "source",
    "family",
    "method",
    "path",
    "clock",
    "search",
    "limit",
    "trials",
    "contradictions",
    "complete",
    "confirmed",
    "confidence",
    "noise",
    "started_at",
    "cut_by",
    "advice",
    "seconds",
    "notes",
    "heartbeat",
    "server",
    "verdict",
]


def test_the_keys_and_their_order(ten_minutes):
    assert list(ten_minutes.to_dict()) == KEYS
    assert ten_minutes.to_dict()["schema"] == "hbprobe.result/1"


def test_json_is_one_ascii_document(ten_minutes):
    text = replace(ten_minutes, target="https://bücher.example/\x1b\ud800").to_json()
    assert text.isascii()
    assert text.endswith("}\n")
    assert json.loads(text)["target"] == "https://bücher.example/\x1b\ud800"


def seconds():
    return st.integers(0, 10**9).map(lambda ms: ms / 1000)


def outcomes():
    return st.builds(
        Outcome,
        kind=st.sampled_from(Kind),
        elapsed_s=seconds(),
        how=st.none() | st.sampled_from(Manner),
        exact=st.booleans(),
        status=st.none() | st.integers(100, 599),
        aftermath=st.none() | st.sampled_from(Aftermath),
        causes=st.lists(st.sampled_from(Cause), max_size=2).map(tuple),
        evidence=st.lists(st.text(), max_size=2).map(tuple),
        reason=st.text(),
    )


def limits():
    return st.builds(
        Limit,
        survived_s=st.none() | seconds(),
        cut_s=st.none() | seconds(),
        manner=st.none() | st.sampled_from(Manner),
        status=st.none() | st.integers(100, 599),
        exact=st.booleans(),
        aftermath=st.none() | st.sampled_from(Aftermath),
        causes=st.lists(st.sampled_from(Cause), max_size=2).map(tuple),
        evidence=st.lists(st.text(), max_size=2).map(tuple),
    )


def results():
    texts = st.lists(st.text(), max_size=3).map(tuple)
    return st.builds(
        Result,
        verb=st.sampled_from(Verb),
        target=st.text(),
        method=st.sampled_from(sorted(METHODS)),
        clock=st.sampled_from(["warp", "real", "60"]),
        search=st.just(SearchSettings()),
        limit=limits(),
        trials=st.lists(st.builds(Trial, st.integers(1, 9999), seconds(), seconds(), outcomes()), max_size=3).map(
            tuple
        ),
        path_s=seconds(),
        wall_s=seconds(),
        path=texts,
        contradictions=texts,
        complete=st.booleans(),
        confirmed=st.booleans(),
        cut_by=st.none() | st.text(),
        notes=texts,
        hbprobe=st.text(),
    )


@given(results())
def test_what_was_written_is_read(result):
    assert Result.from_dict(json.loads(result.to_json())) == result


def test_a_verdict_is_kept_as_it_is(ten_minutes, tmp_path):
    file = tmp_path / "result.json"
    file.write_text(ten_minutes.to_json())
    assert load_result(file).verdict == ten_minutes.verdict


def test_an_older_document_knows_no_causes(ten_minutes):
    document = ten_minutes.to_dict()
    for part in (document["limit"], *document["trials"]):
        del part["causes"], part["evidence"]
    assert Result.from_dict(document) == ten_minutes


def test_a_byte_order_mark_does_not_matter(ten_minutes, tmp_path):
    file = tmp_path / "result.json"
    file.write_text("\ufeff" + ten_minutes.to_json(), encoding="utf-8")
    assert load_result(file) == load_result(str(file)) == ten_minutes


def wrong(text: str, file: Path) -> str:
    file.write_text(text)
    with pytest.raises(UserError) as error:
        load_result(file)
    message = str(error.value)
    assert message.isprintable()
    return message.removeprefix(f"{file}: ")


ORIGIN = "give a file that --json or --out wrote"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"line 1, column 1: is not JSON (Expecting value): {ORIGIN}"),
        (
            '{"schema": "hbprobe.result/1",\n "verb"}',
            f"line 2, column 8: is not JSON (Expecting ':' delimiter): {ORIGIN}",
        ),
        ("[]", f"is no JSON object, so no result: {ORIGIN}"),
        ("null", f"is no JSON object, so no result: {ORIGIN}"),
        ("{}", f"schema: is missing, so this is no result: {ORIGIN}"),
        (
            '{"schema": "hbprobe.result/2"}',
            'schema: is "hbprobe.result/2", not "hbprobe.result/1": read it with the hbprobe that wrote it',
        ),
        (
            '{"schema": "hbprobe.fleet/1"}',
            f'schema: is "hbprobe.fleet/1", not "hbprobe.result/1": it is no result: {ORIGIN}',
        ),
        ('{"schema": "hbprobe.result/1"}', f"hbprobe: is missing: {ORIGIN}"),
        ('{"schema": NaN}', "has the value NaN, which JSON does not know: write a number, or null"),
        ("[" * 100_000, f"is nested too deeply: {ORIGIN}"),
    ],
)
def test_not_a_result(text, message, tmp_path):
    assert wrong(text, tmp_path / "wrong.json") == message


def test_every_truncation_is_refused(ten_minutes, tmp_path):
    text = ten_minutes.to_json()
    for length in range(0, len(text) - 2, 97):
        assert "is not JSON" in wrong(text[:length], tmp_path / "half.json")


def changed(document, keys, value):
    *way, last = keys
    for key in way:
        document = document[key]
    document[last] = value


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (
            ("started_at",),
            "yesterday",
            'started_at: must be a time in UTC such as 2026-11-22T02:17:00Z, not "yesterday"',
        ),
        (("verb",), "proof", "verb: must be 'lab', 'probe' or 'diagnose', not \"proof\""),
        (("target",), None, "target: must be text, not null"),
        (("path",), "a-box", 'path: must be a list, not "a-box"'),
        (("path",), ["a-box", 3], "path[1]: must be text, not 3"),
        (("complete",), "yes", 'complete: must be true or false, not "yes"'),
        (("limit",), [], "limit: must be an object, not []"),
        (("limit", "cut"), "600 s", 'limit.cut: must be a number of seconds, not "600 s"'),
        (("limit", "cut"), True, "limit.cut: must be a number of seconds, not true"),
        (("limit", "cut"), -1, "limit.cut: must be 0 or more, not -1"),
        (("limit", "cut"), 1e999, "has the value Infinity, which JSON does not know: write a number, or null"),
        (("limit", "status"), 50.5, "limit.status: must be a whole number, not 50.5"),
        (
            ("limit", "how"),
            "dead",
            "limit.how: must be 'silent', 'reset', 'closed' or 'status', not \"dead\"",
        ),
        (("trials", 3, "outcome"), "lost", "trials[3].outcome: must be 'survived', 'cut' or 'failed', not \"lost\""),
        (("limit", "causes"), "bad luck", 'limit.causes: must be a list, not "bad luck"'),
        (("trials", 0, "evidence"), [1], "trials[0].evidence[0]: must be text, not 1"),
        (("trials", 3), "x" * 100, f'trials[3]: must be an object, not "{"x" * 36}...'),
        (("trials", 0, "trial"), "\x1b", 'trials[0].trial: must be a whole number, not "\\u001b"'),
        (("search", "min_s"), 3540, "search: min must be below max, not 3540 and 3540"),
        (("seconds", "wall"), None, "seconds.wall: must be a number of seconds, not null"),
        (
            ("verdict", "devices", 0, "settled_s"),
            "x",
            'verdict.devices[0].settled_s: must be a whole number, not "x"',
        ),
        (
            ("verdict", "findings", 0, "severity"),
            "bad",
            "verdict.findings[0].severity: must be 'problem' or 'note', not \"bad\"",
        ),
    ],
)
def test_gallery_of_mistakes(keys, value, message, ten_minutes, tmp_path):
    document = json.loads(ten_minutes.to_json())
    changed(document, keys, value)
    assert wrong(json.dumps(document), tmp_path / "wrong.json") == message


def test_a_number_too_large_for_a_float(ten_minutes, tmp_path):
    text = ten_minutes.to_json().replace('"cut": 600.5', '"cut": 1e999')
    assert wrong(text, tmp_path / "wrong.json") == "limit.cut: must be a number of seconds, not Infinity"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError) as error:
        load_result(tmp_path / "none.json")
    assert str(error.value) == f"{tmp_path}/none.json: cannot be read: No such file or directory"


def test_a_file_that_is_no_text(tmp_path):
    file = tmp_path / "plot.png"
    file.write_bytes(b"\x89PNG\r\n")
    with pytest.raises(UserError) as error:
        load_result(file)
    assert str(error.value) == f"{file}: is not text in UTF-8: {ORIGIN}"


def test_what_a_live_server_said(ten_minutes):
    server = {"min_heartbeat_s": 60, "max_heartbeat_s": None, "protocol": "14.1", "release": None}
    result = replace(ten_minutes, method="ping", server=server)
    assert Result.from_dict(result.to_dict()).server == server


def test_a_result_from_before_there_was_a_server(ten_minutes):
    document = ten_minutes.to_dict()
    del document["server"]
    assert Result.from_dict(document).server is None


# Exit status

SERVER, PROXY = Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY


@pytest.mark.parametrize(
    ("causes", "method", "status", "sides"),
    [
        ((SERVER,), "redis", 0, ["server", "nobody"]),
        ((SERVER, PROXY), "redis", 1, ["server", "application", "nobody"]),
        ((PROXY, SERVER), "redis", 1, ["server", "application", "nobody"]),
        ((SERVER, PROXY), "idle", 1, ["server", "application", "nobody"]),
        ((PROXY,), "redis", 1, ["application"]),
        ((Cause.RESET_BY_SERVER, Cause.RESET_BY_BOX), "sse", 1, ["server", "application", "nobody"]),
        ((SERVER, PROXY), "hold", 1, ["application"]),
    ],
)
def test_a_proxy_that_may_be_it_is_a_finding(ten_minutes, causes, method, status, sides):
    """The likelier of two causes is no fact: only where the server alone is left is the path healthy."""
    limit = Limit(3.5, 4, Manner.CLOSED, exact=True, causes=causes)
    found = replace(ten_minutes, method=method, limit=limit, verdict=None, cut_by=None)
    assert found.exit_status == status
    assert [one.side for one in found.advice] == sides


def test_what_the_next_packet_is_answered_with_is_no_timer_of_the_servers(ten_minutes):
    causes = (Cause.STATE_LOST_RESET_ON_NEXT, Cause.RESET_BY_SERVER)
    limit = Limit(3.5, 4.5, Manner.RESET, aftermath=Aftermath.RESET, causes=causes)
    found = replace(ten_minutes, method="redis", limit=limit, verdict=None, cut_by=None)
    assert [one.side for one in found.advice] == ["application"]


@pytest.mark.parametrize(
    ("limit", "heartbeat_s", "status"),
    [
        (Limit(3.5, 4.5), 3, 0),
        (Limit(3.5, 4.5), 4, 3),
        (Limit(3.5, 4.5), 55, 1),
        (Limit(3, None), 55, 3),
        (Limit(3, None), 2, 0),
        (Limit(None, 4.5), 2, 3),
    ],
)
def test_a_heartbeat_of_which_nothing_was_measured_is_not_called_healthy(ten_minutes, limit, heartbeat_s, status):
    assert replace(ten_minutes, limit=limit, heartbeat_s=heartbeat_s, verdict=None).exit_status == status
