from dataclasses import replace
from types import SimpleNamespace

from hbprobe.fleet.size import AtTimer, Enough, Sizing, size

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
    def simulate(timer_s):
        return SimpleNamespace(
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
