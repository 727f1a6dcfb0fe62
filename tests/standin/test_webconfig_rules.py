"""denyStrings of a web.config."""

import asyncio

import pytest

from hbprobe import warp
from hbprobe.eas.commands import PingAnswer, PingFolder, PingRequest
from hbprobe.eas.releases import Release
from hbprobe.errors import UserError
from hbprobe.exchange.settings import Settings
from hbprobe.standin.device import DeviceState
from hbprobe.standin.messages import PATH, ClientRequest, ServerAnswer
from hbprobe.standin.ping import judge_ping
from hbprobe.standin.service import StandIn
from hbprobe.standin.webconfig_rules import FilteringRule, Limits, read_filtering_rules, read_limits, shipped_limits

CONFIG = """<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <appSettings><add key="MinHeartbeatInterval" value="60" /></appSettings>
  <system.webServer><security><requestFiltering><filteringRules>
    <filteringRule name="old phones" scanUrl="false" scanQueryString="true" scanAllRaw="FALSE">
      <scanHeaders><add requestHeader="User-Agent" /></scanHeaders>
      <denyStrings><add string="iOS/6.1" /><add string="" /></denyStrings>
    </filteringRule>
    <filteringRule name="pictures"><appliesTo><add fileExtension=".gif" /></appliesTo>
      <denyStrings><add string="Sync" /></denyStrings></filteringRule>
    <filteringRule name="raw" scanAllRaw="true"><denyStrings><add string="X-Evil: 1" /></denyStrings></filteringRule>
  </filteringRules></requestFiltering></security></system.webServer>
</configuration>
"""
OLD = FilteringRule("old phones", ("ios/6.1",), ("user-agent",), in_url=False, in_query=True)


def test_reading():
    assert read_filtering_rules(CONFIG.encode(), "web.config") == (
        OLD,
        FilteringRule("raw", ("x-evil: 1",), in_all=True),
    )
    assert read_filtering_rules(b"<configuration/>", "web.config") == ()


def test_a_file_that_cannot_be_read():
    with pytest.raises(UserError, match=r"web.config:1:\d+: is not well-formed XML"):
        read_filtering_rules(b"<configuration>", "web.config")
    with pytest.raises(UserError, match="has a DOCTYPE"):
        read_filtering_rules(b"<!DOCTYPE a><configuration/>", "web.config")


@pytest.mark.parametrize(
    ("rule", "request_", "denied"),
    [
        (OLD, ClientRequest(headers={"user-agent": "Apple IOS/6.1"}), True),
        (OLD, ClientRequest(headers={"x-other": "iOS/6.1"}), False),
        (OLD, ClientRequest(query="DeviceType=iOS/6.1"), True),
        (OLD, ClientRequest(path="/iOS/6.1"), False),
        (FilteringRule("r", ("activesync",)), ClientRequest(), True),
        (FilteringRule("r", ("/a b",)), ClientRequest(path="/a%20b"), True),
        (FilteringRule("r", ("cmd=ping",)), ClientRequest(query="Cmd=Ping"), False),
        (FilteringRule("r", ("x-evil: 1",), in_all=True), ClientRequest(headers={"x-evil": "1"}), True),
        (FilteringRule("r", (), in_all=True), ClientRequest(headers={"x-evil": "1"}), False),
    ],
)
def test_where_a_rule_looks(rule, request_, denied):
    assert rule.denies(request_) is denied


def test_denied_before_anybody_logs_in(make_server):
    server = make_server(filters=[FilteringRule("mine", (PATH.lower(),))])
    turn = server.take(ClientRequest())
    assert (turn.answer.status, turn.answer.substatus) == (404, 19)
    assert turn.answer.body == b"404.19: a filtering rule of the server denies the request\n"
    assert (server.recent.requests[-1].substatus, server.recent.requests[-1].user) == (19, None)


def config(**keys):
    adds = "".join(f'<add key="{key}" value="{value}" />' for key, value in keys.items())
    return f"<configuration><appSettings>{adds}</appSettings></configuration>".encode()


def test_by_default():
    assert read_limits(config(), "web.config") == Limits() == Limits(max_folders=100, error_delay_s=20)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("30", 30),
        (" 5000 ", 5000),
        ("29", 100),
        ("5001", 100),
        ("", 100),
        ("many", 100),
        ("-40", 100),
        ("9" * 20, 100),
    ],
)
def test_folders(text, taken):
    assert read_limits(config(MAXNUMOFFOLDERS=text), "web.config").max_folders == taken


@pytest.mark.parametrize(("text", "taken"), [("0", 0), ("59", 59), ("60", 20), ("1.5", 20)])
def test_delay(text, taken):
    assert read_limits(config(ErrorResponseDelay=text), "web.config").error_delay_s == taken


@pytest.mark.parametrize(("release", "folders"), [(Release.V2010, 100), (Release.V2016, 1000), (Release.V2019, 1000)])
def test_what_a_release_ships(release, folders):
    assert shipped_limits(release) == Limits(max_folders=folders)


def test_a_registry_export_has_none():
    export = b"REGEDIT4\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\MasSync\\Parameters]\n"
    assert read_limits(export, "a.reg") == Limits()
    assert read_filtering_rules(export, "a.reg") == ()


def test_fewer_folders():
    device, settings = DeviceState("alice", "D", "Phone", 0.0, folder_key=1), Settings()
    folders = tuple(PingFolder(str(number), "Email") for number in range(30))
    assert judge_ping(PingRequest(480, folders), device, settings, 30).answer == PingAnswer(6, max_folders=30)
    assert judge_ping(PingRequest(480, folders[1:9]), device, settings, 30).heartbeat_s == 480


@pytest.mark.parametrize(
    ("status", "delay_s"), [(200, 0), (400, 7), (401, 0), (403, 7), (404, 0), (405, 0), (449, 0), (501, 7), (503, 7)]
)
def test_errors_are_kept_back(status, delay_s):
    async def main():
        await StandIn(Settings(), limits=Limits(error_delay_s=7))._late(ServerAnswer(status))
        return asyncio.get_running_loop().time()

    assert warp.run(main(), warp.WarpClock()) == delay_s
