"""`kill -9` a hundred times: every trial that was announced is in the database, and the watch starts again each time.

A process that has everything loaded forks the watches, so that a hundred starts take seconds. A trial is said only
after it is stored.
"""

import asyncio
import json
import os
import random
import re
import signal
import sqlite3

import pytest
from support.forked import Forked

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.watch.store import State, Store

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no kill -9"),
]

TIMES = 100
CONFIRM = 4
SEARCH = f"{{min: 0.01, max: 0.02, precision: 0.01, grace: 5, confirm: {CONFIRM}, connections: 1}}"
"""Nothing cuts, so a search is the same hold again and again, as often as is asked for."""


def announced(said: str) -> list[tuple[int, int]]:
    """Return which trials of which measurements were said."""
    found, measurement = [], 0
    for line in said.splitlines():
        if (begun := re.search(r"measurement (\d+)(,|$)", line)) is not None:
            measurement = int(begun[1])
        elif (ended := re.search(r"office: trial (\d+): hold 0.02 s survived", line)) is not None:
            found.append((measurement, int(ended[1])))
    return found


async def killed_again_and_again(tmp_path) -> tuple[int, str]:
    """Start it and kill it, after up to two more trials; return how many were waited for, and all that it said."""
    far_end = FarEnd(Settings(), None)
    _, port = await far_end.listen("127.0.0.1", 0)
    target = f"{{name: office, url: 'http://127.0.0.1:{port}/', search: {SEARCH}}}"
    watch_file = tmp_path / "watch.yaml"
    watch_file.write_text(f"interval: 0.1s\nmetrics: 0\ndatabase: {tmp_path}/watch.sqlite\ntargets: [{target}]\n")
    chance, waited_for, said = random.Random(1), 0, []
    with Forked(tmp_path, ("cli", "measure", "records", "trial", "watch", "web")) as forked:
        for _ in range(TIMES):
            trials = chance.randrange(3)
            waited_for += trials
            running = forked.start("watch", str(watch_file))
            over = asyncio.ensure_future(asyncio.to_thread(running.wait))
            while not has_said(running.out.read_text() + running.err.read_text(), trials):
                assert not over.done(), running.err.read_text()
                await asyncio.sleep(0.005)
            await asyncio.sleep(chance.random() * 0.04)
            running.kill()
            assert await over == -signal.SIGKILL
            said.append(running.out.read_text() + running.err.read_text())
    await far_end.close()
    return waited_for, "".join(said)


def has_said(said, trials):
    return "measurement" in said and said.count(": trial ") >= trials


def test_killed_a_hundred_times(tmp_path):
    waited_for, said = warp.run(killed_again_and_again(tmp_path), warp.ScaledClock())
    assert "Traceback" not in said
    with Store(tmp_path / "watch.sqlite", create=False) as store:
        kept = [(one.id, trial.number) for one in store.measurements() for trial in store.trials(one.id)]
        assert len(announced(said)) >= waited_for > TIMES / 2, "each kill came after so many trials, or more"
        assert set(announced(said)) <= set(kept), "what was said is there"
        assert len(kept) - len(announced(said)) <= TIMES, "at most one a kill is there and was not said yet"
        finished = store.measurements("office", State.DONE)
        assert len(finished) > 3 and "goes on with measurement" in said
        for one in finished:
            numbers = [trial.number for trial in store.trials(one.id)]
            assert numbers == list(range(1, CONFIRM + 1)), "none is asked twice"
            result = json.loads(store.result(one.id))
            assert (len(result["trials"]), result["complete"]) == (CONFIRM, True)
    with sqlite3.connect(tmp_path / "watch.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
