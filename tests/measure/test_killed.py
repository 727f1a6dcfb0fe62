"""`kill -9` in the middle of a search, in real time: no finished trial is lost, and none is asked again."""

import asyncio
import json
import signal
import socket
import subprocess
import sys

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.middlebox.chain import Chain
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.running import with_overrides

SEARCH = (
    "--min",
    "0.2",
    "--max",
    "1.2",
    "--precision",
    "0.2",
    "--grace",
    "0.1",
    "--connections",
    "3",
    "--strategy",
    "split",
    "--json",
)


def finished(journal):
    """The trials in a journal that are evidence, as text, while it may still be written."""
    text = journal.read_text() if journal.exists() else ""
    return [line for line in text.split("\n")[:-1] if '"event":"end"' in line and '"failed"' not in line]


async def path_of(idle):
    box, _ = with_overrides(Catalogue().find("ten-minute-provider"), {"idle": idle})
    held = []
    far_end = FarEnd(Settings(), None, said=held.append)
    address = await far_end.listen("127.0.0.1", 0)
    chain = Chain([box], [(socket.AF_INET, address)], lambda _: lambda _: None)
    _, port = await chain.listen("127.0.0.1", 0)
    return far_end, chain, f"http://127.0.0.1:{port}/"


def probe(url, option, journal):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "hbprobe", "probe", url, *SEARCH, option, journal],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_kill_in_the_middle_of_a_search(tmp_path):
    journal = tmp_path / "journal.jsonl"

    async def main():
        far_end, chain, url = await path_of("0.6")
        try:
            with probe(url, "--journal", journal) as first:
                while len(finished(journal)) < 2 and first.poll() is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                first.kill()
            before = finished(journal)
            with probe(url, "--resume", journal) as second:
                out, err = await asyncio.to_thread(second.communicate)
            return first.returncode, before, second.returncode, json.loads(out), err.decode()
        finally:
            chain.close()
            await far_end.close()

    killed, before, status, result, err = warp.run(main(), warp.ScaledClock())
    assert killed == -9
    assert (status, "Traceback" in err) == (1, False)
    assert len(before) >= 2
    assert finished(journal)[: len(before)] == before
    assert (result["limit"]["survived"], result["limit"]["cut"]) == pytest.approx((0.5, 0.7), abs=0.01)
    holds = [trial["hold"] for trial in result["trials"]]
    assert {json.loads(line)["hold_s"] for line in before} <= set(holds)
    assert len(set(holds)) == len(holds) == len(finished(journal))


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGSTOP")
def test_a_search_that_is_stopped_again_and_again_invents_no_cut(tmp_path):
    journal = tmp_path / "journal.jsonl"

    async def main():
        far_end, chain, url = await path_of("0.6")
        try:
            with probe(url, "--journal", journal) as process:
                ending = asyncio.ensure_future(asyncio.to_thread(process.communicate))
                for stop in range(1, 6):
                    while process.poll() is None and started(journal) < 3 * stop:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                    if process.poll() is not None:
                        break
                    process.send_signal(signal.SIGSTOP)
                    await asyncio.sleep(1.5)
                    process.send_signal(signal.SIGCONT)
                out, err = await ending
            return json.loads(out), err.decode()
        finally:
            chain.close()
            await far_end.close()

    for _ in range(5):  # on a busy machine all signals of a run may come when no trial runs, or none does any more
        journal.unlink(missing_ok=True)
        result, err = warp.run(main(), warp.ScaledClock())
        assert "Traceback" not in err
        assert (result["limit"]["survived"], result["limit"]["cut"]) == pytest.approx((0.5, 0.7), abs=0.01)
        assert result["contradictions"] == []
        if told := any("stood still for " in note for note in result["notes"]):
            break
    assert told


def started(journal):
    return journal.read_text().count('"event":"start"') if journal.exists() else 0
