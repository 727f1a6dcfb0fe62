"""The watcher: a program that speaks for a router when conntrack forgets a connection, with RST or FIN to its ends.

It runs in the router's namespace as a program of its own, and imports nothing of the project:
`watcher.py rst|fin both|client|server`. Conntrack tells who was forgotten (ctnetlink's destroy events), and only
looks for what is overdue when something makes it look, so the watcher lists the table again and again. The sequence
number that an end expects is the last that it acknowledged; a packet socket shows that.

Sources: linux/netfilter/nfnetlink.h, linux/netfilter/nfnetlink_conntrack.h; RFC 9293, section 3.10.7.4, and RFC 5961,
section 3.2, on the RST that an end accepts; RFC 791, section 3.1, RFC 9293, section 3.1, and RFC 1071 on the packet.
"""

import contextlib
import select
import signal
import socket
import struct
import sys
from collections.abc import Iterator

LOOK_EVERY_S = 0.05
_ETH_P_IP = 0x0800
_ETH_P_ALL = 0x0003
"""Only those who ask for all see what leaves, too."""
_NETLINK_NETFILTER = 12
_GROUP_DESTROY = 1 << 2  # NFNLGRP_CONNTRACK_DESTROY, 3, as a bit
_DESTROY = 0x0102  # NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE
_LIST = 0x0101  # NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET
_REQUEST_DUMP = 0x0301  # NLM_F_REQUEST | NLM_F_DUMP
_ORIGINAL, _REPLY = 1, 2  # CTA_TUPLE_ORIG, CTA_TUPLE_REPLY
_MOST_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 23
"""What comes while the machine is held up must not be missed: of whom nothing is known, nobody is told."""
_SO_RCVBUFFORCE = 33
_LEAST_BYTES = 20
"""The shortest header of IPv4, and of TCP."""
_FIN, _RST, _ACK = 0x01, 0x04, 0x10
_WINDOW, _TTL = 8192, 64

Direction = tuple[str, int, str, int]
"""A flow in one direction: address and port of the sender, address and port of the receiver."""


class Acknowledged:
    """What each end of each flow has acknowledged, as far as packets showed it."""

    def __init__(self) -> None:
        self._next: dict[Direction, int] = {}
        self._fins: set[Direction] = set()

    def __len__(self) -> int:
        return len(self._next)

    def see(self, packet: bytes) -> None:
        """Take in an IPv4 packet."""
        header = (packet[0] & 0x0F) * 4 if packet else 0
        if len(packet) < max(header, _LEAST_BYTES) + _LEAST_BYTES or packet[9] != socket.IPPROTO_TCP:
            return
        source, target = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        source_port, target_port, _, ack, _, flags = struct.unpack_from("!HHIIBB", packet, header)
        end: Direction = (source, source_port, target, target_port)
        if flags & _FIN:
            self._fins.add(end)
        if flags & _RST or {end, _other(end)} <= self._fins:
            self.forget(end)
        elif flags & _ACK:
            self._next[end] = ack

    def by(self, end: Direction) -> int | None:
        """Return what a sender has acknowledged, which it expects next; None for a flow that is over, or unknown."""
        return self._next.get(end)

    def forget(self, end: Direction) -> None:
        """Drop what is known of a flow."""
        for direction in (end, _other(end)):
            self._next.pop(direction, None)
            self._fins.discard(direction)


def _other(end: Direction) -> Direction:
    """The flow in the other direction."""
    return end[2], end[3], end[0], end[1]


def forgotten(message: bytes) -> Iterator[tuple[Direction, Direction]]:
    """Yield the TCP flows that conntrack says it has forgotten: as the client sends, and as the server answers."""
    at = 0
    while at + 16 <= len(message):
        length, kind = struct.unpack_from("=IH", message, at)
        if not 16 <= length <= len(message) - at:
            return
        if kind == _DESTROY:
            tuples = dict(_attributes(message[at + 20 : at + length]))
            original, reply = (_end(tuples.get(kind, b"")) for kind in (_ORIGINAL, _REPLY))
            if original is not None and reply is not None:
                yield original, reply
        at += (length + 3) & ~3


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if not 4 <= length <= len(data) - at:
            return
        yield kind & 0x3FFF, data[at + 4 : at + length]
        at += (length + 3) & ~3


