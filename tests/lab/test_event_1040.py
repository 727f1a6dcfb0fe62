"""The server's own event log has event 1040 at the very sample at which `exchange/window.py` has it.

Pings go through TLS sockets and a box that forgets connections, on the warp clock; the log is the file of `serve`.
"""

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from hbprobe import warp
from hbprobe.eas.client import Account
from hbprobe.eas.log_blob import Site
from hbprobe.eas.releases import Release
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import HeartbeatWindow
from hbprobe.lab.inprocess import no_fault_is_lost, path
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.standin.record_files import EventLog, WallClock
from hbprobe.standin.service import StandIn
from hbprobe.trial.methods.ping import PingMethod

BEGAN = datetime(2030, 1, 2, tzinfo=UTC)
FIRST_S = 60
"""The shortest heartbeat: with it the probe asks whether the server tells of changes, and that is a sample, too."""


SMALL = 40
"""A sample of that size is full often, and asks for no thousand Pings; a server's own size has one case."""


def heartbeats(kind):
    rng = random.Random(kind)
    match kind:
        case "of one that never grows":
            return [480] * 203
        case "just above":
            return [541] * (SMALL + 1)
        case "that shrink":
            return [600] * (SMALL - 1) + [480] * 24
        case _:
            return [rng.randint(300, 700) for _ in range(2 * SMALL)]


async def ping_all(asked, settings, folder):
    """Send the Pings one after another; return when each was sent, and how many events the log had after it."""
    loop = asyncio.get_running_loop()
    clock, release = WallClock(BEGAN, loop.time()), Release.V2019
    log = EventLog(folder, release, settings, clock, Site())
    stand_in = StandIn(settings, recorders=[log], release=release)
    events = [[]]
    async with (
        no_fault_is_lost(),
        path([Catalogue().find("ten-minute-provider")], settings, events, random.Random(0), [stand_in]) as dialer,
    ):
        method = PingMethod(dialer, 3.0, Account("ada", "s3cret"))
        await method.prepare()
        seen = [(loop.time(), 0)]
        for heartbeat_s in asked:
            sent_s = loop.time()
            await method.trial(heartbeat_s)
            seen.append((sent_s, len((folder / "events.jsonl").read_text().splitlines())))
    log.close()
    return seen


@pytest.mark.parametrize("kind", ["of one that never grows", "just above", "that shrink", "any"])
def test_the_log_and_the_window_say_the_same(tmp_path, kind):
    settings = Settings() if kind == "of one that never grows" else Settings(sample_size=SMALL)
    asked = heartbeats(kind)
    seen = warp.run(ping_all(asked, settings, tmp_path), warp.WarpClock())
    window, expected, counts = HeartbeatWindow(settings.sample_size, settings.alert_threshold_s), [], []
    for heartbeat_s, (sent_s, _) in zip([FIRST_S, *asked], seen, strict=True):
        if event := window.register(heartbeat_s, sent_s):
            expected.append(event)
        counts.append(len(expected))
    logged = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [count for _, count in seen] == counts
    assert bool(expected) == (kind != "just above")
    assert [event["Properties"] for event in logged] == [[str(event.average_s), "Ping", "540"] for event in expected]
    for event, known in zip(logged, expected, strict=True):
        at = datetime.fromisoformat(event["TimeCreated"])
        assert abs(at - BEGAN - timedelta(seconds=known.at_s)) < timedelta(seconds=0.01)
