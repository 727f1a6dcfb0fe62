"""`kill -9` at ten moments of a diagnosis, and of locating: what was found is kept, and nothing is asked twice."""

import asyncio
import json
import random
import socket
import sys

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.middlebox.chain import Chain
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.running import with_overrides

KILLS = 10
SEARCH = ("--min", "0.2", "--max", "3", "--precision", "0.2", "--grace", "0.3", "--connections", "4", "--json")


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


async def started(verb, url, journal, *options):
    option = "--resume" if journal.exists() else "--journal"
    argv = (sys.executable, "-m", "hbprobe", verb, url, *options, option, str(journal))
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*argv, stdout=pipe, stderr=pipe)


async def killed_and_resumed(verb, url, journal, options, events):
    """Kill it whenever there is something new in the journal, at a random moment after that; then let it finish."""
    chance = random.Random(9)
    kept = []
    for _ in range(KILLS):
        running = await started(verb, url, journal, *options)
        before = journal.stat().st_size if journal.exists() else 0
        while running.returncode is None and (not journal.exists() or journal.stat().st_size == before):
            await asyncio.sleep(0.02)
        await asyncio.sleep(chance.uniform(0, 0.4))
        if running.returncode is None:
            running.kill()
        await running.communicate()
        now = evidence(journal, *events)
        assert now[: len(kept)] == kept, "what was kept stays"
        kept = now
    running = await started(verb, url, journal, *options)
    out, err = await running.communicate()
    assert "Traceback" not in err.decode()
    return running.returncode, json.loads(out), kept


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_a_diagnosis(tmp_path):
    journal, events = tmp_path / "journal.jsonl", ("end", "answer")

    async def work(url):
        return await killed_and_resumed("diagnose", url, journal, SEARCH, events)

    status, diagnosis, kept = warp.run(with_path("0.6", work), warp.ScaledClock())
    assert status == 1
    limit = diagnosis["result"]["limit"]
    assert limit["survived"] < 0.6 <= limit["cut"] < 0.9
    done = evidence(journal, *events)
    assert done[: len(kept)] == kept
    answers = [json.loads(one)["value"]["ask"]["question"] for one in evidence(journal, "answer")]
    assert len(answers) == len(set(answers)), "no question was asked twice"
    assert set(answers) <= {one["question"] for one in diagnosis["answers"]}
    trials = [json.loads(one)["trial"] for one in evidence(journal, "end")]
    assert len(trials) == len(set(trials)) == len(diagnosis["result"]["trials"])


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform != "linux", reason="locating needs Linux")
def test_locating(tmp_path):
    journal, events = tmp_path / "journal.jsonl", ("end", "hop")
    options = ("--limit", "1.6", "--hops", "3", "--requests", "3", "--json")

    async def work(url):
        return await killed_and_resumed("locate", url, journal, options, events)

    status, location, kept = warp.run(with_path("1.6", work), warp.ScaledClock())
    assert status in (0, 1), location
    done = evidence(journal, *events)
    assert done[: len(kept)] == kept
    hops = [(one["ttl"], one["number"]) for one in (json.loads(line)["value"] for line in evidence(journal, "hop"))]
    assert len(hops) == len(set(hops)) == len(location["trials"]), "no hop was tried twice"
