import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.evidence.limits import (
    Episode,
    LimitStatus,
    Silences,
    curve_of,
    has_unexplained_losses,
    limit_of,
    monotone,
    shared,
)
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Kind, Outcome


def silences(answered=(), lost=(), told=(), devices=5):
    lasted = np.array([*answered, *lost, *told], float)
    cut = np.array([False] * len(answered) + [True] * (len(lost) + len(told)), bool)
    exact = np.array([False] * (len(answered) + len(lost)) + [True] * len(told), bool)
    return Silences(lasted, cut, exact, np.arange(len(lasted)) % devices)


def spread(low, high, number):
    return np.linspace(low, high, number).tolist()


def test_a_silent_limit_lies_between_the_longest_answered_and_the_shortest_lost():
    limit = limit_of(silences(spread(10, 590, 100), spread(600, 1800, 60)))
    assert limit.judgement is LimitStatus.LIMIT
    assert (limit.survived_s, limit.cut_s, limit.how) == (590, 600, Manner.SILENT)
    assert limit.confidence > 0.9


def test_of_one_that_tells_devices_the_manner_is_left_open():
    limit = limit_of(silences(spread(10, 299, 100), told=spread(300, 300.4, 60)))
    assert (limit.judgement, limit.how) == (LimitStatus.LIMIT, None)
    assert limit.survived_s <= 300 <= limit.cut_s


def test_a_coarse_clock_widens_the_bracket():
    limit = limit_of(silences(spread(10, 299.4, 100), spread(300.2, 900, 60)), coarse_s=1.0)
    assert (limit.survived_s, limit.cut_s) == (299, 301)
    told = limit_of(silences(spread(10, 299.4, 100), told=spread(300.2, 301, 60)), coarse_s=1.0)
    assert told.survived_s == 298


def test_fixed_intervals_show_one_point_and_no_more():
    limit = limit_of(silences([600.0] * 200))
    assert (limit.judgement, limit.longest_answered_s, limit.cut_s) == (LimitStatus.NONE_SEEN, 600, None)


@pytest.mark.parametrize(
    "few",
    [
        silences(),
        silences(spread(10, 100, 10), spread(300, 400, 5)),
        silences(spread(10, 100, 50), spread(300, 400, 30), devices=1),
    ],
)
def test_too_little_is_said(few):
    limit = limit_of(few)
    assert limit.judgement is LimitStatus.TOO_LITTLE and not has_unexplained_losses(limit)


def test_losses_of_one_device_are_none_of_the_path():
    seen = silences(spread(10, 900, 200), devices=5)
    one = Silences(np.full(20, 950.0), np.ones(20, bool), np.zeros(20, bool), np.zeros(20, int))
    both = Silences(
        *(
            np.concatenate(pair)
            for pair in zip(*((s.lasted_s, s.is_cut, s.is_exact, s.who) for s in (seen, one)), strict=True)
        )
    )
    assert limit_of(both).judgement is LimitStatus.NONE_SEEN


def test_losses_at_random_are_no_limit():
    for seed in range(200):
        random = np.random.default_rng(seed)
        lasted = random.uniform(5, 1800, 2000)
        lost = random.random(2000) < 0.05
        limit = limit_of(Silences(lasted, lost, np.zeros(2000, bool), np.arange(2000) % 40))
        assert limit.judgement is LimitStatus.NONE_SEEN, seed


@pytest.mark.parametrize(
    ("lost", "judgement", "is_lossy"),
    [(0.04, "none-seen", False), (0.1, "none-seen", False), (0.14, "too-little", True), (0.25, "too-little", True)],
)
def test_where_more_is_lost_than_accident_explains_it_is_not_said_that_no_limit_is_seen(lost, judgement, is_lossy):
    """Devices that all ask for the same see no time at which losses set in."""
    of = 1000
    limit = limit_of(silences([300.0] * 8 + [600.0] * round(of * (1 - lost)), [600.0] * round(of * lost)))
    assert (limit.judgement, has_unexplained_losses(limit)) == (judgement, is_lossy)
    assert limit.survived_s is None and limit.cut_s is None
    assert not is_lossy or limit.hit == pytest.approx(lost)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4, 0.5])
def test_a_limit_that_a_part_of_the_network_does_not_have_is_not_the_limit_of_all(share):
    is_lost = np.random.default_rng(1).random(400) >= share
    longer = np.linspace(300, 1800, 400)
    limit = limit_of(silences([*spread(10, 299, 100), *longer[~is_lost]], longer[is_lost]))
    judgement = LimitStatus.LIMIT if share < 0.1 else LimitStatus.SEVERAL
    assert (limit.judgement, limit.hit) == (judgement, pytest.approx(1 - share, abs=0.03))
    assert limit.survived_s <= 310 and limit.cut_s >= 300
    alive = [at for time_s, at in limit.curve if 400 < time_s < 1500]
    assert share < 0.1 or min(alive) > share - 0.1


@pytest.mark.parametrize(("told", "mean_s"), [(True, 600), (True, 1200), (True, 6000), (False, 20_000)])
def test_losses_that_come_at_any_moment_are_no_limits(told, mean_s):
    """A device that loses its network, and asks again as soon as it is back, looks as if it had been told."""
    for seed in range(10):
        random = np.random.default_rng(seed)
        lasted, ends = random.choice([480.0, 600.0, 780.0, 1680.0], 1500), random.exponential(mean_s, 1500)
        lasted = np.minimum(lasted, random.exponential(2160, 1500))  # when mail came
        lost = ends < lasted
        lasted = np.where(lost & told, ends, lasted)
        limit = limit_of(Silences(lasted, lost, lost & told, np.arange(1500) % 40))
        assert limit.judgement in (LimitStatus.NONE_SEEN, LimitStatus.TOO_LITTLE), seed


