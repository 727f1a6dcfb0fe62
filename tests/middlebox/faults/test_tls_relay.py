"""A proxy that ends TLS on its client's side, begins it on its server's, or both: what passes, and how it ends."""

import asyncio
import random
import select
import socket
import ssl
import sys

import pytest
from support.boxes import Stage, make_box

from hbprobe.middlebox.events import FlowRefused
from hbprobe.middlebox.faults.fault_box import FaultBox
from hbprobe.middlebox.faults.flow_tls import Tls
from hbprobe.middlebox.faults.toxic_calls import add_toxic
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.event_feed import EventFeed
from hbprobe.net.liveness import acknowledge_now
from hbprobe.net.tls_codec import TlsCodec

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can make a socket mute")
SERVER, CLIENT = throwaway_pair()
SIDES = {"client": Tls(client=SERVER), "server": Tls(server=CLIENT), "both": Tls(SERVER, CLIENT)}
each_side = pytest.mark.parametrize("sides", SIDES)


class TlsPeer:
    """One end of a connection; it speaks TLS where it has a codec."""

    def __init__(self, sock, codec):
        self.sock = sock
        self._codec = codec
        self._loop = asyncio.get_running_loop()
        self._said = b""

    async def shake(self):
        if self._codec is not None:
            self._said += self._codec.receive()
            await self._flush()
            while not self._codec.stands:
                self._said += self._codec.receive(await self._wire(60))
                await self._flush()

    async def send(self, data):
        if self._codec is None:
            await self._loop.sock_sendall(self.sock, data)
        else:
            self._codec.say(data)
            await self._flush()

    async def end(self):
        if self._codec is not None:
            self._codec.say_end()
            await self._flush()
        self.sock.shutdown(socket.SHUT_WR)

    async def sees(self, within_s=5.0):
        """Return what comes next, or how it ended: `end` (in TLS's own way, or FIN), `cut`, `rst` or `nothing`."""
        try:
            while not self._said:
                if self._codec is not None and self._codec.has_ended:
                    return "end"
                wire = await self._wire(within_s)
                if not wire:
                    return "end" if self._codec is None else "cut"
                self._said = wire if self._codec is None else self._codec.receive(wire)
                if self._codec is not None:
                    await self._flush()
        except ConnectionResetError:
            return "rst"
        except TimeoutError:
            return "nothing"
        said, self._said = self._said, b""
        return said

    async def sees_bytes(self, count):
        got = b""
        while len(got) < count:
            seen = await self.sees(60)
            assert isinstance(seen, bytes), (seen, len(got))
            got += seen
        return got

    async def _wire(self, within_s):
        async with asyncio.timeout(within_s):
            data = await self._loop.sock_recv(self.sock, 1 << 18)
        acknowledge_now(self.sock)
        return data

    async def _flush(self):
        if data := self._codec.to_send():
            await self._loop.sock_sendall(self.sock, data)


class Scene(Stage):
    """A stage whose box speaks TLS."""

    def __init__(self, tls, **timers):
        super().__init__(make_box(**timers))
        self._tls = tls

    async def __aenter__(self):
        await super().__aenter__()
        self.relay.close()
        self.feed = EventFeed()
        upstream = [(socket.AF_INET, self.listener.getsockname())]
        self.relay = FaultBox(self._profile, upstream, self.events.append, seed="seed", note=self.feed.note, of={})
        self.relay.tls = self._tls
        self.address = await self.relay.listen("127.0.0.1", 0)
        return self

    async def ends(self, client=CLIENT, server=SERVER, name="localhost"):
        """Return both ends of a flow, before any handshake."""
        near = TlsPeer(self.client().sock, TlsCodec(client, name) if self._tls.client else None)
        far = TlsPeer((await self.server()).sock, TlsCodec(server, None) if self._tls.server else None)
        return near, far

    async def opened(self):
        near, far = await self.ends()
        await asyncio.gather(near.shake(), far.shake())
        await asyncio.sleep(0.01)
        return near, far


@each_side
async def test_bytes_pass_in_both_directions(sides):
    up, down = (random.Random(seed).randbytes(3_000_000) for seed in (1, 2))
    async with Scene(SIDES[sides]) as on:
        client, server = await on.opened()
        sending = asyncio.gather(client.send(up), server.send(down))
        assert await asyncio.gather(server.sees_bytes(len(up)), client.sees_bytes(len(down))) == [up, down]
        await sending


