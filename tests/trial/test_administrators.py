"""What administrators do, state by state: probe and preflight fail with its own reason, and nothing is ever cut."""

import asyncio
import contextlib

import pytest

from hbprobe.eas.client import Account, device_id
from hbprobe.eas.commands import (
    Folder,
    FolderSyncAnswer,
    PingAnswer,
    PingRequest,
    ProvisionAnswer,
    SyncAnswer,
    SyncCollection,
)
from hbprobe.eas.releases import Release
from hbprobe.errors import CannotMeasureError
from hbprobe.measure.setup import set_up
from hbprobe.net.wire import Target
from hbprobe.preflight.preflight import Checks, CheckState, Name
from hbprobe.search.search import SearchSettings
from hbprobe.standin.admin_rules import AdminRules, Characteristic
from hbprobe.standin.users import Users
from hbprobe.standin.webconfig_rules import FilteringRule
from hbprobe.trial.methods.ping import PingMethod
from hbprobe.trial.outcome import Kind, Outcome

ADA = Account("ada", "s3cret")
SEARCH = SearchSettings(precision_s=2)
OURS = tuple(device_id("ada", "localhost", number) for number in (0, 1))
"""The devices of preflight and of a probe."""


def rules(**keys):
    return {"rules": AdminRules.model_validate(keys)}


def about(characteristic, access):
    rule = {"characteristic": characteristic, "query_string": "hbprobe", "access_level": access}
    return rules(access_rules=[rule])


BLOCKED = "status 403: the server blocks this device"
QUARANTINE = (
    "the server tells this device of no changes: it is in quarantine, or Exchange is still finding out what it is"
)
WIPE = "command status 140: the server orders a remote wipe of this device: hbprobe does not go on"

STATES = {
    "unknown user": (
        {"users": Users(users={"bob": "s3cret"})},
        Name.OPTIONS,
        "status 401: the server does not let this user in with this password or token",
    ),
    "wrong password": (
        {"users": Users(users={"ada": "other"})},
        Name.OPTIONS,
        "status 401: the server does not let this user in with this password or token",
    ),
    "disabled user": (rules(disabled_users=["ada"]), Name.OPTIONS, "status 403: ActiveSync is off for this user"),
    "blocked DeviceType": (about("DeviceType", "block"), Name.FOLDER_SYNC, BLOCKED),
    "blocked UserAgent": (about("UserAgent", "block"), Name.FOLDER_SYNC, BLOCKED),
    "blocked DeviceModel": (about("DeviceModel", "block"), Name.PROVISIONING, BLOCKED),
    "blocked DeviceOS": (about("DeviceOS", "block"), Name.PROVISIONING, BLOCKED),
    "unknown devices blocked": (rules(default_access_level="block"), Name.FOLDER_SYNC, BLOCKED),
    **{f"quarantined {trait}": (about(trait, "quarantine"), Name.CHANGES, QUARANTINE) for trait in Characteristic},
    "unknown devices quarantined": (rules(default_access_level="quarantine"), Name.CHANGES, QUARANTINE),
    "quarantined without a policy": (
        rules(default_access_level="quarantine", policy="off"),
        Name.CHANGES,
        QUARANTINE,
    ),
    "too many devices": (
        rules(max_devices=1),
        Name.FOLDER_SYNC,
        "FolderSync: command status 177: the user has too many devices",
    ),
    "too many devices, before 14.0": (
        {**rules(max_devices=1), "release": Release.V2007},
        Name.FOLDER_SYNC,
        BLOCKED,
    ),
    "too many requests": (
        rules(max_concurrency=1),
        Name.FOLDER_SYNC,
        "status 503: the server is too busy, or this user has too many requests open",
    ),
    "throttled": (
        rules(throttle={"retry_after": 90, "reason": "RecentCommands"}),
        Name.FOLDER_SYNC,
        "status 503: the server throttles (RecentCommands): it asks for a pause of 90 s",
    ),
    "throttled for long": (
        rules(throttle={"retry_after": 7200}),
        Name.FOLDER_SYNC,
        "status 503: the server throttles (CommandFrequency): it asks for a pause of 7200 s",
    ),
    "remote wipe": (rules(remote_wipe=OURS), Name.FOLDER_SYNC, f"FolderSync: {WIPE}"),
    "remote wipe, before 14.0": (
        {**rules(remote_wipe=OURS), "release": Release.V2007},
        Name.PROVISIONING,
        f"Provision: {WIPE}",
    ),
    "denyStrings in the query": (
        {"filters": (FilteringRule("no hbprobe", ("hbprobe",), in_query=True),)},
        Name.FOLDER_SYNC,
        "status 404.19: a denyStrings rule of the server's request filtering forbids the request",
    ),
    "denyStrings in a header": (
        {"filters": (FilteringRule("no hbprobe", ("hbprobe",), headers=("user-agent",)),)},
        Name.AUTHENTICATION,
        "status 404.19: a denyStrings rule of the server's request filtering forbids the request",
    ),
    "direct push off": (
        rules(direct_push=False),
        Name.CHANGES,
        "direct push is off: the server marks its answer with X-MS-NoPush",
    ),
    "server error": (rules(server_error=True), Name.FOLDER_SYNC, "FolderSync: status 6: the server failed"),
}
WITH_ANOTHER = ("too many devices", "too many devices, before 14.0", "too many requests")
"""The user has another device, and one of its Pings waits."""


