"""The admin API, call by call. The examples in docs/activesync.md are what it answers."""

import asyncio
import base64
import contextlib
import json
import re
from pathlib import Path

import pytest
from aiohttp import ClientSession

from hbprobe import warp
from hbprobe.eas.commands import PingFolder, PingRequest
from hbprobe.eas.query import Query
from hbprobe.exchange.settings import Settings
from hbprobe.standin.admin import ROOT, Admin
from hbprobe.standin.device import ServedRequest
from hbprobe.standin.messages import WBXML, ClientRequest
from hbprobe.standin.service import StandIn

MANUAL = (Path(__file__).parents[2] / "docs" / "activesync.md").read_text(encoding="utf-8")
AUTHORIZATION = "Basic " + base64.b64encode(b"alice:x").decode()


class Caller:
    """A client of the API over a stand-in that one device pings."""

    def __init__(self, session, stand_in):
        self.session = session
        self.stand_in = stand_in
        self.turn = self.ping()

    def ping(self):
        asked = PingRequest(480, (PingFolder("5", "Email"),)).encode()
        said = {"ms-asprotocolversion": "14.1", "content-type": WBXML, "user-agent": "Phone/1.0"}
        query = Query("Ping", "alice", "D1", "Phone").plain()
        now = asyncio.get_running_loop().time()
        turn = ServedRequest(ClientRequest("POST", query, said, AUTHORIZATION, asked), now)
        self.stand_in.exchange.begin(turn, now)
        device = self.stand_in.exchange.device("alice", "D1")
        if device.folder_key == 0:
            device.folder_key, device.sync_keys = 1, {"5": 1}
            return self.ping()
        return turn

    async def __call__(self, method, path, status=200, **more):
        async with self.session.request(method, ROOT + path, **more) as response:
            text = await response.text()
            assert response.status == status, text
            return await response.json()


@contextlib.asynccontextmanager
async def calling():
    stand_in = StandIn(Settings())
    admin = Admin(stand_in)
    host, port = await admin.listen("127.0.0.1", 0)
    try:
        async with ClientSession(f"http://{host}:{port}") as session:
            yield Caller(session, stand_in)
    finally:
        await admin.close()


def on_warp(scene):
    async def main():
        async with calling() as call:
            await scene(call)

    warp.run(main(), warp.WarpClock())


def shown(name):
    """Return what the manual shows of an answer."""
    found = re.search(rf"<!-- {name} -->\n((?:    .*\n)+)", MANUAL)
    assert found is not None
    return json.loads(found[1])


def test_what_there_is():
    async def scene(call):
        await asyncio.sleep(20)
        assert await call("GET", "") == {"devices": 1, "waiting": 1, "averages_s": {"Ping": None, "Sync": None}}
        assert await call("GET", "/devices") == shown("devices")
        assert await call("GET", "/waiting") == shown("waiting")
        assert await call("GET", "/events") == {"events": []}

    on_warp(scene)


@pytest.mark.parametrize("folder", ["5", "Inbox", None])
def test_new_mail(folder):
    async def scene(call):
        asked = {"user": "Alice"} | ({"folder": folder} if folder else {})
        assert await call("POST", "/mail", json=asked) == shown("mail")
        assert call.turn.command_status == 2
        assert await call("POST", "/mail", json={"user": "bob"}) == {"folder": "5", "devices": []}

    on_warp(scene)


def test_rules_can_be_changed_one_by_one():
    async def scene(call):
        before = await call("GET", "/rules")
        assert (before["policy"], before["max_devices"]) == ({"DevicePasswordEnabled": "0"}, None)
        changed = await call("PATCH", "/rules", json={"max_devices": 2, "policy": None})
        assert changed == before | {"max_devices": 2, "policy": None}
        told = {"characteristic": "DeviceType", "query_string": "Phone", "access_level": "block"}
        await call("PATCH", "/rules", json={"access_rules": [told]})
        assert call.ping().answer.status == 403
        assert (await call("GET", "/devices"))["devices"][0]["access"] == "block"
        assert (await call("PATCH", "/rules", json={"access_rules": []})) == changed
        assert call.ping().answer is None

    on_warp(scene)


def test_a_wipe_and_its_withdrawal():
    async def scene(call):
        assert (await call("POST", "/devices/Alice/D1/wipe"))["wipe"] == "ordered"
        assert call.turn.answer is None, "what waits goes on"
        assert call.ping().command_status == 140
        assert (await call("DELETE", "/devices/alice/D1/wipe"))["wipe"] is None
        assert call.ping().answer is None

    on_warp(scene)


def test_a_device_that_is_removed_comes_back_as_a_new_one():
    async def scene(call):
        assert await call("DELETE", "/devices/alice/D1") == {"removed": "D1"}
        assert await call("GET", "/devices") == {"devices": []}
        call.stand_in.exchange.expire(call.turn)
        assert call.turn.command_status == 1

    on_warp(scene)


def test_requests_and_events_of_late():
    async def scene(call):
        call.stand_in.exchange.finish(call.turn, 480.0, is_delivered=True)
        (record,) = (await call("GET", "/requests"))["requests"]
        assert (record["user"], record["command"], record["ended_s"], record["access"]) == (
            "alice",
            "Ping",
            480.0,
            "allow",
        )

    on_warp(scene)


WRONG = [
    ("PATCH", "/rules", {"json": {"max_devices": 0}}, 400, "max_devices: Input should be greater than or equal to 1"),
    ("PATCH", "/rules", {"json": {"nonsense": 1}}, 400, "nonsense: Extra inputs are not permitted"),
    ("PATCH", "/rules", {"data": "{"}, 400, "send a JSON object of rules"),
    ("PATCH", "/rules", {"json": []}, 400, "send a JSON object of rules"),
    ("POST", "/mail", {"json": {"user": 3}}, 400, "name a user, and a folder: one of Calendar, "),
    ("POST", "/mail", {"json": {"user": "a", "folder": "X"}}, 400, "name a user, and a folder: one of Calendar, "),
    ("POST", "/mail", {}, 400, 'send {"user": "NAME", "folder": "Inbox"}'),
    ("DELETE", "/devices/alice/D2", {}, 404, "alice has no device D2"),
    ("POST", "/devices/bob/D1/wipe", {}, 404, "bob has no device D1"),
    ("GET", "", {"headers": {"Origin": "http://evil.example"}}, 403, "no web page may call this"),
    ("GET", "", {"headers": {"Host": "evil.example"}}, 403, "call this machine by its loopback address"),
    ("GET", "", {"headers": {"Host": "evil.example:8444"}}, 403, "call this machine by its loopback address"),
    ("GET", "", {"headers": {"Host": ""}}, 403, "call this machine by its loopback address"),
]


@pytest.mark.parametrize(("method", "path", "more", "status", "error"), WRONG)
def test_wrong_calls_change_nothing(method, path, more, status, error):
    async def scene(call):
        before = call.stand_in.exchange.rules
        assert (await call(method, path, status, **more))["error"].startswith(error)
        assert call.stand_in.exchange.rules == before
        assert call.turn.answer is None

    on_warp(scene)


@pytest.mark.parametrize("host", ["localhost", "localhost:8444", "127.0.0.1", "[::1]:8444", "[::1]"])
def test_names_of_this_machine(host):
    async def scene(call):
        await call("GET", "", headers={"Host": host})

    on_warp(scene)


def test_it_listens_on_this_machine_only():
    async def main():
        with pytest.raises(ValueError, match=r"for this machine only, not for 0\.0\.0\.0"):
            await Admin(StandIn(Settings())).listen("0.0.0.0", 0)

    warp.run(main(), warp.WarpClock())
