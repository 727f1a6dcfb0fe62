"""The settings of TLS on either side of a proxy, made of files: no key comes from anywhere else."""

import ssl
from pathlib import Path

from hbprobe.middlebox.faults.flow_tls import NO_TLS, Tls
from hbprobe.middlebox.faults.toxic_reading import ApiError
from hbprobe.toxiproxy.api_reading import ListenTls, ProxyTls, UpstreamTls


def settings(asked: ProxyTls, host: str, folder: Path | None) -> Tls:
    """Return the settings that files make; raises ApiError where they do not serve.

    `host`: the server's. `folder`: where names of files count from, which they must not lead out of; None for this
    process's own, and any file.
    """
    if asked.listen is None and asked.upstream is None:
        return NO_TLS
    client: ssl.SSLContext | None = None
    server: ssl.SSLContext | None = None
    if asked.listen is not None:
        client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        _show(client, asked.listen, "listen", folder)
        if asked.listen.ca:
            _trust(client, asked.listen.ca, "listen", folder)
            client.verify_mode = ssl.CERT_REQUIRED
    name = host
    if asked.upstream is not None:
        name = asked.upstream.name or host
        server = ssl.create_default_context() if not asked.upstream.ca else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if asked.upstream.ca:
            _trust(server, asked.upstream.ca, "upstream", folder)
        if asked.upstream.certificate:
            _show(server, asked.upstream, "upstream", folder)
        if asked.upstream.insecure:
            server.check_hostname = False
            server.verify_mode = ssl.CERT_NONE
    for context in (client, server):
        if context is not None and asked.alpn:
            context.set_alpn_protocols(asked.alpn)
    return Tls(client, server, name)


def _show(context: ssl.SSLContext, of: ListenTls | UpstreamTls, side: str, folder: Path | None) -> None:
    certificate = _file(of.certificate, side, folder)
    key = _file(of.key, side, folder) if of.key else certificate
    try:
        context.load_cert_chain(certificate, key, password="")  # without one, OpenSSL would ask on the terminal
    except OSError as error:
        names = f"{of.certificate}, {of.key}" if of.key else of.certificate
        raise _wrong(f"{names}: no certificate and key that belong together", side, error) from None


def _trust(context: ssl.SSLContext, ca: str, side: str, folder: Path | None) -> None:
    try:
        context.load_verify_locations(_file(ca, side, folder))
    except OSError as error:
        raise _wrong(f"{ca}: no certificates of an authority in PEM", side, error) from None


def _wrong(text: str, side: str, error: OSError) -> ApiError:
    reason = (error.strerror or str(error)).partition(" (_ssl.c")[0]  # a line of Python's own source
    return ApiError(400, f"tls.{side}: {text} ({reason})")


def _file(name: str, side: str, folder: Path | None) -> Path:
    if folder is None:
        return Path(name)
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ApiError(400, f"tls.{side}: {name}: leads out of {folder}, where the files must be: use --tls-folder")
    return path
