"""The request for the limit of a real path, and how it is carried out."""

from dataclasses import dataclass, field

from hbprobe.measure.request import (
    Configured,
    Connecting,
    Journalling,
    LoggingIn,
    Request,
    Searching,
    Trusting,
)
from hbprobe.records.result import Result


@dataclass(frozen=True, kw_only=True)
class Probe(Searching, LoggingIn, Trusting, Connecting, Journalling, Configured, Request[Result]):
    """Search a real path for the longest request that survives.

    Requests are held open on it; how longer ones die is found out, too, and compared with Exchange's heartbeats.
    """

    url: str = field(kw_only=False)
    """https://HOST[:PORT]/ of hbprobe serve (hold), a web server (idle) or ActiveSync (ping)"""
