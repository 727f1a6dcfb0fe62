"""Devices in a loop: the same fleet as one object a device gives."""

import pickle

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from support.agreement import agrees, worlds

from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet import cohort, compiled
from hbprobe.fleet.compiled import IS_FAST
from hbprobe.fleet.mail import MailDay
from hbprobe.fleet.paths import FleetPath, fixed
from hbprobe.fleet.several import simulate_all
from hbprobe.fleet.world import Habits, World
from hbprobe.manner import Manner
from hbprobe.profiles.silent_request import Cut


@effort(max_examples=60 if IS_FAST else 25, deadline=None)
@given(worlds(), st.sampled_from([3_000.0, 100_000.0 if IS_FAST else 12_000.0]), st.integers(1, 3))
def test_the_loop_and_state_machines_are_the_same_fleet(world, until_s, slices):
    agrees(world, until_s, slices, 1000, compiled=True)


def test_a_loop_that_runs_out_of_room_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(cohort, "_ROOM", 7)
    agrees(A_DAY, 20_000.0, 2, 1000, compiled=True)


@pytest.mark.skipif(not IS_FAST, reason="needs numba")
def test_what_numba_keeps_names_nothing_that_another_release_may_not_have():
    list(simulate_all([A_DAY], 0.1))
    loops = (compiled.make_requests, compiled.settle_all, compiled.averages, compiled.count_minutes)
    assert all(loop.signatures for loop in loops)
    assert not any(b"hbprobe" in pickle.dumps(loop.signatures) for loop in loops)


A_DAY = World(
    kinds=tuple(DEVICES[:3]),
    counts=(2, 2, 2),
    paths=(FleetPath("short", 1, fixed(Cut(400, Manner.STATUS, 30.0, 4))), FleetPath("open", 1, fixed(Cut()))),
    firewall=Cut(900),
    habits=Habits(MailDay(400.0, [1] * 24), 3000.0, 0.5, 60.0, 600.0),
    settings=Settings(),
)