@each_side
async def test_a_half_close_is_kept_and_the_answer_behind_it_arrives(sides):
    async with Scene(SIDES[sides]) as on:
        client, server = await on.opened()
        await client.send(b"question")
        await client.end()
        assert (await server.sees(), await server.sees()) == (b"question", "end")
        await server.send(b"answer")
        await server.end()
        assert (await client.sees(), await client.sees()) == (b"answer", "end")
        assert on.relay.counts.closed == 1


@each_side
async def test_rst_stays_rst_behind_what_was_said(sides):
    async with Scene(SIDES[sides]) as on:
        for of in (0, 1):
            ends = await on.opened()
            await ends[of].send(b"last words")
            await asyncio.sleep(0.01)
            ends[of].sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            ends[of].sock.close()
            assert (await ends[1 - of].sees(), await ends[1 - of].sees()) == (b"last words", "rst")


async def test_what_one_end_cuts_short_is_cut_short_for_the_other():
    async with Scene(SIDES["both"]) as on:
        client, server = await on.opened()
        await server.send(b"half of")
        server.sock.shutdown(socket.SHUT_WR)
        assert (await client.sees(), await client.sees()) == (b"half of", "cut")


@each_side
async def test_toxics_act_on_what_is_inside(sides):
    async with Scene(SIDES[sides]) as on:
        client, server = await on.opened()
        add_toxic(on.relay, {"type": "latency", "attributes": {"latency": 300}})
        add_toxic(on.relay, {"type": "limit_data", "attributes": {"bytes": 5}})
        loop = asyncio.get_running_loop()
        began = loop.time()
        await server.send(b"hello, world")
        assert await client.sees() == b"hello"
        assert loop.time() - began == pytest.approx(0.3, abs=1e-3)
        assert await client.sees() == ("end" if sides == "server" else "cut")


@on_linux
@each_side
async def test_a_black_hole_heals(sides):
    async with Scene(SIDES[sides]) as on:
        client, server = await on.opened()
        add_toxic(on.relay, {"type": "blackhole"})
        await client.send(b"up")
        await server.send(b"down")
        assert (await client.sees(), await server.sees()) == ("nothing", "nothing")
        on.relay.remove("blackhole_downstream")
        for peer in (client, server):
            assert (await asyncio.to_thread(select.select, [peer.sock], [], [], 60))[0]
        assert (await client.sees(), await server.sees()) == (b"down", b"up")


async def test_an_idle_timer_runs_over_tls():
    async with Scene(SIDES["both"], idle={"default": 600, "expiry": "reset"}) as on:
        client, server = await on.opened()
        assert (await client.sees(601), await server.sees(1)) == ("rst", "rst")


async def test_what_an_end_says_before_the_other_is_there_arrives():
    async with Scene(SIDES["both"]) as on:
        client, server = await on.ends()
        await client.shake()
        await client.send(b"early")
        await client.end()
        await asyncio.sleep(1)
        await server.shake()
        assert (await server.sees(), await server.sees()) == (b"early", "end")


async def test_memory_stays_bounded_while_nobody_reads():
    async with Scene(SIDES["both"]) as on:
        _, server = await on.opened()
        flood = asyncio.ensure_future(server.send(bytes(100_000_000)))
        await asyncio.sleep(5)
        assert sum(on.relay.connections()[0]["held_bytes"].values()) < 1 << 20
        assert not flood.done()
        flood.cancel()
        await asyncio.wait([flood])


# Handshakes that fail


async def test_a_client_that_speaks_no_tls_is_told_and_the_server_sees_rst():
    async with Scene(SIDES["client"]) as on:
        client, server = await on.ends()
        await asyncio.get_running_loop().sock_sendall(client.sock, b"GET / HTTP/1.1\r\n\r\n")
        assert await server.sees() == "rst"
        (refused,) = [event for event in on.events if isinstance(event, FlowRefused)]
        assert refused.reason == "TLS with the client: http request"
        assert len(on.relay) == 0


async def test_a_server_whose_certificate_is_not_trusted_costs_the_client_its_connection():
    other, _ = throwaway_pair()
    async with Scene(SIDES["server"]) as on:
        client, server = await on.ends(server=other)
        with pytest.raises(ssl.SSLError, match="alert unknown ca"):
            await server.shake()
        assert await client.sees() == "rst"
        (refused,) = [event for event in on.events if isinstance(event, FlowRefused)]
        assert refused.reason.startswith("TLS with the server: the certificate is not trusted: ")


async def test_an_end_that_leaves_in_the_handshake():
    async with Scene(SIDES["client"]) as on:
        client, server = await on.ends()
        client.sock.shutdown(socket.SHUT_WR)
        assert await server.sees() == "rst"
        (refused,) = [event for event in on.events if isinstance(event, FlowRefused)]
        assert refused.reason == "TLS with the client: it has ended the connection"
