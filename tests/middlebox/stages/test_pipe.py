"""Stages in a row, on a clock that a test moves: nothing is lost, nothing overtakes, late alarms do not add up."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.stages import pipe_of, plan, run

from hbprobe.middlebox.stages.stage import StreamEnd

HARMLESS = {
    "latency": {"latency": 40, "jitter": 40},
    "bandwidth": {"rate": 3},
    "slow_close": {"delay": 70},
    "slicer": {"average_size": 40, "size_variation": 40, "delay": 900},
    "packet_loss": {"loss_rate": 0.3, "correlation": 0.2},
    "noop": {},
}
rows = st.lists(st.sampled_from(sorted(HARMLESS)), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows, st.lists(st.binary(min_size=1, max_size=4000), max_size=5), rows, st.floats(0, 2), st.floats(0, 0.05))
def test_no_byte_is_lost_or_overtakes_whatever_the_stages_and_however_they_change(kinds, chunks, others, when, late):
    pipe = pipe_of(*(plan(kind, f"{kind}{at}", **HARMLESS[kind]) for at, kind in enumerate(kinds)))
    for at, chunk in enumerate(chunks):
        pipe.feed(chunk, at * 0.01)
    out = run(pipe, when, late)
    pipe.change([plan(kind, f"{kind}{at}", **HARMLESS[kind]) for at, kind in enumerate(others)], when + late)
    pipe.feed(StreamEnd.FIN, when + late)
    out += run(pipe)
    assert b"".join(item for _, item in out[:-1]) == b"".join(chunks)
    assert out[-1][1] is StreamEnd.FIN
    assert (pipe.held, pipe.empty, pipe.due()) == (0, True, math.inf)


def test_late_alarms_do_not_add_up():
    pipe = pipe_of(plan("bandwidth", rate=100), plan("latency", latency=50))
    pipe.feed(bytes(100_000), 0.0)
    assert run(pipe, late=0.02)[-1][0] == pytest.approx(1.05)


def test_what_waits_for_the_end_that_takes_it_counts_from_then():
    pipe = pipe_of(plan("bandwidth", rate=100))
    pipe.feed(bytes(20_000), 0.0)
    took = []
    for item in pipe.pump(0.1):
        took.append(item)
        pipe.blocked = True
    assert (len(took[0]), pipe.due()) == (10_000, math.inf)
    list(pipe.pump(5.0))
    pipe.blocked = False
    assert pipe.due() == pytest.approx(0.2)
    assert [len(item) for item in pipe.pump(5.0)] == [10_000]


def test_a_full_stage_is_fed_no_more_by_the_one_before_it():
    pipe = pipe_of(plan("latency", latency=10), plan("bandwidth", rate=1))
    for _ in range(10):
        pipe.feed(bytes(60_000), 0.0)
    list(pipe.pump(0.05))
    assert pipe.held == 600_000
    assert pipe._row[1].held <= 120_000
    assert not pipe.full


def test_a_stage_behind_a_limit_still_delays_what_the_limit_lets_pass_and_the_end():
    pipe = pipe_of(plan("limit_data", bytes=5), plan("latency", latency=100))
    pipe.feed(b"0123456789", 0.0)
    assert run(pipe) == [(0.1, b"01234"), (0.1, StreamEnd.CLOSE)]
    assert pipe.closed_by == "limit_data"
