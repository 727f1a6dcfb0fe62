"""Each TLS trouble in words, from OpenSSL's text, and over a real connection from the alert itself."""

import random
import ssl

import pytest

from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.target import HTTP_1_1, HTTP_2
from hbprobe.net.tls_trouble import tls_trouble
from hbprobe.net.wire import Dialer, DialError, Target
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Kind

ALERTS = {
    40: "the server refuses the handshake: no cipher in common, or, with TLS 1.2, it wants a client certificate",
    49: "the server, or a box before it, denies access",
    70: "the server speaks no version of TLS that this system does",
    71: "the server takes none of this system's ciphers: they are too weak for it",
    80: "the server failed in the handshake (alert internal_error)",
    112: "the server does not know the name that it is called by (SNI)",
    116: "the server wants a client certificate",
    120: "the server does not take HTTP/1.1 (ALPN)",
}
"""By number, as in https://www.iana.org/assignments/tls-parameters."""
GREETINGS = {
    b"HTTP/1.1 400 Bad Request\r\n\r\n": "plain HTTP answers at this port",
    b"SSH-2.0-OpenSSH_9.2p1\r\n": "SSH answers at this port",
    b"220 mail.example ESMTP\r\n": "a mail or FTP server answers at this port",
    b"* OK IMAP4rev1 ready\r\n": "an IMAP server answers at this port, in plain text",
    b"+OK POP3 ready\r\n": "a POP3 server answers at this port, in plain text",
    b"RFB 003.008\n": "VNC answers at this port",
    b"hello\r\n": "what answers at this port does not speak TLS",
}


def dialled(on_warp, serve, tls_pair, answer, offers=HTTP_1_1):
    """Return what the dialer says of a server that answers the handshake like this."""

    async def script(connection):
        await connection.read()
        connection.send(answer)

    async def main():
        async with serve(script) as peer:
            with pytest.raises(DialError) as error:
                await peer.dialer("localhost", tls_pair[1]).offering(offers).open()
            return str(error.value)

    return on_warp(main())


@pytest.mark.parametrize("number", ALERTS)
def test_each_alert_has_its_words(on_warp, serve, tls_pair, number):
    alert = bytes([21, 3, 3, 0, 2, 2, number])
    assert dialled(on_warp, serve, tls_pair, alert) == f"TLS: {ALERTS[number]}"


@pytest.mark.parametrize(
    ("offers", "text"),
    [
        (HTTP_1_1, "the server does not take HTTP/1.1 (ALPN)"),
        (HTTP_2, "the server does not take HTTP/2 (ALPN)"),
        ("", "the server wants to be told a protocol (ALPN), and this one has no name there"),
    ],
)
def test_a_protocol_that_is_refused_is_the_one_that_was_offered(on_warp, serve, offers, text):
    refusal = bytes([21, 3, 3, 0, 2, 2, 120])
    pair = throwaway_pair()  # offers stay in the settings
    assert dialled(on_warp, serve, pair, refusal, offers) == f"TLS: {text}"


def test_every_method_has_its_words_for_that():
    for name, traits in METHODS.items():
        trouble = tls_trouble("tlsv1 alert no application protocol", offered=traits.alpn)
        assert ("HTTP/2" in trouble.text) is (traits.alpn == HTTP_2), name
        assert trouble.mend


@pytest.mark.parametrize("greeting", GREETINGS, ids=repr)
def test_what_is_no_tls_is_known_by_its_greeting(on_warp, serve, tls_pair, greeting):
    assert dialled(on_warp, serve, tls_pair, greeting) == f"TLS: {GREETINGS[greeting]}"


@pytest.fixture
def wanting_certificates():
    """TLS settings of a server that wants a client certificate, and of a client that trusts it and has none."""
    server, client = throwaway_pair()
    server.verify_mode = ssl.CERT_REQUIRED
    return server, client


def test_a_client_certificate_that_tls_1_3_wants_only_after_the_handshake(on_warp, wanting_certificates):
    server_tls, client_tls = wanting_certificates

    async def main():
        far_end = FarEnd(Settings(), server_tls)
        _, port = await far_end.listen("127.0.0.1", 0)
        method = make(
            Environment("idle", Dialer(Target(True, "localhost", port, "/"), client_tls), 3, random.Random(1))
        )
        try:
            return await method.trial(10)
        finally:
            await far_end.close()

    outcome = on_warp(main())
    assert outcome.kind is Kind.FAILED
    assert outcome.reason == (
        "the server did not answer the first request: TLS: the server wants a client certificate"
    )


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            "[SSL: DH_KEY_TOO_SMALL] dh key too small (_ssl.c:1006)",
            "the server's key, certificate or signature is too",
        ),
        ("[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:1006)", "the server speaks no version of TLS"),
        ("[SSL] tlsv1 alert no application protocol (_ssl.c:1006)", "the server does not take HTTP/1.1 (ALPN)"),
        ("[SSL: NEW_WORDS] new words (_ssl.c:1)", "new words"),
        (
            "[SSL: DECRYPTION_FAILED] decryption failed or bad record mac (_ssl.c:1)",
            "what came is not",
        ),
        ("", "the handshake failed"),
    ],
)
def test_openssls_words(error, text):
    trouble = tls_trouble(error, offered=HTTP_1_1)
    assert trouble.text.startswith(text)
    assert trouble.mend


def test_only_what_is_no_tls_is_judged_by_its_first_bytes():
    assert "version" in tls_trouble("unsupported protocol", b"HTTP/1.1 400", offered="").text
