"""The request for the checks that an ActiveSync server must pass before a Ping can wait."""

from dataclasses import dataclass, field

from hbprobe.measure.request import Connecting, LoggingIn, Request, Trusting
from hbprobe.records.preflight import PreflightRecord


@dataclass(frozen=True, kw_only=True)
class Preflight(LoggingIn, Trusting, Connecting, Request[PreflightRecord]):
    """Check step by step that an ActiveSync server answers a device.

    It goes the way of a device, from the name to a short Ping, and says of each step what was seen and, where it
    fails, what to do. Takes about a minute and a half: Exchange holds no Ping for less than one.
    """

    url: str = field(kw_only=False)
    """https://HOST[:PORT]/ of an ActiveSync server"""
