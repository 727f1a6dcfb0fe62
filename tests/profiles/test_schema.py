"""The JSON Schema that editors complete by: the shipped files fit it, and slips do not."""

import json

import jsonschema
import pytest
import yaml

from hbprobe.manner import Expiry
from hbprobe.profiles.catalogue import built_in_folder, profile_files
from hbprobe.profiles.model import HalfClose, Http, Probes, Profile, Share, Source, Sweep, Timer, Timers
from hbprobe.profiles.schema import json_schema
from hbprobe.profiles.vocabulary import Restart, TimerKind

FASTEST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
GOOD = """\
id: box
name: Box
category: nat
layer: packet
timers:
  idle: {default: 10min, expiry: silent, restarted_by: any-packet, inferred: expiry, source: [us]}
sources:
  us: {grade: measured, says: Ten times.}
"""


@pytest.fixture(scope="session")
def schema():
    return json_schema()


@pytest.fixture(scope="session")
def validator(schema):
    return jsonschema.Draft7Validator(schema)


def test_it_is_a_schema_and_plain_data(schema):
    jsonschema.Draft7Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_the_shipped_files_fit_it(validator):
    for path in profile_files(built_in_folder()):
        mistakes = list(validator.iter_errors(yaml.load(path.read_bytes(), FASTEST)))
        assert mistakes == [], path.stem


@pytest.mark.parametrize("duration", ["600", "600s", "10 min", "1.5h", ".5h", "5d", "250ms"])
def test_a_duration_may_be_a_number_or_text(validator, duration):
    assert validator.is_valid(yaml.safe_load(GOOD.replace("10min", duration)))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("10min", "0"),
        ("10min", "-5"),
        ("10min", "10 parsecs"),
        ("10min", "true"),
        ("silent", "slient"),
        ("any-packet", "packets"),
        ("default", "defualt"),
        ("idle", "idel"),
        ("layer: packet", "layer: 7"),
        ("id: box", "id: A Box"),
        ("name: Box\n", ""),
        ("[us]", "[]"),
        ("inferred: expiry", "inferred: default"),
        ("measured", "rumour"),
    ],
)
def test_a_slip_does_not_fit_it(validator, right, wrong):
    assert validator.is_valid(yaml.safe_load(GOOD))
    assert not validator.is_valid(yaml.safe_load(GOOD.replace(right, wrong)))


def test_every_key_and_word_is_explained(schema):
    blocks = {"Profile": schema} | schema["$defs"]
    for model in (Profile, Timers, Timer, Probes, Share, Sweep, HalfClose, Http, Source):
        for key, value in blocks[model.__name__]["properties"].items():
            assert value["description"].endswith("."), (model.__name__, key)
    assert blocks["Expiry"]["oneOf"] == [{"const": str(word), "description": word.meaning} for word in Expiry]
    assert [one["const"] for one in blocks["Restart"]["oneOf"]] == list(Restart)
    assert list(blocks["Timers"]["properties"]) == list(TimerKind)


def test_it_does_not_offer_what_cannot_be_written(schema):
    text = json.dumps(schema)
    assert '"null"' not in text
    assert '"default": null' not in text