@contextlib.asynccontextmanager
async def in_state(serve_eas, state):
    given = STATES[state][0]
    async with serve_eas(**given) as (exchange, dialer), contextlib.AsyncExitStack() as stack:
        if state in WITH_ANOTHER:
            await stack.enter_async_context(another(exchange, dialer))
        yield exchange, dialer


@contextlib.asynccontextmanager
async def another(exchange, dialer):
    rules_in_force, exchange.rules = exchange.rules, AdminRules()
    method = PingMethod(dialer, 3, ADA, first=7)
    await method.prepare()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(method.trial(3540))
        await asyncio.sleep(1)
        exchange.rules = rules_in_force
        yield
        waiting.cancel()


@pytest.mark.parametrize("state", STATES)
def test_probe(on_warp, serve_eas, state):
    async def main():
        async with in_state(serve_eas, state) as (exchange, dialer):
            with pytest.raises(CannotMeasureError) as raised:
                await set_up("ping", dialer, SEARCH, None, None, account=ADA)
            return str(raised.value), [device.wipe for device in exchange.devices]

    text, wipes = on_warp(main())
    reason, semicolon, mend = text.partition("; ")
    assert (reason, semicolon) == (STATES[state][2], "; ")
    assert mend
    assert "s3cret" not in text
    assert "acknowledged" not in wipes


@pytest.mark.parametrize("state", STATES)
def test_preflight(on_warp, serve_eas, state):
    _, name, reason = STATES[state]

    async def main():
        async with in_state(serve_eas, state) as (exchange, dialer):
            preflight = Checks(dialer.target, dialer._tls, ADA)
            return await preflight.run(), [device.wipe for device in exchange.devices]

    checks, wipes = on_warp(main())
    names = list(Name)
    there = names.index(name)
    assert [check.name for check in checks] == names
    assert [check.state for check in checks] == [
        *[CheckState.PASSED] * there,
        CheckState.FAILED,
        *[CheckState.NOT_TRIED] * (len(names) - there - 1),
    ]
    assert checks[there].found == (reason,)
    assert checks[there].mend
    assert "s3cret" not in repr(checks)
    assert "acknowledged" not in wipes


@pytest.mark.parametrize(
    ("state", "took_s"),
    [
        ("unknown devices blocked", 20),  # Exchange delays an error
        ("throttled", 4 * 20 + 3 * 90),
        ("server error", 0),
        ("unknown devices quarantined", 60),
    ],
)
def test_a_failed_check_says_how_long_it_took(on_warp, serve_eas, state, took_s):
    async def main():
        async with in_state(serve_eas, state) as (_, dialer):
            return await Checks(dialer.target, dialer._tls, ADA).run()

    (failed,) = [check for check in on_warp(main()) if check.state is CheckState.FAILED]
    assert failed.took_s == pytest.approx(took_s, abs=0.1)


# Statuses that the stand-in does not give


