"""Feeds both readers of captures, and what judges what they read, with what atheris makes up: no test of pytest's.

    pip install atheris
    mkdir -p /tmp/captures && python tests/fuzz/captures.py /tmp/captures -max_total_time=300 -max_len=4096

Whatever the bytes, each packet lies within its piece, pieces of any size give the same packets, and the answer is a
record or one of the refusals; the annotated file is read back with the same packets.
"""

import io
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports():
    from hbprobe.evidence.captures import capture, capture_file

from hbprobe.errors import UserError

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.packets import RST, START_S, Talk, block, enhanced, interface, pcap, section

_FILE = Path(tempfile.mkdtemp()) / "a"


def read(data: bytes) -> None:
    """Read the bytes in two sizes of pieces, judge them, and annotate them."""
    whole, small = (_packets(data, size) for size in (1 << 16, 64))
    assert whole == small
    _FILE.write_bytes(data)
    annotated = _FILE.with_name("annotated")
    try:
        record = capture.Capture([_FILE], annotate=annotated).run()
    except UserError:
        return
    assert record.read(record.to_dict()) == record
    assert [packet for packet, _ in _packets(annotated.read_bytes(), 1 << 16)] == [packet for packet, _ in whole]


def _packets(data: bytes, piece_bytes: int) -> list[tuple[bytes, int]]:
    """Return the packets, and how many bytes of payload each is said to have (-1: it is no TCP)."""
    file, told = capture_file.CaptureFile(Path("a")), []
    try:
        for piece in capture_file._read(file, capture_file._Stream(io.BytesIO(data)), piece_bytes):
            records, segments = piece.records, piece.segments
            assert ((records.offset >= 0) & (records.offset + records.captured <= piece.size)).all()
            assert ((segments.header >= 0) & (segments.header + 20 <= piece.size)).all()
            lengths = dict(zip(segments.record.tolist(), segments.length.tolist(), strict=True))
            for at, (start, size) in enumerate(zip(records.offset.tolist(), records.captured.tolist(), strict=True)):
                told.append((piece.data[start : start + size].tobytes(), lengths.get(at, -1)))
    except UserError:
        pass
    return told


def sow(folder: Path) -> None:
    """Write a capture of each kind into an empty folder."""
    if any(folder.iterdir()):
        return
    talks = (Talk().open().void("client", 30, times=2), Talk().open().say("server", RST, at_s=240, ttl=61))
    for number, talk in enumerate(talks):
        frames, stamped = talk.ethernet(), [(round(at_s * 1e6), frame) for at_s, frame in talk.ethernet()]
        for name, how in (("le", {}), ("be", {"order": ">"}), ("ns", {"nano": True}), ("snap", {"snap": 60})):
            (folder / f"{name}-{number}").write_bytes(pcap(frames, **how))
        for order in "<>":
            blocks = b"".join(enhanced(frame, us, order=order) for us, frame in stamped)
            head = section(order) + interface(1, order, ticks=9, offset_s=int(START_S))
            (folder / f"ng-{number}-{ord(order)}").write_bytes(head + block(5, bytes(12), order) + blocks)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if not argument.startswith("-"):
            sow(Path(argument))
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
