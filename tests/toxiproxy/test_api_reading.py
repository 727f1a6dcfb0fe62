"""JSON to proxies, with Toxiproxy's errors."""

import pytest

from hbprobe.middlebox.faults.toxic_reading import ApiError
from hbprobe.toxiproxy.api_reading import PLAIN, ListenTls, ProxyAsked, ProxyTls, UpstreamTls, read_proxy, require


@pytest.mark.parametrize(
    ("asked", "proxy"),
    [
        ({}, ProxyAsked()),
        ({"NAME": "db", "Enabled": False}, ProxyAsked(name="db", enabled=False)),
        ({"toxics": None, "unknown": 1}, ProxyAsked()),
        ({"toxics": [{"Type": "latency"}]}, ProxyAsked(toxics=({"type": "latency"},))),
        ({"tls": {}}, ProxyAsked(tls=PLAIN)),
        (
            {"tls": {"listen": {"certificate": "a.pem"}, "alpn": ["h2"]}},
            ProxyAsked(tls=ProxyTls(ListenTls("a.pem"), None, ("h2",))),
        ),
        ({"tls": {"upstream": {"insecure": True}}}, ProxyAsked(tls=ProxyTls(None, UpstreamTls(insecure=True)))),
    ],
)
def test_what_is_asked_for(asked, proxy):
    assert read_proxy(asked) == proxy


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([], "bad request body: a JSON object is wanted"),
        ({"name": 5}, "bad request body: name must be a text"),
        ({"enabled": "yes"}, "bad request body: enabled must be true or false"),
        ({"toxics": {}}, "bad request body: toxics must be an array"),
        ({"tls": {"listen": {}}}, "tls.listen needs certificate, a file in PEM"),
        ({"tls": {"liste": {}}}, "tls has no 'liste': it has listen, upstream, alpn"),
        ({"tls": {"upstream": {"host": "a"}}},
         "tls.upstream has no 'host': it has ca, name, certificate, key, insecure"),
        ({"tls": {"alpn": [""]}}, "bad request body: tls.alpn must be an array of names of protocols"),
        ({"tls": {"alpn": "h2"}}, "bad request body: tls.alpn must be an array of names of protocols"),
    ],
)  # fmt: skip
def test_what_is_wrong(asked, told):
    with pytest.raises(ApiError) as raised:
        read_proxy(asked)
    assert (raised.value.status, raised.value.text) == (400, told)


def test_a_proxy_must_have_a_name_and_lead_somewhere():
    whole = ProxyAsked(name="a", upstream="b:1")
    require([whole, whole], numbered=True)
    with pytest.raises(ApiError, match=r"^missing required field: upstream$"):
        require([ProxyAsked(name="a", upstream="")])
    with pytest.raises(ApiError, match=r"^missing required field: name at proxy 2$"):
        require([whole, ProxyAsked(upstream="b:1")], numbered=True)


def test_tls_is_told_as_it_was_asked_for():
    asked = {"listen": {"certificate": "a.pem"}, "upstream": {"insecure": True}, "alpn": ["h2"]}
    assert read_proxy({"tls": asked}).tls.document() == asked
    assert PLAIN.document() == {}
