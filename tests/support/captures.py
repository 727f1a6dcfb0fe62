"""Captures of all sorts of packets, and what is read of them."""

from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.capture_file import CaptureFile, pieces
from support.packets import CLIENT, SERVER, STAMPS, SYN, Talk, ethernet, ip, pcap, reset_after, tcp, written

SIX, OTHER_SIX = ("2001:db8::7", 50001), ("2001:db8::443", 443)
SYN_PACKET = ip(CLIENT, SERVER, tcp(CLIENT, SERVER, SYN, 1000, 0, options=STAMPS), number=7)


def read(tmp_path, data, name="a.pcap", **how):
    """Return what was read of a file: its packets, its TCP segments as dicts, and the file."""
    path = tmp_path / name
    path.write_bytes(data)
    file = CaptureFile(path)
    packets, segments = [], []
    for piece in pieces(file, **how):
        records, found_ = piece.records, piece.segments
        packets += zip(records.time_ns.tolist(), records.captured.tolist(), records.wire.tolist(), strict=True)
        for at in range(len(found_)):
            row = {name: int(getattr(found_, name)[at]) for name in type(found_).__slots__}
            row["number"] = piece.first_packet + row.pop("record")
            row["source"] = row.pop("source_high") << 64 | row.pop("source_low")
            row["target"] = row.pop("target_high") << 64 | row.pop("target_low")
            row["payload"] = bytes(piece.data[row["payload"] : row["end"]])
            segments.append(row)
    return packets, segments, file


def is_the_syn(segment):
    return (segment["source_port"], segment["sequence"], segment["ttl"], segment["ip_id"]) == (50001, 1000, 64, 7)


def random_frames(rng):
    """Return all sorts of packets with their times, and how to write them."""
    order, nano, snap = rng.choice("<>"), rng.random() < 0.5, rng.choice((60, 96, 65535))
    frames, at_s = [], 1_600_000_000 + rng.random()
    for _ in range(rng.randrange(1, 60)):
        at_s += rng.expovariate(3)
        six = rng.random() < 0.3
        one, other = (SIX, OTHER_SIX) if six else (CLIENT, SERVER)
        if rng.random() < 0.5:
            one, other = other, one
        options = rng.choice((b"", STAMPS, b"\x02\x04\x05\xb4"))
        segment = tcp(
            one,
            other,
            rng.randrange(64),
            rng.randrange(2**32),
            rng.randrange(2**32),
            rng.randbytes(rng.choice((0, 1, 30, 1400))),
            window=rng.randrange(65536),
            options=options,
        )
        kind = rng.random()
        if kind < 0.1:
            packet = ip(one, other, rng.randbytes(30), protocol=17)
        else:
            packet = ip(one, other, segment, ttl=rng.randrange(256), number=rng.randrange(65536))
        vlans = rng.choice(((), (), (5,), (5, 6)))
        frame = ethernet(packet, vlans) if kind < 0.95 else bytes(12) + b"\x08\x06" + bytes(28)
        frames.append((at_s, frame))
    return frames, {"order": order, "nano": nano, "snap": snap}


def random_capture(rng):
    """Return a pcap of all sorts of packets."""
    frames, how = random_frames(rng)
    return pcap(frames, **how)


def record_of_resets(tmp_path):
    """Return the record of five connections, of which a box resets four."""
    talks = [reset_after(300, number) for number in range(4)]
    return Capture([written(tmp_path / "a.pcap", *talks, Talk(client=("198.51.100.8", 1025)).open())]).run()


def only(findings):
    """Return the verdict on the one connection that there is."""
    (verdict,) = findings.verdicts
    return verdict
