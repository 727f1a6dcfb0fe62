"""Pings against the stand-in, and against servers that do what a script says, on the warp clock."""

import asyncio
import base64
import contextlib
import re

import pytest

from hbprobe.eas.client import Account
from hbprobe.eas.commands import Folder, FolderSyncAnswer, PingAnswer, PingRequest, SyncAnswer, SyncCollection
from hbprobe.eas.releases import Release
from hbprobe.errors import CannotMeasureError
from hbprobe.exchange.settings import Settings
from hbprobe.manner import Aftermath, Manner
from hbprobe.measure.setup import set_up
from hbprobe.search.search import SearchSettings
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.trial.asking import nothing_meanwhile
from hbprobe.trial.methods.ping import PingMethod
from hbprobe.trial.outcome import Kind, Outcome

ADA = Account("ada", "s3cret")
GRACE_S = 3.0
TASKS = "9"
"""The stand-in's task folder, which the probe watches."""


def against(on_warp, serve_eas, scene, settings=None, account=ADA, devices=1, quiet=nothing_meanwhile, **given):
    """Run `scene(method, exchange)` against the stand-in."""

    async def main():
        async with serve_eas(settings, **given) as (exchange, dialer):
            return await scene(PingMethod(dialer, GRACE_S, account, devices, quiet=quiet), exchange)

    return on_warp(main())


async def prepared_trial(method, _, hold_s=599):
    await method.prepare()
    return await method.trial(hold_s)


# Pings that are answered


def test_a_ping_survives(on_warp, serve_eas):
    async def scene(method, exchange):
        outcome = await prepared_trial(method, exchange)
        return outcome, method.told(), [device.id for device in exchange.devices]

    outcome, told, devices = against(on_warp, serve_eas, scene)
    assert outcome == Outcome(Kind.SURVIVED, 599)
    assert told == {"min_heartbeat_s": 60, "max_heartbeat_s": 3540, "protocol": "14.1", "release": "15.2"}
    assert len(devices) == 1
    assert re.fullmatch(r"hbprobe[0-9a-f]{12}01", devices[0])


def test_what_is_done_while_a_ping_is_quiet_spares_the_handshake(on_warp, serve_eas):
    during = []

    @contextlib.asynccontextmanager
    async def quiet(wire, hold_s):
        began_s = asyncio.get_running_loop().time()
        yield
        during.append((wire, hold_s, asyncio.get_running_loop().time() - began_s))

    async def scene(method, exchange):
        return (await prepared_trial(method, exchange)).connection

    connection = against(on_warp, serve_eas, scene, quiet=quiet)
    assert [(wire.connection, *rest) for wire, *rest in during] == [(connection, 599, 599)]


@pytest.mark.parametrize("release", Release)
@pytest.mark.parametrize("policy", [{"DevicePasswordEnabled": "1"}, None])
def test_every_release(on_warp, serve_eas, release, policy):
    outcome = against(on_warp, serve_eas, prepared_trial, release=release, rules=AdminRules(policy=policy))
    assert outcome == Outcome(Kind.SURVIVED, 599)


def test_the_limits_of_a_live_server(on_warp, serve_eas):
    async def scene(method, _):
        await method.prepare()
        return method.limits.min_s, method.limits.max_s

    assert against(on_warp, serve_eas, scene, Settings(300, 1800)) == (300, 1800)


def test_devices_at_the_same_time(on_warp, serve_eas):
    async def scene(method, exchange):
        await method.prepare()
        holds = [599, 301, 451]
        return await asyncio.gather(*map(method.trial, holds)), len(exchange.devices)

    outcomes, devices = against(on_warp, serve_eas, scene, devices=3)
    assert outcomes == [Outcome(Kind.SURVIVED, hold_s) for hold_s in (599, 301, 451)]
    assert devices == 3


def test_mail_is_fetched_before_the_next_ping(on_warp, serve_eas):
    async def scene(method, exchange):
        await method.prepare()
        asyncio.get_running_loop().call_later(100, exchange.new_mail, "ada", TASKS)
        return [await method.trial(599), await method.trial(599)]

    outcomes = against(on_warp, serve_eas, scene)
    assert outcomes == [
        Outcome(Kind.FAILED, 100, reason="status 2 after 100.000 s: something came into the folder", again=True),
        Outcome(Kind.SURVIVED, 599),
    ]


