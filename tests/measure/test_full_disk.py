"""A disk that fills up in the middle of a search, a diagnosis, of locating: the same answer, with a remark."""

import os
import socket
import sys

import pytest
from support.faults import full_disk

import hbprobe
from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.middlebox.chain import Chain
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.running import with_overrides

FULL = "cannot be written: No space left on device; the measurement goes on without it"
HEADER_AND_MORE = 400


@pytest.fixture
def room(monkeypatch):
    """How many bytes there is room for, in a list that a test may change."""
    write_some, left = full_disk(HEADER_AND_MORE)
    monkeypatch.setattr(os, "write", write_some)
    return left


def without_journal(told):
    """What was told, but for the remark and for what each run has of its own."""
    if isinstance(told, dict):
        return {key: without_journal(value) for key, value in told.items() if key not in ("wall", "began")}
    if isinstance(told, list):
        return [without_journal(one) for one in told if FULL not in str(one)]
    return told


@pytest.mark.parametrize("ask", [hbprobe.Lab, lambda boxes, **more: hbprobe.Diagnose(lab=boxes, **more)])
def test_a_search_and_a_diagnosis(ask, tmp_path, room):
    room[0], path = 1 << 20, tmp_path / "whole.jsonl"
    whole = ask(["ten-minute-provider"], journal=path).run().to_dict()
    assert FULL not in str(whole)
    for number, room[0] in enumerate((HEADER_AND_MORE, path.stat().st_size - 60)):
        full = tmp_path / f"{number}.jsonl"
        told = ask(["ten-minute-provider"], journal=full).run().to_dict()
        assert f"{full}: {FULL}" in str(told)
        assert 0 < full.stat().st_size < path.stat().st_size
        assert without_journal(told) == without_journal(whole)


@pytest.mark.realtime
@pytest.mark.skipif(sys.platform != "linux", reason="locating needs Linux")
@pytest.mark.usefixtures("room")
def test_locating(tmp_path):
    path = tmp_path / "journal.jsonl"
    box, _ = with_overrides(Catalogue().find("ten-minute-provider"), {"idle": "1.6"})

    async def main():
        far_end = FarEnd(Settings(), None)
        address = await far_end.listen("127.0.0.1", 0)
        chain = Chain([box], [(socket.AF_INET, address)], lambda _: lambda _: None)
        _, port = await chain.listen("127.0.0.1", 0)
        try:
            asked = hbprobe.Locate(f"http://127.0.0.1:{port}/", limit=1.6, hops=2, requests=2, journal=path)
            return await asked.measure()
        finally:
            chain.close()
            await far_end.close()

    told = warp.run(main(), warp.ScaledClock()).to_dict()
    assert f"{path}: {FULL}" in str(told)
    assert told["finding"]["code"] != "unknown"
    assert len(told["trials"]) >= 4
