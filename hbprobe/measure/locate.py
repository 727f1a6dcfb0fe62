"""The request for the hop that forgets idle connections, and how it is carried out."""

from dataclasses import dataclass, field
from typing import Annotated

from hbprobe.measure.request import Connecting, Count, Duration, Journalling, Request, Searching, Trusting, Whole
from hbprobe.records.location import Location

MOST_HOPS = 30


@dataclass(frozen=True, kw_only=True)
class Locate(Searching, Trusting, Connecting, Journalling, Request[Location]):
    """Find the hop that forgets idle connections.

    Requests are held whose TCP keep-alives reach only so far, one for each hop, side by side. The first hop that must
    see keep-alives is the one that forgets. Needs Linux, but no privileges; takes about as long as the limit, after
    the search for it.
    """

    url: str = field(kw_only=False)
    """https://HOST[:PORT]/ of hbprobe serve (hold) or a web server (idle)"""
    limit: Duration | None = None
    """the path's limit, where it is known: no search then"""
    hops: Annotated[int, Whole(1, 255)] = MOST_HOPS
    """look no further"""
    requests: Count = 1
    """for each hop; more where some die by accident"""
    raw: bool = False
    """find the hops with raw packets (root, hbprobe[raw])"""
