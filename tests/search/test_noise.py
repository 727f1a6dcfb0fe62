import math
import random
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.manner import Manner
from hbprobe.measure.description import describe
from hbprobe.measure.journal import Journal
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.search.bracket import seen
from hbprobe.search.noise import Noise, beliefs, doubt, most_likely
from hbprobe.search.prior import Belief, Prior, prior_of
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Kind, Outcome, Trial

NOISE = Noise(share=0.1, late_s=2.0)
PRIOR = Prior(silent=Belief({300: 0.25, 600: 0.25}), telling=Belief({60: 0.5}))


def survived(hold_s):
    return seen(hold_s, Outcome(Kind.SURVIVED, hold_s))


def silent(hold_s):
    return seen(hold_s, Outcome(Kind.CUT, hold_s + 3, Manner.SILENT))


def told(time_s, hold_s):
    return seen(hold_s, Outcome(Kind.CUT, time_s, Manner.RESET, exact=True))


def evenly(low_s, high_s):
    """Every limit from 0 to 1000 s is as likely."""
    return (min(high_s, 1000) - min(low_s, 1000)) / 1000


# Beliefs


@pytest.mark.parametrize("prior", [None, PRIOR])
def test_each_belief_adds_up_to_1(prior):
    for mass in beliefs(60, 3540, prior):
        assert mass(0, math.inf) == pytest.approx(1)
        assert sum(mass(*gap) for gap in [(0, 59), (59, 600), (600, 3540), (3540, 1e9)]) == pytest.approx(1)


def test_what_the_beliefs_are():
    by_magnitude, by_second, by_product = beliefs(60, 3540, PRIOR)
    assert by_magnitude(60, 600) == pytest.approx(by_magnitude(6, 60)) == pytest.approx(1 / math.log10(35400 / 6))
    assert by_second(0, 3540) == by_second(3540, math.inf) == 0.5
    assert by_product(599, 600) == pytest.approx(0.125, abs=0.001)
    assert by_product(600, 601) == pytest.approx(0, abs=0.001), "a limit lies at or below the upper end of a gap"


# One trial at a time, reckoned by hand


def test_a_survival_is_near_to_a_proof():
    found = doubt([survived(500)], (500, math.inf), NOISE, [evenly])
    assert found.inside == pytest.approx(0.9 / (0.9 + 0.001))
    assert found.above == 0


def test_a_silent_cut_is_worth_as_much_as_accidents_are_rare():
    # Of a box that is silent, 1 : 0.1; of one that tells, an accident in both cases.
    found = doubt([silent(500)], (0, 500), NOISE, [evenly])
    assert found.inside == pytest.approx((1 + 0.1) / (1 + 0.1 + 0.1 + 0.1))


def test_silent_cuts_that_agree():
    found = doubt([silent(500)] * 3, (0, 500), NOISE, [evenly])
    assert found.inside == pytest.approx((1 + 1e-3) / (1 + 3e-3))


def test_an_exact_time_that_is_seen_once_and_again():
    evidence = [survived(399), told(400, 1000)]
    once, again = (
        doubt(seen, (399, 400), NOISE, [evenly]).inside for seen in (evidence, [*evidence, told(400, 403)])
    )
    assert 0.7 < once < 0.95
    assert again > 0.999


def test_exact_times_that_do_not_agree_are_accidents():
    evidence = [survived(100), told(200, 1000), told(300, 1000), *[silent(900)] * 6]
    assert doubt(evidence, (100, 200), NOISE, [evenly]).above > 0.9
    assert most_likely(evidence, NOISE) == (300, 900)


def test_the_belief_that_doubts_most_is_heard():
    evidence = [survived(599.5), silent(600.5)]
    masses = beliefs(60, 3540, PRIOR)
    each = [doubt(evidence, (599.5, 600.5), NOISE, [mass]).inside for mass in masses]
    assert doubt(evidence, (599.5, 600.5), NOISE, masses).inside == min(each) == each[1]
    assert max(each) == each[2]


def test_a_belief_that_is_refuted_is_no_confidence():
    found = doubt([survived(2000)] * 300, (2000, math.inf), NOISE, [lambda *gap: float(gap[0] == 0)])
    assert found.inside == 0


@given(
    st.lists(
        st.builds(
            lambda kind, hold_s, part: {0: survived, 1: silent}.get(kind, lambda h: told(part * h, h))(hold_s),
            st.integers(0, 2),
            st.floats(1, 4000),
            st.floats(0, 1),
        ),
        min_size=1,
        max_size=30,
    ),
    st.floats(0.001, 0.3),
)
def test_shares_are_shares_whatever_was_seen(evidence, share):
    noise = Noise(share, 2.0)
    low_s, high_s = most_likely(evidence, noise)
    assert 0 <= low_s < high_s
    found = doubt(evidence, (low_s, high_s), noise, beliefs(60, 3540, PRIOR))
    assert found.below + found.inside + found.above == pytest.approx(1)
    assert min(found.below, found.inside, found.above) >= 0


# The search that is told of noise


def walk(rule, settings, prior=None):
    search, rounds = Search(settings, prior), []
    while holds := search.next_holds():
        rounds.append(holds)
        for hold_s in holds:
            if not search.is_moot(hold_s):
                search.record(hold_s, rule(hold_s))
    return search, rounds


