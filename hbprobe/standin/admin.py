"""The administrators' side: mail comes, rules change, devices are wiped, and one can see who waits.

`docs/activesync.md` has each call with its answer. It listens on loopback only. Requests that a browser sends on
behalf of a web page are refused: they carry an Origin header, or call this machine by a name that is not its own.
"""

import asyncio
from dataclasses import asdict
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from hbprobe.net.address import is_loopback
from hbprobe.net.json_api import JsonApi, problem, read_object
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.device import FOLDERS, DeviceState, ServedRequest, Wipe
from hbprobe.standin.service import StandIn
from hbprobe.standin.users import mailbox_of

ROOT = "/hbprobe/admin"


class Admin(JsonApi):
    """A small HTTP API over a stand-in."""

    def __init__(self, stand_in: StandIn) -> None:
        self._exchange = stand_in.exchange
        self._recent = stand_in.recent
        super().__init__(
            [
                web.get(ROOT, self._about),
                web.get(f"{ROOT}/rules", self._rules),
                web.patch(f"{ROOT}/rules", self._change_rules),
                web.post(f"{ROOT}/mail", self._mail),
                web.get(f"{ROOT}/devices", self._devices),
                web.delete(f"{ROOT}/devices/{{user}}/{{device}}", self._forget),
                web.post(f"{ROOT}/devices/{{user}}/{{device}}/wipe", self._order_wipe),
                web.delete(f"{ROOT}/devices/{{user}}/{{device}}/wipe", self._withdraw_wipe),
                web.get(f"{ROOT}/waiting", self._waiting),
                web.get(f"{ROOT}/events", self._events),
                web.get(f"{ROOT}/requests", self._requests),
            ]
        )

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Take requests on an address, and return it; raises OSError when it cannot be had."""
        if not is_loopback(host):
            raise ValueError(f"the admin API is for this machine only, not for {host}")
        return await super().listen(host, port)

    # Calls

    async def _about(self, _: web.Request) -> web.Response:
        devices = self._exchange.devices
        averages_s = {str(command): average for command, average in self._exchange.averages_s.items()}
        waiting = sum(device.turn is not None for device in devices)
        return web.json_response({"devices": len(devices), "waiting": waiting, "averages_s": averages_s})

    async def _rules(self, _: web.Request) -> web.Response:
        return web.json_response(self._exchange.rules.model_dump(mode="json"))

    async def _change_rules(self, request: web.Request) -> web.Response:
        """Change the rules that are named; the others stay."""
        asked = await read_object(request, 'send a JSON object of rules, such as {"max_devices": 2}')
        try:
            self._exchange.rules = AdminRules.model_validate(self._exchange.rules.model_dump() | asked)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise problem(web.HTTPBadRequest, f"{where}: {first['msg']}") from None
        return await self._rules(request)

    async def _mail(self, request: web.Request) -> web.Response:
        asked = await read_object(request, 'send {"user": "NAME", "folder": "Inbox"}')
        user, name = asked.get("user"), asked.get("folder", "Inbox")
        folder = next((folder for folder in FOLDERS if name in (folder.id, folder.name)), None)
        if not isinstance(user, str) or not user or folder is None:
            known = ", ".join(folder.name for folder in FOLDERS)
            raise problem(web.HTTPBadRequest, f"name a user, and a folder: one of {known}")
        heard = self._exchange.new_mail(user, folder.id)
        return web.json_response({"folder": folder.id, "devices": [device.id for device in heard]})

    async def _devices(self, _: web.Request) -> web.Response:
        return web.json_response({"devices": [self._shown(device) for device in self._exchange.devices]})

    async def _forget(self, request: web.Request) -> web.Response:
        device = self._device(request)
        self._exchange.forget(device)
        return web.json_response({"removed": device.id})

    async def _order_wipe(self, request: web.Request) -> web.Response:
        device = self._device(request)
        device.wipe = Wipe.ORDERED
        return web.json_response(self._shown(device))

    async def _withdraw_wipe(self, request: web.Request) -> web.Response:
        device = self._device(request)
        device.wipe = None
        return web.json_response(self._shown(device))

    async def _waiting(self, _: web.Request) -> web.Response:
        now = asyncio.get_running_loop().time()
        turns = [device.turn for device in self._exchange.devices if device.turn is not None]
        return web.json_response({"waiting": [_shown_turn(turn, now) for turn in turns]})

    async def _events(self, _: web.Request) -> web.Response:
        return web.json_response({"events": [asdict(event) for event in self._recent.events]})

    async def _requests(self, _: web.Request) -> web.Response:
        return web.json_response({"requests": [asdict(record) for record in self._recent.requests]})

    # Helpers

    def _device(self, request: web.Request) -> DeviceState:
        user, device_id = request.match_info["user"], request.match_info["device"]
        device = self._exchange.device(user, device_id)
        if device is None:
            raise problem(web.HTTPNotFound, f"{mailbox_of(user)} has no device {device_id}")
        return device

    def _shown(self, device: DeviceState) -> dict[str, Any]:
        access, by_rule = self._exchange.rules.access(device.traits())
        return {
            "user": device.user,
            "id": device.id,
            "type": device.kind,
            "user_agent": device.user_agent,
            "version": device.version,
            "model": device.information and device.information.model,
            "os": device.information and device.information.os,
            "access": str(access),
            "by_rule": by_rule,
            "provisioned": device.policy_key is not None,
            "wipe": device.wipe,
            "heartbeat_s": device.heartbeat_s,
            "waiting": device.turn is not None,
        }


def _shown_turn(turn: ServedRequest, now: float) -> dict[str, Any]:
    due_in_s = max(0.0, turn.waiting.until_s - now) if turn.waiting else None
    return {
        "user": turn.user,
        "device": turn.device_id,
        "command": turn.command,
        "heartbeat_s": turn.heartbeat_s,
        "folders": list(turn.folders),
        "age_s": round(now - turn.started_s, 3),
        "due_in_s": due_in_s if due_in_s is None else round(due_in_s, 3),
    }
