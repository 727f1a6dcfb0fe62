"""Silences as columns: what is left out, and what is taken as lost or as answered."""

import numpy as np
import pytest

from hbprobe.evidence.limits import Silences
from hbprobe.evidence.logs.following import AT_ONCE_S, MARGIN_S, Followed, Named, margins, requests_sql

ALL = np.ones(4, np.bool_)


@pytest.fixture
def followed():
    """Return an answer, a loss, and two silences of which nothing is known, one of them without a length."""
    silences = Silences(
        np.array([600.0, 300.0, 480.0, 0.0]),
        np.array([False, True, False, False]),
        np.zeros(4, np.bool_),
        np.array([0, 1, 0, 1]),
    )
    network = Named.of(["wifi", "mobile", "wifi", "mobile"])
    return Followed(silences, np.array([False, False, True, True]), {"network": network})


@pytest.mark.parametrize(
    ("unknown", "lasted_s", "is_cut"),
    [
        (None, [600, 300], [False, True]),
        ("answered", [600, 300, 480], [False, True, False]),
        ("lost", [600, 300, 480], [False, True, True]),
    ],
)
def test_what_is_not_known_is_left_out_or_taken_either_way(followed, unknown, lasted_s, is_cut):
    found = followed.chosen(ALL, unknown)
    assert (found.lasted_s.tolist(), found.is_cut.tolist()) == (lasted_s, is_cut)


def test_some_are_chosen_and_the_rest_stays_as_it_was(followed):
    of_wifi = followed.keys["network"].number == 0
    assert followed.chosen(of_wifi, "lost").is_cut.tolist() == [False, True]
    assert followed.silences.is_cut.tolist() == [False, True, False, False]


def test_counts_are_of_what_is_known(followed):
    assert followed.counts("network") == {"wifi": 1, "mobile": 1}


def test_names_are_numbered_in_the_order_in_which_they_come():
    named = Named.of(["b", "a", "b"])
    assert (named.names, named.number.tolist()) == (("b", "a"), [0, 1, 0])


@pytest.mark.parametrize(
    ("roles", "is_joined"), [({"client"}, False), ({"back"}, False), ({"client", "back"}, True), (set(), False)]
)
def test_two_sides_are_joined_where_there_are_two(roles, is_joined):
    sql, joins = requests_sql(roles, "client", "lines")
    assert joins is is_joined
    assert ("LEFT JOIN" in sql) is is_joined


def test_who_may_ask_later_after_an_answer_is_not_lost_sooner():
    assert margins()["at_once"] == AT_ONCE_S
    assert margins(1.0)["least"] == MARGIN_S[0]
    assert margins(10.0)["least"] == 10.0
