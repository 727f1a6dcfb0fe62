"""Packet captures of a lab's links, in the format that tcpdump and Wireshark read, without tcpdump.

tcpdump may not be installed, drops its privileges, and on some systems may write to few folders. A packet socket of
the box's namespace gives the same frames. A thread writes them, so that a busy event loop delays nothing.

Format: https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap. Checksums are those of the virtual links, which
fill none in; Wireshark may call them wrong.
"""

import contextlib
import selectors
import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Self

from hbprobe.errors import RequestError
from hbprobe.lab.kernel.namespaces import Namespace
from hbprobe.text import counted

# linux/if_ether.h and asm-generic/socket.h; Python has no names for these.
_ETH_P_ALL = 0x0003
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_LINKTYPE_ETHERNET = 1
_SNAPLEN = 262_144
_BUFFER_BYTES = 1 << 23
_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAPLEN, _LINKTYPE_ETHERNET)


def frame_record(second: int, nanosecond: int, frame: bytes) -> bytes:
    """Return a frame as a record of a capture file, with its time since 1970."""
    return struct.pack("<IIII", second, nanosecond // 1000, len(frame), len(frame)) + frame


class Captures:
    """Captures that run until the end of a `with` block, one file for each tap, named after it."""

    def __init__(self, folder: Path, taps: Mapping[str, tuple[Namespace, str]]) -> None:
        """`taps` names a host and one of its links. Raises UserError where the folder cannot be written."""
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._files: dict[socket.socket, BinaryIO] = {}
        self._dropped: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._write, name="hbprobe-capture", daemon=True)
        self._selector.register(self._woken, selectors.EVENT_READ)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, (host, link) in taps.items():
                self._tap(folder / f"{name}.pcap", host, link)
        except OSError as error:
            self._close()
            text = "{pcap} {folder}: cannot be written: {why}"
            raise RequestError(text, "pcap", folder=folder, why=error.strerror) from None
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.send(b"\0")
        self._thread.join()
        self._close()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the captures lack so far: packets that came faster than they were written (packet(7))."""
        for sock, file in self._files.items():
            _, dropped = struct.unpack("@II", sock.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))  # since last asked
            self._dropped[str(file.name)] += dropped
        return tuple(
            f"{name} lacks {counted(dropped, 'packet')} that this machine was too busy to write"
            for name, dropped in self._dropped.items()
            if dropped
        )

    def _tap(self, path: Path, host: Namespace, link: str) -> None:
        file = path.open("wb", buffering=0)  # what was seen is in the file, even after kill -9
        file.write(_HEADER)
        sock = host.make_socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._files[sock] = file
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        with contextlib.suppress(PermissionError):  # beyond net.core.rmem_max, for the administrator alone
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        sock.setblocking(False)
        sock.bind((link, _ETH_P_ALL))
        self._selector.register(sock, selectors.EVENT_READ, file)

    def _write(self) -> None:
        """Write what comes until woken, and then what is still there."""
        stopping = False
        while not stopping:
            ready = self._selector.select()
            stopping = any(key.data is None for key, _ in ready)
            for sock, file in self._files.items():
                _drain(sock, file)

    def _close(self) -> None:
        self._selector.close()
        for sock, file in self._files.items():
            sock.close()
            file.close()
        self._wake.close()
        self._woken.close()


def _drain(sock: socket.socket, file: BinaryIO) -> None:
    while True:
        try:
            frame, ancillary, _, _ = sock.recvmsg(_SNAPLEN, socket.CMSG_SPACE(16))
        except BlockingIOError:
            return
        second, nanosecond = struct.unpack("@qq", ancillary[0][2])
        file.write(frame_record(second, nanosecond, frame))
