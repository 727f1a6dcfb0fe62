"""What client and far end agree on for `POST /hold`: where it is, and the token that proves the answer.

The token ties the answer to this very request, so that no cache, captive portal or error page passes for it.
"""

import hashlib

HOLD_PATH = "/hold"
LONGEST_HOLD_S = 7 * 86400.0


def hold_query(seconds: float, nonce: str) -> str:
    """Return path and query of a request that is to be held open for `seconds`."""
    return f"{HOLD_PATH}?seconds={seconds!r}&nonce={nonce}"


def hold_token(seconds: float, nonce: str) -> bytes:
    """Return the body of the right answer to that request."""
    return hashlib.sha256(f"hbprobe hold {seconds!r} {nonce}".encode()).hexdigest().encode() + b"\n"
