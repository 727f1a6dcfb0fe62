"""Packets and capture files for tests, written by the letter of the formats."""

import ipaddress
import struct
from dataclasses import dataclass, field

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = ("198.51.100.7", 50001), ("192.0.2.10", 443)
START_S = 1_700_000_000.0
STAMPS = b"\x01\x01\x08\x0a" + bytes(8)
RECORD = b"\x17\x03\x03\x00"
CLOSE_NOTIFY = b"\x17\x03\x03\x00\x13" + bytes(19)


def tcp(source, target, flags, seq, ack, payload=b"", *, window=502, options=b""):
    head = struct.pack(
        ">HHIIBBHHH", source[1], target[1], seq % 2**32, ack % 2**32, (20 + len(options)) << 2, flags, window, 0, 0
    )
    return head + options + payload


def ip(source, target, segment, *, ttl=64, number=0, fragment=0, protocol=6):
    one, other = ipaddress.ip_address(source[0]), ipaddress.ip_address(target[0])
    if one.version == 6:
        head = struct.pack(">IHBB", 6 << 28, len(segment), protocol, ttl)
        return head + one.packed + other.packed + segment
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), number, fragment, ttl, protocol, 0)
    return head + one.packed + other.packed + segment


def ethernet(packet, vlans=()):
    tags = b"".join(
        struct.pack(">HH", 0x88A8 if len(vlans) > 1 and not at else 0x8100, v) for at, v in enumerate(vlans)
    )
    return bytes(12) + tags + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet


def pcap(frames, *, link=1, order="<", nano=False, snap=65535):
    """Write (time in seconds, frame) as pcap."""
    out = struct.pack(f"{order}IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap, link)
    for at_s, frame in frames:
        ns = round(at_s * 1e9)
        fraction = ns % 10**9 // (1 if nano else 1000)
        out += struct.pack(f"{order}IIII", ns // 10**9, fraction, min(len(frame), snap), len(frame)) + frame[:snap]
    return out


def block(kind, body, order="<"):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(f"{order}II", kind, len(body) + 12) + body + struct.pack(f"{order}I", len(body) + 12)


def section(order="<"):
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link=1, order="<", *, ticks=None, offset_s=None, snap=0):
    options = b""
    if ticks is not None:
        options += struct.pack(f"{order}HHB3x", 9, 1, ticks)
    if offset_s is not None:
        options += struct.pack(f"{order}HHq", 14, 8, offset_s)
    return block(1, struct.pack(f"{order}HHI", link, 0, snap) + options + (bytes(4) if options else b""), order)


def enhanced(frame, stamp, number=0, order="<", wire=None):
    wire = len(frame) if wire is None else wire
    head = struct.pack(f"{order}IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), wire)
    return block(6, head + frame, order)


@dataclass
class Talk:
    """One connection: what each end says, with sequence numbers, TTLs and times kept."""

    client: tuple = CLIENT
    server: tuple = SERVER
    client_ttl: int = 64
    server_ttl: int = 52
    trip_s: float = 0.02
    at_s: float = START_S
    options: bytes = STAMPS
    frames: list = field(default_factory=list)

    def __post_init__(self):
        self.next = {"client": 1000, "server": 5000}
        self.number = 0

    def say(self, end, flags, payload=b"", *, at_s=None, seq=None, ack=None, ttl=None, window=502, options=None):
        """Send one packet from an end; `at_s` counts from the beginning."""
        if at_s is not None:
            self.at_s = START_S + at_s
        source, target = (self.client, self.server) if end == "client" else (self.server, self.client)
        other = "server" if end == "client" else "client"
        own = self.next[end] if seq is None else seq
        answered = (self.next[other] if flags & ACK else 0) if ack is None else ack
        segment = tcp(
            source,
            target,
            flags,
            own,
            answered,
            payload,
            window=window,
            options=self.options if options is None else options,
        )
        usual = self.client_ttl if end == "client" else self.server_ttl
        self.number += 1
        packet = ip(source, target, segment, ttl=usual if ttl is None else ttl, number=self.number)
        self.frames.append((self.at_s, packet))
        if seq is None and not flags & RST:
            self.next[end] += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        return self

    def open(self, request=RECORD + b"d" + bytes(100)):
        """Shake hands, ask, and have it acknowledged, within three round trips."""
        begun = self.at_s - START_S
        trip = self.trip_s
        self.say("client", SYN, at_s=begun)
        self.say("server", SYN | ACK, at_s=begun + trip).say("client", ACK, at_s=begun + trip + 0.001)
        self.say("client", PSH | ACK, request, at_s=begun + trip + 0.01)
        return self.say("server", ACK, at_s=begun + 2 * trip + 0.01)

    def void(self, end, at_s, payload=RECORD + b"\x14" + bytes(20), times=6):
        """Say something and repeat it, without an answer."""
        own = self.next[end]
        for turn in range(times):
            self.say(end, PSH | ACK, payload, at_s=at_s + 0.2 * (2**turn - 1), seq=own)
        self.next[end] = own + len(payload)
        return self

    def ethernet(self):
        return [(at_s, ethernet(packet)) for at_s, packet in self.frames]


def written(path, *talks, **how):
    """Write connections as one pcap, in the order of time; return its path."""
    frames = sorted((frame for talk in talks for frame in talk.ethernet()), key=lambda one: one[0])
    path.write_bytes(pcap(frames, **how))
    return path


def read_pcap(data):
    """Return the packets of a pcap in this machine's usual form, as (time in seconds, frame)."""
    frames, at = [], 24
    while at < len(data):
        second, microsecond, length, _ = struct.unpack_from("<IIII", data, at)
        frames.append((second + microsecond / 1e6, data[at + 16 : at + 16 + length]))
        at += 16 + length
    return frames


def reset_after(age_s, number, *, lived_s=None, every_s=None, port=None):
    """Return a connection that a box resets when it was idle for so long."""
    talk = Talk(client=("198.51.100.7", port or 50000 + number), at_s=START_S + 10 * number).open()
    at_s = talk.at_s - START_S
    if lived_s is not None:
        at_s += lived_s
        talk.say("server", PSH | ACK, b"a" * 40, at_s=at_s).say("client", ACK, at_s=at_s + 0.001)
    last_s = at_s
    while every_s is not None and last_s + every_s < at_s + age_s:
        last_s += every_s
        talk.say("client", ACK, at_s=last_s, seq=talk.next["client"] - 1).say("server", ACK, at_s=last_s + 0.02)
    return talk.say("server", RST, at_s=at_s + age_s, ttl=61)
