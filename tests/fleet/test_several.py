import os
import subprocess

import pytest
from support.fleets import world

from hbprobe.errors import CannotMeasureError
from hbprobe.fleet import several
from hbprobe.fleet.several import simulate_all
from hbprobe.fleet.simulation import simulate
from hbprobe.profiles.silent_request import Cut

WORLDS = [world(["ios", "android-4.4"], firewall=Cut(float(limit_s)), mails=30) for limit_s in (300, 700, 1100)]
DAYS = 0.5


@pytest.fixture(params=["threads", "processes", "one after another"])
def way(request, monkeypatch):
    monkeypatch.setattr(several, "IS_FAST", request.param == "threads")
    monkeypatch.setattr(several, "_PAYS", 0 if request.param == "processes" else 1e9)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    return request.param


@pytest.fixture
def started(monkeypatch):
    """All processes that were started."""
    start, those = subprocess.Popen, []

    def starting(*args, **named):
        those.append(start(*args, **named))
        return those[-1]

    monkeypatch.setattr(several.subprocess, "Popen", starting)
    return those


def test_each_fleet_comes_out_as_it_does_alone(way, started):
    told = []
    assert list(simulate_all(WORLDS, DAYS, told.append)) == [simulate(each, DAYS) for each in WORLDS]
    assert max(told) == 1 and min(told) < 1 / 3
    assert len(started) == (2 if way == "processes" else 0)
    assert all(process.returncode is not None for process in started)


def test_what_is_no_longer_waited_for_ends(way, started):
    def stop(share):
        raise KeyError("stopped")

    with pytest.raises(KeyError):
        list(simulate_all(WORLDS, DAYS, stop))
    assert all(process.returncode is not None for process in started)


def test_a_process_that_is_killed_is_told(monkeypatch, started):
    monkeypatch.setattr(several, "IS_FAST", False)
    monkeypatch.setattr(several, "_PAYS", 0)

    def kill(share):
        started[0].kill()
        started[0].wait()

    with pytest.raises(CannotMeasureError, match=r"a process that simulated .* has ended \(status -9\)"):
        list(simulate_all(WORLDS, DAYS, kill))
