"""What makes a measurement the same as another: each field of a request either changes trials, or does not.

A journal is gone on with only where all agrees that its trials hang on. What may be a secret is kept as a digest with
a salt of its own, slow to make, so that it can be told from another, and not be found out by trying.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from hbprobe.search.search import SearchSettings
from hbprobe.text import without_query_values
from hbprobe.trial.talks.talk import TalkOptions


class Bears(Enum):
    """What a field of a request has to do with the trials that are made."""

    TOLD = auto()
    """Another value makes other trials, or those of another path. It is kept as it is."""
    SECRET = auto()
    """The same; but it may hold a secret."""
    SEARCH = auto()
    """It is part of the search, or of the target, which are described by themselves."""
    LAB = auto()
    """It says what boxes a lab has: what comes of it is kept, for a file may say something else by now."""
    ANSWER = auto()
    """What it changes stands beside each answer that hangs on it."""
    NOTHING = auto()
    """It says how many trials are made, by whose leave, what is concluded from them, or where they are kept."""


FIELDS: Mapping[str, Bears] = MappingProxyType(
    {
        "url": Bears.SEARCH,
        "method": Bears.SEARCH,
        "min": Bears.SEARCH,
        "max": Bears.SEARCH,
        "precision": Bears.SEARCH,
        "confirm": Bears.SEARCH,
        "grace": Bears.SEARCH,
        "connections": Bears.NOTHING,
        "noise": Bears.NOTHING,
        "confidence": Bears.NOTHING,
        "strategy": Bears.NOTHING,
        # from where, to whom
        "label": Bears.TOLD,
        "source": Bears.TOLD,
        "family": Bears.TOLD,
        "insecure": Bears.TOLD,
        "ca": Bears.NOTHING,
        "user": Bears.TOLD,
        "password": Bears.NOTHING,
        "password_file": Bears.NOTHING,
        "token_file": Bears.NOTHING,
        "token_command": Bears.NOTHING,
        # what is said there
        "starttls": Bears.TOLD,
        "subprotocol": Bears.TOLD,
        "headers": Bears.SECRET,
        "headers_file": Bears.SECRET,
        "send": Bears.SECRET,
        "expect": Bears.SECRET,
        # the boxes of a lab
        "profiles": Bears.LAB,
        "lab": Bears.LAB,
        "set": Bears.LAB,
        "seed": Bears.LAB,
        "clock": Bears.LAB,
        "kernel": Bears.LAB,
        "nat": Bears.LAB,
        "webconfig": Bears.LAB,
        "pcap": Bears.NOTHING,
        # what else is asked
        "compare": Bears.ANSWER,
        "other_port": Bears.ANSWER,
        "limit": Bears.ANSWER,
        "hops": Bears.ANSWER,
        "requests": Bears.ANSWER,
        "trials": Bears.ANSWER,
        "raw": Bears.NOTHING,
        # what is concluded, and kept
        "devices": Bears.NOTHING,
        "heartbeat": Bears.NOTHING,
        "exchange": Bears.NOTHING,
        "no_exchange": Bears.NOTHING,
        "journal": Bears.NOTHING,
        "resume": Bears.NOTHING,
    }
)
"""Every field of every request that keeps a journal; a test holds that none is missing."""

_OF_OLD = frozenset(
    {"label", "source", "family", "user", "starttls"} | {name for name, bears in FIELDS.items() if bears is Bears.LAB}
)
"""What every journal notes where it is given. The rest is noted in any case: older ones know nothing of it."""
QUERY = "query"
"""The key of the values in the target's query."""
NOTED_LATER = frozenset(
    {QUERY, *(name for name, bears in FIELDS.items() if bears in (Bears.TOLD, Bears.SECRET))} - _OF_OLD - {"headers"}
)
"""Headers are the same wherever they come from."""
SEAL = "pbkdf2$"
"""What a digest begins with."""
_ROUNDS = 200_000
"""Of PBKDF2 (RFC 8018, 5.2): a tenth of a second for who knows the secret, and for each guess of who does not."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a measurement is of."""

    said: Mapping[str, Any]
    """Target, method, search, and fields of the request by their names."""
    secrets: Mapping[str, bytes] = field(repr=False)
    """What may be a secret; empty where nothing is given."""

    def kept(self, chance: Callable[[int], bytes]) -> dict[str, Any]:
        """Return it as it may be written down, with digests for secrets, which come last; `chance` makes the salt."""
        noted = {name: value for name, value in self.said.items() if value or name in NOTED_LATER}
        digests = {name: seal(secret, chance(16)) for name, secret in self.secrets.items() if secret}
        return noted | dict.fromkeys(sorted(NOTED_LATER - noted.keys() - digests.keys()), "") | digests


def describe(
    target: str,
    method: str,
    search: SearchSettings,
    secrets: Mapping[str, bytes] = MappingProxyType({}),
    /,
    **said: str,
) -> Description:
    """Describe a measurement. The values in a URL's query may be secrets, too."""
    discreet = without_query_values(target)
    query = b"" if discreet == target else target.encode()
    about = {"target": discreet, "method": method, "search": asdict(search)}
    return Description(about | said, {QUERY: query} | dict(secrets))


def told_of(request: object) -> dict[str, str]:
    """Return the fields of a request that are kept as they are."""
    return {name: _text(getattr(request, name, None)) for name, bears in FIELDS.items() if bears is Bears.TOLD}


def secrets_of(talk: TalkOptions) -> dict[str, bytes]:
    """Return what a talk may hold that is secret, by the fields that say it. Passwords are none of it."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in talk.headers)
    return {"headers_file": headers.encode(), "send": talk.send, "expect": talk.expect}


def seal(secret: bytes, salt: bytes) -> str:
    """Return by what a secret is known again, with its salt."""
    return f"{SEAL}{salt.hex()}${hashlib.pbkdf2_hmac('sha256', secret, salt, _ROUNDS, 16).hex()}"


def is_sealed(sealed: object, secret: bytes) -> bool:
    """Say whether this is the secret that was sealed; nothing is the same as nothing."""
    if not sealed or not secret:
        return not sealed and not secret
    try:
        _, salt, _ = str(sealed).split("$")
        return seal(secret, bytes.fromhex(salt)) == sealed
    except ValueError:
        return False


def _text(value: object) -> str:
    match value:
        case None | False | "any":
            return ""
        case True:
            return "yes"
        case str():
            return value
        case Sequence():
            return ", ".join(map(str, value))
        case _:
            return str(value)
