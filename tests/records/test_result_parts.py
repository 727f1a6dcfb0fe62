"""What documents are made of: how numbers are written, and what a mistake in one is called."""

from dataclasses import fields, replace

import pytest

from hbprobe.records.result import Result
from hbprobe.records.result_parts import TrialLine
from hbprobe.trial.outcome import Limit, Outcome, Trial


def test_limit_and_trial(ten_minutes):
    document = ten_minutes.to_dict()
    assert document["limit"] == {
        "survived": 599.5,
        "cut": 600.5,
        "how": "silent",
        "status": None,
        "exact": False,
        "aftermath": "nothing",
        "causes": [],
        "evidence": [],
    }
    assert document["trials"][0] == {
        "trial": 1,
        "hold": 3540.0,
        "started": 0.0,
        "outcome": "cut",
        "how": "silent",
        "status": None,
        "elapsed": 3543.0,
        "exact": False,
        "aftermath": "nothing",
        "causes": [],
        "evidence": [],
        "reason": "no answer",
        "stalled": 0.0,
        "connection": None,
    }


def test_milliseconds(ten_minutes):
    result = replace(ten_minutes, limit=Limit(599.40049, 600.3006), path_s=1 / 3)
    document = result.to_dict()
    assert (document["limit"]["survived"], document["limit"]["cut"]) == (599.4, 600.301)
    assert document["seconds"] == {"path": 0.333, "wall": 0.125}


def test_a_verdict_that_contradicts_itself(ten_minutes):
    document = ten_minutes.to_dict()
    document["verdict"] = {**document["verdict"], "healthy": True}
    with pytest.raises(ValueError, match=r"verdict\.healthy: contradicts verdict\.findings"):
        Result.from_dict(document)


def test_unknown_keys_are_for_a_newer_reader(ten_minutes):
    document = ten_minutes.to_dict()
    document["new"] = 1
    document["limit"]["new"] = 2
    document["trials"][0]["new"] = 3
    assert Result.from_dict(document) == ten_minutes


def test_a_trials_fields_are_those_of_its_part():
    of_the_moment = {"again", "outage", "pause_s"}
    measured = {field.name for kind in (Trial, Outcome) for field in fields(kind)} - {"outcome"}
    assert set(TrialLine.model_fields) == measured - of_the_moment
