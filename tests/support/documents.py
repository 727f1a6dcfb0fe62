"""Holds what `--json` prints, and what goes into a journal, against the JSON Schemas, whatever a test is about."""

import contextlib
import json
import sys
from collections.abc import Iterator
from functools import cache

import jsonschema
import pytest

import hbprobe.cli.main
from hbprobe.measure.journal import Journal


@cache
def validator(name):
    """Return what checks a document that is written today: every key is there, and every key is known."""
    from hbprobe.records.schemas import json_schema

    schema = json_schema(name)
    _close(schema)
    return jsonschema.Draft202012Validator(schema)


_MAY_BE_LEFT_OUT = {"source", "family"}
"""Keys of a journal's first line that stand there only where they say something."""


def _close(schema):
    if isinstance(schema, dict):
        if properties := schema.get("properties"):
            schema["additionalProperties"] = False
            may_be_left_out = _MAY_BE_LEFT_OUT if schema.get("title") == "JournalPart" else set()
            schema["required"] = [key for key in properties if key not in may_be_left_out]
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for value in schema:
            _close(value)


def name_of(document):
    """Return the short name of the document's schema."""
    return document["schema"].removeprefix("hbprobe.").partition("/")[0]


def check(document):
    """Raise AssertionError where a document does not fit its schema, or is not written as it is read."""
    from hbprobe.records.logs import LogEvidence
    from hbprobe.records.schemas import SCHEMAS

    name = name_of(document)
    complain(validator(name), document)
    model = LogEvidence if document.get("verb") == "logs" else SCHEMAS[name]
    assert model.read(document).to_dict() == document


def complain(validator, document):
    if (error := jsonschema.exceptions.best_match(validator.iter_errors(document))) is not None:
        raise AssertionError(f"{error.json_path} does not fit the schema: {error.message}")


def _shape(value):
    """Return what a schema can tell of it: its keys and texts, and of each number which sign it has."""
    if isinstance(value, dict):
        return tuple((key, _shape(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return frozenset(map(_shape, value)), bool(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return type(value), value > 0, value < 0
    return value


class _Overheard:
    """A stream, and what was written to it."""

    def __init__(self, stream):
        self._stream = stream
        self.text = ""

    def write(self, text):
        self.text += text
        return self._stream.write(text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


@pytest.fixture(autouse=True, scope="session")
def _json_fits_its_schema() -> Iterator[None]:
    run, write = hbprobe.cli.main._run, Journal._write

    def run_and_check(argv):
        overheard = _Overheard(sys.stdout)
        with contextlib.redirect_stdout(overheard) if "--json" in (argv or ()) else contextlib.nullcontext():
            status = run(argv)
        if overheard.text:
            check(json.loads(overheard.text))
        return status

    fit = set()

    def check_and_write(journal, line):
        written = json.loads(json.dumps(line))
        if (shape := _shape(written)) not in fit:  # lines by the thousand are as others were
            complain(validator("journal"), written)
            fit.add(shape)
        write(journal, line)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hbprobe.cli.main, "_run", run_and_check)
        patch.setattr(Journal, "_write", check_and_write)
        yield
