"""The table in docs/diagnose.md comes from its script alone; that it is up to date, tests/programs sees."""

import pytest
from support.scripts import script

from hbprobe.diagnosis.reasoning import BoxKind, Direction, Runs
from hbprobe.manner import Manner
from hbprobe.trial.evidence import FarEndState
from hbprobe.trial.outcome import Cause

rig = script("diagnose_table")
DOCUMENT = rig.DOCUMENT.read_text(encoding="utf-8")
ROWS = rig.written(DOCUMENT)
WORDS = [Manner, Cause, FarEndState, Runs, {"save", "do not"}, {*Direction, "nothing"}, {"lives", "dies"}, BoxKind]


def test_each_path_of_the_script_has_its_row():
    assert list(ROWS) == list(rig.PATHS)


def test_what_cannot_be_made_here_keeps_its_row():
    before = rig.table(dict.fromkeys(rig.PATHS), ROWS)
    assert f"{rig._BEGIN}\n\n{before}\n\n{rig._END}" in DOCUMENT
    name, *others = rig.PATHS
    left = rig.table(dict.fromkeys(rig.PATHS), {one: ROWS[one] for one in others})
    assert ROWS[name] not in left and all(ROWS[one] in left for one in others)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_no_words_but_the_programs(name):
    _, how, *cells, _ = ROWS[name].removeprefix("| ").removesuffix(" |").split(" | ")
    for cell, words in zip((how.split()[0], *cells), WORDS, strict=True):
        assert {*cell.split(" or ")} <= {*map(str, words), "-"}
