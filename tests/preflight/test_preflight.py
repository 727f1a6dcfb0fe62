"""The checks before a Ping, against the stand-in and against servers that lack something, on the warp clock."""

import ssl
from datetime import UTC, datetime

import pytest

from hbprobe.eas.client import Account
from hbprobe.exchange.settings import Settings
from hbprobe.net.certificates import client_context
from hbprobe.net.wire import Target
from hbprobe.preflight.preflight import Checks, CheckState, Name
from hbprobe.standin.admin_rules import AdminRules

ADA = Account("ada", "s3cret")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def flown(on_warp, serve_eas, tls=None, settings=None, **given):
    """Make all checks against the stand-in; return them by name."""

    async def main():
        async with serve_eas(settings, **given) as (_, dialer):
            preflight = Checks(dialer.target, tls or dialer._tls, ADA, now=NOW)
            await preflight.run()
            return preflight

    return on_warp(main())


def by_name(preflight):
    return {check.name: check for check in preflight.checks}


def states(preflight):
    return "".join(
        {CheckState.PASSED: "+", CheckState.FAILED: "!", CheckState.NOT_TRIED: "."}[c.state] for c in preflight.checks
    )


def test_all_is_well(on_warp, serve_eas):
    seen = []

    async def main():
        async with serve_eas() as (_, dialer):
            preflight = Checks(dialer.target, dialer._tls, ADA, watch=seen.append, now=NOW)
            return preflight, await preflight.run()

    preflight, checks = on_warp(main())
    assert tuple(seen) == checks
    assert preflight.passed
    assert [check.name for check in checks] == list(Name)
    assert all(check.state is CheckState.PASSED and not check.mend for check in checks)
    found = {check.name: check.found for check in checks}
    assert found[Name.NAME][-1] in ("127.0.0.1", "::1")
    assert found[Name.TCP] == (f"127.0.0.1, port {preflight._target.port}",)
    assert found[Name.TLS][0].startswith("TLSv1.3, TLS_")
    assert found[Name.TLS][1].endswith(", for localhost, 127.0.0.1, ::1")
    assert found[Name.TLS][2] == "good from 2000-01-01 to 3000-01-01"
    assert found[Name.TLS][3].startswith("chain: ")
    assert any(line.startswith("server: ") for line in found[Name.PROXIES])
    assert found[Name.AUTHENTICATION] == ('offered: Basic realm="hbprobe serve"',)
    assert found[Name.OPTIONS][0].endswith("; the probe uses 14.1")
    assert found[Name.PROVISIONING] == ("policy of 1 setting, acknowledged",)
    assert found[Name.FOLDER_SYNC] == ("9 folders",)
    assert found[Name.SYNC] == ("watches Tasks",)
    assert found[Name.HEARTBEATS] == ("the server takes heartbeats from 60 s to 3540 s",)
    assert found[Name.CHANGES] == ("the server tells this device of changes",)
    assert found[Name.PING] == ("held for 60 s, and answered",)
    assert next(check for check in checks if check.name is Name.PING).took_s == 60


def test_without_a_policy(on_warp, serve_eas):
    checks = by_name(flown(on_warp, serve_eas, rules=AdminRules(policy=None)))
    assert checks[Name.PROVISIONING].found == ("the server asked for none",)
    assert checks[Name.PROVISIONING].state is CheckState.PASSED


def test_a_server_that_takes_long_heartbeats_only(on_warp, serve_eas):
    preflight = flown(on_warp, serve_eas, settings=Settings(900, 1800))
    assert preflight.passed
    assert by_name(preflight)[Name.PING].found == ("not held: the shortest that the server takes is 900 s",)


# Before the login


@pytest.mark.parametrize(("how", "step_s"), [("up", 5), ("down", 10), ("to the nearest", 15)])
def test_a_server_that_rounds_heartbeats(on_warp, serve_eas, round_heartbeats, how, step_s):
    """The least that it was seen to hold counts, not what it was asked for."""
    round_heartbeats(how, step_s)
    checks = by_name(flown(on_warp, serve_eas, settings=Settings(1, 3540)))
    limits = f"the server takes heartbeats from {step_s} s to 3540 s in steps of {step_s} s"
    assert checks[Name.HEARTBEATS].found == (limits,)
    assert checks[Name.PING].found == (f"held for {step_s} s, and answered",)
    assert checks[Name.PING].took_s == step_s


def test_a_server_that_is_no_exchange_and_rounds_nothing(on_warp, serve_eas, round_heartbeats):
    round_heartbeats("up", 1)
    checks = by_name(flown(on_warp, serve_eas, settings=Settings(5, 1800)))
    assert checks[Name.HEARTBEATS].found == ("the server takes heartbeats from 5 s to 1800 s",)


def test_a_certificate_that_is_not_trusted(on_warp, serve_eas):
    preflight = flown(on_warp, serve_eas, tls=client_context(None))
    failed = by_name(preflight)[Name.TLS]
    assert states(preflight) == "++!........."
    assert failed.found[0] == "the certificate is not trusted: unable to get local issuer certificate"
    assert failed.found[1].startswith("TLSv1.3")
    assert failed.mend.startswith("let the server send its intermediate certificates")


