"""Locating by Pings, from the request to the record: the login, the server's heartbeats, and what is said."""

import sys

import pytest

import hbprobe
from hbprobe import warp
from hbprobe.errors import RequestError
from hbprobe.manner import Manner
from hbprobe.measure.observe import Observer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="locate needs Linux")


def located(far_ends, limit):
    """Locate on a path that a proxy on loopback cuts after 350 s; return the record, and what was said meanwhile."""
    said = []

    class Listener(Observer):
        def says(self, text):
            said.append(text)

    async def main():
        async with far_ends.behind("ping") as given:
            login = {"user": "ada", "password": "s3cret"}
            return await hbprobe.Locate(**given, **login, limit=limit).measure(Listener())

    return warp.run(main(), warp.WarpClock()), said


def test_pings_are_held_past_the_limit_one_after_the_other(far_ends):
    location, said = located(far_ends, 351)
    assert said[0] == (
        "TCP is answered at hop 1; holding 3 requests for 362 s, one after the other: 18 min 21 s at most"
    )
    assert {one.outcome.how for one in location.seen} == {Manner.SILENT}
    assert (location.finding.code, location.asked.hold_s) == ("not-by-keep-alive", 362)
    assert any("Remove-MobileDevice" in note for note in location.notes)


def test_a_limit_beyond_the_servers_heartbeats(far_ends):
    with pytest.raises(RequestError) as caught:
        located(far_ends, 3600)
    told = caught.value.told(lambda name: f"--{name}")
    assert told == (
        "--limit 3600: a heartbeat of 3708 s would have to be held, and the server takes those from 10 s to 3540 s"
    )
