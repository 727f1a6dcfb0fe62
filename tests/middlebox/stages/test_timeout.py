"""Nothing passes, then the connection is closed."""

import math

import pytest
from support.stages import pipe_of, plan, run

from hbprobe.middlebox.stages.stage import StreamEnd
from hbprobe.middlebox.stages.timeout import TimeoutSettings


def test_the_time_counts_from_when_the_stage_came_whatever_is_said():
    pipe = pipe_of(plan("timeout", timeout=2000))
    pipe.feed(b"lost", 1.5)
    assert run(pipe) == [(2.0, StreamEnd.CLOSE)]
    assert (pipe.closed_by, pipe.due()) == ("timeout", math.inf)


def test_without_a_time_it_is_closed_when_the_stage_is_taken_away():
    pipe = pipe_of(plan("timeout"))
    pipe.feed(b"lost", 0.0)
    assert pipe.due() == math.inf
    pipe.change([], 5.0)
    assert list(pipe.pump(5.0)) == [StreamEnd.CLOSE]


def test_a_time_below_nothing_is_refused():
    with pytest.raises(ValueError, match=r"^timeout is milliseconds, from 0 on$"):
        TimeoutSettings(-1)
