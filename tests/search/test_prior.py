import math

import pytest

from hbprobe.profiles.catalogue import Catalogue
from hbprobe.search.prior import SHIPPED_SILENT, SHIPPED_TELLING, Belief, Prior, prior_of, shipped_prior, votes_of


def test_counts_known_limits_and_smooths_the_rest() -> None:
    belief = Belief({300.0: 0.25, 600.0: 0.75})
    assert belief.between(299.5, 300.5) > 0.9 * 0.25
    assert belief.between(0, 299.5) < 0.1
    assert belief.between(301, 302) == pytest.approx(0.1 * math.log(302 / 301) / math.log(7 * 86400))


def test_a_bracket_includes_its_upper_end_as_a_limit_does() -> None:
    assert Belief({300.0: 1.0}).between(299.5, 300.0) > 0.9
    assert Belief({300.0: 1.0}).between(300.0, 301.0) < 0.1


def test_the_open_end_holds_the_limits_above() -> None:
    assert Belief({300.0: 0.5, 86400.0: 0.5}).between(3540, math.inf) == pytest.approx(0.9 * 0.5)


def test_a_belief_smooths_in_proportion_to_its_share() -> None:
    assert Belief({300.0: 0.2}).between(400, 500) == pytest.approx(0.2 * Belief({300.0: 1.0}).between(400, 500))


def test_candidates_are_those_of_both_kinds_inside_the_bracket() -> None:
    prior = Prior(Belief({300.0: 0.5, 600.0: 0.2}), Belief({60.0: 0.1, 300.0: 0.1, 900.0: 0.1}))
    assert prior.candidates(60, 900) == [300.0, 600.0]
    assert prior.candidates(59, 901) == [60.0, 300.0, 600.0, 900.0]


def test_every_product_has_one_vote_and_examples_none() -> None:
    chosen = [Catalogue().find(name) for name in ("aws-nlb-tcp", "azure-load-balancer-tcp-reset", "open-path")]
    prior = prior_of([*chosen, Catalogue().find("ten-minute-provider")])
    assert prior == Prior(Belief({350.0: 0.5}), Belief({240.0: 0.5}))


def test_what_stands_of_the_shipped_profiles_is_what_they_say() -> None:
    silent, telling = (dict(sorted(votes.items())) for votes in votes_of(Catalogue().all()))
    assert (silent, telling) == (SHIPPED_SILENT, SHIPPED_TELLING), (
        f"write in hbprobe/search/prior.py: SHIPPED_SILENT = {silent}, SHIPPED_TELLING = {telling}"
    )
    assert shipped_prior() == prior_of(Catalogue().all())


def test_equal_priors_are_one_key_in_whatever_order_their_limits_were_told() -> None:
    first, second = (
        Prior(Belief(shares), Belief({})) for shares in ({60.0: 0.3, 300.0: 0.7}, {300.0: 0.7, 60.0: 0.3})
    )
    assert {first: "kept"}[second] == "kept"
