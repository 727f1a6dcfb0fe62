"""The control API, call by call, over a real relay. The examples in docs/control-api.md are what it answers."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientResponse, ClientSession

from hbprobe.middlebox.chain import Chain
from hbprobe.middlebox.control_api import ControlApi
from hbprobe.net.event_feed import EventFeed
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Profile

MANUAL = (Path(__file__).parent.parent.parent / "docs" / "control-api.md").read_text(encoding="utf-8")
IDLE = {"default": 600, "expiry": "silent"}


class Caller:
    """A client of the API, and how often it was told to stop."""

    def __init__(self, session: ClientSession, stops: list[bool]) -> None:
        self.session = session
        self.stops = stops

    async def __call__(self, method: str, path: str, status: int = 200, **more: object) -> dict:
        async with self.session.request(method, path, **more) as response:
            return await answer(response, status)


async def answer(response: ClientResponse, status: int) -> dict:
    text = await response.text()
    assert response.status == status, text
    return json.loads(text) if text else {}


@contextlib.asynccontextmanager
async def control(box: object, token: str | None = None, feed: EventFeed | None = None) -> AsyncIterator[Caller]:
    stops: list[bool] = []
    api = ControlApi([box], lambda: stops.append(True), token, feed=feed)
    host, port = await api.listen("127.0.0.1", 0)
    try:
        async with ClientSession(f"http://{host}:{port}") as session:
            yield Caller(session, stops)
    finally:
        await api.close()


def shown(name: str) -> dict:
    """Return what the manual shows of an answer."""
    found = re.search(rf"<!-- {name} -->\n((?:    .*\n)+)", MANUAL)
    assert found is not None
    return json.loads(found[1])


async def test_tells_boxes_and_flows_as_the_manual_shows(stage, make_box) -> None:
    async with stage(make_box(idle=IDLE)) as on, control(on.relay) as call:
        client, server = await on.flow()
        await asyncio.sleep(10)
        await client.send(b"hello")
        assert await server.sees() == b"hello"
        await asyncio.sleep(20)
        assert await call("GET", "/boxes/0") == shown("box")
        flows = await call("GET", "/boxes/0/flows")
        host, port = client.sock.getsockname()
        flows["flows"][0]["client"] = flows["flows"][0]["client"].replace(f"{host}:{port}", "127.0.0.1:54321")
        assert flows == shown("flows")
        about = await call("GET", "/")
        assert (about["draining"], about["boxes"]) == (False, [shown("box")])


async def test_a_timer_changed_now_is_that_of_live_flows(stage, make_box) -> None:
    async with stage(make_box(idle=IDLE)) as on, control(on.relay) as call:
        await on.flow()
        await asyncio.sleep(100)
        changed = await call("PATCH", "/boxes/0/timers", json={"idle": "150"})
        assert changed["timers_s"] == {"idle": 150.0}
        assert changed["remarks"] == []
        assert (await call("GET", "/boxes/0/flows"))["flows"][0]["due_in_s"] == 50
        await asyncio.sleep(51)
        assert [event.quiet_s for event in on.expired] == [150]


async def test_a_timer_shorter_than_the_silence_so_far_ends_the_flow_at_once(stage, make_box) -> None:
    async with stage(make_box(idle=IDLE)) as on, control(on.relay) as call:
        await on.flow()
        await asyncio.sleep(100)
        await call("PATCH", "/boxes/0/timers", json={"idle": 15})
        await asyncio.sleep(0.1)
        assert len(on.expired) == 1


async def test_one_flow_can_be_ended_now(stage, make_box) -> None:
    async with stage(make_box(idle=IDLE | {"expiry": "reset"})) as on, control(on.relay) as call:
        client, server = await on.flow()
        other, _ = await on.flow()
        assert await call("DELETE", "/boxes/0/flows/1") == shown("expired")
        assert (await client.sees(), await server.sees(), await other.sees()) == ("rst", "rst", "nothing")
        assert "no flow 1 that a timer could end" in (await call("DELETE", "/boxes/0/flows/1", 404))["error"]


async def test_draining_stops_when_the_last_flow_has_ended(stage, make_box) -> None:
    async with stage(make_box(idle=IDLE)) as on, control(on.relay) as call:
        await on.flow()
        assert await call("POST", "/drain") == shown("drain")
        assert call.stops == []
        assert await call("POST", "/drain") == shown("drain")
        await asyncio.sleep(601)
        assert call.stops == [True]


async def test_draining_an_empty_box_and_stopping_stop_at_once(stage, make_box) -> None:
    async with stage(make_box(idle=IDLE)) as on, control(on.relay) as call:
        await call("POST", "/drain")
        assert await call("POST", "/stop") == shown("stop")
        assert call.stops == [True, True]


WRONG = [
    ("PATCH", "/boxes/0/timers", {"data": "{"}, 400, "send a JSON object of timers"),
    ("PATCH", "/boxes/0/timers", {"json": []}, 400, "send a JSON object of timers"),
    ("PATCH", "/boxes/0/timers", {"json": {"idle": None}}, 400, "send a JSON object of timers"),
    ("PATCH", "/boxes/0/timers", {"json": {"lifetime": 5}}, 400, "box has no timer lifetime: it has idle"),
    ("PATCH", "/boxes/0/timers", {"json": {"idle": "soon"}}, 400, "'soon' is not a duration"),
    ("GET", "/boxes/1", {}, 404, "no box 1: they count from 0 to 0"),
    ("DELETE", "/boxes/0/flows/x", {}, 404, "no flow x that a timer could end"),
    ("POST", "/drain", {"headers": {"Origin": "http://evil.example"}}, 403, "no web page may call this"),
]


@pytest.mark.parametrize(("method", "path", "more", "status", "error"), WRONG)
async def test_wrong_calls_change_nothing(stage, make_box, method, path, more, status, error) -> None:
    async with stage(make_box(idle=IDLE)) as on, control(on.relay) as call:
        assert error in (await call(method, path, status, **more))["error"]
        assert on.relay.profile.timers.idle.default == 600
        assert call.stops == []


async def test_with_a_token_nothing_goes_without_it(stage, make_box) -> None:
    async with stage(make_box(idle=IDLE)) as on, control(on.relay, token="secret") as call:
        assert (await call("GET", "/", 401))["error"] == "send Authorization: Bearer with the token"
        await call("GET", "/", 401, headers={"Authorization": "Bearer wrong"})
        await call("GET", "/", headers={"Authorization": "Bearer secret"})


# Toxics


@contextlib.asynccontextmanager
async def with_faults(profile: Profile) -> AsyncIterator[tuple[Caller, int, socket.socket]]:
    """Serve a box with toxics; give its API, its port and the socket of its server."""
    feed = EventFeed()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        row = Chain([profile], [(socket.AF_INET, listener.getsockname())], lambda _: lambda _: None, note=feed.note)
        _, port = await row.listen("127.0.0.1", 0)
        async with control(row.relays[0], feed=feed) as call:
            yield call, port, listener
        row.close()


async def test_a_box_takes_toxics_and_tells_what_they_did_as_the_manual_shows(make_box) -> None:
    async with with_faults(make_box(idle=IDLE)) as (call, port, listener):
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        server, _ = await loop.sock_accept(listener)
        asked = {"type": "latency", "attributes": {"latency": 200}}
        assert await call("POST", "/boxes/0/toxics", json=asked) == shown("toxic")
        assert await call("GET", "/boxes/0/toxics") == [shown("toxic")]
        await loop.sock_sendall(server, b"hello")
        began = loop.time()
        assert await reader.read(10) == b"hello"
        assert loop.time() - began == pytest.approx(0.2, abs=1e-3)
        (flow,) = (await call("GET", "/boxes/0/flows"))["flows"]
        assert (flow["toxics"], flow["held_bytes"]) == (["latency_downstream"], {"upstream": 0, "downstream": 0})
        changed = await call("PATCH", "/boxes/0/toxics/latency_downstream", json={"attributes": {"latency": 1}})
        assert changed["attributes"] == {"latency": 1, "jitter": 0}
        assert await call("DELETE", "/boxes/0/toxics/latency_downstream", 204) == {}
        await call("PATCH", "/boxes/0/timers", json={"idle": 5})
        await asyncio.sleep(6)
        assert [told["event"] for told in await events(call, 8)] == [
            "opened",
            "toxic-added",
            "hit",
            "acted",
            "toxic-changed",
            "toxic-removed",
            "spared",
            "timers-changed",
        ]
        (ended,) = await events(call, 1, after=8)
        client = shown("ended") | {"at": ended["at"], "client": ended["client"]}
        assert ended == client
        server.close()
        writer.close()


async def events(call: Caller, count: int, after: int = 0) -> list[dict]:
    """Return so many events of the feed."""
    found: list[dict] = []
    async with call.session.get("/events", headers={"Last-Event-ID": str(after)}) as answer:
        while len(found) < count:
            line = await answer.content.readline()
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:]))
    return found


WRONG_TOXICS = [
    ({"type": "nonsense"}, 400, "invalid toxic type"),
    ({"type": "latency", "attributes": {"latency": -1}}, 400, "latency and jitter are milliseconds, from 0 on"),
    ({"type": "latency", "toxicity": 2}, 400, "toxicity is the share of connections that are hit, from 0 to 1"),
    ([], 400, "bad request body: a JSON object is wanted"),
]


@pytest.mark.parametrize(("asked", "status", "error"), WRONG_TOXICS)
async def test_wrong_toxics_change_nothing(make_box, asked, status, error) -> None:
    async with with_faults(make_box(idle=IDLE)) as (call, _, _):
        assert await call("POST", "/boxes/0/toxics", status, json=asked) == {"error": error}
        assert await call("GET", "/boxes/0/toxics") == []
        for method in ("GET", "PATCH", "DELETE"):
            assert await call(method, "/boxes/0/toxics/none", 404, json={}) == {"error": "toxic not found"}


async def test_a_box_without_toxics_says_so(stage, make_box) -> None:
    async with stage(make_box(idle=IDLE)) as on, control(on.relay) as call:
        error = "box 0 was made without toxics"
        assert await call("POST", "/boxes/0/toxics", 400, json={"type": "noop"}) == {"error": error}


async def test_a_box_of_layer_http_takes_what_makes_sense_there() -> None:
    async with with_faults(Catalogue().find("haproxy-sample-edge")) as (call, port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await call("POST", "/boxes/0/toxics", json={"type": "latency"}))["type"] == "latency"
        (flow,) = (await call("GET", "/boxes/0/flows"))["flows"]
        assert (flow["toxics"], flow["phase"]) == (["latency_downstream"], "header")
        asked = {"type": "idle_drop", "attributes": {"timeout": 5}}
        error = (await call("POST", "/boxes/0/toxics", 400, json=asked))["error"]
        assert error == (
            "idle_drop is a timer of boxes that relay bytes, and this (layer http) times requests: change its "
            "timers, or put a box beside it, as in hbprobe proxy open-path haproxy-sample-edge"
        )
        assert await call("DELETE", "/boxes/0/flows") == {"expired": 1}
        assert b" 408 " in await reader.readline()
        writer.close()