def test_a_newer_ping_of_the_same_device_takes_over(on_warp, serve_eas):
    async def scene(method, exchange):
        await method.prepare()
        twin = PingMethod(method._dialer, GRACE_S, ADA)
        await twin.prepare()

        async def later():
            await asyncio.sleep(200)
            return await twin.trial(61)

        return await asyncio.gather(later(), method.trial(599))

    newer, older = against(on_warp, serve_eas, scene)
    assert newer == Outcome(Kind.SURVIVED, 61)
    assert (older.kind, older.elapsed_s, older.again) == (Kind.FAILED, 200, True)
    assert older.reason.startswith("status 1 after 200.000 s instead of 599 s: another Ping of this device")


def test_a_policy_that_changes_is_acknowledged_again(on_warp, serve_eas):
    async def scene(method, exchange):
        await method.prepare()
        exchange.rules = AdminRules(policy={"DevicePasswordEnabled": "1"})
        asyncio.get_running_loop().call_later(100, exchange.new_mail, "ada", TASKS)
        before = await method.trial(599)
        return before.again, await method.trial(599), method.devices[0].policy

    policy = (("DevicePasswordEnabled", "1"),)
    assert against(on_warp, serve_eas, scene) == (True, Outcome(Kind.SURVIVED, 599), policy)


# What administrators do: the states one by one are in test_administrators.py

LATER = {
    "blocked": (
        AdminRules(default_access_level="block"),
        "status 403: ActiveSync is forbidden to this user or device",
    ),
    "disabled": (AdminRules(disabled_users=("ada",)), "status 403: ActiveSync is forbidden to this user or device"),
}


@pytest.mark.parametrize("state", LATER)
def test_what_administrators_do_meanwhile_fails_the_trial_and_nothing_more_is_sent(on_warp, serve_eas, state):
    rules, reason = LATER[state]

    async def scene(method, exchange):
        await method.prepare()
        exchange.rules = rules
        outcomes = [await method.trial(599)]
        exchange.rules = AdminRules()  # a probe that asked again would be let in
        return [*outcomes, await method.trial(599)]

    assert against(on_warp, serve_eas, scene) == [Outcome(Kind.FAILED, 20, status=403, reason=reason)] * 2


def test_a_throttle_that_passes_is_waited_for(on_warp, serve_eas):
    said = []

    async def main():
        rules = AdminRules.model_validate({"throttle": {"retry_after": 90, "times": 2}})
        async with serve_eas(rules=rules) as (_, dialer):
            method = PingMethod(dialer, GRACE_S, ADA, say=said.append)
            await method.prepare()
            return asyncio.get_running_loop().time()

    assert on_warp(main()) == pytest.approx(2 * (90 + 20), abs=0.5)  # Exchange delays an error by 20 s
    text = "status 503: the server throttles (CommandFrequency): it asks for a pause of 90 s; waiting 90 s"
    assert said == [text, text]


def test_a_401_is_never_asked_twice(on_warp, serve):
    """Not by the next device, nor by the next trial: three of them lock an account."""

    async def script(connection):
        await connection.request()
        connection.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    async def main():
        async with serve(script) as peer:
            method = PingMethod(peer.dialer(), GRACE_S, ADA, 3)
            with pytest.raises(CannotMeasureError):
                await method.prepare()
            return len(peer.requests)

    assert on_warp(main()) == 1


def test_a_401_that_comes_later_ends_it_at_once(on_warp, serve):
    async def lock_out(connection, heartbeat_s):
        connection.send(http(b"", "401 Unauthorized"))

    async def main():
        async with serve(scripted(lock_out)) as peer:
            with pytest.raises(CannotMeasureError, match="status 401: "):
                await PingMethod(peer.dialer(), GRACE_S, ADA, 3).prepare()
            return sum("Cmd=Ping" in line for line in peer.requests)

    assert on_warp(main()) == 1


# Other servers