def silent_path(limit_s, *accidents):
    """A path that cuts in silence, and whose first trial of some holds dies by accident."""
    left = list(accidents)

    def rule(hold_s):
        if hold_s in left:
            left.remove(hold_s)
        elif hold_s < limit_s:
            return Outcome(Kind.SURVIVED, hold_s)
        return Outcome(Kind.CUT, hold_s + 3, Manner.SILENT)

    return rule


def test_without_noise_nothing_is_stated():
    search, _ = walk(silent_path(600), SearchSettings(min_s=60))
    assert (search.noise, search.confidence) == (0, None)


def test_the_upper_end_is_asked_again_until_it_is_sure():
    search, rounds = walk(silent_path(600), SearchSettings(min_s=60, noise=0.1))
    assert rounds[-4:] == [(597.5,), (599.5,), (600.5,), (600.5,)]
    assert search.confidence == pytest.approx(0.9742, abs=1e-4)
    assert search.confirmed
    assert search.contradictions == ()


def test_several_connections_ask_it_again_all_at_once():
    _, rounds = walk(silent_path(600), SearchSettings(min_s=60, noise=0.1, connections=8))
    assert rounds[-1] == (600.5,) * 2


def test_an_accident_on_the_way_is_found_out_before_the_bracket_is_narrow():
    search, rounds = walk(silent_path(600, 493.5), SearchSettings(min_s=60, noise=0.1))
    asked = [hold_s for holds in rounds for hold_s in holds]
    assert asked.count(493.5) == 2
    assert asked[asked.index(493.5) :][:4] == [493.5, 275.5, 384.5, 438.5]
    assert (search.limit.survived_s, search.limit.cut_s) == (599.5, 600.5)
    assert search.contradictions == ("a hold of 493.5 s was cut (silent)",)
    assert search.confirmed, "contradictions were foretold"


def test_the_more_noise_the_more_trials():
    counts = [len(walk(silent_path(600), SearchSettings(min_s=60, noise=noise))[1]) for noise in (0, 0.02, 0.1, 0.3)]
    assert counts == sorted(set(counts))


def test_the_more_confidence_the_more_trials():
    asked = [0.5, 0.95, 0.9999]
    searches = [walk(silent_path(600), SearchSettings(min_s=60, noise=0.1, confidence=share)) for share in asked]
    counts = [len(rounds) for _, rounds in searches]
    assert counts == sorted(set(counts))
    assert all(search.confidence >= share for share, (search, _) in zip(asked, searches, strict=True))


def test_an_open_path_costs_nothing_more():
    _, rounds = walk(silent_path(math.inf), SearchSettings(min_s=60, noise=0.1))
    assert rounds == [(3540,)]


def test_noise_is_assumed_once_trials_contradict_each_other():
    search = Search(SearchSettings(min_s=60))
    for e in (survived(300), silent(600), survived(900)):
        search.record(e.hold_s, e.outcome)
    assert search.noise == 0.1
    assert search.confidence < 0.95
    assert not search.confirmed


def test_a_search_of_nothing_but_noise_ends():
    chance = random.Random(5)
    rule = lambda hold_s: chance.choice((survived, silent))(hold_s).outcome  # noqa: E731
    for noise in (0.0, 0.1):
        assert len(walk(rule, SearchSettings(min_s=60, noise=noise))[1]) < 120


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": -0.1}, "noise must be above 0, not -0.1"),
        ({"noise": 0.31}, "noise must be 0.3 or less, not 0.31"),
        ({"confidence": 1.0}, "confidence must be below 1, not 1"),
        ({"confidence": 0.0}, "confidence must be above 0, not 0"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        SearchSettings(**settings)
    assert str(error.value) == message


def test_a_search_may_be_taken_up_again_by_one_who_is_harder_to_convince(tmp_path):
    easy = SearchSettings(min_s=60, max_s=3000)
    hard = replace(easy, noise=0.1, confidence=0.99)
    with Journal(tmp_path / "j", describe("x", "hold", easy), resume=False) as journal:
        journal.ended(Trial(1, 600.5, 0.0, silent(600.5).outcome))
    with Journal(tmp_path / "j", describe("x", "hold", hard), resume=True) as journal:
        assert [trial.hold_s for trial in journal.trials] == [600.5]


# What is stated is so: the small form of tests/benchmarks/noise.py

BENCHMARK = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "noise.py"))


def test_the_limit_lies_in_the_bracket_at_least_as_often_as_stated():
    prior, rng = prior_of(Catalogue().all()), random.Random(1040)
    search_one, shares = BENCHMARK["search_one"], BENCHMARK["SHARES"]
    ended = [search_one(rng.choice(shares), prior, rng, asked=0.9) for _ in range(150)]
    assert sum(search.right for search in ended) >= sum(search.stated for search in ended)
    assert sum(search.stated >= 0.9 for search in ended) >= 149
    told_nothing = [search_one(0.1, prior, rng, asked=0.9, said=0.0) for _ in range(50)]
    assert sum(search.right for search in told_nothing) < 43, "the paths are noisy enough to mislead"
