import pytest

from hbprobe.profiles.catalogue import Catalogue
from hbprobe.trial.keep_alives import KEEP_ALIVES, shipped_near


def names(quiet_s, server=""):
    return [one.name for one in shipped_near(quiet_s, server)]


@pytest.mark.parametrize(
    ("quiet_s", "server", "found"),
    [
        (5.002, "", ["Apache httpd", "lighttpd", "Node.js", "Uvicorn", "Varnish"]),
        (5.3, "lighttpd/1.4.79", ["lighttpd"]),
        (5.002, "Apache/2.4.62 (Debian)", ["Apache httpd"]),
        (75.0, "nginx/1.22.1", ["nginx"]),
        (74.8, "", ["nginx"]),
        (75.0, "Apache/2.4.62", []),
        (75.0, "cloudflare", ["nginx"]),
        (121.9, "Microsoft-IIS/10.0", ["Microsoft IIS"]),
        (130, "Kestrel", ["ASP.NET Core Kestrel"]),
        (20, "Apache-Coyote/1.1", ["Apache Tomcat with its server.xml"]),
        (600, "", []),
    ],
)
def test_whose_timer_it_may_be(quiet_s, server, found):
    assert names(quiet_s, server) == found


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("Apache httpd", "apache-httpd-mod-proxy"),
        ("nginx", "nginx-http-proxy"),
        ("Caddy", "caddy"),
        ("lighttpd", "lighttpd"),
        ("Microsoft IIS", "microsoft-iis-arr"),
        ("Varnish", "varnish-cache"),
    ],
)
def test_the_catalogue_says_the_same(name, profile):
    timer = Catalogue().find(profile).timers.client_idle
    assert {one.default_s for one in KEEP_ALIVES if one.name == name} == {timer.default}


def test_each_number_has_its_source():
    assert all(one.source.startswith("https://") for one in KEEP_ALIVES)