def http(body, status="200 OK", *headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


OPTIONS = http(b"", "200 OK", "MS-ASProtocolVersions: 14.1", "MS-ASProtocolCommands: Ping")
FOLDERS = http(FolderSyncAnswer(1, "1", (Folder("7", "0", "Tasks", 7),)).encode())


def scripted(answer_ping):
    """A server that lets every device shake hands, and answers Pings by `answer_ping(connection, heartbeat_s)`."""

    async def script(connection):
        while True:
            head = await connection.request()
            length = int(re.search(rb"Content-Length: (\d+)", head)[1]) if b"Content-Length" in head else 0
            body = await connection._reader.readexactly(length)
            if head.startswith(b"OPTIONS"):
                connection.send(OPTIONS)
            elif b"Cmd=FolderSync" in head:
                connection.send(FOLDERS)
            elif b"Cmd=Sync" in head:
                connection.send(http(SyncAnswer(collections=(SyncCollection("1", "7", 1),)).encode()))
            else:
                await answer_ping(connection, PingRequest.decode(body).heartbeat_s)

    return script


def probed(on_warp, serve, answer_ping, settings=None):
    """Search against such a server; return the run."""

    async def main():
        async with serve(scripted(answer_ping)) as peer:
            settings_ = settings or SearchSettings(precision_s=2, grace_s=GRACE_S)
            run = await set_up("ping", peer.dialer(), settings_, None, None, account=ADA)
            await run.to_the_end()
            return run

    return on_warp(main())


def test_a_server_that_waits_before_it_refuses(on_warp, serve):
    """SOGo takes every heartbeat, waits its longest one, and says then that it was too long."""

    async def sogo(connection, heartbeat_s):
        await asyncio.sleep(min(heartbeat_s, 900))
        connection.send(http((PingAnswer(5, heartbeat_s=900) if heartbeat_s > 900 else PingAnswer(1)).encode()))

    run = probed(on_warp, serve, sogo)
    assert (run.search.limit.survived_s, run.search.limit.cut_s) == (900, None)
    assert [(trial.hold_s, trial.outcome.kind) for trial in run.trials] == [(900, Kind.SURVIVED)]
    assert run.remarks == [
        "trial 1 (hold 3540 s) was no evidence: status 5: the server does not take 3540 s; 900 s is the most it takes"
    ]
    assert run.method.told()["max_heartbeat_s"] == 900


def test_such_a_server_behind_a_box_that_cuts(on_warp, serve):
    async def cut(connection, heartbeat_s):
        await asyncio.sleep(min(heartbeat_s, 600))
        if heartbeat_s > 600:
            connection.rst()
        else:
            connection.send(http(PingAnswer(1).encode()))

    limit = probed(on_warp, serve, cut).search.limit
    assert (limit.manner, limit.exact) == (Manner.RESET, True)
    assert limit.survived_s == 599
    assert limit.cut_s == pytest.approx(600, abs=0.01)


def test_a_server_that_rounds_down_and_answers_early(on_warp, serve):
    async def rounds_down(connection, heartbeat_s):
        await asyncio.sleep(heartbeat_s // 10 * 10)
        connection.send(http(PingAnswer(1).encode()))

    run = probed(on_warp, serve, rounds_down, SearchSettings(61, 599, 2, grace_s=GRACE_S))
    assert (run.search.limit.survived_s, run.search.limit.cut_s) == (590, None)


def test_a_mailbox_that_is_never_quiet(on_warp, serve):
    async def busy(connection, _):
        connection.send(http(PingAnswer(2, ("7",)).encode()))

    with pytest.raises(CannotMeasureError) as raised:
        probed(on_warp, serve, busy)
    assert str(raised.value) == (
        "5 times in a row no trial was evidence, lastly: status 2 after 0.000 s: something came into the folder"
    )


def test_throttled_pings_wait_as_told(on_warp, serve):
    answers = iter([http(b"", "503 Busy", "Retry-After: 300")] * 2)

    async def throttles(connection, heartbeat_s):
        if heartbeat_s in (1, 61, 86400):
            return connection.send(http(PingAnswer(4).encode()))
        if (answer := next(answers, None)) is not None:
            return connection.send(answer)
        await asyncio.sleep(heartbeat_s)
        return connection.send(http(PingAnswer(1).encode()))

    run = probed(on_warp, serve, throttles)
    assert run.search.limit.survived_s == 3540
    assert run.path_s == pytest.approx(2 * 300 + 3540, abs=0.2)
    told = "status 503: the server throttles: it asks for a pause of 300 s"
    paused = "the server asked for a pause of 300 s, and got it"
    assert run.remarks == [
        f"trial 1 (hold 3540 s) was no evidence: {told}",
        paused,
        f"trial 2 (hold 3540 s) was no evidence: {told}",
        paused,
    ]


def test_a_pause_that_is_too_long_is_not_waited_for(on_warp, serve):
    async def throttles(connection, heartbeat_s):
        late = heartbeat_s not in (1, 86400)
        connection.send(http(b"", "503 Busy", "Retry-After: 86400") if late else http(PingAnswer(4).encode()))

    with pytest.raises(CannotMeasureError) as raised:
        probed(on_warp, serve, throttles)
    assert str(raised.value) == (
        "the server asks for a pause of 86400 s, and hbprobe waits for 1800 s at most: try again then"
    )


def test_a_silent_ping_is_looked_into(on_warp, serve):
    async def silent(connection, heartbeat_s):
        await asyncio.sleep(10_000)

    async def main():
        async with serve(scripted(silent)) as peer:
            method = PingMethod(peer.dialer(), GRACE_S, ADA)
            await method.prepare()
            return await method.trial(599)

    outcome = on_warp(main())
    assert (outcome.kind, outcome.how, outcome.elapsed_s) == (Kind.CUT, Manner.SILENT, 602)
    assert outcome.aftermath in (Aftermath.ACKNOWLEDGED, None)


def test_one_ping_is_one_connection_and_the_handshake_has_others(on_warp, serve):
    pings = []

    async def count(connection, heartbeat_s):
        pings.append((connection, heartbeat_s))
        connection.send(http(PingAnswer(1).encode()))

    async def main():
        async with serve(scripted(count)) as peer:
            method = PingMethod(peer.dialer(), GRACE_S, ADA)
            await method.prepare()
            before = peer.connections
            await method.trial(61)
            return before, peer.connections, [line.partition("?")[2][:9] for line in peer.requests]

    before, after, asked = on_warp(main())
    assert (before, after) == (1, 2)
    assert asked == ["", "Cmd=Folde", "Cmd=Sync&", "Cmd=Sync&", *["Cmd=Ping&"] * 4]
    assert [heartbeat_s for _, heartbeat_s in pings] == [1, 86400, 2, 61]
    assert pings[2][0] is pings[1][0] is pings[0][0] is not pings[3][0]


def test_a_server_that_is_not_there(on_warp, serve, tls_pair):
    async def main():
        async with serve(scripted(None)) as peer:
            method = PingMethod(peer.dialer("localhost", tls_pair[1]), GRACE_S, ADA)
            with pytest.raises(CannotMeasureError) as raised:
                await method.prepare()
            return str(raised.value)

    assert on_warp(main()) == "TLS: no end of the handshake within 20 s"


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("fin", "OPTIONS: the connection ended before the answer (FIN); "),
        ("rst", "OPTIONS: the connection ended before the answer (RST); "),
        (None, "OPTIONS: no answer within 60 s; "),
        ("garbage", "OPTIONS: the answer is not HTTP: "),
    ],
)
def test_a_handshake_that_is_not_answered(on_warp, serve, act, text):
    async def script(connection):
        await connection.request()
        if act == "garbage":
            connection.send(b"220 mail ESMTP\r\n\r\n")
        elif act:
            getattr(connection, act)()

    async def main():
        async with serve(script) as peer:
            with pytest.raises(CannotMeasureError) as raised:
                await PingMethod(peer.dialer(), GRACE_S, ADA).prepare()
            return str(raised.value)

    assert on_warp(main()).startswith(text)


def test_the_password_goes_out_as_basic_and_nowhere_else(on_warp, serve):
    heads = []

    async def script(connection):
        heads.append((await connection.request()).decode())
        connection.send(http(b"", "401 Unauthorized"))

    async def main():
        async with serve(script) as peer:
            with pytest.raises(CannotMeasureError):
                await PingMethod(peer.dialer(), GRACE_S, ADA).prepare()

    on_warp(main())
    token = base64.b64encode(b"ada:s3cret").decode()
    assert heads[0].count(f"Authorization: Basic {token}") == 1
    assert "s3cret" not in heads[0]
    assert "User-Agent: hbprobe\r\n" in heads[0]
