"""A far end for every method, behind a box, with a URL that any request of hbprobe's takes."""

import contextlib
import random
import socket
from urllib.parse import unquote

import pytest
import trustme

from hbprobe.exchange.settings import Settings
from hbprobe.lab.inprocess import far_end_for, no_fault_is_lost
from hbprobe.middlebox.chain import Chain
from hbprobe.net.certificates import server_context
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.standin.service import StandIn
from hbprobe.trial.methods.table import METHODS

BOX = Catalogue().find("aws-nlb-tcp")
"""It forgets after 350 s, and says so by RST."""


class FarEnds:
    """What makes them: an authority of which its folder has the certificate."""

    def __init__(self, folder):
        authority = trustme.CA()
        self.ca, self._pair = folder / "ca.pem", folder / "pair.pem"
        authority.cert_pem.write_to_path(self.ca)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(self._pair)

    @contextlib.asynccontextmanager
    async def behind(self, name, box=BOX):
        """Serve a method's protocol behind a box, and give what a request is told: URL, method, who is trusted."""
        traits, settings = METHODS[name], Settings(min_heartbeat_s=10)
        services = () if traits.responder else (StandIn(settings),)
        far_end = far_end_for(traits, settings, server_context(self._pair, self._pair), services)
        upstream = await far_end.listen("127.0.0.1", 0)
        chain = Chain([box], [(socket.AF_INET, upstream)], lambda _: lambda _: None, chance=random.Random(1))
        try:
            async with no_fault_is_lost():
                host, port = await chain.listen("127.0.0.1", 0)
                scheme = next(word for word, scheme in traits.schemes.items() if scheme.tls or not traits.has_tls)
                asked = {"url": f"{scheme}://{host}:{port}{unquote(traits.lab_path)}", "method": name}
                yield asked | ({"ca": str(self.ca)} if traits.has_tls else {})
        finally:
            chain.close()
            await far_end.close()


@pytest.fixture(scope="session")
def far_ends(tmp_path_factory):
    """Far ends whose certificates are made once."""
    return FarEnds(tmp_path_factory.mktemp("far ends"))
