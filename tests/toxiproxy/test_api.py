"""Toxiproxy's API, call by call: documents, status codes and errors as Toxiproxy 2.12 and 2.13 have them."""

import asyncio
import contextlib
import json
import socket

import pytest
from aiohttp import ClientSession
from support.peers import echoing

from hbprobe.toxiproxy.api import ToxiproxyApi

LISTEN = "127.0.0.1:0"
JSON, TEXT = "application/json", "text/plain"


class Caller:
    """A client of the API."""

    def __init__(self, session, api):
        self.session = session
        self.api = api

    async def __call__(self, method, path, status=200, body=None, **more):
        if body is not None:
            more["data"] = body if isinstance(body, bytes) else json.dumps(body)
        async with self.session.request(method, path, **more) as answer:
            text = await answer.text()
            assert answer.status == status, text
            assert answer.headers["X-Toxiproxy-Request-Id"]
            self.kind = answer.content_type
            return json.loads(text) if text.startswith(("{", "[")) else text

    async def make(self, name="web", **more):
        return await self("POST", "/proxies", 201, {"name": name, "listen": LISTEN, "upstream": "127.0.0.1:1"} | more)

    async def toxic(self, **asked):
        return await self("POST", "/proxies/web/toxics", 200, asked)


@contextlib.asynccontextmanager
async def serving(**given):
    api = ToxiproxyApi(**given)
    host, port = await api.listen("127.0.0.1", 0)
    try:
        async with ClientSession(f"http://{host}:{port}") as session:
            yield Caller(session, api)
    finally:
        await api.close()


@contextlib.asynccontextmanager
async def echo():
    """Serve a server that sends back what it gets; give its address."""
    async with echoing() as port:
        yield f"127.0.0.1:{port}"


# Proxies


async def test_the_version_is_one_that_every_client_takes():
    async with serving() as call:
        assert await call("GET", "/version") == {"version": "2.13.0"}
        assert call.kind == JSON


async def test_a_proxy_from_its_making_to_its_end():
    async with serving() as call:
        assert await call("GET", "/proxies") == {}
        made = await call.make()
        host, _, port = made["listen"].rpartition(":")
        assert host == "127.0.0.1" and int(port) > 0
        assert list(made) == ["name", "listen", "upstream", "enabled", "toxics"]
        assert made["enabled"] is True and made["toxics"] == []
        assert await call("GET", "/proxies/web") == made
        assert await call("GET", "/proxies") == {"web": made}
        assert await call("DELETE", "/proxies/web", 204) == ""
        assert (await call("GET", "/proxies/web", 404))["error"] == "proxy not found"


