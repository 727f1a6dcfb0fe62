"""`hbprobe proxy` with boxes of layer http: plain and with TLS, on both sides."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from support.ports import free_port

from hbprobe.cli import proxy
from hbprobe.cli.main import main
from hbprobe.net.certificates import client_context, private_ca

resource = pytest.importorskip("resource")


def proxied(monkeypatch, capsys, *arguments, client, server_tls=None):
    """Be boxes between `client(port)` and a web server; return the exit status and what was printed."""
    port, upstream = free_port(), free_port()

    async def about(request):
        if request.query.get("slow"):
            await asyncio.sleep(10)
        return web.Response(text=request.headers.get("X-Forwarded-For", "none"))

    async def scene():
        app = web.Application()
        app.add_routes([web.get("/", about)])
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", upstream, ssl_context=server_tls).start()
        try:
            await client(port)
        finally:
            await runner.cleanup()

    monkeypatch.setattr(proxy, "until_told_to_stop", scene)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        status = main(["proxy", *arguments, "--listen", f"127.0.0.1:{port}", "--upstream", f"127.0.0.1:{upstream}"])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    out, err = capsys.readouterr()
    return status, out, err


def asking(found, tls=None, path="/"):
    """Ask once; leave status and text of the answer in `found`."""

    async def client(port):
        scheme = "https" if tls else "http"
        connector = aiohttp.TCPConnector(ssl=tls or True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(f"{scheme}://127.0.0.1:{port}{path}") as answer,
        ):
            found.append((answer.status, await answer.text()))
        await asyncio.sleep(0.05)

    return client


def test_in_plain(monkeypatch, capsys):
    found = []
    status, out, _ = proxied(monkeypatch, capsys, "nginx-http-proxy", client=asking(found))
    assert (status, found) == (0, [(200, "none")])
    assert "nginx-http-proxy: 1 flows; expired: none; closed by their ends 1, reset by their ends 0" in out


def test_a_timer_that_runs_out(monkeypatch, capsys):
    found = []
    options = ("nginx-http-proxy", "--set", "server-response=0.2")
    _, out, _ = proxied(monkeypatch, capsys, *options, client=asking(found, path="/?slow=1"))
    assert found[0][0] == 504
    assert "504 Gateway Time-out" in found[0][1]
    assert "server_response ran out after 0.2" in out


def test_with_tls_on_both_sides(monkeypatch, capsys, tmp_path):
    ca, server_tls = private_ca(tmp_path / "server")
    found = []

    async def client(port):
        await asking(found, client_context(tmp_path / "box" / "ca.pem"))(port)

    options = ("haproxy-sample-edge", "--tls", "auto", "--state", str(tmp_path / "box"), "--upstream-tls", str(ca))
    status, out, _ = proxied(monkeypatch, capsys, *options, client=client, server_tls=server_tls)
    assert (status, found) == (0, [(200, "none")])
    assert f"certificate of the private CA: {tmp_path / 'box' / 'ca.pem'}\n" in out


def test_a_server_that_is_not_trusted(monkeypatch, capsys, tmp_path):
    _, server_tls = private_ca(tmp_path)
    found = []
    options = ("nginx-http-proxy", "--upstream-tls", "on")
    _, out, _ = proxied(monkeypatch, capsys, *options, client=asking(found), server_tls=server_tls)
    assert found[0][0] == 502
    assert "TLS failed, the certificate is not trusted: unable to get local issuer certificate" in out


def test_only_the_outer_ends_of_a_row_speak_tls(monkeypatch, capsys, tmp_path):
    ca, server_tls = private_ca(tmp_path)
    found = []
    options = ("nginx-http-proxy,cisco-asa,haproxy-sample-edge", "--tls", "auto", "--state", str(tmp_path))
    client = asking(found, client_context(ca))
    status, _, _ = proxied(
        monkeypatch, capsys, *options, "--upstream-tls", str(ca), client=client, server_tls=server_tls
    )
    assert (status, found) == (0, [(200, "none")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["cisco-asa", "--tls", "auto"],
            "--tls auto: no box is of layer http, the others pass TLS on unread: drop it",
        ),
        (
            ["cisco-asa,nginx-stream-proxy", "--upstream-tls", "on"],
            "--upstream-tls on: no box is of layer http, the others pass TLS on unread: drop it",
        ),
        (
            ["nginx-http-proxy", "--tls", "yes"],
            "--tls yes: use auto, off, or CERT,KEY: two files in PEM",
        ),
        (
            ["nginx-http-proxy", "--upstream-tls", "/nowhere/ca.pem"],
            "--upstream-tls /nowhere/ca.pem: no such file: use off, on, or a certificate in PEM",
        ),
    ],
)
def test_what_does_not_fit_is_refused(capsys, options, message):
    assert main(["proxy", *options, "--upstream", "127.0.0.1:1"]) == 2
    assert capsys.readouterr().err.splitlines() == [f"hbprobe: {message}"]


def test_help_says_who_ends_tls(capsys):
    assert main(["proxy", "--help"]) == 0
    out = capsys.readouterr().out
    assert "Boxes of layer http" in out and "They end TLS; the others pass it on unread." in out
