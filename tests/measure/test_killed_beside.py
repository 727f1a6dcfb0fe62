"""`kill -9` again and again in searches, diagnoses and locating: what was found is kept, and nothing is asked twice.

    KILLS=100 pytest tests/measure/test_killed_beside.py

kills each a hundred times, which takes some minutes.
"""

import asyncio
import itertools
import json
import os
import random
import socket
import sys

import pytest
from support.forked import Forked

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.middlebox.chain import Chain
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.running import with_overrides

KILLS = int(os.environ.get("KILLS", "10"))
SEARCH = ("--min", "0.2", "--max", "1.4", "--precision", "0.2", "--grace", "0.3", "--connections", "4", "--json")


def evidence(journal, *events):
    """What the journal holds of those events that is evidence, as text; a last line that is not whole is none."""
    lines = journal.read_text().split("\n")[:-1] if journal.exists() else []
    found = [json.loads(line) for line in lines]
    return [json.dumps(one) for one in found if one.get("event") in events and '"failed"' not in json.dumps(one)]


async def with_path(idle, work):
    box, _ = with_overrides(Catalogue().find("ten-minute-provider"), {"idle": idle})
    far_end = FarEnd(Settings(), None)
    address = await far_end.listen("127.0.0.1", 0)
    chain = Chain([box], [(socket.AF_INET, address)], lambda _: lambda _: None)
    _, port = await chain.listen("127.0.0.1", 0)
    try:
        return await work(f"http://127.0.0.1:{port}/")
    finally:
        chain.close()
        await far_end.close()


async def killed_and_resumed(forked, most, verb, url, journal, options, events):
    """Kill it again and again, now and then at a moment after something new is known; then let it finish.

    Return its status, its document, what was kept of it before, and how often it was killed.
    """
    chance, kept, killed = random.Random(9), [], 0
    while True:
        option = "--resume" if journal.exists() else "--journal"
        running = forked.start(verb, url, *options, option, str(journal))
        async with asyncio.TaskGroup() as group:
            over = group.create_task(asyncio.to_thread(running.wait))
            if chance.random() < 0.3:  # otherwise nothing that takes longer would ever be found
                while not over.done() and len(evidence(journal, *events)) == len(kept):  # noqa: ASYNC110  a file
                    await asyncio.sleep(0.05)
            if killed < most:
                await asyncio.wait([over], timeout=chance.uniform(0, 0.2))
                running.kill()
        status = over.result()
        assert "Traceback" not in running.err.read_text()
        now = evidence(journal, *events)
        assert now[: len(kept)] == kept, "what was kept stays"
        if status >= 0:
            return status, json.loads(running.out.read_text()), kept, killed
        kept, killed = now, killed + 1


async def killed(times, verb, url, tmp_path, options, events, look):
    """Kill it so many times or more, in one measurement after the other, and look at each."""
    seen, measurements = 0, itertools.count()
    with Forked(tmp_path) as forked:
        while seen < times:
            journal = tmp_path / f"{next(measurements)}.jsonl"
            *found, more = await killed_and_resumed(forked, times - seen, verb, url, journal, options, events)
            seen += more
            look(journal, *found)


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_a_search(tmp_path):
    def look(journal, status, result, kept):
        assert status == 1
        assert result["limit"]["survived"] < 0.6 <= result["limit"]["cut"] < 0.9
        assert evidence(journal, "end")[: len(kept)] == kept
        trials = [json.loads(one)["trial"] for one in evidence(journal, "end")]
        assert len(trials) == len(set(trials)) == len(result["trials"]), "no trial was made twice"

    async def work(url):
        await killed(KILLS, "probe", url, tmp_path, SEARCH, ("end",), look)

    warp.run(with_path("0.6", work), warp.ScaledClock())


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_a_diagnosis(tmp_path):
    events = ("end", "answer")

    def look(journal, status, diagnosis, kept):
        assert status == 1
        limit = diagnosis["result"]["limit"]
        assert limit["survived"] < 0.6 <= limit["cut"] < 0.9
        assert evidence(journal, *events)[: len(kept)] == kept
        answers = [json.loads(one)["value"]["ask"]["question"] for one in evidence(journal, "answer")]
        assert len(answers) == len(set(answers)), "no question was asked twice"
        assert set(answers) <= {one["question"] for one in diagnosis["answers"]}
        trials = [json.loads(one)["trial"] for one in evidence(journal, "end")]
        assert len(trials) == len(set(trials)) == len(diagnosis["result"]["trials"])

    async def work(url):
        await killed(KILLS, "diagnose", url, tmp_path, SEARCH, events, look)

    warp.run(with_path("0.6", work), warp.ScaledClock())


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform != "linux", reason="locating needs Linux")
def test_locating(tmp_path):
    events = ("end", "hop")
    options = ("--limit", "1.6", "--hops", "3", "--requests", "3", "--json")

    def look(journal, status, location, kept):
        assert status in (0, 1), location
        assert evidence(journal, *events)[: len(kept)] == kept
        tried = (json.loads(line)["value"] for line in evidence(journal, "hop"))
        hops = [(one["ttl"], one["number"]) for one in tried]
        assert len(hops) == len(set(hops)) == len(location["trials"]), "no hop was tried twice"

    # A path of its own for each ten: whoever is killed leaves connections that a silent box keeps, and a new one that
    # happens to come from the port of one of them is met with silence, too.
    for number, kills in enumerate(min(10, KILLS - before) for before in range(0, KILLS, 10)):
        (folder := tmp_path / str(number)).mkdir()

        async def work(url, folder=folder, kills=kills):
            await killed(kills, "locate", url, folder, options, events, look)

        warp.run(with_path("1.6", work), warp.ScaledClock())
