"""Small pieces instead of large ones."""

import pytest
from support.stages import pipe_of, plan, run

from hbprobe.middlebox.stages.slicer import SlicerSettings
from hbprobe.middlebox.stages.stage import StreamEnd


@pytest.mark.parametrize(("size", "variation"), [(1, 0), (10, 0), (10, 10), (64, 20)])
def test_pieces_are_as_small_as_asked_and_none_is_empty_or_lost(size, variation):
    data = bytes(range(256)) * 4
    pipe = pipe_of(plan("slicer", average_size=size, size_variation=variation))
    pipe.feed(data, 0.0)
    pieces = [item for _, item in run(pipe)]
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= size + variation for piece in pieces)


def test_pieces_come_so_far_apart_over_chunks_too():
    pipe = pipe_of(plan("slicer", average_size=2, delay=1000))
    pipe.feed(b"abcd", 0.0)
    pipe.feed(b"ef", 0.0)
    assert run(pipe) == [(0.0, b"ab"), (pytest.approx(0.001), b"cd"), (pytest.approx(0.002), b"ef")]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "average_size must be above 0"),
        ({"average_size": 5, "size_variation": 6}, "size_variation must be from 0 to average_size"),
        ({"average_size": 5, "delay": -1}, "delay is microseconds, from 0 on"),
    ],
)
def test_what_cannot_be_sliced(wrong, told):
    with pytest.raises(ValueError, match=f"^{told}$"):
        SlicerSettings(**wrong)


def test_an_end_comes_when_the_last_piece_has_had_its_time():
    pipe = pipe_of(plan("slicer", average_size=1, delay=1000))
    pipe.feed(b"ab", 0.0)
    pipe.feed(StreamEnd.FIN, 0.0)
    assert run(pipe)[-1] == (pytest.approx(0.002), StreamEnd.FIN)
