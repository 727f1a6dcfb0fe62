"""The far end at the server of a kernel path, and a dialer that starts at its client."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd, Service
from hbprobe.lab.kernel.path import KernelPath
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.target import Target
from hbprobe.net.wire import Dialer

PORT = 8443


@contextlib.asynccontextmanager
async def far_end(
    net: KernelPath, settings: Settings | None = None, services: Sequence[Service] = ()
) -> AsyncIterator[Dialer]:
    """Run the far end, with TLS, and give what opens connections to it from the client."""
    server_tls, client_tls = throwaway_pair(net.server.address)
    server = FarEnd(settings or Settings(), server_tls, services=services)
    await server.listen_on(net.server.listen(PORT))
    try:
        target = Target(tls=True, host=net.server.address, port=PORT, path="/")
        yield Dialer(target, client_tls, net.client.adopt)
    finally:
        await server.close()
