"""The first checks of a preflight: is the server there, and does it prove who it is? Nothing is asked of it yet."""

import asyncio
import socket
import ssl
from datetime import datetime

from hbprobe.net.dial import CONNECT_TIMEOUT_S, From, SourceError, reason_of
from hbprobe.net.dial import connect as connect_socket
from hbprobe.net.dial import look_up as look_up_all
from hbprobe.net.target import Target
from hbprobe.net.tls_trouble import tls_trouble
from hbprobe.preflight.certificate import chain_of, mend_of

_SOON_DAYS = 30
_ANYWHERE = From()


class CheckFailedError(Exception):
    """A check failed: what was seen, a line each, and what to do."""

    def __init__(self, mend: str, *found: str) -> None:
        super().__init__(*found)
        self.mend = mend
        self.found = found


async def look_up(target: Target, start: From = _ANYWHERE) -> tuple[str, ...]:
    """Return the addresses of a name."""
    try:
        found = await look_up_all(target.host, target.port, start.families())
    except (socket.gaierror, UnicodeError) as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else str(error)
        mend = "see whether the name is right, and whether DNS knows it here"
        raise CheckFailedError(mend, f"{target.host}: {reason}") from None
    return tuple(dict.fromkeys(str(address[0]) for _, address in found))


async def connect(target: Target, start: From = _ANYWHERE) -> tuple[str, ...]:
    """Return the address that takes connections."""
    try:
        transport = await _transport(target, None, start)
    except TimeoutError:
        text = f"no connection within {CONNECT_TIMEOUT_S:.0f} s: a firewall may drop it"
        raise CheckFailedError("see whether firewalls let the port through", text) from None
    except SourceError as error:
        raise CheckFailedError("name an address or an interface that this machine has", reason_of(error)) from None
    except OSError as error:
        mend = "see whether the server listens there, and whether firewalls let it through"
        raise CheckFailedError(mend, _reason(error)) from None
    address = transport.get_extra_info("peername")
    transport.abort()
    return (f"{address[0]}, port {address[1]}",)


async def shake_hands(
    target: Target, context: ssl.SSLContext, now: datetime, start: From = _ANYWHERE
) -> tuple[str, ...]:
    """Return what TLS shows of the server: version, certificate, chain. `now` is what its dates are held against."""
    try:
        return await _seen(target, context, now, start)
    except ssl.SSLCertVerificationError as error:
        text = f"the certificate is not trusted: {error.verify_message}"
        raise CheckFailedError(mend_of(error), text, *await _seen(target, _trusting_all(), now, start)) from None
    except ssl.SSLError as error:
        trouble = tls_trouble(str(error), offered="")
        raise CheckFailedError(trouble.mend, trouble.text) from None
    except TimeoutError:
        text = f"no end of the handshake within {CONNECT_TIMEOUT_S:.0f} s"
        raise CheckFailedError("see whether the server speaks TLS at this port", text) from None
    except OSError as error:
        text = f"the connection ended in the middle of the handshake ({_reason(error)})"
        raise CheckFailedError("see whether a box on the path filters names", text) from None


def _reason(error: OSError) -> str:
    return reason_of(error) or "the other side closed it"


async def _seen(target: Target, context: ssl.SSLContext, now: datetime, start: From) -> tuple[str, ...]:
    transport = await _transport(target, context, start)
    try:
        tls = transport.get_extra_info("ssl_object")
        return (f"{tls.version()}, {tls.cipher()[0]}", *_certificates(tls, now))
    finally:
        transport.abort()


def _certificates(tls: ssl.SSLObject, now: datetime) -> tuple[str, ...]:
    chain = chain_of(tls)
    if not chain:
        return ()
    own = chain[0]
    left = own.days_left(now)
    soon = f": {left} days left" if left < _SOON_DAYS else ""
    return (
        f"certificate of {own.subject}, for {', '.join(own.names) or 'no names'}",
        f"good from {own.not_before:%Y-%m-%d} to {own.not_after:%Y-%m-%d}{soon}",
        "chain: " + " < ".join((own.subject, *(certificate.issuer for certificate in chain))),
    )


def _trusting_all() -> ssl.SSLContext:
    """Settings to look at a certificate that is not trusted; nothing is sent over such a connection."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _transport(target: Target, context: ssl.SSLContext | None, start: From) -> asyncio.Transport:
    """Connect to the first address that takes it; raises TimeoutError and OSError."""
    sock, _ = await connect_socket(await look_up_all(target.host, target.port, start.families()), start.bind)
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(
                asyncio.Protocol, sock=sock, ssl=context, server_hostname=target.host if context else None
            )
        except BaseException:
            sock.close()
            raise
    return transport
