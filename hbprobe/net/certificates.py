"""Certificates for the far end: a private CA that is made once, and the TLS settings of both ends."""

import contextlib
import os
import ssl
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from hbprobe.errors import UserError

CA_NAME = "ca.pem"
_KEY_NAME = "server.pem"
_NAMES_NAME = "names.txt"
_UNFINISHED = "new-"
_NAMES = ("localhost", "127.0.0.1", "::1")
_LOOPBACK = Path(__file__).with_name("loopback.pem")
"""A key and its certificate. Everybody has this key, so it protects nothing."""
_LOOPBACK_CA = Path(__file__).with_name("loopback-ca.pem")
"""In a file of its own: the server would send it along, and a client take a quarter longer over each handshake."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the server's TLS settings; raises UserError when the files do not serve."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, password="")  # without one, OpenSSL would ask on the terminal
    except FileNotFoundError:
        missing = certificate if not certificate.exists() else key
        raise UserError(f"{missing}: no such file; --tls takes CERT,KEY in PEM, auto, or off") from None
    except (ssl.SSLError, OSError) as error:
        raise UserError(
            f"{certificate}, {key}: no certificate and key that belong together ({_reason(error)})"
        ) from None
    return context


def client_context(ca: Path | None, *, insecure: bool = False) -> ssl.SSLContext:
    """Return a client's TLS settings: the system's authorities, or one given, or (insecure) no check at all.

    What is offered in TLS is for who connects with them.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except FileNotFoundError:
        raise UserError(f"{ca}: no such file: give a certificate in PEM") from None
    except (ssl.SSLError, OSError) as error:
        raise UserError(f"{ca}: no certificate in PEM ({_reason(error)})") from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def private_ca(state: Path, names: tuple[str, ...] = ()) -> tuple[Path, ssl.SSLContext]:
    """Make a private CA and a server certificate in `state`, once; return the CA's file and the server's settings.

    `names` are the host names and addresses that the certificate is for, beside this machine's loopback ones. The
    server's certificate is made anew when it lacks one of them; the CA's key is not kept, so then the CA is new, too.
    So it is when the files do not belong together, as after a crash. Each appears whole, no link in `state` is
    followed, and of several programs that start at once one makes them.
    """
    wanted = sorted({*_NAMES, *names})
    if (made := _made(state, wanted)) is not None:
        return state / CA_NAME, made
    import trustme  # cryptography, whose loading takes as long as a search in a lab: only who makes keys waits for it

    authority = trustme.CA(organization_name="hbprobe")
    try:
        issued = authority.issue_cert(*wanted)
    except ValueError as error:
        raise UserError(f"no certificate can be made for {', '.join(names)} ({error}); use --tls CERT,KEY") from None
    try:
        state.mkdir(parents=True, exist_ok=True)
        with _only_one_in(state):
            if (made := _made(state, wanted)) is None:
                for unfinished in state.glob(f".*.{_UNFINISHED}*"):  # of a program that was killed
                    unfinished.unlink()
                _replace(state / _KEY_NAME, issued.private_key_and_cert_chain_pem.bytes(), 0o600)
                _replace(state / CA_NAME, authority.cert_pem.bytes(), 0o644)
                _replace(state / _NAMES_NAME, ("\n".join(wanted) + "\n").encode(), 0o644)
                made = server_context(state / _KEY_NAME, state / _KEY_NAME)
    except OSError as error:
        raise UserError(
            f"{state}: the certificates cannot be kept there: {error.strerror}; use --state DIR"
        ) from None
    return state / CA_NAME, made


def _made(state: Path, wanted: Sequence[str]) -> ssl.SSLContext | None:
    """Return the server's settings from files that belong together and have these names; None where none do."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    files = [state / name for name in (CA_NAME, _KEY_NAME, _NAMES_NAME)]
    try:
        if any(file.is_symlink() for file in files):
            return None
        ca, key, names = (file.read_bytes() for file in files)
        if not set(wanted) <= set(names.decode().split()):
            return None
        x509.load_pem_x509_certificate(key).verify_directly_issued_by(x509.load_pem_x509_certificate(ca))
        return server_context(state / _KEY_NAME, state / _KEY_NAME)
    except (OSError, ValueError, TypeError, InvalidSignature, UserError):
        return None


@contextlib.contextmanager
def _only_one_in(folder: Path) -> Iterator[None]:
    """Let one program at a time work in a folder, where the system can lock one (flock(2))."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Let a file appear whole, in place of what is there, be it a link."""
    descriptor, name = tempfile.mkstemp(
        prefix=f".{path.name}.{_UNFINISHED}", dir=path.parent
    )  # nobody else may read it
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def loopback_pair() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return TLS settings for a server on this machine's loopback, and for a client that trusts it, at once.

    For both ends in one process only, which nobody can come between: their key is known to everybody.
    """
    return server_context(_LOOPBACK, _LOOPBACK), client_context(_LOOPBACK_CA)


def throwaway_pair(*names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return TLS settings for a server of those names, and for a client that trusts it; nothing is kept.

    Without names the server is on this machine's loopback.
    """
    import trustme

    authority = trustme.CA(organization_name="hbprobe")
    issued = authority.issue_cert(*(names or _NAMES)).private_key_and_cert_chain_pem
    with _as_file(issued.bytes()) as key, _as_file(authority.cert_pem.bytes()) as ca:
        return server_context(key, key), client_context(ca)


@contextlib.contextmanager
def _as_file(data: bytes) -> Iterator[Path]:
    """Give data a path for a while: OpenSSL reads keys from nothing else.

    Where the system can (memfd_create(2)) that is no file, so that nothing is left whatever ends the program.
    """
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("hbprobe"), "wb", buffering=0) as file:
            file.write(data)
            yield Path(f"/proc/self/fd/{file.fileno()}")
    else:
        with tempfile.TemporaryDirectory(prefix="hbprobe-") as folder:
            _replace(path := Path(folder) / _KEY_NAME, data, 0o600)
            yield path


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).partition(" (_ssl.c")[0]  # a line of Python's own source
