"""The far end at the server of a kernel path, and a dialer that starts at its client."""

import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import trustme

from hbprobe.exchange.certificates import client_context, server_context
from hbprobe.exchange.server import FarEnd, Service
from hbprobe.exchange.settings import Settings
from hbprobe.lab.kernel.path import KernelPath
from hbprobe.probe.wire import Dialer, Target

PORT = 8443


@contextlib.asynccontextmanager
async def far_end(
    net: KernelPath, settings: Settings | None = None, services: Sequence[Service] = ()
) -> AsyncIterator[Dialer]:
    """Run the far end, with TLS, and give what opens connections to it from the client."""
    server_tls, client_tls = _throwaway_pair(net.server.address)
    server = FarEnd(settings or Settings(), server_tls, services=services)
    await server.listen_on(net.server.listen(PORT))
    try:
        target = Target(tls=True, host=net.server.address, port=PORT, path="/")
        yield Dialer(target, client_tls, net.client.adopt)
    finally:
        await server.close()


def _throwaway_pair(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return TLS settings for a server of that name, and for a client that trusts it; no file is written."""
    authority = trustme.CA(organization_name="hbprobe")
    issued = authority.issue_cert(name).private_key_and_cert_chain_pem
    with _in_memory(issued.bytes()) as key, _in_memory(authority.cert_pem.bytes()) as ca:
        return server_context(key, key), client_context(ca)


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[Path]:
    """Give data a path without a file (memfd_create(2)): OpenSSL reads keys from nothing else."""
    with os.fdopen(os.memfd_create("hbprobe"), "wb", buffering=0) as file:
        file.write(data)
        yield Path(f"/proc/self/fd/{file.fileno()}")