def http(body, *headers):
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def exchange_like(answers, *headers):
    """A server that gives its answers by command, and lets Pings wait: for their time, or (None) for ever."""
    ready = {
        "FolderSync": FolderSyncAnswer(1, "1", (Folder("7", "0", "Tasks", 7), Folder("5", "0", "Sent", 5))),
        "Provision": ProvisionAnswer(1, 2),
        "Sync": SyncAnswer(collections=(SyncCollection("1", "7", 1),)),
    } | answers

    async def script(connection):
        while True:
            head = (await connection.request()).decode()
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = await connection._reader.readexactly(int(fields.get("content-length", 0)))
            if head.startswith("OPTIONS"):
                connection.send(http(b"", "MS-ASProtocolVersions: 14.1", *headers))
                continue
            command = head.partition("Cmd=")[2].partition("&")[0]
            if command == "Ping" and "Ping" not in ready:
                await asyncio.sleep(PingRequest.decode(body).heartbeat_s)
                connection.send(http(PingAnswer(1).encode()))
            elif (answer := ready[command]) is not None:
                connection.send(http(answer.encode()))

    return script


@pytest.mark.parametrize(
    ("answers", "name", "reason"),
    [
        (
            {"FolderSync": FolderSyncAnswer(110)},
            Name.FOLDER_SYNC,
            "FolderSync: command status 110: the server failed",
        ),
        (
            {"FolderSync": FolderSyncAnswer(126)},
            Name.FOLDER_SYNC,
            "FolderSync: command status 126: ActiveSync is switched off for this user",
        ),
        (
            {"FolderSync": FolderSyncAnswer(129)},
            Name.FOLDER_SYNC,
            "FolderSync: command status 129: the device is blocked for this user",
        ),
        (
            {"FolderSync": FolderSyncAnswer(142), "Provision": ProvisionAnswer(141)},
            Name.PROVISIONING,
            "Provision: command status 141: the policy takes only devices that obey it",
        ),
        (
            {"FolderSync": FolderSyncAnswer(142)},  # it says so for ever
            Name.FOLDER_SYNC,
            "FolderSync: command status 142: the server wants the device to be provisioned first",
        ),
        ({"Sync": SyncAnswer(5)}, Name.SYNC, "first Sync: status 5: the server failed"),
    ],
)
def test_other_statuses(on_warp, serve, answers, name, reason):
    async def main():
        async with serve(exchange_like(answers)) as peer:
            preflight = Checks(Target(False, "127.0.0.1", peer.port, "/"), None, ADA)
            await preflight.run()
            with pytest.raises(CannotMeasureError) as raised:
                await set_up("ping", peer.dialer(), SEARCH, None, None, account=ADA)
            return preflight.checks, str(raised.value)

    checks, text = on_warp(main())
    failed = [(check.name, check.found) for check in checks if check.state is CheckState.FAILED]
    assert failed == [(name, (reason,))]
    assert text.startswith(f"{reason}; ")


# Quarantine, and what only looks like it

SAYS_NOTHING = "the server does not show whether it tells this device of changes"
MAYBE = (
    "the server tells this device of no changes in a folder that it never synchronized: of Exchange, that would mean "
    "quarantine"
)
FEW = {"FolderSync": FolderSyncAnswer(1, "1", (Folder("7", "0", "Tasks", 7), Folder("2", "0", "Inbox", 2)))}


@pytest.mark.parametrize("sign", ["X-FEServer: EX1", "Server: Microsoft-IIS/7.5", "X-DiagInfo: EX1"])
def test_a_ping_that_waits_is_held_against_exchange(on_warp, serve, sign):
    async def main():
        async with serve(exchange_like({}, sign)) as peer:
            with pytest.raises(CannotMeasureError) as raised:
                await PingMethod(peer.dialer(), 3, ADA).prepare()
            return str(raised.value)

    assert on_warp(main()) == (
        f"{QUARANTINE}; Get-MobileDevice tells which (DeviceAccessState): allow the device; where it says "
        "DeviceDiscovery, try again in a quarter of an hour"
    )


