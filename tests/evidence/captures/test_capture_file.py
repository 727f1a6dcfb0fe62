"""Files, folders and pieces of captures, and what is refused."""

import os
import random

import pytest
from support.captures import SYN_PACKET, random_capture, read
from support.packets import ethernet, pcap

from hbprobe.errors import UserError
from hbprobe.evidence.captures.capture import Capture
from hbprobe.evidence.captures.capture_file import CaptureFile, found, pieces


def test_the_size_of_the_pieces_does_not_matter(tmp_path):
    data = random_capture(random.Random(1)) + b""
    whole = read(tmp_path, data)[1]
    for size in (4096, 5000, 70_000):
        parts = read(tmp_path, data, piece_bytes=size)[1]
        assert [(one["number"], one["sequence"]) for one in parts] == [
            (one["number"], one["sequence"]) for one in whole
        ]


def test_gzip_and_folders(tmp_path):
    import gzip

    ring = tmp_path / "ring"
    ring.mkdir()
    for number in (2, 1):
        (ring / f"r{number}.pcap").write_bytes(pcap([(number, ethernet(SYN_PACKET))]))
    (ring / "notes.txt").write_text("no capture")
    assert [path.name for path in found([ring])] == ["r1.pcap", "r2.pcap"]
    (tmp_path / "a.pcap.gz").write_bytes(gzip.compress(pcap([(1, ethernet(SYN_PACKET))])))
    file = CaptureFile(tmp_path / "a.pcap.gz")
    assert sum(len(piece.segments) for piece in pieces(file)) == 1


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "a.etl",
            b"x",
            (
                "a.etl: .etl files are not read: convert it with pktmon etl2pcap a.etl --out a.pcapng "
                "(for a trace of netsh: etl2pcapng a.etl a.pcapng)"
            ),
        ),
        ("a.pcap", b"", "a.pcap: is empty: not even the head of a capture is there"),
        ("a.txt", b"this is some other kind of file", "a.txt: is no capture: give a file in pcap or pcapng"),
        ("a.pcap", b"\xd4\xc3\xb2\xa1", "a.pcap: is no capture: give a file in pcap or pcapng"),
        ("a.cap", b"GMBU" + bytes(40), "a.cap: is a capture of Microsoft's Network Monitor: convert it with editcap"),
        ("a.zip", b"PK\x03\x04" + bytes(40), "a.zip: is a zip archive: unpack it first"),
        ("a.gz", b"\x1f\x8b" + bytes(40), "a.gz: cannot be read: Unknown compression method"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_line(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as refused:
        list(pieces(CaptureFile(tmp_path / name)))
    assert str(refused.value) == f"{tmp_path}/{told}"


def test_what_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"nothing\.pcap: is not there: give a capture file, a folder of them, or -"):
        found([tmp_path / "nothing.pcap"])
    with pytest.raises(UserError, match=r"holds no capture: give a folder with \.pcap or \.pcapng files"):
        found([tmp_path])


def test_a_file_of_a_ring_that_is_cut_short_meanwhile(tmp_path):
    """What is mapped and gone ends the process, so files of a folder are read."""
    (tmp_path / "ring").mkdir()
    path = tmp_path / "ring" / "a.pcap"
    path.write_bytes(pcap([(at, ethernet(SYN_PACKET)) for at in range(2_000)]))
    (file,) = Capture([path.parent]).findings().files
    assert file.is_of_ring
    assert not Capture([path]).findings().files[0].is_of_ring
    again = pieces(CaptureFile(path, is_of_ring=True), piece_bytes=10_000)
    seen = len(next(again).records)
    os.truncate(path, 0)
    seen += sum(len(piece.records) for piece in again)
    assert 0 < seen < 2_000
