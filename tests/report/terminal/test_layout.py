"""How text stands on the terminal: tables break no word, and are as wide as the terminal at most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from hbprobe.report.terminal.layout import hanging, least_width, pairs, plain, table_of

WORDS = st.lists(st.text("abcdefgh0123./", min_size=1, max_size=14), min_size=1, max_size=5).map(" ".join)


def printed(what, width):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(what)
    return captured.get()


@given(
    st.integers(1, 5).flatmap(lambda n: st.lists(st.tuples(*[WORDS] * n), min_size=2, max_size=4)), st.integers(0, 30)
)
def test_a_table_breaks_no_word_where_all_fit_side_by_side(rows, more):
    columns, *rows = rows
    width = least_width(columns, rows) + more
    lines = printed(table_of(columns, columns[:1], rows), width).splitlines()
    assert max(map(len, lines)) <= width
    wanted = sorted(word for row in [columns, *rows] for cell in row for word in cell.split())
    assert sorted(word for line in lines for word in line.split() if "\u2500" not in word) == wanted


def test_where_they_do_not_the_cells_of_a_row_stand_below_each_other():
    rows = [("198.18.1.0/24", "1190 s"), ("198.18.2.0/24", "296 s")]
    told = printed(table_of(("network", "limit"), ("limit",), rows), 19).splitlines()
    assert [line.strip() for line in told if "limit" in line] == ["limit    1190 s", "limit    296 s"]
    assert "" in told


@pytest.mark.parametrize("text", ["[bold]no markup[/bold]", ":smile:", "a\x1b[31mb"])
def test_text_from_anywhere_stands_as_it_is(text):
    told = printed(pairs([("said", text)]), 60)
    assert told.startswith("said  ") and "\x1b" not in told
    assert str(plain(text)) in told


def test_further_lines_begin_below_the_first_word():
    assert hanging("do  ", "let it be so", 9) == "do  let\n    it be\n    so"