@pytest.mark.parametrize("method", ["PATCH", "POST"])
async def test_a_disabled_proxy_is_gone_and_comes_back_at_the_same_port(method):
    async with echo() as upstream, serving() as call:
        made = await call.make(upstream=upstream)
        port = int(made["listen"].rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        off = await call(method, "/proxies/web", 200, {"enabled": False})
        assert off == made | {"enabled": False}
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        assert await call(method, "/proxies/web", 200, {"enabled": True}) == made
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        assert await reader.read(100) == b"hello"
        writer.close()


async def test_only_another_address_restarts_a_proxy():
    async with echo() as upstream, serving() as call:
        made = await call.make(upstream=upstream)
        reader, writer = await asyncio.open_connection(*_place(made))
        writer.write(b"one")
        assert await reader.read(100) == b"one"
        assert await call("PATCH", "/proxies/web", 200, made | {"name": "ignored"}) == made
        writer.write(b"two")
        assert await reader.read(100) == b"two"
        changed = await call("PATCH", "/proxies/web", 200, {"upstream": "127.0.0.1:2"})
        assert changed == made | {"upstream": "127.0.0.1:2"}
        assert await reader.read() == b""
        writer.close()


def _place(proxy):
    host, _, port = proxy["listen"].rpartition(":")
    return host, int(port)


@pytest.mark.parametrize("listen", ["", None])
async def test_where_nothing_is_said_it_listens_on_loopback(listen):
    async with serving() as call:
        made = await call.make(listen=listen)
        assert made["listen"].startswith("127.0.0.1:") and not made["listen"].endswith(":0")
        (there,) = (await call("POST", "/populate", 201, [{"name": "other", "upstream": "127.0.0.1:1"}]))["proxies"]
        assert there["listen"].startswith("127.0.0.1:")


@pytest.mark.parametrize("listen", [":0", "[::]:0", "0.0.0.0:0"])
async def test_a_port_alone_is_every_address_as_clients_expect(listen):
    async with serving() as call:
        made = await call.make(listen=listen)
        assert made["listen"].startswith("[::]:") and not made["listen"].endswith(":0")


async def test_a_name_is_told_as_its_number_and_left_alone_while_disabled():
    async with serving() as call:
        assert (await call.make(listen="localhost:0"))["listen"].startswith("127.0.0.1:")
        off = await call.make("off", listen="localhost:0", enabled=False)
        assert (off["listen"], off["enabled"]) == ("localhost:0", False)


async def test_enabled_null_is_true_as_the_ruby_client_sends_it():
    async with serving() as call:
        assert (await call.make(enabled=None))["enabled"] is True


async def test_keys_may_have_capitals_as_go_reads_them():
    async with serving() as call:
        made = await call("POST", "/proxies", 201, {"Name": "web", "Listen": LISTEN, "Upstream": "127.0.0.1:1"})
        assert made["name"] == "web"
        toxic = await call.toxic(Type="latency", Attributes={"Latency": 7})
        assert toxic["attributes"]["latency"] == 7


@pytest.mark.parametrize(
    ("upstream", "why"),
    [
        ("no-such-host.invalid:80", "no such host"),
        ("127.0.0.1:70000", "127.0.0.1:70000 has no port from 1 to 65535"),
        ("127.0.0.1:0", "127.0.0.1:0 has no port from 1 to 65535"),
        ("127.0.0.1:", "127.0.0.1: has no port from 1 to 65535"),
        ("localhost:http", "localhost:http has no port from 1 to 65535"),
        ("localhost", "localhost has no port"),
    ],
)
async def test_a_proxy_that_leads_nowhere_refuses_with_rst_and_says_why(upstream, why):
    async with serving() as call:
        await call.make(upstream=upstream)
        place = _place(await call("GET", "/proxies/web"))
        with socket.create_connection(place) as sock:
            sock.setblocking(False)
            with pytest.raises(ConnectionResetError):
                await asyncio.get_running_loop().sock_recv(sock, 1)
        (refused,) = [event for event in await _events(call, 4) if event["event"] == "refused"]
        assert refused["reason"] == f"upstream: {why}"


# Toxics


DOCUMENTS = [
    ({"type": "latency"}, {"latency": 0, "jitter": 0}),
    ({"type": "bandwidth", "attributes": {"rate": 100.0}}, {"rate": 100}),
    ({"type": "slow_close", "attributes": {"delay": 5, "unknown": 1}}, {"delay": 5}),
    ({"type": "timeout"}, {"timeout": 0}),
    ({"type": "reset_peer", "attributes": None}, {"timeout": 0}),
    ({"type": "slicer", "attributes": {"average_size": 9}}, {"average_size": 9, "size_variation": 0, "delay": 0}),
    ({"type": "limit_data", "attributes": {"bytes": 3}}, {"bytes": 3}),
    ({"type": "packet_loss", "attributes": {"loss_rate": 1}}, {"loss_rate": 1.0, "correlation": 0.0}),
    ({"type": "noop"}, {}),
    (
        {"type": "idle_drop", "attributes": {"profile": "azure-load-balancer"}},
        {
            "profile": "azure-load-balancer",
            "timeout": 0,
            "manner": "silent",
            "restarted_by": "any-packet",
            "tells": "both",
        },
    ),
    ({"type": "max_age", "attributes": {"timeout": 9}}, {"timeout": 9, "manner": "silent", "tells": "both"}),
    ({"type": "half_open"}, {"timeout": 0, "manner": "reset", "tells": "server"}),
    ({"type": "blackhole"}, {}),
]


@pytest.mark.parametrize(("asked", "attributes"), DOCUMENTS, ids=lambda value: value.get("type"))
async def test_every_toxic_is_told_with_all_its_attributes(asked, attributes):
    async with serving() as call:
        await call.make()
        toxic = await call.toxic(**asked)
        kind = asked["type"]
        assert toxic == {
            "attributes": attributes,
            "name": f"{kind}_downstream",
            "type": kind,
            "stream": "downstream",
            "toxicity": 1,
        }
        assert list(toxic) == ["attributes", "name", "type", "stream", "toxicity"]
        assert await call("GET", f"/proxies/web/toxics/{kind}_downstream") == toxic
        assert (await call("GET", "/proxies/web"))["toxics"] == [toxic]


async def test_a_stream_is_told_as_it_was_written_and_upstream_comes_first():
    async with serving() as call:
        await call.make()
        await call.toxic(type="latency")
        await call.toxic(type="latency", stream="UPSTREAM")
        names = [toxic["name"] for toxic in await call("GET", "/proxies/web/toxics")]
        assert names == ["latency_UPSTREAM", "latency_downstream"]


@pytest.mark.parametrize("method", ["PATCH", "POST"])
async def test_a_change_of_a_toxic_keeps_what_it_does_not_name(method):
    async with serving() as call:
        await call.make()
        await call.toxic(name="slow", type="latency", toxicity=0.25, attributes={"latency": 100, "jitter": 5})
        asked = {"name": "x", "type": "noop", "stream": "upstream", "attributes": {"latency": 200}}
        changed = await call(method, "/proxies/web/toxics/slow", 200, asked)
        assert changed == {
            "attributes": {"latency": 200, "jitter": 5},
            "name": "slow",
            "type": "latency",
            "stream": "downstream",
            "toxicity": 0.25,
        }
        assert await call("DELETE", "/proxies/web/toxics/slow", 204) == ""
        assert await call("GET", "/proxies/web/toxics") == []


async def test_a_proxy_can_be_made_with_its_toxics_or_not_at_all():
    async with serving() as call:
        made = await call.make(toxics=[{"type": "latency", "attributes": {"latency": 5}}])
        assert [toxic["name"] for toxic in made["toxics"]] == ["latency_downstream"]
        wrong = {"name": "b", "upstream": "127.0.0.1:1", "toxics": [{"type": "slicer"}]}
        assert "average_size" in (await call("POST", "/proxies", 400, wrong))["error"]
        assert [*await call("GET", "/proxies")] == ["web"]


async def test_reset_enables_every_proxy_and_removes_all_toxics():
    async with serving() as call:
        await call.make(enabled=False)
        await call.toxic(type="latency")
        assert await call("POST", "/reset", 204) == ""
        web = await call("GET", "/proxies/web")
        assert (web["enabled"], web["toxics"]) == (True, [])


# Populating


async def test_populate_leaves_alone_what_is_there_and_replaces_what_differs():
    async with serving() as call:
        first = {"name": "a", "listen": LISTEN, "upstream": "127.0.0.1:1"}
        (made,) = (await call("POST", "/populate", 201, [first]))["proxies"]
        await call("POST", "/proxies/a/toxics", 200, {"type": "noop"})
        asked = [first | {"listen": made["listen"], "enabled": False}, {"name": "b", "upstream": "127.0.0.1:2"}]
        kept, new = (await call("POST", "/populate", 201, asked))["proxies"]
        assert kept["enabled"] is True and [toxic["type"] for toxic in kept["toxics"]] == ["noop"]
        assert new["name"] == "b"
        replaced = first | {"listen": made["listen"], "upstream": "127.0.0.1:3"}
        (changed,) = (await call("POST", "/populate", 201, [replaced]))["proxies"]
        assert (changed["toxics"], changed["listen"]) == ([], made["listen"])
        assert [*await call("GET", "/proxies")] == ["b", "a"]


async def test_populate_with_nothing_and_with_something_wrong():
    async with serving() as call:
        assert await call("POST", "/populate", 201, []) == {"proxies": None}
        wrong = [{"name": "a", "upstream": "127.0.0.1:1"}, {"upstream": "127.0.0.1:1"}]
        error = "missing required field: name at proxy 2"
        assert await call("POST", "/populate", 400, wrong) == {"error": error, "status": 400, "proxies": None}
        assert call.kind == JSON
        assert await call("GET", "/proxies") == {}
        half = [{"name": "a", "upstream": "127.0.0.1:1"}, {"name": "b", "listen": "x", "upstream": "127.0.0.1:1"}]
        answer = await call("POST", "/populate", 500, half)
        assert [proxy["name"] for proxy in answer["proxies"]] == ["a"]


# What is wrong


OURS = "idle_drop needs timeout, milliseconds above 0, or profile, the id of a product"
WRONG = [
    ("POST", "/proxies", b"", 400, "bad request body: EOF"),
    ("POST", "/proxies", b"{", 400, "bad request body: "),
    (
        "POST",
        "/proxies",
        rb'{"name": "\ud800", "upstream": "x:1"}',
        400,
        "bad request body: it has half of a surrogate",
    ),
    ("POST", "/proxies", b"[]", 400, "bad request body: a JSON object is wanted"),
    ("POST", "/proxies", {"upstream": "x:1"}, 400, "missing required field: name"),
    ("POST", "/proxies", {"name": "b"}, 400, "missing required field: upstream"),
    ("POST", "/proxies", {"name": 5, "upstream": "x:1"}, 400, "bad request body: name must be a text"),
    ("POST", "/proxies", {"name": "web", "upstream": "x:1"}, 409, "proxy already exists"),
    ("POST", "/proxies", {"name": "b", "upstream": "x:1", "listen": "x"}, 500, "missing port in address"),
    ("POST", "/proxies", {"name": "b", "upstream": "x:1", "listen": "localhost:99999"}, 500, "invalid port"),
    ("POST", "/proxies", {"name": "b", "upstream": "x:1", "listen": "no.invalid:1"}, 500, "no such host"),
    ("GET", "/proxies/none", None, 404, "proxy not found"),
    ("PATCH", "/proxies/none", {}, 404, "proxy not found"),
    ("GET", "/proxies/none/toxics", None, 404, "proxy not found"),
    ("GET", "/proxies/web/toxics/none", None, 404, "toxic not found"),
    ("DELETE", "/proxies/web/toxics/none", None, 404, "toxic not found"),
    ("POST", "/proxies/web/toxics", {"type": "nonsense"}, 400, "invalid toxic type"),
    ("POST", "/proxies/web/toxics", {}, 400, "invalid toxic type"),
    ("POST", "/proxies/web/toxics", {"type": "noop"}, 409, "toxic already exists"),
    (
        "POST",
        "/proxies/web/toxics",
        {"type": "latency", "stream": "sideways"},
        400,
        "stream was invalid, can be either upstream or downstream",
    ),
    *(
        ("POST", "/proxies/web/toxics", {"type": kind, "attributes": attributes}, 400, error)
        for kind, attributes, error in [
            ("latency", {"latency": 1.5}, "bad request body: latency must be a whole number"),
            ("latency", {"latency": "x"}, "bad request body: latency must be a whole number"),
            ("latency", {"latency": True}, "bad request body: latency must be a whole number"),
            ("latency", {"latency": 10**30}, "bad request body: latency must be a whole number"),
            ("latency", {"latency": -1}, "latency and jitter are milliseconds, from 0 on"),
            ("slicer", {}, "average_size must be above 0"),
            ("slicer", {"average_size": 5, "size_variation": 6}, "size_variation must be from 0 to average_size"),
            ("packet_loss", {"loss_rate": 2}, "loss_rate and correlation are shares, from 0 to 1"),
            ("idle_drop", {}, OURS),
            ("idle_drop", {"timeuot": 5}, "idle_drop has no attribute 'timeuot': it has profile, timeout"),
            ("idle_drop", {"timeout": 5, "manner": "loud"}, "manner must be silent, reset-on-next"),
            (
                "idle_drop",
                {"timeout": 5, "manner": "respond"},
                "manner must be silent, reset-on-next, reset",
            ),
            ("idle_drop", {"timeout": 5, "restarted_by": "x"}, "restarted_by must be any-packet"),
            ("idle_drop", {"profile": "x"}, "no product called 'x'"),
            ("idle_drop", {"profile": "azure-load-balancer", "timeout": 500}, "takes profile, whose timers are"),
            ("idle_drop", {"profile": "azure-load-balancer", "manner": "reset"}, "takes profile, whose timers are"),
            ("idle_drop", {"profile": "/etc/passwd.yaml"}, "no product called '/etc/passwd.yaml'"),
            ("idle_drop", {"profile": "nginx-http-proxy"}, "nginx-http-proxy ends TLS and reads requests"),
            ("max_age", {}, "max_age needs timeout"),
            ("half_open", {"tells": "both"}, "tells must be client or server"),
            ("blackhole", {"timeout": 5}, "blackhole has no attribute 'timeout': it has none"),
        ]
    ),
    ("POST", "/proxies/web/toxics", {"type": "latency", "toxicity": 2}, 400, "toxicity is the share"),
    ("GET", "/events?last_event_id=x", None, 400, "Last-Event-ID must be the id of an event"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "error"), WRONG)
async def test_wrong_calls_change_nothing(method, path, body, status, error):
    async with serving() as call:
        await call.make()
        before = await call.toxic(type="noop")
        answer = await call(method, path, status, body)
        assert error in answer["error"] and answer["status"] == status
        assert call.kind == TEXT
        assert (await call("GET", "/proxies"))["web"]["toxics"] == [before]


async def test_an_address_that_is_taken():
    async with serving() as call:
        made = await call.make()
        error = (await call("POST", "/proxies", 500, made | {"name": "b"}))["error"]
        assert error == f"listen tcp {made['listen']}: bind: address already in use"


@pytest.mark.parametrize("path", ["/nothing", "/proxies/", "/proxies/web/toxics/"])
async def test_what_is_not_there(path):
    async with serving() as call:
        assert await call("GET", path, 404) == "404 page not found\n"


@pytest.mark.parametrize("method", ["PUT", "HEAD"])
async def test_a_method_that_is_not_there(method):
    async with serving() as call:
        assert await call(method, "/proxies", 405) == ""


# Who may call


async def test_web_pages_and_browsers_are_refused():
    async with serving() as call:
        browser = {"User-Agent": "Mozilla/5.0"}
        assert await call("GET", "/proxies", 403, headers=browser) == "User agent not allowed\n"
        origin = await call("GET", "/proxies", 403, headers={"Origin": "http://evil.example"})
        assert origin["error"] == "no web page may call this"
        await call("GET", "/proxies", 403, headers={"Host": "evil.example"})


async def test_with_a_token_nothing_goes_without_it():
    async with serving(token="secret") as call:
        for path in ("/version", "/metrics", "/events", "/proxies"):
            await call("GET", path, 401)
            await call("GET", path, 401, headers={"Authorization": "Bearer wrong"})
        assert await call("GET", "/proxies", headers={"Authorization": "Bearer secret"}) == {}


# What goes beyond Toxiproxy


async def test_live_connections_tell_their_state_and_their_toxics():
    async with echo() as upstream, serving() as call:
        made = await call.make(upstream=upstream)
        await call.toxic(type="latency", attributes={"latency": 60_000})
        await call.toxic(type="idle_drop", attributes={"timeout": 300_000})
        reader, writer = await asyncio.open_connection(*_place(made))
        writer.write(b"hello")
        await asyncio.sleep(10)
        (found,) = (await call("GET", "/proxies/web/connections"))["connections"]
        host, port = writer.get_extra_info("sockname")
        assert found["client"] == f"{host}:{port}"
        assert (found["number"], found["phase"]) == (1, "established")
        assert found["due_in_s"] == pytest.approx(290, abs=1)
        assert found["toxics"] == ["latency_downstream", "idle_drop_downstream"]
        assert found["held_bytes"] == {"upstream": 0, "downstream": 5}
        assert await reader.read(5) == b"hello"
        writer.close()


async def test_events_say_which_toxic_did_what_and_go_on_where_one_left():
    async with echo() as upstream, serving() as call:
        made = await call.make(upstream=upstream)
        await call.toxic(type="limit_data", attributes={"bytes": 3})
        reader, writer = await asyncio.open_connection(*_place(made))
        writer.write(b"hello")
        assert await reader.read() == b"hel"
        writer.close()
        told = await _events(call, 6)
        assert [event["event"] for event in told] == ["enabled", "toxic-added", "opened", "hit", "acted", "ended"]
        assert [event["id"] for event in told] == [1, 2, 3, 4, 5, 6]
        assert told[4]["toxic"] == told[5]["toxic"] == "limit_data_downstream"
        assert (told[5]["connection"], told[5]["how"]) == (1, "closed")
        assert await _events(call, 2, {"Last-Event-ID": "4"}) == told[4:]
        later = asyncio.ensure_future(_events(call, 1, {"Last-Event-ID": "6"}))
        await asyncio.sleep(1)
        await call("DELETE", "/proxies/web/toxics/limit_data_downstream", 204)
        assert [event["event"] for event in await later] == ["toxic-removed"]


async def _events(call, count, headers=None):
    async with call.session.get("/events", headers=headers) as answer:
        assert answer.content_type == "text/event-stream"
        found = []
        while len(found) < count:
            line = await answer.content.readline()
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:]))
        return found


