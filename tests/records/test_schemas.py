"""Every document has a JSON Schema, and it tells a document from what is none."""

import copy
import json
import re
from pathlib import Path

import jsonschema
import pytest

import hbprobe
from hbprobe.records.schemas import SCHEMAS, json_schema, summary

ROOT = Path(hbprobe.__file__).parent
DOCS = ROOT.parent / "docs"
EXAMPLE = json.loads(re.findall(r"```json\n(.*?)```", (DOCS / "result-format.md").read_text(), re.DOTALL)[-1])


@pytest.fixture(scope="session")
def fits():
    """What tells whether something is a result."""
    return jsonschema.Draft202012Validator(json_schema("result")).is_valid


def test_every_document_that_the_code_names_has_one():
    texts = (path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py"))
    named = {found for text in texts for found in re.findall(r'"(hbprobe\.[a-z-]+/\d+)"', text)}
    assert named - {"hbprobe.journal/1"} == {model.schema_id() for model in SCHEMAS.values()}


def test_the_document_lists_all_of_them():
    listed = re.findall(r"^\| `([a-z-]+)` \|.*\|.*\|$", (DOCS / "schemas.md").read_text(), re.MULTILINE)
    assert listed == list(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_schema_and_plain_data_and_nothing_and_another_document_do_not_fit(name):
    schema = json_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["title"] == SCHEMAS[name].schema_id()
    validator = jsonschema.Draft202012Validator(schema)
    assert not any(map(validator.is_valid, ({}, [], None, {"schema": SCHEMAS[name].schema_id()})))
    assert validator.is_valid(EXAMPLE) is (name == "result")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_summary_is_one_sentence_and_names_a_page(name):
    says, pages = summary(name).removesuffix(".").split(": ")
    assert "." not in says
    assert all((DOCS.parent / page).exists() for page in pages.split(", "))


def changed(keys, value):
    document = copy.deepcopy(EXAMPLE)
    *way, last = keys
    place = document
    for key in way:
        place = place[key]
    place[last] = value
    return document


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("schema",), "hbprobe.result/2"),
        (("verb",), "proof"),
        (("complete",), "yes"),
        (("limit", "cut"), "600"),
        (("limit", "survived"), -1),
        (("limit", "how"), "killed"),
        (("limit", "causes"), ["ghosts"]),
        (("trials", 0, "elapsed"), None),
        (("trials", 0, "outcome"), "died"),
        (("started_at",), "yesterday"),
        (("verdict", "devices", 0, "settled_s"), 470.5),
    ],
)
def test_a_wrong_value_does_not_fit(fits, keys, value):
    assert fits(EXAMPLE)
    assert not fits(changed(keys, value))


def test_a_key_of_a_newer_hbprobe_fits_and_the_lack_of_a_later_one_too(fits):
    assert fits(changed(["weather"], "fine"))
    assert fits({key: value for key, value in EXAMPLE.items() if key != "family"})
    assert not fits({key: value for key, value in EXAMPLE.items() if key != "target"})


def test_keys_and_words_are_explained():
    schema = json_schema("diagnosis")
    blocks = schema["$defs"]
    assert blocks["FarEndPart"]["properties"]["times"]["description"] == "How often the request came."
    assert {"const": "path-down", "description": "the server, or the whole path to it, is down"} in blocks["Cause"][
        "oneOf"
    ]
