"""Measurements side by side."""

from dataclasses import replace

import pytest

from hbprobe.errors import UserError
from hbprobe.manner import Manner
from hbprobe.records.record import Origin
from hbprobe.report.documents.blocks import Facts, Picture, Table
from hbprobe.report.documents.compose import answer, comparison, compose, names_of
from hbprobe.report.documents.html import to_html
from hbprobe.report.documents.sources import Measured, PastEvidence
from hbprobe.trial.outcome import Limit


@pytest.fixture
def office(measure, cutting_at):
    return measure(cutting_at(600), origin=Origin("office"))


@pytest.fixture
def branch(measure, cutting_at):
    return measure(cutting_at(900, Manner.RESET), origin=Origin("branch"))


def sides(*results):
    return comparison([Measured(result) for result in results])


def test_what_differs_and_what_is_the_same(office, branch):
    told, more, manners, differing, _, same, curve = sides(branch, office).blocks
    assert [block.text for block in (told, more, manners)] == [
        "office: survives 599.5 s, cut at 600.5 s; the shortest.",
        "branch: survives 899.5 s, cut at 900 s; 299.5 s longer.",
        "Sessions die in different manners: reset (RST) on branch; silent on office.",
    ]
    assert isinstance(differing, Table) and differing.columns == ("what", "branch", "office")
    rows = {name: values for name, *values in differing.rows}
    assert (rows["survives"], rows["dies"]) == (["899.5 s", "599.5 s"], ["reset (RST)", "silent"])
    assert isinstance(same, Facts) and ("method", "hold") in same.pairs
    assert not set(dict(same.pairs)) & set(rows) and isinstance(curve, Picture)


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (
            [Limit(595, 600), Limit(604, 605)],
            ["The limits are the same, as far as they were measured: survives 604 s, cut at 605 s."],
        ),
        (
            [Limit(899, 900), Limit(3540, None)],
            [
                "a: survives 899 s, cut at 900 s; the shortest.",
                "b: survives 3540 s; nothing beyond 59 min was tried; at least 2640 s longer.",
            ],
        ),
        ([Limit(3540, None), Limit(3600, None)], None),
        (
            [Limit(None, 60), Limit(None, None)],
            [
                "a: cut at 60 s; shorter holds were not tried.",
                "b: no limit was found.",
            ],
        ),
        ([Limit(None, None), Limit(None, None)], ["No measurement found a limit."]),
        (
            [Limit(100, 110), Limit(109, 118), Limit(117, 130)],
            ["a, b: survives 109 s, cut at 118 s; the shortest.", "c: survives 117 s, cut at 130 s; 12 s longer."],
        ),
    ],
)
def test_who_has_the_shortest(office, limits, told):
    results = [replace(office, limit=limit) for limit in limits]
    said = answer(results, "abc")
    if told is None:
        assert len(said) == 1 and said[0].startswith("The limits are the same")
    else:
        assert said == told


def test_those_of_one_name_are_told_apart(office):
    dated = replace(office, started_at="2026-11-22T02:17:00Z")
    assert names_of([office, dated]) == ("office", "office, 2026-11-22 02:17")
    assert names_of([dated, dated]) == ("office, 2026-11-22 02:17 (1)", "office, 2026-11-22 02:17 (2)")
    assert names_of([replace(office, origin=Origin()), office]) == ("a-box", "office")


def test_what_cannot_be_compared(office):
    with pytest.raises(UserError, match="--compare: name from 2 to 7 results, not 1"):
        sides(office)
    with pytest.raises(UserError, match="name from 2 to 7 results, not 8"):
        sides(*[office] * 8)
    with pytest.raises(UserError, match="leave out what locate, capture and logs wrote"):
        comparison([Measured(office), PastEvidence(None, {})])


def test_the_page_has_the_sides_first_and_hostile_text_stays_text(office, hostile, written):
    page = to_html(compose([Measured(office), Measured(hostile)], written, compare=True))
    assert page.index("Side by side") < page.index("How long requests survive on")
    assert "<script" not in page and "\x1b" not in page
