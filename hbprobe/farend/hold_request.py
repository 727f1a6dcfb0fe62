"""What client and far end agree on for `POST /hold`: where it is, the token that proves the answer.

The token ties the answer to this very request, so that no cache, captive portal or error page passes for it.

    POST /hold?seconds=S&nonce=N          answered S seconds after the whole request has come
    POST /hold?seconds=S&nonce=N&drip=D   the answer begins at once, and goes on with a byte every D seconds
    GET /hold/N                           what became of that request, as the far end saw it (JSON)

A stream (`/events`, `/ws`) is asked for as any server's is, so the far end makes its nonce, and announces it in the
head of its answer (`Hbprobe-Nonce`). A connection of HTTP/2 may be without any request, so the far end announces a
nonce for the connection itself: by settings whose identifiers are reserved for experiments (RFC 7540, section 11.3),
so that others pass them over (RFC 9113, section 6.5.2). Nothing of ours is sent to a server that is another's.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping

HOLD_PATH = "/hold"
NONCE_HEADER = "Hbprobe-Nonce"
_MOST_NONCE = 64
_NONCE_SETTINGS = (0xF862, 0xF863, 0xF864, 0xF865)
"""32 bits of a nonce each, the first ones first."""
LONGEST_HOLD_S = 30 * 86400.0
SHORTEST_DRIP_S = 0.01
DRIP = b"."
"""What drips, in either direction: a byte that no token holds."""


UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Headers of an answer that begins before its end. A drip is of no use to a box that does not see it pass; the second
one tells nginx (https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering)."""


def read_seconds(text: str) -> float | None:
    """Return a number of seconds that the far end can be asked for; None for anything else."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= LONGEST_HOLD_S else None


def hold_query(seconds: float, nonce: str, drip_s: float | None = None) -> str:
    """Return path and query of a request that is to be held open for `seconds`, with a byte every `drip_s`."""
    drip = "" if drip_s is None else f"&drip={float(drip_s)!r}"
    return f"{HOLD_PATH}?seconds={float(seconds)!r}&nonce={nonce}{drip}"


def hold_token(seconds: float, nonce: str) -> bytes:
    """Return the body of the right answer to that request."""
    return hashlib.sha256(f"hbprobe hold {float(seconds)!r} {nonce}".encode()).hexdigest().encode() + b"\n"


def without_drip(body: bytes) -> bytes:
    """Return the body of an answer without what dripped before its token."""
    return body.lstrip(DRIP)


def witness_path(nonce: str) -> str:
    """Return where to ask what became of a request."""
    return f"{HOLD_PATH}/{nonce}"


def nonce_announced(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the nonce that the head of an answer announces; empty where it has none, or what is none."""
    said = next((value for name, value in headers if name.lower() == NONCE_HEADER.lower().encode()), b"").strip()
    return said.decode() if said.isalnum() and len(said) <= _MOST_NONCE else ""


def nonce_settings(nonce: str) -> dict[int, int]:
    """Return the settings of HTTP/2 that announce a nonce of 32 hexadecimal digits."""
    digits = (nonce[at : at + 8] for at in range(0, 32, 8))
    return {name: int(part, 16) for name, part in zip(_NONCE_SETTINGS, digits, strict=True)}


def nonce_set(settings: Mapping[int, int]) -> str:
    """Return the nonce that settings of HTTP/2 announce; empty where they announce none."""
    if not settings.keys() >= set(_NONCE_SETTINGS):
        return ""
    return "".join(f"{settings[name]:08x}" for name in _NONCE_SETTINGS)
