"""The document of the format says what the code does."""

import json
import re
from pathlib import Path

import pytest

from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.manner import Manner
from hbprobe.records.result import load_result
from hbprobe.records.result_parts import VerdictPart
from hbprobe.search.search import SearchSettings

DOCUMENT = Path(__file__).parents[2] / "docs" / "result-format.md"


@pytest.fixture(scope="session")
def text():
    return DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def example(text):
    (found,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    return found


def test_the_example_is_read(example, tmp_path):
    file = tmp_path / "result.json"
    file.write_text(example)
    assert load_result(file).to_json() == example


def test_the_example_is_what_the_code_writes(example, measure, cutting_at):
    shown = json.loads(example)
    made = measure(cutting_at(600, Manner.RESET), SearchSettings(min_s=590, max_s=610)).to_dict()
    for key in ("verdict", "advice"):  # which follows from the verdict
        del shown[key], made[key]
    assert shown == made


def keys(value):
    if isinstance(value, dict):
        return set(value) | {key for part in value.values() for key in keys(part)}
    return {key for part in value for key in keys(part)} if isinstance(value, list) else set()


def test_every_key_is_explained(text, example):
    explained = set(re.findall(r"`(\w+)`", text))
    assert keys(json.loads(example)) <= explained


def test_the_example_has_every_key_of_a_verdict(example):
    verdict = VerdictPart.of(judge(599.5, 600.0, "reset", Settings())).to_dict()
    assert keys(json.loads(example)["verdict"]) == keys(verdict)


def test_every_value_of_a_choice_is_explained(text):
    from hbprobe.manner import Aftermath
    from hbprobe.records.record import Verb
    from hbprobe.trial.methods.table import METHODS
    from hbprobe.trial.outcome import Cause, Kind

    for choice in (Kind, Manner, Aftermath, Cause, Verb, METHODS):
        assert all(f"`{value}`" in text for value in choice)
