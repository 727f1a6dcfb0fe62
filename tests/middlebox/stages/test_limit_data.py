"""So many bytes, then the connection is closed."""

import pytest
from support.stages import pipe_of, plan, run

from hbprobe.middlebox.stages.limit_data import LimitDataSettings
from hbprobe.middlebox.stages.stage import StreamEnd


@pytest.mark.parametrize(("limit", "passed"), [(0, b""), (3, b"abc"), (6, b"abcdef"), (7, b"abcdef")])
def test_a_limit_is_exact_over_chunks_that_straddle_it(limit, passed):
    pipe = pipe_of(plan("limit_data", bytes=limit))
    for chunk in (b"ab", b"cd", b"ef"):
        pipe.feed(chunk, 0.0)
    out = [item for _, item in run(pipe)]
    assert b"".join(item for item in out if isinstance(item, bytes)) == passed
    assert (StreamEnd.CLOSE in out) == (limit < 7)


def test_an_end_before_the_limit_passes_and_a_number_below_nothing_is_refused():
    pipe = pipe_of(plan("limit_data", bytes=9))
    pipe.feed(b"ab", 0.0)
    pipe.feed(StreamEnd.FIN, 0.0)
    assert [item for _, item in run(pipe)] == [b"ab", StreamEnd.FIN]
    with pytest.raises(ValueError, match=r"^bytes is a number of bytes, from 0 on$"):
        LimitDataSettings(-1)
