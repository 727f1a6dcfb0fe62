"""The lab as a whole: what it finds, twice the same, and what it refuses to find."""

import asyncio
from dataclasses import replace

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import LabRun, measure, no_fault_is_lost
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.running import with_overrides
from hbprobe.search.search import SearchSettings


def lab(*ids: str, **changes: float) -> LabRun:
    boxes = [Catalogue().find(name) for name in ids]
    return warp.run(measure(boxes, Settings(), replace(SearchSettings(), **changes)), warp.WarpClock())


def test_the_worked_example_is_bracketed_within_a_second() -> None:
    limit = lab("ten-minute-provider").run.search.limit
    assert (limit.survived_s, limit.cut_s, limit.manner) == (599.5, 600.5, Manner.SILENT)


@pytest.mark.parametrize("connections", [1, 8])
def test_a_lab_run_twice_gives_the_same_trials_and_outcomes(connections: int) -> None:
    first, second = (lab("azure-load-balancer", connections=connections).run for _ in range(2))
    assert first.trials == second.trials
    assert first.path_s == second.path_s


def test_an_open_path_cuts_nothing() -> None:
    found = lab("open-path")
    assert (found.run.search.limit.survived_s, found.run.search.limit.cut_s) == (3540.0, None)
    assert found.cut_by is None


def test_of_boxes_in_a_row_the_one_that_cut_is_named() -> None:
    found = lab("cisco-asa", "azure-load-balancer", "juniper-srx")
    assert found.run.search.limit.cut_s == 240.5
    assert found.cut_by == "azure-load-balancer"


def test_the_idle_method_finds_the_same_limit() -> None:
    box = Catalogue().find("ten-minute-provider")
    found = warp.run(measure([box], Settings(), SearchSettings(), "idle"), warp.WarpClock())
    assert (found.run.search.limit.survived_s, found.run.search.limit.cut_s) == (599.5, 600.5)


@pytest.mark.realtime
def test_runs_on_a_scaled_clock() -> None:
    box, _ = with_overrides(Catalogue().find("ten-minute-provider"), {"idle": "20"})
    search = SearchSettings(4, 40, 4, connections=8, grace_s=4)
    limit = warp.run(measure([box], Settings(), search), warp.ScaledClock(10)).run.search.limit
    assert limit.survived_s is not None and limit.cut_s is not None
    assert limit.survived_s < 24 and limit.cut_s > 16


def test_a_fault_in_a_callback_breaks_the_lab() -> None:
    async def scene() -> None:
        async with no_fault_is_lost():
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
            await asyncio.sleep(1)

    with pytest.raises(RuntimeError, match="the lab is broken") as raised:
        warp.run(scene(), warp.WarpClock())
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
