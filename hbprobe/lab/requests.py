"""The requests that need a lab: a simulated path probed, and a diagnosis of a real path or a simulated one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from hbprobe.measure.request import (
    Configured,
    Connecting,
    Duration,
    File,
    Journalling,
    Request,
    Searching,
    Trusting,
    Whole,
)
from hbprobe.records.diagnosis import Diagnosis
from hbprobe.records.result import Result

WORKED_EXAMPLE = "ten-minute-provider"


@dataclass(frozen=True, kw_only=True)
class Lab(Searching, Journalling, Configured, Request[Result]):
    """Simulate a path, probe it, and say whether Exchange will log event 1040.

    A server, boxes and the probe are put together in one process. On the warp clock hours take a moment.
    """

    profiles: Sequence[str] = field(default=(), kw_only=False)
    """the boxes, in order from the client: an id ('hbprobe profiles list') or a file; or one path file (default: the
    worked example of the Direct Push literature)"""
    set: Mapping[str, Duration] = field(default_factory=dict)
    """change timers of the first box, as in idle=300"""
    clock: str | None = None
    """warp, real, or N seconds of the path in one (default: warp; with kernel real)"""
    kernel: bool = False
    """build the path out of network namespaces, each box of layer packet as nftables and conntrack; it runs in real
    time, and clock N divides all timers by N (Linux)"""
    nat: Sequence[int] | None = None
    """with kernel: the boxes that translate addresses, by place, counted from 1 (default: those of category nat,
    home-gateway and carrier)"""
    pcap: File | None = None
    """with kernel: leave a packet capture of each side of each box in this folder"""
    seed: int = 0
    """another box out of a population, and other luck with timers that are random in part"""


@dataclass(frozen=True, kw_only=True)
class Diagnose(Searching, Trusting, Connecting, Journalling, Configured, Request[Diagnosis]):
    """Find the limit of a path, and explain it: which timer, whose, what kind of box, what would mend it.

    After the search it asks at the same time what saves longer requests and what both ends see of their death.
    """

    url: str | None = field(default=None, kw_only=False)
    """https://HOST[:PORT]/ of hbprobe serve (hold), or a web server (idle)"""
    lab: Sequence[str] | None = None
    """instead of a URL: diagnose simulated boxes, in order from the client, on a clock that jumps"""
    trials: Annotated[int, Whole(0)] = 0
    """so many more trials: how widely the limit scatters"""
    compare: str | None = None
    """another address: does the same request die there, too?"""
    other_port: Annotated[int, Whole(1, 65535)] | None = None
    """the same, at another port of the same host"""
