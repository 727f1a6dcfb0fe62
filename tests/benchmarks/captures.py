"""How fast captures are read, beside dpkt, scapy and tshark in the same run, and how much memory that takes.

Run it by hand: python tests/benchmarks/captures.py [megabytes] [--ng]. The capture is of many connections at once,
whose packets have the sizes of downloads and of answers; each was quiet once, and one in ten was reset when it was so
again.
"""

import argparse
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from rich.console import Console
from rig import describe_machine
from support.packets import ACK, PSH, RST, enhanced, ethernet, interface, ip, section, tcp

_SIZES = (0, 0, 0, 120, 500, 1448, 1448)
_SERVER = ("192.0.2.10", 443)
_QUIET_S, _TIMER_S = 60, 90
_HBPROBE = "import sys; from hbprobe.evidence.captures.capture import Capture; Capture([sys.argv[1]]).run()"
_DPKT = (
    "import sys, dpkt\n"
    "for at, frame in dpkt.pcap.UniversalReader(open(sys.argv[1], 'rb')):\n"
    "    one = dpkt.ethernet.Ethernet(frame).data.data.seq"
)
_SCAPY = (
    "import sys\nfrom scapy.utils import PcapReader\nfrom scapy.layers.inet import TCP\n"
    "import scapy.layers.l2\n"
    "for packet in PcapReader(sys.argv[1]):\n"
    "    one = packet[TCP].seq"
)


def write(path, megabytes, *, ng=False, connections=2000):
    """Write a capture of about that size: a block of packets, again and again at later times."""
    rng = random.Random(1)
    clients = [(f"198.51.{number // 250}.{number % 250 + 1}", 40_000 + number) for number in range(connections)]
    frames = []
    for number in range(20_000):
        client = clients[number % connections]
        one, other = (client, _SERVER) if rng.random() < 0.4 else (_SERVER, client)
        size = rng.choice(_SIZES)
        frames.append(ethernet(ip(one, other, tcp(one, other, PSH | ACK, number * 1000, 1, bytes(size)))))
    turns = max(2, round(megabytes * 1e6 / sum(len(frame) + (32 if ng else 16) for frame in frames)))
    resets = [ethernet(ip(_SERVER, one, tcp(_SERVER, one, RST, 0, 0, b""), ttl=61)) for one in clients[::10]]
    with path.open("wb") as file:
        file.write(section() + interface(1) if ng else struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for turn in range(turns + 1):
            pause_s = (turn >= turns // 2) * _QUIET_S + (turn == turns) * (_TIMER_S - 1)
            for at, frame in enumerate(frames if turn < turns else resets):
                us = (1_700_000_000 + turn + pause_s) * 1_000_000 + at * 40
                if ng:
                    file.write(enhanced(frame, us))
                else:
                    file.write(struct.pack("<IIII", us // 1_000_000, us % 1_000_000, len(frame), len(frame)) + frame)


def timed(name, command, path, megabytes):
    """Run a reader over the file; print its rate and the most memory that it held."""
    before, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*command, str(path)], capture_output=True, check=False)
    took_s = time.perf_counter() - before
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    peak = now.ru_maxrss / 1024
    failed = "" if done.returncode == 0 else f"  FAILED: {done.stderr[-200:]!r}"
    rates = f"{megabytes / took_s:7.1f} MB/s, {megabytes / cpu_s:7.1f} MB in a second of CPU"
    Console().print(
        f"{name:24} {megabytes:6.0f} MB {took_s:7.2f} s {rates}, at most {peak:.0f} MiB until now{failed}",
        highlight=False,
        soft_wrap=True,
    )


def main():
    """Write the capture, and let all read it; the slow ones a tenth or a hundredth of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("megabytes", nargs="?", type=float, default=1000)
    parser.add_argument("--ng", action="store_true")
    args = parser.parse_args()
    describe_machine()
    with tempfile.TemporaryDirectory() as folder:
        paths = {part: Path(folder) / f"{part}.pcap" for part in (1, 20, 200)}
        for part, path in paths.items():
            write(path, args.megabytes / part, ng=args.ng)
        size = {part: path.stat().st_size / 1e6 for part, path in paths.items()}
        timed("hbprobe, to the verdicts", [sys.executable, "-c", _HBPROBE], paths[1], size[1])
        timed("dpkt, headers", [sys.executable, "-c", _DPKT], paths[20], size[20])
        timed("scapy, headers", [sys.executable, "-c", _SCAPY], paths[200], size[200])
        if shutil.which("tshark"):
            fields = ["-T", "fields", "-e", "tcp.seq", "-e", "ip.ttl", "-e", "tcp.flags"]
            timed("tshark, three fields", ["tshark", *fields, "-r"], paths[20], size[20])


if __name__ == "__main__":
    main()
