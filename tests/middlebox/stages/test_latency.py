"""Everything comes later."""

import pytest
from support.stages import pipe_of, plan, run

from hbprobe.middlebox.stages.latency import LatencySettings


def test_the_same_generator_delays_alike():
    def times():
        pipe = pipe_of(plan("latency", latency=100, jitter=90, seed=3))
        for number in range(50):
            pipe.feed(b"x", float(number))
        return run(pipe)

    assert times() == times()


@pytest.mark.parametrize("wrong", [{"latency": -1}, {"jitter": -1}])
def test_a_time_below_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match=r"^latency and jitter are milliseconds, from 0 on$"):
        LatencySettings(**wrong)


def test_what_came_later_never_overtakes():
    pipe = pipe_of(plan("latency", latency=100, jitter=100, seed=3))
    for number in range(200):
        pipe.feed(number.to_bytes(2), number / 1000)
    out = run(pipe)
    assert [item for _, item in out] == [number.to_bytes(2) for number in range(200)]
    assert all(0 <= at - number / 1000 <= 0.2 + 0.2 for number, (at, _) in enumerate(out))
