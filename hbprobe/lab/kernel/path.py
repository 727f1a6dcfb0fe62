"""The path built: a chain of namespaces, joined by virtual links, with each box's rules in its router.

    client  10.40.0.1 ---- 10.40.0.2  box 1  10.40.1.1 ---- 10.40.1.2  box 2  10.40.2.1 ---- 10.40.2.2  server

Link i joins host i to host i + 1. A router calls its two links `client` and `server`, after what they lead to.
"""

import contextlib
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from hbprobe.errors import CannotMeasureError
from hbprobe.lab.kernel.link_capture import Captures
from hbprobe.lab.kernel.namespaces import Namespace, Namespaces, open_namespaces
from hbprobe.middlebox.kernel import KernelBox, render, translates
from hbprobe.net.replies import EndKind
from hbprobe.profiles.model import Profile
from hbprobe.profiles.vocabulary import Ends

_WATCHER = Path(__file__).with_name("watcher.py")


@dataclass(frozen=True, slots=True)
class KernelPath:
    """A path that stands."""

    client: Namespace
    routers: tuple[Namespace, ...]
    """One for each box, in order from the client; `address` is what a traceroute from the client shows."""
    server: Namespace
    boxes: tuple[KernelBox, ...]
    """What is run in each router."""
    captures: Captures | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is run, what the profiles say that is not, and what the captures lack."""
        told = tuple(remark for box in self.boxes for remark in box.remarks)
        return told if self.captures is None else (*told, *self.captures.remarks)


@contextlib.contextmanager
def kernel_path(
    profiles: Sequence[Profile],
    *,
    rate: float = 1.0,
    nat: Collection[int] | None = None,
    pcap: Path | None = None,
) -> Iterator[KernelPath]:
    """Build the path out of boxes of layer packet, in order from the client; it is gone at the end.

    Building blocks for a tenth of a second, and as long again for each box with a watcher.

    `rate` divides their timers. `nat` says which of them rewrite addresses, counted from 1; None leaves that to
    their profiles. `pcap` is a folder for packet captures. Raises UserError for a box that cannot be run and for what
    is not installed, CannotMeasureError for what this user may not do.
    """
    boxes = tuple(
        render(profile, rate=rate, nat=translates(profile) if nat is None else place in nat)
        for place, profile in enumerate(profiles, 1)
    )
    with contextlib.ExitStack() as stack:
        path = _lay(stack.enter_context(open_namespaces()), boxes)
        if pcap is not None:
            path = replace(path, captures=stack.enter_context(Captures(pcap, _taps(path, profiles))))
        for router, box in zip(path.routers, boxes, strict=True):
            if box.sends is not None:
                stack.enter_context(_watching(router, box.sends, box.tells))
        yield path


def _lay(namespaces: Namespaces, boxes: tuple[KernelBox, ...]) -> KernelPath:
    last = len(boxes) + 1
    addresses = [_left(0), *(_right(link) for link in range(last))]
    hosts = [namespaces.make(address) for address in addresses]
    for link, (near, far) in enumerate(pairwise(hosts)):
        near.run("ip", "link", "add", "server", "type", "veth", "peer", "name", "client", "netns", far.file)
        _bring_up(near, "server", _left(link))
        _bring_up(far, "client", _right(link))
    for place, host in enumerate(hosts):
        host.run("ip", "-batch", "-", text="".join(f"{line}\n" for line in _routes(place, last)))
    for router, box in zip(hosts[1:last], boxes, strict=True):
        router.run("nft", "-f", "-", text=box.ruleset)
        for name, value in box.sysctls.items():
            router.sysctl(name, value)
    for end in (hosts[0], hosts[last]):
        end.sysctl("net.ipv4.tcp_orphan_retries", "1")  # a closed socket keeps its namespace while it retries
    return KernelPath(hosts[0], tuple(hosts[1:last]), hosts[last], boxes)


def _routes(place: int, last: int) -> Iterator[str]:
    """What the host at a place must be told of links that are not its own."""
    yield "link set lo up"
    if place == last:
        yield f"route add default via {_left(place - 1)}"
        return
    yield f"route add default via {_right(place)}"
    for link in range(place - 1):
        yield f"route add 10.40.{link}.0/24 via {_left(place - 1)}"


def _left(link: int) -> str:
    return f"10.40.{link}.1"


def _right(link: int) -> str:
    return f"10.40.{link}.2"


def _bring_up(host: Namespace, link: str, address: str) -> None:
    host.run("ip", "address", "add", f"{address}/24", "dev", link)
    host.run("ip", "link", "set", link, "up")


def _taps(path: KernelPath, profiles: Sequence[Profile]) -> dict[str, tuple[Namespace, str]]:
    """Name a capture for each side of each box: `2-fortinet-fortigate-client`."""
    return {
        f"{place}-{profile.id}-{side}": (router, side)
        for place, (router, profile) in enumerate(zip(path.routers, profiles, strict=True), 1)
        for side in ("client", "server")
    }


@contextlib.contextmanager
def _watching(router: Namespace, kind: EndKind, tells: Ends) -> Iterator[None]:
    """Have a watcher speak up in a router when it forgets; it ends with the router.

    Raises CannotMeasureError where the watcher did not live to the end.
    """
    argv = router.command([sys.executable, "-P", str(_WATCHER), kind, tells])
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watcher:
        try:
            if watcher.stdout is None or not watcher.stdout.readline():
                raise CannotMeasureError(f"the watcher of a box has ended: {_last_words(watcher)}")
            yield
            if watcher.poll() is not None:
                raise CannotMeasureError(f"the watcher of a box has ended: {_last_words(watcher)}")
        finally:
            watcher.kill()


def _last_words(watcher: "subprocess.Popen[bytes]") -> str:
    said = watcher.stderr.read().decode(errors="replace").splitlines() if watcher.stderr is not None else []
    return said[-1] if said else "it said nothing"
