"""What the main verbs print is what it was; whoever changes it on purpose writes the files anew."""

import sys

import golden
import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell what was acknowledged")
@pytest.mark.parametrize("file", golden.FILES)
def test_prints_what_it_did(file):
    there = (golden.FOLDER / file).read_text(encoding="utf-8")
    assert golden.printed(file) == there, "on purpose? python tests/golden.py, and CHANGELOG.md says why"


def test_no_file_is_left_over():
    assert sorted(path.name for path in golden.FOLDER.iterdir()) == sorted(golden.FILES)


def test_only_what_is_another_one_each_time_is_left_out():
    document = {"hbprobe": "0.1.0", "clock": {"path": 3.5, "wall": 0.7}, "at": 1 / 3, "few": [1, {"a": None}]}
    assert golden.shortened(document) == {
        "hbprobe": "-",
        "clock": {"path": 3.5, "wall": "-"},
        "at": 0.333333333,
        "few": [1, {"a": None}],
    }
    assert golden.shortened({"many": [0.1, 0.2, *range(9)]}) == {"many": [0.1, 0.2, "and 9 more"]}
