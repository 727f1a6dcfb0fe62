"""Logs that the stand-in writes of a fleet over sockets, behind a box whose timer is known."""

import asyncio
import contextlib
import random
from dataclasses import replace

import pytest
from support.company import BEGIN, company

from hbprobe import warp
from hbprobe.eas.iis_log import CONNECTION_TIMEOUT_S
from hbprobe.eas.log_blob import Site
from hbprobe.eas.releases import Release
from hbprobe.evidence.logs.answer.httperr_reasons import IDLE
from hbprobe.evidence.logs.request import Logs
from hbprobe.exchange.devices import DEVICES
from hbprobe.fleet.paths import only_path
from hbprobe.lab.fleet_sockets import on_one_path, run
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.running import draw
from hbprobe.standin.record_files import EventLog, IisLog, WallClock

CATALOGUE = Catalogue()


async def logged(world, box, folder, until_s):
    clock, site = WallClock(BEGIN, asyncio.get_running_loop().time()), Site()
    with (
        contextlib.closing(IisLog(folder, Release.V2019, clock, site)) as lines,
        contextlib.closing(EventLog(folder, Release.V2019, world.settings, clock, site)) as events,
    ):
        return await run(world, [box], until_s, (lines, events), CONNECTION_TIMEOUT_S)


@pytest.mark.parametrize(
    ("profile", "how"),
    [
        ("ten-minute-provider", "silent"),
        ("f5-bigip-fastl4", "told"),
        ("cloudflare-gateway-tcp", "told"),
        ("microsoft-web-application-proxy", "told"),
    ],
    ids=["silent", "reset", "closed", "status"],
)
def test_a_limit_through_sockets(tmp_path, profile, how):
    box, _ = draw(CATALOGUE.find(profile), random.Random(1))
    path = only_path(box)
    world = company(path, devices=len(DEVICES), mix={kind.id: 1 for kind in DEVICES}, mails=20)
    habits = replace(world.habits, wait_s=20.0)
    world = on_one_path(replace(world, habits=habits))
    seen = warp.run(logged(world, box, tmp_path, 5400.0), warp.WarpClock())
    evidence = Logs([tmp_path]).run()
    (limit,) = evidence.limits
    limit_s = path.spans[0].cut.limit_s
    assert (limit.judgement, limit.how) == ("limit", how)
    assert limit.survived <= limit_s <= limit.cut
    assert evidence.windows.samples == len(seen.samples)
    assert how == "told" or evidence.httperr[IDLE] > 0
