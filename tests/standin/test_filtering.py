"""denyStrings of a web.config."""

import pytest

from hbprobe.errors import UserError
from hbprobe.standin.filtering import FilteringRule, read_filtering_rules
from hbprobe.standin.messages import PATH, ClientRequest

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