@pytest.mark.parametrize(
    ("answers", "headers", "doubts", "found"),
    [
        ({}, (), [MAYBE], MAYBE),
        ({}, ("MS-Server-ActiveSync: 14.1", "Server: Apache"), [MAYBE], MAYBE),
        ({"Ping": PingAnswer(2, ("5",))}, ("X-FEServer: EX1",), [], "the server tells this device of changes"),
        ({"Ping": PingAnswer(8)}, ("X-FEServer: EX1",), [], SAYS_NOTHING),
        ({"Ping": PingAnswer(1)}, ("X-FEServer: EX1",), [], SAYS_NOTHING),  # too early: a newer Ping of the device
        ({"Ping": None}, ("X-FEServer: EX1",), [], SAYS_NOTHING),  # perhaps the path's silence
        (FEW, ("X-FEServer: EX1",), [], SAYS_NOTHING),
    ],
    ids=["who knows", "another server", "no quarantine", "failed", "overtaken", "silent", "no such folder"],
)
def test_else_it_is_a_note_at_the_most(on_warp, serve, answers, headers, doubts, found):
    async def main():
        async with serve(exchange_like(answers, *headers)) as peer:
            method = PingMethod(peer.dialer(), 3, ADA)
            await method.prepare()
            preflight = Checks(Target(False, "127.0.0.1", peer.port, "/"), None, ADA)
            await preflight.run()
            return method, {check.name: check for check in preflight.checks}

    method, checks = on_warp(main())
    assert method.doubts == doubts
    assert method.notes[:-1] == tuple(doubts)
    assert (checks[Name.CHANGES].state, checks[Name.CHANGES].found) == (CheckState.PASSED, (found,))


# What is no obstacle


@pytest.mark.parametrize("release", Release)
@pytest.mark.parametrize("policy", [{"DevicePasswordEnabled": "1", "MinDevicePasswordLength": "4"}, "off"])
def test_a_policy_is_acknowledged(on_warp, serve_eas, release, policy):
    async def main():
        async with serve_eas(release=release, **rules(policy=policy)) as (_, dialer):
            run = await set_up("ping", dialer, SEARCH, None, None, account=ADA)
            preflight = Checks(dialer.target, dialer._tls, ADA)
            await preflight.run()
            return await run.method.trial(599), preflight.passed

    assert on_warp(main()) == (Outcome(Kind.SURVIVED, 599), True)


# What they do while a probe runs

FORBIDDEN = "status 403: ActiveSync is forbidden to this user or device"
THROTTLED = "status 503: the server throttles (Watsons): it asks for a pause of 60 s"
BUSY = "status 503: the server is too busy, or this user has too many requests open"
LATER = {
    "blocked": (rules(default_access_level="block"), Outcome(Kind.FAILED, 20, status=403, reason=FORBIDDEN)),
    "disabled": (rules(disabled_users=["ada"]), Outcome(Kind.FAILED, 20, status=403, reason=FORBIDDEN)),
    "throttled": (
        rules(throttle={"reason": "Watsons"}),
        Outcome(Kind.FAILED, 20, status=503, reason=THROTTLED, again=True, pause_s=60),
    ),
    "too many requests": (
        rules(max_concurrency=1),
        Outcome(Kind.FAILED, 20, status=503, reason=BUSY, again=True, pause_s=60),
    ),
    "remote wipe": (rules(remote_wipe=OURS), Outcome(Kind.FAILED, 0, reason=WIPE)),
    "direct push off": (
        rules(direct_push=False),
        Outcome(Kind.FAILED, 599, reason="direct push is off: the server marks its answer with X-MS-NoPush"),
    ),
    "server error": (
        rules(server_error=True),
        Outcome(Kind.FAILED, 0, reason="status 8: the server failed", again=True, pause_s=30),
    ),
    "too many devices": (rules(max_devices=1), Outcome(Kind.SURVIVED, 599)),
    "quarantine": (rules(default_access_level="quarantine"), Outcome(Kind.SURVIVED, 599)),
}


@pytest.mark.parametrize("state", LATER)
def test_later(on_warp, serve_eas, state):
    given, expected = LATER[state]

    async def main():
        async with serve_eas() as (exchange, dialer):
            method = PingMethod(dialer, 3, ADA)
            await method.prepare()
            async with another(exchange, dialer):
                exchange.rules = given["rules"]
                return await method.trial(599)

    assert on_warp(main()) == expected
