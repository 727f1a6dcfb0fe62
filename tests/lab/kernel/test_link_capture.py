"""Packet captures of a lab's links."""

import contextlib
import random
import re
import select
import socket
import struct

import pytest

from hbprobe import warp
from hbprobe.errors import UserError
from hbprobe.lab.kernel import link_capture
from hbprobe.lab.kernel.link_capture import frame_record
from hbprobe.lab.kernel.measure import far_end
from hbprobe.lab.kernel.path import kernel_path
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.outcome import Kind


def frames_of(data):
    """Return the frames of a capture with their times, by the letter of the format."""
    magic, major, minor, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, major, minor, link) == (0xA1B2C3D4, 2, 4, 1)
    frames, at = [], 24
    while at < len(data):
        second, microsecond, length, whole = struct.unpack_from("<IIII", data, at)
        assert length == whole
        frames.append((second + microsecond / 1e6, data[at + 16 : at + 16 + length]))
        at += 16 + length
    assert at == len(data), "the last frame is complete"
    return frames


def tcp_of(data):
    """Return source, target and flags of the TCP segments."""
    ip = [
        frame[14:] for _, frame in frames_of(data) if frame[12:14] == b"\x08\x00" and frame[23] == socket.IPPROTO_TCP
    ]
    return [(socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]), packet[33]) for packet in ip]


def test_a_record():
    assert frame_record(1, 2_345_678, b"frame") == struct.pack("<IIII", 1, 2345, 5, 5) + b"frame"


@pytest.mark.usefixtures("namespaces")
def test_each_side_of_each_box_is_captured(box, tmp_path):
    async def one_trial():
        with kernel_path([box(9), box(9)], nat={1}, pcap=tmp_path / "new") as net:
            async with far_end(net) as dialer:
                return await make(Environment("hold", dialer, 1.0, random.Random(1))).trial(0.1)

    assert warp.run(one_trial(), warp.ScaledClock()).kind is Kind.SURVIVED
    sides = ("1-ten-minute-provider-client", "1-ten-minute-provider-server", "2-ten-minute-provider-client")
    files = {file.stem: file.read_bytes() for file in (tmp_path / "new").iterdir()}
    assert sorted(files) == [*sides, "2-ten-minute-provider-server"]
    segments = {name: tcp_of(files[name]) for name in sides}
    client, translated, server, syn = "10.40.0.1", "10.40.1.1", "10.40.2.2", 0x02
    assert segments[sides[0]][0] == (client, server, syn)
    assert segments[sides[1]][0] == segments[sides[2]][0] == (translated, server, syn)
    assert segments[sides[1]] == segments[sides[2]], "the two ends of one link"
    assert {source for source, _, _ in segments[sides[0]]} == {client, server}
    times = [at for at, _ in frames_of(files[sides[0]])]
    assert times == sorted(times)


@pytest.mark.usefixtures("namespaces")
def test_what_could_not_be_written_is_said(box, tmp_path, monkeypatch):
    monkeypatch.setattr(link_capture, "_BUFFER_BYTES", 4096)
    with kernel_path([box(9)]) as net, net.client.make_socket(socket.AF_INET, socket.SOCK_DGRAM) as speaker:
        captures = link_capture.Captures(tmp_path, {"tap": (net.routers[0], "client")})
        sent = 0
        while not captures.remarks:  # nobody writes yet
            speaker.sendto(bytes(1000), ("10.40.1.2", 9))
            sent += 1

        def written():
            frames = frames_of((tmp_path / "tap.pcap").read_bytes())
            return sum(frame[23] == socket.IPPROTO_UDP for _, frame in frames)

        def dropped():
            (lacks,) = captures.remarks
            name, told = re.fullmatch(
                r"(.*) lacks (\d+) packets? that this machine was too busy to write", lacks
            ).groups()
            assert name == str(tmp_path / "tap.pcap")
            return int(told)

        with captures:
            while written() + dropped() < sent:  # some are still on their way on a busy machine
                select.select([], [], [], 0.01)
            assert dropped() == dropped(), "told once"
    assert written() < sent


@pytest.mark.usefixtures("namespaces")
def test_a_folder_that_cannot_be_written_is_refused(box, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as refused, contextlib.ExitStack() as stack:
        stack.enter_context(kernel_path([box(9)], pcap=tmp_path / "file"))
    assert str(refused.value) == f"pcap {tmp_path / 'file'}: cannot be written: File exists"
