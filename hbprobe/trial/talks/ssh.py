"""SSH (RFC 4253): versions are exchanged, and a message is sent that nobody knows. That must be answered (section
11.4): OpenSSH, which wants to exchange keys first, does so by DISCONNECT."""

from hbprobe.trial.talks.talk import MOST_LINE_BYTES, Buffered

_VERSION = b"SSH-2.0-hbprobe\r\n"
_UNIMPLEMENTED, _DISCONNECT, _KEXINIT = 3, 1, 20
_UNKNOWN = 192
"""A message of the range that is for private use (RFC 4250, 4.1.2)."""
_MOST_PACKET_BYTES = 35000


class SshTalk(Buffered):
    """A client that has not begun to exchange keys: OpenSSH gives that LoginGraceTime, 120 s by default."""

    repeats = False
    _greeted = _asked = False

    def begin(self) -> bytes:
        """Send the version."""
        return _VERSION

    def ask(self) -> bytes:
        """Send a message that the server cannot know."""
        self.answered, self._asked = False, True
        payload, padding = bytes((_UNKNOWN,)), bytes(10)
        return (1 + len(payload) + len(padding)).to_bytes(4) + bytes((len(padding),)) + payload + padding

    def _next(self) -> bytes | None:
        if self._greeted:
            return self._packet()
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > MOST_LINE_BYTES:
                self._not("SSH")
            return None
        if self._buffer.startswith(b"SSH-2.0-") or self._buffer.startswith(b"SSH-1.99-"):
            self._greeted = True
        elif not self._buffer.isascii() or self._buffer.startswith(b"HTTP/"):
            self._not("SSH")
            return None
        del self._buffer[: end + 1]  # other lines may come before the version (RFC 4253, 4.2)
        return b""

    def _packet(self) -> bytes | None:
        if len(self._buffer) < 6:
            return None
        length = int.from_bytes(self._buffer[:4])
        if not 2 <= length <= _MOST_PACKET_BYTES:
            self._not("SSH")
            return None
        if len(self._buffer) < 4 + length:
            return None
        kind = self._buffer[5]
        if kind == _KEXINIT:
            self.stands = True
        elif kind in (_UNIMPLEMENTED, _DISCONNECT) and self._asked:
            self.answered = True
        elif kind == _DISCONNECT:
            self.disconnect_notice = "DISCONNECT"
        del self._buffer[: 4 + length]
        return b""


make = SshTalk
