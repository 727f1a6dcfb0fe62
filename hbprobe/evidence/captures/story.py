"""One connection, packet by packet: what repeats, what is a keep-alive, what only says goodbye."""

from dataclasses import dataclass, field

from hbprobe.evidence.captures.retention import ACK, FIN, RST, SYN
from hbprobe.evidence.captures.tcp_flow import Endpoint, Packet, TcpFlow, is_before

_WRAP = 1 << 32
_CLOSE_NOTIFY_BYTES = 64


@dataclass(slots=True)
class Story:
    """A connection, packet by packet, with what is needed to understand each."""

    flow: TcpFlow
    packets: tuple[Packet, ...]
    keep_alives: set[int] = field(default_factory=set)
    """By place."""
    repeated: set[int] = field(default_factory=set)
    answered: int = 0

    @classmethod
    def of(cls, flow: TcpFlow) -> "Story":
        story = cls(flow, flow.packets)
        sent: dict[Endpoint, int] = {}
        waiting: Endpoint | None = None
        for place, packet in enumerate(flow.packets):
            if waiting is packet.sender.other and not packet.has(RST):
                story.answered += 1
                waiting = None
            ahead = sent.get(packet.sender)
            if ahead is None:
                peer = next((one for one in reversed(flow.packets[:place]) if one.sender is not packet.sender), None)
                ahead = peer.acknowledgment if peer is not None and peer.has(ACK) else None
            if _is_keep_alive(packet, ahead):
                story.keep_alives.add(place)
                waiting = packet.sender
                continue
            if packet.has(RST):
                continue
            if packet.occupies and ahead is not None and is_before(packet.sequence, ahead):
                story.repeated.add(place)
            if ahead is None or is_before(ahead, packet.following):
                sent[packet.sender] = packet.following
        return story

    def last_of(self, end: Endpoint) -> int:
        """Return the place of an end's last packet; -1 where it sent none."""
        return next(
            (place for place in range(len(self.packets) - 1, -1, -1) if self.packets[place].sender is end), -1
        )


def _is_keep_alive(packet: Packet, ahead: int | None) -> bool:
    """Whether it is a TCP keep-alive (RFC 9293, 3.8.4): one byte before what was sent, with that byte or none."""
    if packet.length > 1 or packet.has(SYN | FIN | RST) or ahead is None:
        return False
    return packet.sequence == (ahead - 1) % _WRAP and packet.gap_s > 0


def is_close_notify(packet: Packet) -> bool:
    """Whether it says no more than TLS's close_notify."""
    return packet.signed and packet.length <= _CLOSE_NOTIFY_BYTES
