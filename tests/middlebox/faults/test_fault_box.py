"""A box with toxics, as the two APIs have it: what each call does to who connects, and what the feed says of it."""

import asyncio
import select
import socket
import sys

import pytest
from support.boxes import Stage, make_box

from hbprobe.middlebox.faults.fault_box import FaultBox
from hbprobe.middlebox.faults.toxic_calls import add_toxic
from hbprobe.net.event_feed import EventFeed
from hbprobe.profiles.catalogue import Catalogue

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")


class Scene(Stage):
    """A stage whose box has toxics and a feed."""

    async def __aenter__(self):
        await super().__aenter__()
        self.relay.close()
        self.feed = EventFeed()
        upstream = [(socket.AF_INET, self.listener.getsockname())]
        self.relay = FaultBox(self._profile, upstream, self.events.append, seed="seed", note=self.feed.note, of={})
        self.address = await self.relay.listen("127.0.0.1", 0)
        return self

    def told(self, *names):
        """Return what the feed says, without numbers, times and clients."""
        dull = {"id", "at", "client"}
        return [
            {key: value for key, value in event.items() if key not in dull}
            for event in self.feed.since(0)
            if event["event"] in names
        ]


@on_linux
async def test_who_connects_while_all_is_dark_hears_nothing_until_it_heals():
    async with Scene(make_box()) as on:
        add_toxic(on.relay, {"type": "blackhole"})
        sock = on.keep(socket.socket())
        sock.setblocking(False)
        connecting = asyncio.ensure_future(asyncio.get_running_loop().sock_connect(sock, on.address))
        await asyncio.sleep(60)
        assert not connecting.done()
        on.relay.remove("blackhole_downstream")
        await asyncio.to_thread(select.select, [on.listener], [], [], 60)
        await on.server()
        await connecting


@on_linux
async def test_a_box_that_listens_anew_while_all_is_dark_stays_dark():
    async with Scene(make_box()) as on:
        add_toxic(on.relay, {"type": "blackhole"})
        on.relay.close_ends()
        on.address = await on.relay.listen("127.0.0.1", 0)
        sock = on.keep(socket.socket())
        sock.setblocking(False)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.get_running_loop().sock_connect(sock, on.address)


async def test_the_feed_names_the_toxic_or_the_timer_that_ended_a_flow():
    idle = {"default": 600, "expiry": "reset"}
    async with Scene(make_box(idle=idle)) as on:
        client, _ = await on.flow()
        assert await client.sees(601) == "rst"
        add_toxic(on.relay, {"type": "max_age", "attributes": {"timeout": 1000, "manner": "close"}})
        other, _ = await on.flow()
        assert await other.sees() == "fin"
        assert on.told("ended", "acted") == [
            {"event": "ended", "connection": 1, "how": "reset", "timer": "idle"},
            {"event": "acted", "connection": 2, "toxic": "max_age_downstream"},
            {"event": "ended", "connection": 2, "toxic": "max_age_downstream", "how": "close", "timer": "lifetime"},
        ]
        assert on.relay.hits == {"max_age_downstream": 1}


async def test_what_the_box_forgets_by_its_own_profile_a_toxic_does_not_change():
    async with Scene(Catalogue().find("cisco-asa-idle-reset")) as on:
        add_toxic(on.relay, {"type": "latency", "attributes": {"latency": 100}})
        client, _ = await on.flow()
        assert await client.sees(4000) == "rst"
