from types import SimpleNamespace

import pytest

from hbprobe.fleet.paths import FleetPath, fixed
from hbprobe.fleet.sweep import sweep_share, with_share
from hbprobe.profiles.silent_request import Cut
from hbprobe.records.simulations import FleetSweepPart

PATHS = tuple(FleetPath(name, share, fixed(Cut())) for name, share in (("a", 60), ("b", 20), ("c", 20)))


def fleet(events_from):
    def simulate(share):
        asked.append(round(share * 100))
        return SimpleNamespace(events=[0] * (share >= events_from), lowest_s=500, mean_s=600.0, mean_asked_s=700.0)

    asked = []
    return simulate, asked


@pytest.mark.parametrize(
    ("share", "shares"), [(0.5, (0.5, 0.25, 0.25)), (0, (0, 0.5, 0.5)), (1, (1, 0, 0)), (0.6, (0.6, 0.2, 0.2))]
)
def test_the_other_paths_keep_their_proportions(share, shares):
    assert tuple(path.share for path in with_share(PATHS, "a", share)) == pytest.approx(shares)


def test_where_nobody_is_anywhere_else_all_stay():
    assert [path.share for path in with_share(PATHS[:1], "a", 0.1)] == [1]


@pytest.mark.parametrize("enough", [0.01, 0.07, 0.46, 0.5, 0.51, 1.0])
def test_the_least_share_is_found_to_one_per_cent(enough):
    simulate, asked = fleet(enough)
    sweep = sweep_share("a", simulate)
    assert sweep.enough.share == pytest.approx(enough)
    assert len(asked) == len(set(asked)) <= 15
    assert [one.share for one in sweep.tried] == sorted(one.share for one in sweep.tried)
    assert FleetSweepPart.of(sweep, mix="").enough_share == sweep.enough.share


def test_no_share_is_enough_and_none_is_needed():
    assert sweep_share("a", fleet(2)[0]).enough is None
    assert FleetSweepPart.of(sweep_share("a", fleet(2)[0]), mix="").enough_share is None
    assert sweep_share("a", fleet(0)[0]).enough.share == 0
