"""Fleets of all sorts, and whether the models of them agree."""

from hypothesis import strategies as st

from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.cohort import Cohort
from hbprobe.fleet.mail import MailDay
from hbprobe.fleet.merge import WindowInArrays, in_pieces, together
from hbprobe.fleet.paths import FleetPath, PathTable, Span
from hbprobe.fleet.reference import simulate
from hbprobe.fleet.states import RequestEnd
from hbprobe.fleet.world import Habits, World
from hbprobe.manner import Manner
from hbprobe.profiles.silent_request import Cut

limits = st.one_of(st.just(float("inf")), st.integers(5, 4000).map(float), st.floats(5, 4000))
cuts = st.builds(
    Cut, limits, st.sampled_from(Manner), st.sampled_from([0.0, 30.0, 400.0]), st.sampled_from([1, 1, 2, 4])
)


@st.composite
def spans(draw):
    cut = draw(cuts)
    high_s = cut.limit_s + draw(st.sampled_from([0.0, 200.0]))
    return Span(draw(st.integers(1, 9)), cut.limit_s, high_s, cut)


what_windows_meet = (
    st.lists(st.tuples(st.sampled_from([0.0, 1.0, 899.5, 900.0]), st.integers(60, 1200)), max_size=60),
    st.integers(1, 8),
    st.sampled_from([0, 300, 540, 3540]),
    st.lists(st.integers(0, 60), max_size=3),
)
"""A pause and an interval for each request, the window's size, the alert's threshold, and where slices end."""
several_spans = st.lists(spans(), min_size=1, max_size=3).map(tuple)
paths = st.builds(FleetPath, st.just("a path"), st.integers(1, 9), several_spans)
mail = st.builds(
    MailDay,
    st.sampled_from([0.0, 3.0, 40.0, 2000.0]),
    st.sampled_from([[1] * 24, [0] * 8 + [3] * 10 + [1] * 6, [0] * 23 + [1]]),
)
habits = st.builds(
    Habits,
    mail,
    st.sampled_from([float("inf"), 40_000.0, 900.0]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([10.0, 60.0, 700.0]),
    st.sampled_from([0.0, 3600.0]),
)
server = st.sampled_from(
    [Settings(), Settings(60, 3540, 7, 540), Settings(600, 900, 20, 600), Settings(60, 300, 5, 300), Settings(1, 240)]
)
kinds = st.lists(st.sampled_from(DEVICES), min_size=1, max_size=len(DEVICES), unique=True)


@st.composite
def worlds(draw):
    some = tuple(draw(kinds))
    return World(
        kinds=some,
        counts=(*(draw(st.integers(0, 3)) for _ in some[1:]), draw(st.integers(1, 3))),
        paths=tuple(draw(st.lists(paths, min_size=1, max_size=3))),
        firewall=draw(cuts),
        habits=draw(habits),
        settings=draw(server),
        seed=draw(st.integers(-(2**70), 2**70)),
    )


def in_arrays(world, until_s, slices, cohort_size, compiled):
    """Run the cohorts slice by slice; return all samples in order, the events, and the cohorts."""
    table, window = PathTable(world.paths), WindowInArrays(world.settings)
    cohorts = [
        Cohort(world, table, first, min(first + cohort_size, world.devices), compiled=compiled)
        for first in range(0, world.devices, cohort_size)
    ]
    rows, events, opened, forgotten = [], [], [], []
    for number in range(1, slices + 1):
        done = [cohort.advance(until_s * number / slices) for cohort in cohorts]
        opened += [float(at_s) for each in done for part in each.opened_s for at_s in part]
        forgotten += [float(at_s) for each in done for part in each.forgotten_s for at_s in part]
        for samples in in_pieces(together([part for each in done for part in each.samples])):
            _, fired = window.take(samples.at_s, samples.heartbeat_s)
            events += [(event.at_s, event.average_s) for event in fired]
            rows += zip(samples.at_s.tolist(), samples.heartbeat_s.tolist(), strict=True)
    return rows, events, sorted(opened), sorted(forgotten), cohorts


def agrees(world, until_s, slices, cohort_size, *, compiled):
    shortest_s = min(world.firewall.limit_s, *(span.low_s for path in world.paths for span in path.spans))
    until_s = min(until_s, 300 * shortest_s)  # many short requests show no more than some
    if world.habits.mail.per_day > 1000:
        until_s = min(until_s, 10_000.0)
    expected = simulate(world, until_s)
    rows, events, opened, forgotten, cohorts = in_arrays(world, until_s, slices, cohort_size, compiled)

    assert rows == [(asked.at_s, asked.heartbeat_s) for asked in expected.samples]
    assert events == [(event.at_s, event.average_s) for event in expected.events]
    assert opened == sorted(expected.opened_s)
    assert forgotten == sorted(expected.forgotten_s)
    ends = sum(cohort.ends for cohort in cohorts).reshape(len(RequestEnd), len(world.table))
    assert {end: n for end, n in zip(RequestEnd, ends.sum(axis=1).tolist(), strict=True) if n} == dict(expected.ends)
    assert int((ends * world.table.corrections).sum()) == expected.corrections
    assert int(sum(cohort.pauses.sum() for cohort in cohorts)) == expected.pauses
    assert sum(cohort.late_mails for cohort in cohorts) == expected.late_mails
    assert sum(cohort.late_s for cohort in cohorts) == expected.late_s
    assert sum(float(cohort.deaf_s.sum()) for cohort in cohorts) == expected.deaf_s
    deaf_at_firewall_s = sum(float(cohort.deaf_at_firewall_s.sum()) for cohort in cohorts)
    assert deaf_at_firewall_s == expected.deaf_at_firewall_s
