"""What Prometheus reads."""

import asyncio

import aiohttp
import pytest

from hbprobe import warp
from hbprobe.errors import UserError
from hbprobe.net.address import Address
from hbprobe.watch.metrics import serving
from hbprobe.watch.store import State


def scraped(store, *targets):
    async def main():
        async with (
            serving(store.path, targets, Address("127.0.0.1", 0), lambda: 3) as address,
            aiohttp.ClientSession() as session,
            session.get(f"http://{address}/metrics") as response,
        ):
            assert response.headers["Content-Type"].startswith("text/plain; version=")
            return await response.text()

    lines = warp.run(main(), warp.ScaledClock()).splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_all_of_them(store, measured, trial):
    for hour in range(3):
        measured("office", 3600.0 * hour, 599.5, 600.5)
    measured("office", 10800.0, 299.5, 300.5)
    number = measured("office", 14400.0, 299.5, 300.0)
    store.add_trial(number, trial, 0)
    store.end(store.begin("office", "{}", 15000.0).id, State.FAILED, "no route")
    measured("lab", 5.0, 3540.0, None)
    store.begin("lab", "{}", 50.0)
    assert scraped(store, "office", "lab", "new") == {
        'hbprobe_limit_survived_seconds{target="office"}': "299.5",
        'hbprobe_limit_survived_seconds{target="lab"}': "3540.0",
        'hbprobe_limit_cut_seconds{target="office"}': "300.0",
        'hbprobe_healthy{target="office"}': "0.0",
        'hbprobe_healthy{target="lab"}': "1.0",
        'hbprobe_last_measurement_timestamp_seconds{target="office"}': "14400.0",
        'hbprobe_last_measurement_timestamp_seconds{target="lab"}': "5.0",
        'hbprobe_measuring{target="office"}': "0.0",
        'hbprobe_measuring{target="lab"}': "1.0",
        'hbprobe_measuring{target="new"}': "0.0",
        'hbprobe_measurements_total{state="done",target="office"}': "5.0",
        'hbprobe_measurements_total{state="failed",target="office"}': "1.0",
        'hbprobe_measurements_total{state="done",target="lab"}': "1.0",
        'hbprobe_measurements_total{state="running",target="lab"}': "1.0",
        'hbprobe_trials_total{outcome="cut",target="office"}': "1.0",
        'hbprobe_limit_changes_total{target="office"}': "1.0",
        'hbprobe_limit_changes_total{target="lab"}': "0.0",
        'hbprobe_limit_changes_total{target="new"}': "0.0",
        "hbprobe_unstored_findings": "3.0",
    }


def test_a_name_from_outside_is_escaped(store, measured):
    measured('a"\n} 1', 0, 60, 61)
    assert scraped(store, 'a"\n} 1')['hbprobe_limit_cut_seconds{target="a\\"\\n} 1"}'] == "61.0"


def test_an_address_that_is_taken(store):
    async def main():
        async with (
            serving(store.path, [], Address("127.0.0.1", 0), int) as address,
            serving(store.path, [], address, int),
        ):
            await asyncio.sleep(0)

    with pytest.raises(UserError, match=r"127\.0\.0\.1:\d+"):
        warp.run(main(), warp.ScaledClock())
