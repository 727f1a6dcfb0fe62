"""`--seed`: which box out of a population, and what luck."""

import json

import pytest

from hbprobe.cli.main import main
from hbprobe.profiles.catalogue import Catalogue

CROWD = """\
id: crowd
name: Crowd
category: carrier
layer: packet
timers:
  idle:
    default: 10min
    population: [{exactly: 2min, weight: 1}, {above: 5min, up_to: 10min, weight: 1}]
    expiry: silent
    restarted_by: any-packet
    source: us
sources: {us: {grade: example, says: made up}}
"""


@pytest.fixture
def measured(tmp_path, capsys):
    """Run a lab through a crowd with a seed; return the result."""
    file = tmp_path / "crowd.yaml"
    file.write_text(CROWD)

    def run(*words):
        assert main(["lab", str(file), "--json", "--connections", "8", "--max", "15min", *words]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_a_lab_says_what_it_has_drawn_and_finds_it(measured):
    notes = set()
    for seed in range(4):
        result = measured("--seed", str(seed))
        drawn = next(note for note in result["notes"] if note.startswith("idle of crowd is drawn for this run: "))
        notes.add(drawn)
        low, high = result["limit"]["survived"], result["limit"]["cut"]
        assert low < high
        assert 300 <= high <= 601 or (drawn.endswith(": 2 min") and low < 120 <= high)
    assert len(notes) > 1


def test_the_same_seed_is_the_same_box(measured):
    assert measured("--seed", "5")["limit"] == measured("--seed", "5")["limit"]


@pytest.mark.parametrize("verb", ["lab", "proxy"])
def test_a_seed_is_a_whole_number(verb, capsys):
    assert main([verb, "x", "--seed", "soon", *(["--upstream", "127.0.0.1:1"] if verb == "proxy" else [])]) == 2
    assert capsys.readouterr().err == f"hbprobe: --seed: 'soon' is no whole number; see hbprobe {verb} --help\n"


def test_the_crowds_that_ship():
    crowds = [
        one.id for one in Catalogue().all() if any(timer.population is not None for _, timer in one.each_timer())
    ]
    assert crowds == ["cellular-carriers-2011", "french-mobile-operator-2020", "wechat-networks-2013"]
