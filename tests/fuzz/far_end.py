"""Feeds what a stranger may send to the far end and the small APIs with what atheris makes up: no test of pytest's.

    pip install atheris
    mkdir -p /tmp/far-end && python tests/fuzz/far_end.py /tmp/far-end -max_total_time=300

Whatever comes, the answer is a value within its bounds, or one of the refusals that the far end knows. What a server
says of itself to a probe (its testimony, its TLS alert) is read here, too.
"""

import sys
from pathlib import Path
from urllib.parse import quote_from_bytes

import atheris

with atheris.instrument_imports():
    from aiohttp import web
    from aiohttp.test_utils import make_mocked_request

    from hbprobe.farend import hold_service
    from hbprobe.net import json_api, tls_trouble
    from hbprobe.trial import postmortem

from hbprobe.farend.hold_request import LONGEST_HOLD_S, SHORTEST_DRIP_S, hold_query
from hbprobe.net.address import is_loopback

_SEEDS = (
    b"q" + hold_query(600.5, "a1B2", 4).encode(),
    b"q" + hold_query(0, "0").encode(),
    b'j{"idle": "5s"}',
    b'j{"a": [1, {"b": null}], "c": 1e99}',
    b"h127.0.0.1:8080",
    b"h[::1]",
    b'w{"up_s": 9, "seen": true, "now_s": 1, "answered_s": 1, "ending": "reset", "stalled_s": 0.5, "full_s": null}',
    b"t[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1006)",
)


class _Body:
    """As much of a request as a body takes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self) -> bytes:
        """Return it."""
        return self._data


def read(data: bytes) -> None:
    """Give bytes to the reader that their first one names."""
    kind, rest = data[:1], data[1:]
    match kind:
        case b"q":
            _ask(rest)
        case b"j":
            _read_object(rest)
        case b"h":
            is_loopback(json_api.host_of(rest.decode("utf-8", "surrogateescape")))
            number = json_api.read_number(rest.decode("utf-8", "surrogateescape"))
            assert number is None or 0 <= number < 10**18
        case b"w":
            said = postmortem.testimony(rest)
            if said is not None:
                said.means(60.0)
        case b"t":
            text = rest.decode("utf-8", "replace")
            assert tls_trouble.tls_trouble(text, rest, offered="").mend


def _ask(data: bytes) -> None:
    path = quote_from_bytes(data, safe="/?&=+%;.")
    try:
        asked = hold_service._Asked.of(make_mocked_request("POST", f"/{path.lstrip('/')}"))
    except web.HTTPBadRequest:
        return
    assert 0 <= asked.seconds <= LONGEST_HOLD_S
    assert asked.drip_s is None or SHORTEST_DRIP_S <= asked.drip_s <= LONGEST_HOLD_S
    assert asked.nonce.isalnum()


def _read_object(data: bytes) -> None:
    try:
        json_api.read_object(_Body(data), "mend").send(None)
    except web.HTTPBadRequest:
        return
    except StopIteration as returned:  # it waits for nothing
        if not (isinstance(returned.value, dict) and returned.value):
            raise AssertionError(returned.value) from None


def sow(folder: Path) -> None:
    """Write a seed of each kind into an empty folder."""
    if not any(folder.iterdir()):
        for number, seed in enumerate(_SEEDS):
            (folder / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if not argument.startswith("-"):
            sow(Path(argument))
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
