"""Who made the packet that ended a connection, as far as it betrays that.

No single weak sign names a maker, and what a sign leaves open stays open: the false alarm is the known disease of
tools that detect forged packets (https://www.ndss-symposium.org/ndss2009/detecting-forged-tcp-reset-packets/).
"""

from collections.abc import Iterator, Sequence

from hbprobe.duration import format_precisely
from hbprobe.evidence.captures.fate import Maker, Sign, Weight
from hbprobe.evidence.captures.retention import ACK, FIN, RST
from hbprobe.evidence.captures.story import Story
from hbprobe.evidence.captures.tcp_flow import Endpoint, Packet
from hbprobe.trial.outcome import Cause

_NEARER = 0.5
"""What comes back in less than this part of the round trip cannot come from the other end."""
_TELLING_TRIP_S = 0.005


def makers_signs(story: Story, place: int) -> Iterator[Sign]:
    """Hold the packet against the others that its end sent."""
    packet = story.packets[place]
    whose = story.flow.usual_ttl(packet.sender, packet)
    if whose is not None and packet.ttl != whose:
        yield Sign(
            Weight.STRONG, f"its TTL is {packet.ttl}, the {packet.sender}'s other packets had {whose}", Maker.BOX
        )
    earlier = [one for one in story.packets[:place] if one.sender is packet.sender and not one.has(RST)]
    if packet.has(FIN) and not packet.has(RST):
        yield from _of_close_notify(story, place, earlier)
        return
    stamped = sum(one.timestamps for one in earlier)
    if earlier and stamped == len(earlier) and not packet.timestamps:
        yield Sign(
            Weight.WEAK, "it has no timestamp option, and the others had; so has many a system's own RST", Maker.BOX
        )
    if packet.window == 0 and earlier and all(one.window for one in earlier):
        yield Sign(Weight.WEAK, "its window is 0; so is that of many a system's own RST", Maker.BOX)
    expected = next(
        (one.acknowledgment for one in reversed(story.packets[:place]) if _acknowledges(one, packet)), None
    )
    if (
        expected is not None
        and packet.sequence != expected
        and not any(one.following == packet.sequence for one in earlier)
    ):
        yield Sign(Weight.WEAK, "its sequence number is not the next", Maker.BOX)
    if any(one.signed for one in earlier[-2:]):
        yield Sign(Weight.WEAK, f"TLS's close_notify came first: the {packet.sender}, or a proxy with its keys", None)


def _acknowledges(one: Packet, packet: Packet) -> bool:
    return one.sender is not packet.sender and one.has(ACK)


def _of_close_notify(story: Story, place: int, earlier: Sequence[Packet]) -> Iterator[Sign]:
    packet = story.packets[place]
    if packet.signed or any(one.signed for one in earlier[-2:]):
        yield Sign(Weight.WEAK, "TLS's close_notify came before the FIN: whoever sent it holds the keys")
    elif _speaks_tls(story.packets[:place]):
        yield Sign(Weight.WEAK, "no close_notify of TLS came before the FIN, as from a box without keys", Maker.BOX)


def _speaks_tls(packets: Sequence[Packet]) -> bool:
    return any(one.head[0] in (20, 21, 22, 23) and one.head[1] == 3 for one in packets if one.length and one.head)


def nearness(story: Story, place: int, asked: Packet) -> Iterator[Sign]:
    """Say whether the answer came sooner than the other end could have sent it."""
    packet = story.packets[place]
    to_server, to_client = story.flow.opening
    trip_s = to_server if packet.sender is Endpoint.SERVER else to_client
    took_s = packet.at_s - asked.at_s
    if trip_s is not None and trip_s >= _TELLING_TRIP_S and took_s < _NEARER * trip_s:
        took, trip = format_precisely(took_s), format_precisely(trip_s)
        text = f"it came back after {took}; to the {packet.sender} and back takes {trip}"
        yield Sign(Weight.STRONG, text, Maker.BOX)


def both_ends(story: Story, place: int) -> Iterator[Sign]:
    """Say whether both ends were reset at once, the second not in answer to the first."""
    packet = story.packets[place]
    if not packet.has(RST):
        return
    within_s = story.flow.round_trip_s
    for other in story.packets[place + 1 :]:
        if other.at_s - packet.at_s > within_s:
            break
        if other.has(RST) and other.sender is not packet.sender:
            yield Sign(
                Weight.STRONG, "both ends were reset within one round trip; neither answers the other", Maker.BOX
            )
            return


def maker_of(signs: Sequence[Sign]) -> Maker:
    """Name the maker where a sign decides, or a strong one stands uncontradicted; weak ones never suffice."""
    for weight in (Weight.DECIDES, Weight.STRONG):
        named = {sign.speaks_for for sign in signs if sign.weight is weight and sign.speaks_for is not None}
        if len(named) == 1:
            return named.pop()
        if named:
            break
    return Maker.UNKNOWN


def closers(maker: Maker, signs: Sequence[Sign], sender: Endpoint) -> tuple[Cause, ...]:
    """Return the causes of a FIN; where nobody is named, the likelier of both first."""
    if maker is Maker.BOX:
        return (Cause.CLOSED_BY_PROXY,)
    if maker is Maker.SERVER:
        return (Cause.CLOSED_BY_SERVER,)
    if sender is Endpoint.CLIENT:
        return ()
    unsigned = any(sign.speaks_for is Maker.BOX for sign in signs)
    both = (Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER)
    return both if unsigned else both[::-1]
