"""`kill -9` a hundred times: every trial that was announced is in the database, and the watch starts again each time.

A process that has everything loaded forks the watches, so that a hundred starts take seconds. Each writes what it
says to a file; a trial is said only after it is stored.
"""

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.watch.store import State, Store

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no kill -9"),
]

TIMES = 100
CONFIRM = 8
SEARCH = f"{{min: 0.01, max: 0.02, precision: 0.01, grace: 5, confirm: {CONFIRM}, connections: 1}}"
"""Nothing cuts, so a search is the same hold again and again, as often as is asked for."""
KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from hbprobe.cli.main import main
from hbprobe.profiles.catalogue import Catalogue
import hbprobe.search.prior, hbprobe.watch.watch, hbprobe.watch.store, hbprobe.watch.watchfile
import hbprobe.watch.metrics, hbprobe.watch.writer

shipped = Catalogue().all()
Catalogue.all = lambda self: shipped

def has_said(said, trials):
    return b"measurement" in said and said.count(b": trial ") >= trials

rng, log, waited_for = random.Random(1), Path("said"), 0
for number in range(int(sys.argv[1])):
    begins = log.stat().st_size if log.exists() else 0
    child = os.fork()
    if child == 0:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout = open(1, "w", closefd=False)
        os._exit(main(["watch", "watch.yaml"]))
    trials = rng.randrange(3)
    waited_for += trials
    deadline = time.perf_counter() + 60
    while not log.exists() or not has_said(log.read_bytes()[begins:], trials):
        ended = os.waitpid(child, os.WNOHANG)
        assert ended == (0, 0), f"start {number} ended by itself: {ended}: {log.read_text()[begins:]}"
        assert time.perf_counter() < deadline, f"start {number} never began"
        time.sleep(0.005)
    time.sleep(rng.random() * 0.04)
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
print(waited_for)
"""


@pytest.fixture
def far_end():
    """The port of a far end that runs in a thread."""
    ready, stop, found = threading.Event(), [], []

    async def serve():
        stop.extend([asyncio.get_running_loop(), asyncio.Event()])
        server = FarEnd(Settings(), None)
        found.append((await server.listen("127.0.0.1", 0))[1])
        ready.set()
        await stop[1].wait()
        await server.close()

    thread = threading.Thread(target=lambda: warp.run(serve(), warp.ScaledClock()))
    thread.start()
    assert ready.wait(10)
    yield found[0]
    stop[0].call_soon_threadsafe(stop[1].set)
    thread.join()


def announced(said: str) -> list[tuple[int, int]]:
    """Return which trials of which measurements were said."""
    found, measurement = [], 0
    for line in said.splitlines():
        if (begun := re.search(r"measurement (\d+)(,|$)", line)) is not None:
            measurement = int(begun[1])
        elif (ended := re.search(r"office: trial (\d+): hold 0.02 s survived", line)) is not None:
            found.append((measurement, int(ended[1])))
    return found


def test_killed_a_hundred_times(far_end, tmp_path):
    target = f"{{name: office, url: 'http://127.0.0.1:{far_end}/', search: {SEARCH}}}"
    (tmp_path / "watch.yaml").write_text(f"interval: 0.1s\nmetrics: 0\ntargets: [{target}]\n")
    forking = "ignore:This process:DeprecationWarning"  # NumPy's threads are no obstacle: they sleep
    killer = [sys.executable, "-W", "error", "-W", forking, "-c", KILLER, str(TIMES)]
    done = subprocess.run(killer, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    said = (tmp_path / "said").read_text()
    assert "Traceback" not in said
    with Store(tmp_path / "watch.sqlite", create=False) as store:
        kept = [(one.id, trial.number) for one in store.measurements() for trial in store.trials(one.id)]
        assert len(announced(said)) >= int(done.stdout) > TIMES / 2, "each kill came after so many trials, or more"
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