def test_of_a_few_that_were_told_all_may_have_paused():
    """Half of them do, for a minute: of seven, six one time in sixteen."""
    told = [1681.2, *spread(1740, 1743, 6)]
    limit = limit_of(silences([*spread(10, 1600, 300), *[1680.0] * 20], told=told), coarse_s=1.0)
    assert (limit.judgement, limit.how) == (LimitStatus.LIMIT, None)
    assert limit.survived_s <= 1681 <= limit.cut_s


def test_two_limits_behind_one_prefix_are_told_as_several_with_their_shares():
    answered = [*spread(5, 299, 200), *spread(301, 1199, 100)]
    limit = limit_of(silences(answered, [*spread(301, 1199, 100), *spread(1201, 1800, 150)]))
    assert limit.judgement is LimitStatus.SEVERAL
    shares = dict(limit.curve)
    at = lambda seconds: next(share for time_s, share in reversed(limit.curve) if time_s <= seconds)  # noqa: E731
    assert at(250) > 0.95 and 0.4 < at(900) < 0.6 and at(1700) < 0.1 and shares


def test_two_limits_that_devices_are_told_of():
    told = [*spread(300, 300.5, 300), *spread(1200, 1200.5, 100)]
    limit = limit_of(silences([*spread(5, 299, 200), *spread(301, 1199, 150)], told=told))
    assert limit.judgement is LimitStatus.SEVERAL


def test_a_limit_that_varies_and_that_devices_are_told_of():
    limit = limit_of(silences(spread(5, 620, 200), told=spread(600, 660, 200)))
    assert limit.judgement is LimitStatus.SEVERAL
    assert 600 <= limit.survived_s < limit.cut_s <= 660


def test_a_limit_that_varies_is_not_told_as_one_that_does_not():
    random = np.random.default_rng(1)
    lasted = random.uniform(300, 900, 3000)
    lost = lasted > 600 + 60 * random.random(3000)
    limit = limit_of(Silences(lasted, lost, np.zeros(3000, bool), np.arange(3000) % 40))
    assert limit.judgement is LimitStatus.SEVERAL
    assert 600 <= limit.survived_s < limit.cut_s <= 665


def test_all_paths_with_one_limit_have_one_box():
    one = limit_of(silences(spread(10, 299, 100), spread(300, 900, 60)))
    other = limit_of(silences(spread(10, 299.5, 100), spread(300.5, 900, 60)))
    carries = limit_of(silences([600.0] * 100))
    little = limit_of(silences())
    assert shared([one, other, little]) == (299.5, 300)
    assert shared([one]) is None
    assert shared([one, other, carries]) is None
    far = limit_of(silences(spread(10, 899, 100), spread(900, 1800, 60)))
    assert shared([one, far]) is None


def test_episodes_are_taken_as_they_are():
    def episode(kind, elapsed_s, who, **more):
        return Episode(who, "net", 0.0, Outcome(kind, elapsed_s, **more))

    taken = Silences.of([
        episode(Kind.SURVIVED, 10, "a"), episode(Kind.CUT, 20, "b", how=Manner.SILENT), episode(Kind.FAILED, 5, "c"),
        episode(Kind.CUT, 30, "a", how=Manner.RESET, exact=True),
    ])  # fmt: skip
    assert taken.lasted_s.tolist() == [10, 20, 30]
    assert taken.is_cut.tolist() == [False, True, True]
    assert taken.is_exact.tolist() == [False, False, True]
    assert taken.who.tolist() == [0, 1, 0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_pooling_never_falls_and_keeps_the_mean(values):
    pooled = monotone(np.array(values))
    assert (np.diff(pooled) >= -1e-12).all()
    assert pooled.mean() == pytest.approx(np.mean(values))


@given(
    st.lists(st.tuples(st.floats(0, 5000), st.booleans(), st.booleans(), st.integers(0, 6)), max_size=80),
    st.sampled_from([0.0, 1.0]),
)
def test_whatever_is_seen_a_judgement_comes_of_it(seen, coarse_s):
    columns = list(zip(*seen, strict=True)) or [[], [], [], []]
    one = Silences(
        np.array(columns[0], float), np.array(columns[1], bool), np.array(columns[2], bool), np.array(columns[3], int)
    )
    limit = limit_of(one, coarse_s)
    if limit.judgement is LimitStatus.LIMIT:
        assert limit.survived_s <= limit.cut_s and 0 <= limit.confidence <= 1
    assert all(0 <= share <= 1.0000001 for _, share in curve_of(one))


@pytest.mark.parametrize("seed", range(9))
def test_the_order_in_which_silences_come_means_nothing(seed):
    """Of the same length, too: a database gives rows in whichever order it likes."""
    answered = [*spread(5, 299, 200), *spread(301, 1199, 100)]
    one = silences(answered, [*spread(301, 1199, 100), *spread(1201, 1800, 150)])
    mixed = np.random.default_rng(seed).permutation(len(one))
    assert limit_of(one.chosen(mixed)) == limit_of(one)
