"""Which keep-alive saves a WebSocket: what `diagnose` answers on paths of which that is known, with timers of 3 s."""

import asyncio
import contextlib
import os
import random
from dataclasses import replace

import pytest
from support.scripts import script

from hbprobe import warp
from hbprobe.diagnosis.heartbeat import safe_interval_s
from hbprobe.diagnosis.mend import mend
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.manner import Expiry
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.measure.setup import set_up
from hbprobe.net.wire import Dialer
from hbprobe.trial.evidence import Question

pytestmark = [pytest.mark.program, pytest.mark.realtime, pytest.mark.xdist_group("program diagnoses")]

rig = script("diagnose_table")
UPGRADES = (
    "location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_read_timeout {timer_s}s; proxy_http_version 1.1; "
    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection; }}"
)


@contextlib.asynccontextmanager
async def nginx():
    async with rig._far_end() as upstream, rig._nginx(UPGRADES, upstream) as port:
        yield rig.Diagnosable(rig._plain(port))


PATHS = {
    "conntrack": (lambda: rig._conntrack(Expiry.SILENT), True),
    "HAProxy, tcp": (rig._haproxy_tcp, False),
    "nginx": (nginx, False),
}
"""How each is made, and whether TCP keep-alives save a connection on it."""


async def diagnosed(path):
    try:
        async with path() as found:
            dialer = found.dialer
            dialer = Dialer(replace(dialer.target, path="/ws"), dialer._tls, dialer._prepare, start=dialer.start)
            run = await set_up("websocket", dialer, rig.SEARCH, None, random.Random(1))
            diagnosing = Diagnosing(run, dialer)
            await diagnosing.to_the_end()
            return diagnosing
    except (CannotMeasureError, UserError, OSError) as error:
        return error


async def diagnose_all():
    return dict(zip(PATHS, await asyncio.gather(*(diagnosed(path) for path, _ in PATHS.values())), strict=True))


@pytest.fixture(scope="session")
def diagnoses():
    return warp.run(diagnose_all(), warp.ScaledClock())


@pytest.mark.parametrize("name", PATHS)
def test_which_keep_alive_saves_it(diagnoses, name):
    found, saves = diagnoses[name], PATHS[name][1]
    if isinstance(found, Exception):
        assert os.environ.get("CI") != "true", found
        pytest.skip(f"this machine lacks what it is made of: {found}")
    limit, seen = found.run.search.limit, {one.ask.question: one for one in found.seen}
    assert seen[Question.KEEP_ALIVE].survived is saves
    pinged = seen[Question.BOTH_DRIP]
    assert pinged.survived
    assert pinged.ask.interval_s == safe_interval_s(limit), "what is named is what was tried"
    told = " ".join(mend(limit, found.seen, found.reasoning, None))
    assert f"own ping every {pinged.ask.interval_s:g} s: it was tried, and saved the connection" in told
    assert ("Or TCP keep-alives every 1 s" in told) is saves
    assert ("TCP keep-alives do not help: only data counts" in told) is not saves
