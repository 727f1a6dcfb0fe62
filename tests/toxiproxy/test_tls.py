"""TLS on either side of a proxy, as a caller asks for it: what passes, what is refused, which files may be named."""

import asyncio
import contextlib
import json
import ssl

import pytest
import trustme
from aiohttp import ClientSession
from support.peers import echoing

from hbprobe.middlebox.faults.toxic_reading import ApiError
from hbprobe.toxiproxy.api import ToxiproxyApi


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Files of an authority, of a server and of a client."""
    at, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    authority.cert_pem.write_to_path(str(at / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(at / "other.pem"))
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(str(at / "server.key"))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(at / "server.pem"), append=True)
    authority.issue_cert("client").private_key_and_cert_chain_pem.write_to_path(str(at / "client.pem"))
    (at / "none.pem").write_text("no PEM", encoding="ascii")
    return at


OWN = {"certificate": "server.pem", "key": "server.key"}


@contextlib.asynccontextmanager
async def proxy(folder, upstream, tls):
    """Run a proxy with that TLS; give its port and its document."""
    api = ToxiproxyApi(folder=folder)
    try:
        (made,) = await api.populate(
            [{"name": "web", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream}", "tls": tls}]
        )
        yield int(made.listen.rpartition(":")[2]), made
    finally:
        await api.close()


def trusting(folder, show=None):
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if show is not None:
        context.load_cert_chain(folder / show)
    return context


async def echoed(port, tls=None):
    """Return what comes back of a word, or None where the connection is refused."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        writer.write(b"hello")
        return await reader.read(5)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def tls_echoing(folder, *, asks=False):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_NONE
    async with echoing(ssl=context) as port:
        yield port


async def test_it_ends_the_clients_tls_and_says_so(folder):
    async with echoing() as upstream, proxy(folder, upstream, {"listen": OWN}) as (port, made):
        assert await echoed(port, trusting(folder)) == b"hello"
        assert made.document()["tls"] == {"listen": OWN}


async def test_it_wants_a_certificate_of_the_client_where_it_is_told_whose(folder):
    tls = {"listen": OWN | {"ca": "ca.pem"}}
    async with echoing() as upstream, proxy(folder, upstream, tls) as (port, _):
        assert await echoed(port, trusting(folder, "client.pem")) == b"hello"
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await echoed(port, trusting(folder))


async def test_it_begins_the_servers_tls_and_checks_its_name(folder):
    async with tls_echoing(folder) as upstream:
        async with proxy(folder, upstream, {"upstream": {"ca": "ca.pem"}}) as (port, _):
            assert await echoed(port) == b"hello"
        for wrong in ({"ca": "other.pem"}, {"ca": "ca.pem", "name": "elsewhere"}, {}):
            async with proxy(folder, upstream, {"upstream": wrong}) as (port, _):
                with pytest.raises(ConnectionResetError):
                    await echoed(port)
        async with proxy(folder, upstream, {"upstream": {"insecure": True}}) as (port, _):
            assert await echoed(port) == b"hello"


async def test_it_shows_the_server_a_certificate(folder):
    async with tls_echoing(folder, asks=True) as upstream:
        shown = {"upstream": {"ca": "ca.pem", "certificate": "client.pem"}}
        async with proxy(folder, upstream, shown | {"listen": OWN}) as (port, _):
            assert await echoed(port, trusting(folder)) == b"hello"


async def test_both_sides_offer_the_protocols_that_it_is_told(folder):
    async with echoing() as upstream, proxy(folder, upstream, {"listen": OWN, "alpn": ["h2"]}) as (port, _):
        context = trusting(folder)
        context.set_alpn_protocols(["http/1.1", "h2"])
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        writer.transport.abort()
        await asyncio.sleep(0.1)


async def test_tls_changes_by_the_api_and_stays_where_a_change_does_not_name_it(folder):
    async with echoing() as upstream:
        api = ToxiproxyApi(folder=folder)
        address = await api.listen("127.0.0.1", 0)
        asked = {"name": "web", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream}"}
        async with ClientSession("http://{}:{}".format(*address)) as session:

            async def call(method, path, body, status):
                async with session.request(method, path, json=body) as answer:
                    assert answer.status == status, await answer.text()
                    return await answer.json(content_type=None)

            made = await call("POST", "/proxies", asked, 201)
            port = int(made["listen"].rpartition(":")[2])
            assert await echoed(port) == b"hello"
            assert "tls" not in made
            with_tls = await call("PATCH", "/proxies/web", {"tls": {"listen": OWN}}, 200)
            assert with_tls == made | {"tls": {"listen": OWN}}
            assert await call("PATCH", "/proxies/web", {"enabled": True}, 200) == with_tls
            await call("PATCH", "/proxies/web", {"tls": {"listen": {"certificate": "none.pem"}}}, 400)
            assert await echoed(port, trusting(folder)) == b"hello"
            same, plain = {"tls": with_tls["tls"]}, {"listen": made["listen"]}
            assert (await call("POST", "/populate", [asked | plain | same], 201))["proxies"] == [with_tls]
            assert await call("PATCH", "/proxies/web", {"tls": {}}, 200) == made
            assert await echoed(port) == b"hello"
        await api.close()


WRONG = [
    ([], "bad request body: a JSON object is wanted"),
    ({"lisen": {}}, "tls has no 'lisen': it has listen, upstream, alpn"),
    ({"listen": {"cert": "x"}}, "tls.listen has no 'cert': it has certificate, key, ca"),
    ({"listen": {}}, "tls.listen needs certificate, a file in PEM"),
    ({"listen": {"certificate": 5}}, "bad request body: certificate must be a text"),
    ({"listen": OWN, "alpn": "h2"}, "bad request body: tls.alpn must be an array of names of protocols"),
    (
        {"listen": {"certificate": "gone.pem"}},
        "tls.listen: gone.pem: no certificate and key that belong together (No such file or directory)",
    ),
    ({"listen": {"certificate": "none.pem"}}, "tls.listen: none.pem: no certificate and key that belong together ("),
    (
        {"listen": {"certificate": "client.pem", "key": "server.key"}},
        "tls.listen: client.pem, server.key: no certificate and key that belong together (",
    ),
    ({"upstream": {"ca": "none.pem"}}, "tls.upstream: none.pem: no certificates of an authority in PEM ("),
    ({"upstream": {"ca": "../ca.pem"}}, "tls.upstream: ../ca.pem: leads out of "),
    ({"listen": {"certificate": "/etc/hostname"}}, "tls.listen: /etc/hostname: leads out of "),
]


@pytest.mark.parametrize(("tls", "error"), WRONG, ids=lambda value: json.dumps(value)[:60])
async def test_what_cannot_be_is_refused_with_its_reason(folder, tls, error):
    with pytest.raises(ApiError) as caught:
        async with proxy(folder, 1, tls):
            pass
    assert caught.value.text.startswith(error)


async def test_no_link_leads_out_of_the_folder(folder, tmp_path):
    (tmp_path / "ca.pem").symlink_to(folder / "ca.pem")
    with pytest.raises(ApiError, match="leads out of"):
        async with proxy(tmp_path, 1, {"upstream": {"ca": "ca.pem"}}):
            pass
