"""Which hop forgets idle connections: what TCP keep-alives that reach only so far make of held requests.

A keep-alive whose TTL is k passes k - 1 routers and dies in the k-th, whose state table has seen it by then. So every
box up to hop k takes the connection for alive, and the boxes beyond do not. The smallest k whose requests live as
long as those with keep-alives that go all the way is the hop with the short timer.

Nothing here opens a connection: the outcomes for each k and the hops' answers go in, a finding comes out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hbprobe.text import seconds
from hbprobe.trial.outcome import Cause, Kind, Outcome

NONE, ALL = 0, 256
"""Reach of a request without keep-alives, and of one whose keep-alives go all the way: no TTL is so large."""
_BY_THE_SERVER = frozenset({Cause.CLOSED_BY_SERVER, Cause.RESET_BY_SERVER})


@dataclass(frozen=True, slots=True)
class Hop:
    """What came back for a connection attempt that may go only so far."""

    ttl: int
    address: str | None
    """Of the router that said so; None where nothing came."""
    round_trip_s: float | None = None
    refuses: bool = False
    """It says that the way is barred, instead of that the TTL has run out."""


@dataclass(frozen=True, slots=True)
class Route:
    """The hops to whoever answers TCP."""

    hops: tuple[Hop, ...]
    """From TTL 1 on; without the last, which answers TCP."""
    distance: int | None
    """The smallest TTL with which a connection came about; None where none did."""

    def address(self, ttl: int) -> str | None:
        """Return the address of a hop, if it is known."""
        return next((hop.address for hop in self.hops if hop.ttl == ttl), None)


@dataclass(frozen=True, slots=True)
class Reached:
    """One held request, and how far its keep-alives reached."""

    ttl: int
    """`NONE`, `ALL`, or the TTL of its keep-alives."""
    outcome: Outcome


class Code(StrEnum):
    """What was found."""

    HOP = "hop"
    """The hop with the short timer."""
    END = "end"
    """It lies behind the last router: the server's own machine, or what stands before it without a TTL of its own."""
    SERVER = "server"
    """The server itself ends the request, whatever keeps the path alive."""
    NOT_BY_KEEP_ALIVE = "not-by-keep-alive"
    """Keep-alives help nowhere."""
    OPEN = "open"
    """Nothing was cut."""
    NOT_KNOWN = "not-known"
    """It was stopped before the end."""


@dataclass(frozen=True, slots=True)
class HopFinding:
    """Who cuts, as far as that can be known."""

    code: Code
    text: str
    hop: int | None = None
    """The first hop that must see keep-alives."""
    address: str | None = None
    doubts: tuple[str, ...] = ()
    """What may be otherwise, in words."""


def reaches(route: Route, most_hops: int) -> tuple[int, ...]:
    """Return how far keep-alives are to reach, each on a connection of its own."""
    last = most_hops if route.distance is None else min(route.distance, most_hops)
    return (NONE, *range(1, last + 1), ALL)


def locate(route: Route, seen: Sequence[Reached], hold_s: float, every_s: float) -> HopFinding:
    """Say who cuts, of requests held so long with a keep-alive so often.

    Raises ValueError, with the reason, where the trials do not tell.

    A request that lives is near to a proof, for nothing but a keep-alive saves it; one that is cut may have died by
    accident. So a reach helps if one of its requests lived.
    """
    lived = _lived(seen)
    for ttl, name in ((NONE, "without keep-alives"), (ALL, "with keep-alives")):
        if ttl not in lived:
            reason = next((one.outcome.reason for one in seen if one.ttl == ttl), "") or "it was not tried"
            raise ValueError(f"no request {name} told anything: {reason}")
    if lived[NONE]:
        return HopFinding(
            Code.OPEN, f"a request that is silent for {seconds(hold_s)} s lives: nothing on this path cuts it"
        )
    if not lived[ALL]:
        return _beyond_keep_alives(route, seen, every_s)
    limited = {ttl: is_alive for ttl, is_alive in lived.items() if NONE < ttl < ALL}
    first = min((ttl for ttl, is_alive in limited.items() if is_alive), default=None)
    if first is None or first == route.distance:
        return _at_the_end(route, first)
    return _at_hop(route, first, limited)


