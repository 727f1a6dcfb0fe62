"""A diagnosis as JSON, in words, and while it runs."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from hbprobe import warp
from hbprobe.diagnosis.fit import Fit, Law, Spread
from hbprobe.diagnosis.heartbeat import heartbeat_words
from hbprobe.diagnosis.reasoning import BoxKind
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import diagnose
from hbprobe.manner import Manner
from hbprobe.measure.conclude import conclude
from hbprobe.measure.diagnosing import sum_up
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.records.record import Verb
from hbprobe.records.result import Result
from hbprobe.report.terminal.diagnosis import (
    DiagnosisLine,
    answer_lines,
    answer_words,
    lines,
    planned_words,
    print_diagnosis,
)
from hbprobe.search.search import SearchSettings
from hbprobe.trial.evidence import Ask, Observation, Question
from hbprobe.trial.outcome import Kind, Limit, Outcome, Trial

CATALOGUE = Catalogue()
DOCUMENT = Path(__file__).parents[2] / "docs" / "diagnose.md"


def made(name, trials=0):
    search = SearchSettings(connections=8)
    found = warp.run(diagnose([CATALOGUE.find(name)], Settings(), search, trials=trials), warp.WarpClock())
    result = conclude(found.run, Settings(), verb=Verb.DIAGNOSE, target="lab", clock="warp", wall_s=0.1)
    return sum_up(found, result, CATALOGUE.all())


@pytest.fixture(scope="session")
def azure():
    return made("azure-load-balancer", trials=10)


@pytest.fixture(scope="session")
def nothing_cuts():
    return made("open-path")


# JSON


def test_the_json_form(azure):
    told = json.loads(azure.to_json())
    assert told["schema"] == "hbprobe.diagnosis/1"
    assert told["post_mortem"]["causes"] == ["state-lost-silently"]
    assert told["timer"] == {"runs": "idle", "counts": None, "direction": "either", "whose": "path"}
    assert told["kinds"] == ["packet"]
    assert told["boxes"][0]["id"] == "azure-load-balancer"
    assert told["asked"][0] == {"question": "post-mortem", "hold": 301.625, "interval": None}
    assert [one["question"] for one in told["answers"]] == [one["question"] for one in told["asked"]]
    died = told["answers"][0]
    assert (died["outcome"], died["how"], died["server"]) == ("cut", "silent", None)
    assert died["socket"] == {"aftermath": "nothing", "retransmits": 0, "woke": False}
    assert died["far_end"] == {"state": "answered-unacknowledged", "at": None, "answered": 301.625, "times": 1}
    assert told["spread"]["law"] == "timer"
    assert told["mend"][0].startswith("For the change ticket, 1740 s")


def test_the_result_in_it_is_a_result(azure):
    result = azure.to_dict()["result"]
    assert Result.from_dict(json.loads(json.dumps(result))).to_dict() == result
    assert result["verb"] == "diagnose"


def test_every_key_is_explained_in_the_document(azure):
    def keys(value):
        if isinstance(value, dict):
            return set(value) | {key for part in value.values() for key in keys(part)}
        return {key for part in value for key in keys(part)} if isinstance(value, list) else set()

    told = azure.to_dict()
    del told["result"]
    laws = {law.value for law in Law}
    document = DOCUMENT.read_text(encoding="utf-8")
    assert {key for key in keys(told) - laws if f"`{key}`" not in document} == set()


# Exit status


def test_a_finding(azure):
    assert azure.exit_status == 1


def test_healthy(nothing_cuts):
    assert nothing_cuts.exit_status == 0
    assert dict(lines(nothing_cuts))["kind"] == "no box cuts within the longest hold that was tried"


def test_stopped_before_its_end(azure):
    stopped = replace(azure, result=replace(azure.result, complete=False))
    assert stopped.exit_status == 3
    told = dict(answer_lines(stopped))
    assert told["but"] == "it was stopped before its end; this is what was found until then"
    assert "do" not in told


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ((BoxKind.SERVER,), 0),
        ((BoxKind.SERVER, BoxKind.HTTP, BoxKind.TCP), 1),
        ((BoxKind.TCP, BoxKind.SERVER), 1),
        ((BoxKind.NONE,), 0),
    ],
)
def test_a_box_that_may_be_it_is_a_finding(azure, kinds, status):
    result = replace(azure.result, method="redis", verdict=None)
    found = replace(azure, result=result, reasoning=replace(azure.reasoning, kinds=kinds))
    assert found.exit_status == status


@pytest.mark.parametrize(("heartbeat_s", "status"), [(100, 0), (240, 3), (500, 1)])
@pytest.mark.parametrize("kind", [BoxKind.PACKET, BoxKind.SERVER])
def test_a_heartbeat_decides_and_is_told(azure, heartbeat_s, status, kind):
    result = replace(azure.result, method="redis", verdict=None, heartbeat_s=heartbeat_s)
    found = replace(azure, result=result, reasoning=replace(azure.reasoning, kinds=(kind,)))
    assert found.exit_status == status
    assert heartbeat_words(result.limit, heartbeat_s) in [text for _, text in answer_lines(found)]


# Words


def text_of(diagnosis):
    output = io.StringIO()
    print_diagnosis(diagnosis, Console(file=output, width=200))
    return output.getvalue()


def test_in_words(azure):
    told = [line.rstrip() for line in text_of(azure).splitlines()]
    assert told[:2] == [
        "limit  survives 239.5 s, cut at 240.5 s: silent",
        "means  a box forgot the connection without a word",
    ]
    assert told[told.index("target  lab") + 1].startswith("spread  ")
    assert "timer   an idle timer: what moves sets it back" in told
    assert "        bytes from either end save the request" in told
    assert "whose   a box on the path" in told
    assert "kind    a packet-level box: a firewall, a NAT, a carrier" in told
    (fits,) = [line for line in told if line.startswith("fits")]
    assert fits.startswith("fits    240.5 s, silent: Azure Load Balancer")
    assert any(line.startswith("problem  Event 1040: ") for line in told)


def test_what_could_not_be_asked(azure):
    failed = Observation(Ask(Question.KEEP_ALIVE, 362, 79), Outcome(Kind.FAILED, 0, reason="no\x1bway"))
    told = text_of(replace(azure, seen=(*azure.seen, failed)))
    assert "unknown  Do TCP keep-alives save it? (no\\x1bway)" in told


def test_nothing_at_all_was_found(azure):
    empty = replace(azure.result, limit=Limit(None, None), verdict=None, complete=False)
    told = dict(lines(replace(azure, result=empty, matches=(), seen=())))
    assert "kind" not in told


BOTH = "a fixed timer of about 10 min with random loss (mean life 15 min) before it fits best"


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (None, "1 trial, 1 of them cut"),
        (Fit(None, 600, 1, 900, {}), "1 trial, 1 of them cut; a fixed timer and random loss fit about as well"),
        (
            Fit(Law.TIMER, 600, 1, None, {}),
            "1 trial, 1 of them cut; a fixed timer of about 10 min fits better than random loss",
        ),
        (
            Fit(Law.LOSS, None, None, 900, {}),
            "1 trial, 1 of them cut; random loss (mean life 15 min) fits better than a fixed timer",
        ),
        (
            Fit(Law.BOTH, 600, 1, 900, {}),
            f"1 trial, 1 of them cut; {BOTH}",
        ),
    ],
)
def test_the_spread_in_words(azure, fit, words):
    spread = Spread((Trial(1, 60, 0, Outcome(Kind.CUT, 63, Manner.SILENT)),), fit)
    told = dict(lines(replace(azure, spread=spread)))
    assert told["spread"] == words


# While it runs


def test_a_lab_as_it_runs():
    output = io.StringIO()
    with DiagnosisLine(Console(file=output, width=300)) as line:
        made_of = diagnose(
            [CATALOGUE.find("azure-load-balancer")], Settings(), SearchSettings(connections=8), observer=line
        )
        warp.run(made_of, warp.WarpClock())
    told = output.getvalue().splitlines()
    assert told[:2] == [
        "the limit: survives 239.5 s, cut at 240.5 s: silent",
        "now all at the same time, at most 6 min 11 s:",
    ]
    drip = "  Does a byte now and then from the server save it? (server-drip, 6 min 3 s, every 23.9 s)"
    assert drip in told
    assert told[-5:].count("server-drip: it lived") == 1
    assert "post-mortem: cut: silent after 5 min 5 s" in told


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(Kind.SURVIVED, 60), "it lived"),
        (Outcome(Kind.FAILED, 0, reason="why"), "not known: why"),
        (Outcome(Kind.CUT, 60, Manner.STATUS, True, 504), "cut: status 504 after 1 min"),
        (Outcome(Kind.CUT, 63, Manner.SILENT), "cut: silent after 1 min 3 s"),
    ],
)
def test_an_answer_in_words(outcome, words):
    assert answer_words(Observation(Ask(Question.KEEP_ALIVE, 60), outcome)) == words


def test_a_question_in_words():
    assert planned_words(Ask(Question.POST_MORTEM, 75)) == (
        "What does a request die of that is quiet for longer than the limit? (post-mortem, 1 min 15 s)"
    )