def test_a_certificate_that_expires_soon(on_warp, serve_eas):
    async def main():
        async with serve_eas() as (_, dialer):
            preflight = Checks(dialer.target, dialer._tls, ADA, now=datetime(2999, 12, 22, tzinfo=UTC))
            await preflight.run()
            return preflight

    assert by_name(on_warp(main()))[Name.TLS].found[2] == "good from 2000-01-01 to 3000-01-01: 10 days left"


def test_a_name_that_the_certificate_has_not(on_warp, serve_eas):
    async def main():
        async with serve_eas() as (_, dialer):
            target = Target(True, "127.0.0.2", dialer.target.port, "/")
            preflight = Checks(target, dialer._tls, ADA, now=NOW)
            await preflight.run()
            return preflight

    preflight = on_warp(main())
    assert states(preflight) in ("+!..........", "++!.........")  # some systems have 127.0.0.1 only


def test_no_tls_at_that_port(on_warp, serve, tls_pair):
    async def script(connection):
        await connection.read()
        connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def main():
        async with serve(script) as peer:
            preflight = Checks(Target(True, "localhost", peer.port, "/"), tls_pair[1], ADA, now=NOW)
            await preflight.run()
            return preflight

    preflight = on_warp(main())
    failed = by_name(preflight)[Name.TLS]
    assert states(preflight) == "++!........."
    assert failed.mend == "see whether the port is right; for plain HTTP use http://"


def test_a_name_that_nobody_knows(on_warp):
    async def main():
        target = Target(True, "no-such-host.invalid", 443, "/")
        preflight = Checks(target, ssl.create_default_context(), ADA, now=NOW)
        await preflight.run()
        return preflight

    preflight = on_warp(main())
    assert states(preflight) == "!..........."
    assert preflight.checks[0].found[0].startswith("no-such-host.invalid: ")


def test_a_port_where_nobody_listens(on_warp, serve):
    async def script(_):
        pass

    async def main():
        async with serve(script) as peer:
            port = peer.port
        preflight = Checks(Target(False, "127.0.0.1", port, "/"), None, ADA, now=NOW)
        await preflight.run()
        return preflight

    preflight = on_warp(main())
    assert states(preflight) == "+!........."
    assert preflight.checks[1].found == ("Connection refused",)


# A stranger's OPTIONS


def to_a_stranger(on_warp, serve, answer, account=ADA):
    """Preflight against a server in the clear that gives this answer to everything."""

    async def script(connection):
        heads.append(await connection.request())
        connection.send(answer)

    heads = []

    async def main():
        async with serve(script) as peer:
            preflight = Checks(Target(False, "127.0.0.1", peer.port, "/eas"), None, account, now=NOW)
            await preflight.run()
            return preflight, heads

    return on_warp(main())


class Token:
    def __str__(self):
        return "s3cret"

    async def renew(self):
        pass


def test_a_token_goes_only_where_tokens_are_offered(on_warp, serve):
    answer = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n"
    preflight, heads = to_a_stranger(on_warp, serve, answer % b"Basic", Account("ada", bearer=Token()))
    assert by_name(preflight)[Name.AUTHENTICATION].found == ("offered: Basic; Bearer is missing",)
    assert b"\r\nauthorization: bearer\r\n" in heads[0].lower()
    assert b"s3cret" not in b"".join(heads)
    preflight, heads = to_a_stranger(on_warp, serve, answer % b"Bearer realm=x", Account("ada", bearer=Token()))
    assert by_name(preflight)[Name.AUTHENTICATION].state is CheckState.PASSED
    assert b"\r\nauthorization: bearer s3cret\r\n" in heads[1].lower()


def test_the_stranger_shows_no_password(on_warp, serve):
    preflight, heads = to_a_stranger(
        on_warp,
        serve,
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n"
        b"Via: 1.1 waf\r\nServer: Microsoft-IIS/10.0\r\nX-FEServer: EX1\r\nContent-Length: 0\r\n\r\n",
    )
    assert states(preflight) == "+++!......."
    checks = by_name(preflight)
    assert checks[Name.PROXIES].found == ("via: 1.1 waf", "server: Microsoft-IIS/10.0", "x-feserver: EX1")
    assert checks[Name.AUTHENTICATION].found == ("offered: Negotiate, NTLM; Basic is missing",)
    assert len(heads) == 1
    assert heads[0].startswith(b"OPTIONS /eas HTTP/1.1\r\n")
    assert b"authorization" not in heads[0].lower()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"302 Found\r\nLocation: /owa", "status 302: the server sends us to /owa"),
        (b"403 Forbidden", "status 403: the address is forbidden to all, before any login"),
        (b"502 Bad Gateway", "status 502: a proxy does not reach the server"),
    ],
)
def test_a_stranger_is_sent_away(on_warp, serve, answer, text):
    preflight, heads = to_a_stranger(on_warp, serve, b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\n\r\n")
    assert by_name(preflight)[Name.AUTHENTICATION].found == (text,)
    assert len(heads) == 1


def test_what_is_no_http_server(on_warp, serve):
    preflight, _ = to_a_stranger(on_warp, serve, b"220 mail ESMTP\r\n\r\n")
    assert states(preflight) == "++!........"
    assert by_name(preflight)[Name.PROXIES].found[0].startswith("OPTIONS: the answer is not HTTP")
