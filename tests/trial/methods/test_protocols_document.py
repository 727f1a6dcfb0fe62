"""docs/protocols.md names every method and every scheme."""

from pathlib import Path

import pytest

from hbprobe.trial.methods.table import METHODS

PAGE = Path(__file__).parents[3] / "docs" / "protocols.md"


@pytest.mark.parametrize("row", METHODS.values(), ids=METHODS)
def test_the_table_has_a_row_for_it(row):
    if not PAGE.is_file():
        pytest.skip("installed without its documents")
    rows = [
        line
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `") and "://`" in line.split("|")[1]
    ]
    mine = [line for line in rows if f"| `{row.name}` |" in line]
    assert len(mine) == 1
    assert all(f"`{scheme}://`" in mine[0] for scheme in row.schemes)


def test_the_table_of_intervals_has_every_line_that_a_diagnosis_prints():
    if not PAGE.is_file():
        pytest.skip("installed without its documents")
    page = PAGE.read_text(encoding="utf-8")
    lines = {line for row in METHODS.values() for line in (*row.ping_lines, *row.keep_alive_lines)}
    assert [line.where for line in lines if f"| {line.where}" not in page] == []
    assert [line.where for line in lines if f"`{line.text(29)}`" not in page or line.source not in page] == []