def _end(data: bytes) -> Direction | None:
    """Read one CTA_TUPLE: CTA_TUPLE_IP (1) with two addresses, CTA_TUPLE_PROTO (2) with number and two ports."""
    parts = dict(_attributes(data))
    address, protocol = dict(_attributes(parts.get(1, b""))), dict(_attributes(parts.get(2, b"")))
    lengths = [len(part.get(key, b"")) for part in (address, protocol) for key in (1, 2, 3)]
    if lengths[:2] != [4, 4] or lengths[3:] != [1, 2, 2] or protocol[1][0] != socket.IPPROTO_TCP:
        return None
    port, peer_port = (int.from_bytes(protocol[key], "big") for key in (2, 3))
    return socket.inet_ntoa(address[1]), port, socket.inet_ntoa(address[2]), peer_port


def ending_packet(to: Direction, seq: int, ack: int, kind: str) -> bytes:
    """Return the packet that ends a flow for the one who sends as `to`, in its peer's name."""
    address, port, peer, peer_port = to
    addresses = socket.inet_aton(peer) + socket.inet_aton(address)
    flags = {"rst": _RST, "fin": _FIN | _ACK}[kind]
    ports_and_numbers = struct.pack("!HHIIBBH", peer_port, port, seq, ack, 5 << 4, flags, _WINDOW)
    summed = addresses + struct.pack("!HH", socket.IPPROTO_TCP, _LEAST_BYTES) + ports_and_numbers
    tcp = ports_and_numbers + struct.pack("!HH", _checksum(summed), 0)
    ip = struct.pack("!BBHHHBB", 4 << 4 | 5, 0, 2 * _LEAST_BYTES, 1, 0, _TTL, socket.IPPROTO_TCP)
    return ip + struct.pack("!H", _checksum(ip + addresses)) + addresses + tcp


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def watch(kind: str, tells: str) -> None:
    """Watch for ever."""
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    events.bind((0, _GROUP_DESTROY))
    table = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    for sock in (packets, events):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        with contextlib.suppress(PermissionError):  # beyond net.core.rmem_max, for the administrator alone
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    known = Acknowledged()
    print("watching", flush=True)  # noqa: T201  the starter waits for it
    while True:
        ready, _, _ = select.select([packets, events], [], [], LOOK_EVERY_S)
        if packets in ready:
            packet, (_, protocol, *_) = packets.recvfrom(_MOST_BYTES)
            if protocol == _ETH_P_IP:
                known.see(packet)
            continue  # conntrack's events are about packets that went before
        if events in ready:
            for client, server in forgotten(events.recv(_MOST_BYTES)):
                told = {"both": [client, server], "client": [client], "server": [server]}[tells]
                _send_to(raw, known, kind, told)
                known.forget(client)
                known.forget(server)  # another flow than the client's where addresses are translated
        elif known:
            _look(table)


def _send_to(raw: socket.socket, known: Acknowledged, kind: str, ends: list[Direction]) -> None:
    for end in ends:
        seq, ack = known.by(end), known.by(_other(end))
        if seq is not None and ack is not None:
            raw.sendto(ending_packet(end, seq, ack, kind), (end[0], 0))


def _look(table: socket.socket) -> None:
    """List conntrack's table, and pass over what comes: what was overdue goes in the course of that."""
    table.send(struct.pack("=IHHIIBBH", 20, _LIST, _REQUEST_DUMP, 0, 0, socket.AF_INET, 0, 0))
    while not _is_last(table.recv(_MOST_BYTES)):
        pass


def _is_last(message: bytes) -> bool:
    """Whether NLMSG_ERROR (2) or NLMSG_DONE (3) comes first, as it does in a message of its own or an empty list."""
    return len(message) < 16 or struct.unpack_from("=H", message, 4)[0] in (2, 3)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the starter, whose end ends this, too
    watch(sys.argv[1], sys.argv[2])
