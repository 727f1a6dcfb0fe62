"""SCRAM-SHA-256 (RFC 5802, RFC 7677), a client's side: a login in which the password does not cross the wire."""

import hashlib
import hmac
from base64 import b64decode, b64encode

_NO_BINDING = b"n,,"
_MOST_ROUNDS = 1_000_000
"""More would keep this process busy for a second or two: servers want 4,096 or so."""


class Scram:
    """One login. `first` and `final` return what the client says; `is_server` whether the other side knew, too."""

    def __init__(self, password: str, nonce: str) -> None:
        """The user is the one that the protocol around it names."""
        self._password = password.encode()
        self._nonce = nonce
        self._bare = f"n=,r={nonce}".encode()
        self._server_says = b""

    def first(self) -> bytes:
        """Return the first message."""
        return _NO_BINDING + self._bare

    def final(self, challenge: bytes) -> bytes:
        """Return the answer to the server's first message; raises ValueError for one that is none."""
        said = dict(part.split("=", 1) for part in challenge.decode("ascii").split(","))
        try:
            nonce, salt, rounds = said["r"], b64decode(said["s"], validate=True), int(said["i"])
        except KeyError as error:
            raise ValueError(f"no {error} in the server's challenge") from None
        if not nonce.startswith(self._nonce) or not 0 < rounds <= _MOST_ROUNDS:
            raise ValueError("the server's challenge is no answer to ours")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        unproven = b"c=" + b64encode(_NO_BINDING) + b",r=" + nonce.encode()
        signed = b",".join((self._bare, challenge, unproven))
        key = _keyed(salted, b"Client Key")
        proof = bytes(a ^ b for a, b in zip(key, _keyed(hashlib.sha256(key).digest(), signed), strict=True))
        self._server_says = b"v=" + b64encode(_keyed(_keyed(salted, b"Server Key"), signed))
        return unproven + b",p=" + b64encode(proof)

    def is_server(self, said: bytes) -> bool:
        """Return whether the server's last message shows that it knows the password."""
        return hmac.compare_digest(said.split(b",")[0], self._server_says)


def _keyed(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")
