import pytest
from pydantic import ValidationError

from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.loader import parse_profile
from hbprobe.profiles.timers import Configure

PROFILE = """id: a-box
name: A box
category: firewall
layer: packet
timers:
  idle:
    default: 1h
    expiry: silent
    restarted_by: any-packet
    source: manual
    configure:
      command: {command}
      source: {source}
sources:
  manual:
    url: https://example.com/manual
    grade: vendor
"""


@pytest.mark.parametrize(
    ("command", "timer_s", "text"),
    [
        ("timeout conn {h:mm:ss}", 3660, "timeout conn 1:01:00"),
        ("timeout conn {h:mm:ss}", 59.2, "timeout conn 0:01:00"),
        ("timeout server {seconds}s", 1860, "timeout server 1860s"),
        ("timeout server {seconds}s", 0.5, "timeout server 1s"),
        ("idle {minutes}", 1801, "idle 31"),
        ("set {seconds}\nend", 600, "set 600\nend"),
        ("{minutes} or {seconds}", 600, "10 or 600"),
    ],
)
def test_a_command_takes_the_time_in_its_own_unit(command, timer_s, text):
    assert Configure(command=command, source="manual").text(timer_s) == text


@pytest.mark.parametrize("command", ["timeout conn", "timeout {hours}", "{seconds} {", "} {seconds}", "{seconds} {}"])
def test_a_command_says_where_the_time_goes(command):
    with pytest.raises(ValidationError, match=r"must say where the time goes: \{seconds\}, \{minutes\} or"):
        Configure(command=command, source="manual")


def test_messages_name_file_key_and_mend():
    with pytest.raises(Exception, match=r"box.yaml:12: timers.idle.configure.command: must say where the time goes"):
        parse_profile(PROFILE.format(command="timeout conn 1:0:0", source="manual"), "box.yaml")
    with pytest.raises(Exception, match=r"timers.idle.configure.source: 'guide' is not among the profile's sources"):
        parse_profile(PROFILE.format(command="timeout conn {seconds}", source="guide"), "box.yaml")


def test_the_catalogue_knows_these_commands():
    told = {
        (profile.id, kind): timer.configure.text(3600)
        for profile in Catalogue().all()
        for kind, timer in profile.each_timer()
        if timer.configure is not None
    }
    assert told == {
        ("cisco-asa", "idle"): "timeout conn 1:00:00",
        ("cisco-asa-idle-reset", "idle"): "set connection timeout idle 1:00:00 reset",
        ("haproxy-debian", "server_response"): "timeout server 3600s",
        ("haproxy-debian", "tunnel_idle"): "timeout tunnel 3600s",
        ("haproxy-debian-tcp", "idle"): "timeout client 3600s\ntimeout server 3600s",
        ("microsoft-web-application-proxy", "server_response"): (
            "Set-WebApplicationProxyApplication -ID ... -InactiveTransactionsTimeoutSec 3600"
        ),
        ("fortinet-fortigate", "idle"): "config system session-ttl\n    set default 3600\nend",
        ("haproxy-sample-edge", "server_response"): "timeout server 3600s",
        ("haproxy-sample-edge", "tunnel_idle"): "timeout tunnel 3600s",
        ("linux-netfilter-conntrack", "idle"): ("sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=3600"),
        ("nginx-http-proxy", "server_response"): "proxy_read_timeout 3600s;",
        ("nginx-http-proxy", "tunnel_idle"): "proxy_read_timeout 3600s;",
        ("stunnel", "idle"): "TIMEOUTidle = 3600",
    }