async def test_metrics_move_while_connections_live():
    async with echo() as upstream, serving() as call:
        made = await call.make(upstream=upstream)
        await call.toxic(type="latency", attributes={"latency": 10})
        reader, writer = await asyncio.open_connection(*_place(made))
        writer.write(b"hello")
        assert await reader.read(5) == b"hello"
        lines = (await call("GET", "/metrics")).splitlines()
        labels = f'listener="{made["listen"]}",proxy="web",upstream="{upstream}"'
        for direction in ("upstream", "downstream"):
            sample = f'toxiproxy_proxy_received_bytes_total{{direction="{direction}",{labels}}} 5.0'
            assert sample in lines
        assert 'hbprobe_toxiproxy_connections{proxy="web"} 1.0' in lines
        assert 'hbprobe_toxiproxy_hits_total{proxy="web",toxic="latency_downstream"} 1.0' in lines
        writer.close()


STALLING = {
    "latency": {"latency": 1},
    "bandwidth": {"rate": 1},
    "slow_close": {"delay": 1000},
    "slicer": {"average_size": 500},
    "limit_data": {"bytes": 100_000_000},
    "packet_loss": {"loss_rate": 0.1},
    "timeout": {},
    "noop": {},
}


@pytest.mark.parametrize("kind", STALLING)
async def test_the_api_answers_while_a_client_reads_nothing(kind):
    writers = []

    async def flood(_, writer):
        writers.append(writer)
        with contextlib.suppress(ConnectionError):
            writer.write(bytes(20_000_000))
            await writer.drain()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    async with serving() as call:
        made = await call.make(upstream=f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await call.toxic(type=kind, name="t", attributes=STALLING[kind])
        with socket.create_connection(_place(made)):
            await asyncio.sleep(1)
            for method, path, body in [
                ("GET", "/proxies", None),
                ("PATCH", "/proxies/web/toxics/t", {"toxicity": 1}),
                ("DELETE", "/proxies/web/toxics/t", None),
                ("PATCH", "/proxies/web", {"enabled": False}),
            ]:
                async with asyncio.timeout(1):
                    await call(method, path, 204 if method == "DELETE" else 200, body)
    server.close()
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0.1)
