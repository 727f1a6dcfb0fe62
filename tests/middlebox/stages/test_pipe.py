"""Stages in a row, on a clock that a test moves: nothing is lost, nothing overtakes, late alarms do not add up."""

import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hbprobe.middlebox.stages.pipe import Pipe, StagePlan
from hbprobe.middlebox.stages.stage import StreamEnd
from hbprobe.middlebox.stages.table import STAGES

HARMLESS = {
    "latency": {"latency": 40, "jitter": 40},
    "bandwidth": {"rate": 3},
    "slow_close": {"delay": 70},
    "slicer": {"average_size": 40, "size_variation": 40, "delay": 900},
    "packet_loss": {"loss_rate": 0.3, "correlation": 0.2},
    "noop": {},
}


def plan(kind, name=None, seed=1, **attributes):
    stage = STAGES[kind]
    return StagePlan(name or kind, stage, stage.settings_type(**attributes), random.Random(seed))


def pipe_of(*plans):
    pipe = Pipe()
    pipe.change(plans, 0.0)
    return pipe


def run(pipe, until=math.inf, late=0.0):
    """Return what comes out, each with when it was due; the alarm rings so much too late."""
    out = []
    while (due := pipe.due()) < math.inf and due <= until:
        out += [(due, item) for item in pipe.pump(due + late)]
    return out


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


def test_bytes_that_come_before_a_late_alarm_make_nothing_of_it_later():
    pipe = pipe_of(plan("bandwidth", rate=100))
    for at in range(100):
        pipe.feed(bytes(1000), at * 0.01 + 0.009)  # the alarm for the one before it is late
        list(pipe.pump(at * 0.01 + 0.009))
    assert run(pipe)[-1][0] == pytest.approx(1.009)


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


@pytest.mark.parametrize(("limit", "passed"), [(0, b""), (3, b"abc"), (6, b"abcdef"), (7, b"abcdef")])
def test_a_limit_is_exact_over_chunks_that_straddle_it(limit, passed):
    pipe = pipe_of(plan("limit_data", bytes=limit))
    for chunk in (b"ab", b"cd", b"ef"):
        pipe.feed(chunk, 0.0)
    out = [item for _, item in run(pipe)]
    assert b"".join(item for item in out if isinstance(item, bytes)) == passed
    assert (StreamEnd.CLOSE in out) == (limit < 7)


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


def test_lost_segments_wait_for_one_retransmission_or_more():
    pipe = pipe_of(plan("packet_loss", loss_rate=0.02, seed=5))
    times = []
    for number in range(2000):
        pipe.feed(bytes(1000), number * 1000.0)
        times += [at - number * 1000 for at, _ in run(pipe)]
    lost = [round(at, 6) for at in times if at > 0.01]
    assert {0.2} <= set(lost) <= {0.2, 0.6, 1.4, 3.0}
    assert 22 <= len(lost) <= 60  # binomial, 99.9 % two-sided


def test_the_same_generator_delays_alike():
    def times():
        pipe = pipe_of(plan("latency", latency=100, jitter=90, seed=3))
        for number in range(50):
            pipe.feed(b"x", float(number))
        return run(pipe)

    assert times() == times()
