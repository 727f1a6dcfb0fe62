"""The annotated file: comments and keys beside the packets, which stay as they were."""

import io
import os
import shutil
import struct
import subprocess

import dpkt
import pytest
from support.packets import (
    Talk,
    pcap,
    written,
)

from hbprobe.errors import UserError
from hbprobe.evidence.captures.capture import Capture

TSHARK = pytest.mark.skipif(shutil.which("tshark") is None and not os.environ.get("CI"), reason="needs tshark")


@pytest.mark.program
@TSHARK
def test_tshark_lists_the_comments(tmp_path):
    path = written(tmp_path / "a.pcap", Talk().open().void("client", 630))
    keys = tmp_path / "keys"
    keys.write_text("CLIENT_RANDOM " + "00" * 32 + " " + "11" * 48 + "\n")
    request = Capture([path], annotate=tmp_path / "out.pcapng", keys=keys)
    (verdict,) = request.findings().verdicts
    request.run()
    fields = ("-T", "fields", "-e", "frame.time_epoch", "-e", "tcp.seq_raw", "-e", "ip.ttl", "-e", "frame.len")
    told = tshark(tmp_path / "out.pcapng", *fields, "-e", "frame.number", "-e", "frame.comment")
    packets = [line.rsplit("\t", 2) for line in told.splitlines()]
    assert [(int(number), text) for _, number, text in packets if text] == [
        (one.number, one.text) for one in verdict.comments
    ]
    assert [packet for packet, *_ in packets] == tshark(path, *fields).splitlines()
    named = tshark(tmp_path / "out.pcapng", "-N", "n", "-q", "-z", "hosts")
    assert "192.0.2.10\tserver-192.0.2.10" in named


def tshark(path, *options):
    command = ["tshark", "-r", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("nano", [False, True])
def test_packets_stay_byte_for_byte(tmp_path, nano):
    one = written(tmp_path / "a.pcap", Talk().open().void("client", 630), nano=nano, order=">", snap=70)
    two = written(tmp_path / "b.pcap", Talk().open())
    Capture([one, two], annotate=tmp_path / "out.pcapng").run()
    written_ = list(dpkt.pcapng.Reader(io.BytesIO((tmp_path / "out.pcapng").read_bytes())))
    original = [packet for path in (one, two) for packet in dpkt.pcap.Reader(io.BytesIO(path.read_bytes()))]
    assert [frame for _, frame in written_] == [frame for _, frame in original]
    assert [float(at) for at, _ in written_] == pytest.approx([float(at) for at, _ in original], abs=1e-6)


@pytest.mark.parametrize("link", [0xF0000001, 0x04000001, 0xFFFF, 0xFFFFFFFF, 147])
def test_any_link_type_can_be_annotated(tmp_path, link):
    """The upper half of the field tells of check sequences; a type that nobody knows is passed on."""
    (tmp_path / "a.pcap").write_bytes(pcap(Talk().open().ethernet(), link=link))
    record = Capture([tmp_path / "a.pcap"], annotate=tmp_path / "out.pcapng").run()
    assert (record.sources[0].tcp == 5) is (link & 0xFFFF == 1)
    frames = dpkt.pcapng.Reader(io.BytesIO((tmp_path / "out.pcapng").read_bytes()))
    assert [frame for _, frame in frames] == [frame for _, frame in Talk().open().ethernet()]


def test_keys_go_in_only_when_asked(tmp_path):
    path = written(tmp_path / "a.pcap", Talk().open())
    Capture([path], annotate=tmp_path / "out.pcapng").run()
    assert struct.pack("<II", 10, 0)[:4] not in {kind for kind, _ in blocks((tmp_path / "out.pcapng").read_bytes())}
    (tmp_path / "k").write_text("nothing of that kind")
    with pytest.raises(UserError, match="holds no TLS keys: give a file that SSLKEYLOGFILE names"):
        Capture([path], annotate=tmp_path / "out.pcapng", keys=tmp_path / "k").run()


def blocks(data):
    at = 0
    while at < len(data):
        yield data[at : at + 4], at
        at += struct.unpack_from("<I", data, at + 4)[0]


def test_a_capture_is_never_written_over(tmp_path):
    path = written(tmp_path / "a.pcap", Talk().open())
    before = path.read_bytes()
    with pytest.raises(UserError, match="is one of the captures: write the annotated one elsewhere"):
        Capture([path], annotate=path).run()
    assert path.read_bytes() == before