def _lived(seen: Sequence[Reached]) -> dict[int, bool]:
    """Whether a request of each reach lived, of those that told anything."""
    told = [one for one in seen if one.outcome.kind is not Kind.FAILED]
    alive = {one.ttl for one in told if one.outcome.kind is Kind.SURVIVED}
    return {one.ttl: one.ttl in alive for one in told}


def _at_hop(route: Route, first: int, limited: Mapping[int, bool]) -> HopFinding:
    why = ": keep-alives that reach it save the request, shorter ones do not"
    text = f"{named(route, first)} cuts{why if first > 1 else ', or what lies before it'}"
    doubts = ["a box that is no hop of its own, such as a bridging firewall, is taken for the router behind it"]
    if first > 1:
        doubts.append(f"{named(route, first - 1)} cuts, if it looks at the TTL before its state table")
    doubts.append(f"a hop behind {named(route, first)} cuts, if that one sets the TTL anew")
    if untold := [ttl for ttl in range(1, first) if ttl not in limited]:
        doubts.append(f"{_hops(untold)}: the requests whose keep-alives reached so far told nothing")
    if cut := [ttl for ttl, is_alive in sorted(limited.items()) if ttl > first and not is_alive]:
        doubts.append(f"keep-alives up to {_hops(cut)} did not help: an accident, or packets take several ways")
    return HopFinding(Code.HOP, text, first, route.address(first), tuple(doubts))


def _at_the_end(route: Route, first: int | None) -> HopFinding:
    """The keep-alives must reach whoever answers TCP."""
    if route.distance is None:
        text = "only keep-alives that go all the way save the request: the box lies beyond the hops that were tried"
        return HopFinding(Code.END, text)
    where, doubts = f"it lies behind {named(route, route.distance - 1)}", []
    if route.distance == 1:
        where = "the first hop answers TCP itself"
        doubts.append("a box that sets the TTL anew looks like this, too: then the hop cannot be told")
    if first is None:
        doubts.append("keep-alives with the TTL that reaches it did not save the request")
    text = f"whoever answers TCP at hop {route.distance} cuts, or what stands right before it: {where}"
    return HopFinding(Code.END, text, route.distance, route.address(route.distance), tuple(doubts))


def _beyond_keep_alives(route: Route, seen: Sequence[Reached], every_s: float) -> HopFinding:
    """Tell who may end what no keep-alive saves: by what the requests died of, as far as that was seen."""
    cut = sorted((one for one in seen if one.outcome.kind is Kind.CUT), key=lambda one: one.ttl, reverse=True)
    causes = [cause for one in cut for cause in one.outcome.causes]
    shown = "; ".join(cut[0].outcome.evidence)
    if all(one.outcome.causes for one in cut) and _BY_THE_SERVER.issuperset(causes):
        text = "the server itself ends the request, with keep-alives and without"
        return HopFinding(Code.SERVER, f"{text}: {shown}" if shown else text)
    may_be = ["a proxy that ends TCP"]
    if route.distance is not None:
        may_be[0] += f" at or before hop {route.distance}, where TCP is answered"
    if not _BY_THE_SERVER.isdisjoint(causes):
        may_be.insert(0 if causes[0] in _BY_THE_SERVER else 1, "the server itself")
    text = f"keep-alives save the request at no hop: it is {', or '.join(may_be)}"
    text += "; or a box that counts data only, or a lifetime"
    if len(may_be) > 1 and shown:
        text += f" ({shown})"
    doubt = f"a timer of less than the {seconds(every_s)} s between two keep-alives looks like this, too"
    return HopFinding(Code.NOT_BY_KEEP_ALIVE, text, route.distance, doubts=(doubt,))


def named(route: Route, ttl: int) -> str:
    """Name a hop: `hop 3 (192.0.2.1)`."""
    address = route.address(ttl)
    return f"hop {ttl} ({address})" if address else f"hop {ttl} (which does not tell its address)"


def _hops(ttls: Sequence[int]) -> str:
    return f"hop {ttls[0]}" if len(ttls) == 1 else f"hops {', '.join(map(str, ttls))}"
