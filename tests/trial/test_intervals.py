"""The line that sets the interval of a keep-alive."""

import pytest

from hbprobe.trial import intervals
from hbprobe.trial.intervals import GRPC, LINUX, IntervalLine

LINES = [line for line in vars(intervals).values() if isinstance(line, IntervalLine)]


@pytest.mark.parametrize(("interval_s", "seconds"), [(0.2, 1), (1, 1), (59.99, 59), (300, 300)])
def test_never_longer_than_asked_but_a_second_at_least(interval_s, seconds):
    assert LINUX.text(interval_s) == (
        f"sysctl -w net.ipv4.tcp_keepalive_time={seconds} net.ipv4.tcp_keepalive_intvl={seconds}"
    )


def test_some_count_milliseconds():
    assert '("grpc.keepalive_time_ms", 240000)' in GRPC.text(240)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.where)
def test_each_has_a_place_for_the_interval_and_a_source(line):
    assert line.text(7) != line.text(8)
    assert line.sentence(7) == f"{line.where}: {line.text(7)} ({line.source})"
    assert line.source.startswith("https://")
