"""The end comes later."""

import pytest
from support.stages import pipe_of, plan, run

from hbprobe.middlebox.stages.slow_close import SlowCloseSettings
from hbprobe.middlebox.stages.stage import StreamEnd


@pytest.mark.parametrize("end", [StreamEnd.FIN, StreamEnd.RESET])
def test_bytes_pass_at_once_and_the_end_waits(end):
    pipe = pipe_of(plan("slow_close", delay=500))
    pipe.feed(b"last words", 1.0)
    pipe.feed(end, 1.0)
    assert run(pipe) == [(1.0, b"last words"), (1.5, end)]


def test_a_delay_below_nothing_is_refused():
    with pytest.raises(ValueError, match=r"^delay is milliseconds, from 0 on$"):
        SlowCloseSettings(-1)
