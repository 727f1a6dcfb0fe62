"""None"""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from hbprobe.fleet.paths import FleetPath, fixed
from hbprobe.fleet.size import AtTimer, Enough, Sizing, size, sweep_share, with_share
from hbprobe.profiles.silent_request import Cut
from hbprobe.records.simulations import FleetSweepPart

WELL = AtTimer(
    timer_s=600,
    events_per_day=0,
    lowest_s=700,
    wakeups=100,
    requests_per_s=1,
    table_entries=10,
    kilobytes=100,
    without_push_min=0,
    well_share=1.0,
)


def sizing(*tried):
    return Sizing(
        tuple(
            replace(WELL, timer_s=300 * (number + 1), events_per_day=events, well_share=share)
            for number, (events, share) in enumerate(tried)
        )
    )


def test_a_timer_is_enough_from_which_on_all_is_well():
    found = sizing((96, 0.1), (0, 0.96), (0, 0.992), (0, 1.0), (0, 1.0))
    assert found.enough == (Enough(1.0, 1200), Enough(0.99, 900), Enough(0.95, 600))
    assert not found.event_on_all


def test_a_gap_is_not_taken_for_the_end():
    assert sizing((0, 1.0), (1, 1.0), (0, 1.0)).enough[0].timer_s == 900
    assert sizing((0, 1.0), (0, 0.98), (0, 1.0)).enough == (Enough(1.0, 900), Enough(0.99, 900), Enough(0.95, 300))


def test_nothing_is_enough():
    found = sizing((2, 1.0), (2, 1.0))
    assert {one.timer_s for one in found.enough} == {None}
    assert found.event_on_all


def test_each_timer_is_tried_and_told_per_day():
    def simulate(timers_s):
        for timer_s in timers_s:
            yield SimpleNamespace(
                events=[0, 0, 0],
                days=2.0,
                lowest_s=timer_s,
                load=SimpleNamespace(requests_per_s=3.0, table_entries=4.0, bytes_per_device_day=5000.0),
                per_device_day=SimpleNamespace(wakeups=6.0, without_push_min=7.0),
                well_share=0.5,
            )

    assert list(size([300, 360], simulate)) == [
        AtTimer(300, 1.5, 300, 6.0, 3.0, 4.0, 5.0, 7.0, 0.5),
        AtTimer(360, 1.5, 360, 6.0, 3.0, 4.0, 5.0, 7.0, 0.5),
    ]


PATHS = tuple(FleetPath(name, share, fixed(Cut())) for name, share in (("a", 60), ("b", 20), ("c", 20)))


def fleet(events_from):
    def simulate(shares):
        for share in shares:
            asked.append(round(share * 100))
            events = [0] * (share >= events_from)
            yield SimpleNamespace(events=events, lowest_s=500, mean_s=600.0, mean_asked_s=700.0)

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
