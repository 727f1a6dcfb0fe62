"""What went wrong with TLS, and what to do about it: one table, by OpenSSL's words for the alert or the mistake.

The alerts are those of RFC 8446, section 6.2; OpenSSL's words for them are in its `ssl/ssl_err.c`.
"""

from dataclasses import dataclass

from hbprobe.net.target import HTTP_1_1, HTTP_2


@dataclass(frozen=True, slots=True)
class TlsTrouble:
    """A handshake that failed: what was seen, and the mend."""

    text: str
    mend: str


_NOT_TLS = TlsTrouble(
    "what answers at this port does not speak TLS",
    "see whether the port is right; for plain HTTP use http://",
)
_TOO_WEAK = TlsTrouble(
    "the server's key, certificate or signature is too weak for this system",
    "give the server a key and a certificate of today's strength",
)
_ALTERED = TlsTrouble(
    "what came is not what was sent (a record of TLS cannot be read)",
    "see whether a box on the path rewrites what passes",
)
_VERSION = TlsTrouble(
    "the server speaks no version of TLS that this system does",
    "let the server speak TLS 1.2 or later",
)

_BY_WORDS = {
    "certificate required": TlsTrouble(
        "the server wants a client certificate",
        "hbprobe has none to show: measure at a name or port of the server that asks for none",
    ),
    "alert protocol version": _VERSION,
    "unsupported protocol": _VERSION,
    "version too low": _VERSION,
    "unrecognized name": TlsTrouble(
        "the server does not know the name that it is called by (SNI)",
        "use a name that the server has a certificate for, or give it one with this name",
    ),
    "insufficient security": TlsTrouble(
        "the server takes none of this system's ciphers: they are too weak for it",
        "let the server take ciphers of TLS 1.2 or later",
    ),
    "handshake failure": TlsTrouble(
        "the server refuses the handshake: no cipher in common, or, with TLS 1.2, it wants a client certificate",
        "see in the server's log which it is; hbprobe shows no client certificate",
    ),
    "access denied": TlsTrouble(
        "the server, or a box before it, denies access",
        "see whether the server wants a client certificate, or lets this address in",
    ),
    "alert internal error": TlsTrouble(
        "the server failed in the handshake (alert internal_error)",
        "see in the server's log why; some say so for a name that they do not know",
    ),
    "user cancelled": TlsTrouble("the server gave the handshake up", "see in the server's log why"),
    "wrong version number": _NOT_TLS,
    "http request": _NOT_TLS,
    "https proxy request": _NOT_TLS,
    "unknown protocol": _NOT_TLS,
    "packet length too long": _NOT_TLS,
    "record layer failure": _NOT_TLS,
    "key too small": _TOO_WEAK,
    "md too weak": _TOO_WEAK,
    "wrong signature type": _TOO_WEAK,
    "bad record mac": _ALTERED,
    "decryption failed": _ALTERED,
    "decrypt error": _ALTERED,
}

_NO_PROTOCOL = "no application protocol"
"""What is wrong is what was offered, so that its words depend on that."""
_NOT_OFFERED = {
    HTTP_1_1: TlsTrouble(
        "the server does not take HTTP/1.1 (ALPN)",
        "let the server speak http/1.1 beside h2 at this name and port",
    ),
    HTTP_2: TlsTrouble(
        "the server does not take HTTP/2 (ALPN)",
        "let the server speak h2 at this name and port, or measure its HTTP/1.1: write https://",
    ),
    "": TlsTrouble(
        "the server wants to be told a protocol (ALPN), and this one has no name there",
        "let the server take who names no protocol at this name and port",
    ),
}

_WEB_PORT = "use the port of the web server"
_GREETINGS = {
    b"HTTP/": TlsTrouble("plain HTTP answers at this port", "use http://, or the port of the server that speaks TLS"),
    b"SSH-": TlsTrouble("SSH answers at this port", _WEB_PORT),
    b"220": TlsTrouble("a mail or FTP server answers at this port", _WEB_PORT),
    b"* OK": TlsTrouble("an IMAP server answers at this port, in plain text", _WEB_PORT),
    b"+OK": TlsTrouble("a POP3 server answers at this port, in plain text", _WEB_PORT),
    b"RFB ": TlsTrouble("VNC answers at this port", _WEB_PORT),
}


def tls_trouble(error: str, first_bytes: bytes = b"", *, offered: str) -> TlsTrouble:
    """Say what an error of OpenSSL means.

    `first_bytes` are what the other side began with, where that is known; `offered` is the one protocol that was
    offered (RFC 7301), empty for none.
    """
    words = _plain(error)
    if _NO_PROTOCOL in words:
        return _NOT_OFFERED[offered]
    found = next((trouble for fragment, trouble in _BY_WORDS.items() if fragment in words), None)
    if found is _NOT_TLS:
        return next((said for begins, said in _GREETINGS.items() if first_bytes.startswith(begins)), found)
    return found or TlsTrouble(words or "the handshake failed", "see in the server's log why it ended the handshake")


def _plain(error: str) -> str:
    """Return OpenSSL's words alone, of `[SSL: SOME_CODE] some words (_ssl.c:1006)`."""
    text = error.partition(" (_ssl.c")[0]
    return text.rpartition("] ")[2].replace("_", " ").lower().strip()
