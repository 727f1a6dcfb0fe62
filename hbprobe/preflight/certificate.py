"""What a TLS server shows of itself: certificates, as text, and what is wrong where they are not trusted."""

import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, as far as people look at it."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """The DNS names and addresses that it is for."""
    not_before: datetime
    not_after: datetime

    def days_left(self, now: datetime) -> int:
        """Return for how many days it is still good; below 0 when it has expired."""
        return (self.not_after - now).days


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate; raises ValueError where it cannot be read."""
    found = x509.load_der_x509_certificate(der)
    return Certificate(
        _name(found.subject),
        _name(found.issuer),
        _names(found),
        found.not_valid_before_utc,
        found.not_valid_after_utc,
    )


def _name(name: x509.Name) -> str:
    """Return the common name, where there is one."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


def _names(found: x509.Certificate) -> tuple[str, ...]:
    try:
        listed = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (
        *listed.get_values_for_type(x509.DNSName),
        *map(str, listed.get_values_for_type(x509.IPAddress)),
    )


def chain_of(tls: ssl.SSLObject) -> tuple[Certificate, ...]:
    """Return the certificates that the server sent, its own first; only that one where Python does not tell more."""
    if (tell := getattr(tls, "get_unverified_chain", None)) is not None:  # since Python 3.13
        return tuple(map(read_certificate, tell()))
    if (hidden := getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)) is not None:
        return tuple(read_certificate(ssl.PEM_cert_to_DER_cert(found.public_bytes())) for found in hidden())
    own = tls.getpeercert(binary_form=True)
    return () if own is None else (read_certificate(own),)


_CHAIN = (
    "let the server send its intermediate certificates, which devices need, too; or trust its authority with --ca"
)
_MENDS = {
    9: "the server's certificate is not valid yet: set the clocks right",
    10: "renew the server's certificate",
    18: "give the server a certificate of an authority, or trust this one with --ca FILE",
    19: "trust the private authority with --ca FILE; devices need it, too",
    20: _CHAIN,
    21: _CHAIN,
    62: "use a name that the certificate has, or give the server one with this name",
    64: "use a name that the certificate has, or give the server one with this address",
}
"""By OpenSSL's codes: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/."""


def mend_of(error: ssl.SSLCertVerificationError) -> str:
    """Say what to do about a certificate that is not trusted."""
    return _MENDS.get(error.verify_code, "look at the certificate, with openssl s_client for example")
