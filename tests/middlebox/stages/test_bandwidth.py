"""So many bytes a second, on a clock that a test moves."""

import pytest
from support.stages import pipe_of, plan, run


def test_bytes_that_come_before_a_late_alarm_make_nothing_of_it_later():
    pipe = pipe_of(plan("bandwidth", rate=100))
    for at in range(100):
        pipe.feed(bytes(1000), at * 0.01 + 0.009)  # the alarm for the one before it is late
        list(pipe.pump(at * 0.01 + 0.009))
    assert run(pipe)[-1][0] == pytest.approx(1.009)


def test_bandwidth_does_not_run_dry_while_its_alarm_comes_late():
    pipe, left, now = pipe_of(plan("bandwidth", rate=50_000)), 50_000_000, 0.0
    while left or not pipe.empty:
        while left and not pipe.full:  # what an end sends is read in small pieces
            pipe.feed(bytes(65_536), now)
            left -= min(left, 65_536)
        now = pipe.due() + 0.03
        assert all(pipe.pump(now))
    assert now == pytest.approx(1.03, rel=0.01)


def test_bandwidth_without_a_rate_is_no_limit():
    pipe = pipe_of(plan("bandwidth"))
    pipe.feed(bytes(500_000), 1.0)
    assert [(at, len(item)) for at, item in run(pipe)] == [(1.0, 500_000)]


def test_a_rate_that_changes_counts_from_what_has_passed():
    pipe = pipe_of(plan("bandwidth", rate=10))
    pipe.feed(bytes(20_000), 0.0)
    run(pipe, until=1.0)
    pipe.change([plan("bandwidth", rate=100)], 1.0)
    assert run(pipe)[-1][0] == pytest.approx(1.1)
