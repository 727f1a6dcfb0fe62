"""MQTT 3.1.1 (https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/mqtt-v3.1.1.html): CONNECT with a keep-alive of 0, so that
the broker has no timer of its own (section 3.1.2.10), and PINGREQ."""

from hbprobe.trial.talks.talk import Buffered

_CONNECT, _LEVEL, _CLEAN, _PASSWORD, _USER = 0x10, 4, 2, 0x40, 0x80
_CONNACK, _PINGRESP, _DISCONNECT = 0x20, 0xD0, 0xE0
_BAD_LOGIN, _NOT_AUTHORIZED = 4, 5
_REFUSALS = {
    1: "the broker does not know MQTT 3.1.1",
    2: "the broker wants a client identifier",
    3: "the broker is not available",
    _BAD_LOGIN: "the broker refuses the login",
    _NOT_AUTHORIZED: "the broker wants a login",
}
_MOST_LENGTH_BYTES = 4


class MqttTalk(Buffered):
    """A client without subscriptions."""

    def begin(self) -> bytes:
        """Send CONNECT: a clean session, keep-alive 0, and a name that the broker chooses (section 3.1.3.1)."""
        options = self.where.options
        flags, login = _CLEAN, b""
        if options.user:
            flags |= _USER | _PASSWORD
            login = _text(options.user) + _text(options.password)
        body = _text("MQTT") + bytes((_LEVEL, flags)) + bytes(2) + _text("") + login
        return bytes((_CONNECT,)) + _length(len(body)) + body

    def ask(self) -> bytes:
        """Send PINGREQ."""
        self.answered = False
        return b"\xc0\x00"

    def _next(self) -> bytes | None:
        if not self._buffer:
            return None
        kind, length, at = self._buffer[0], 0, 1
        if not self.stands and kind != _CONNACK:
            self._not("MQTT")
            return None
        while True:  # section 2.2.3: seven bits a byte, the lowest first
            if at > _MOST_LENGTH_BYTES:
                self._not("MQTT")
                return None
            if at >= len(self._buffer):
                return None
            length |= (self._buffer[at] & 0x7F) << 7 * (at - 1)
            at += 1
            if not self._buffer[at - 1] & 0x80:
                break
        if len(self._buffer) < at + length:
            return None
        body = bytes(self._buffer[at : at + length])
        self._packet(kind, body)
        del self._buffer[: at + length]
        return None if self.trouble else b""

    def _packet(self, kind: int, body: bytes) -> None:
        if kind == _CONNACK and len(body) == 2:
            self.stands = body[1] == 0
            if body[1] == _NOT_AUTHORIZED and self.where.options.user:  # so brokers say that a password is wrong, too
                self.trouble = f"{_REFUSALS[_BAD_LOGIN]} (code {_NOT_AUTHORIZED}, not authorized)"
            elif not self.stands:
                self.trouble = _REFUSALS.get(body[1], f"the broker refuses: code {body[1]}")
        elif kind == _CONNACK:
            self._not("MQTT")
        elif kind == _PINGRESP:
            self.answered = True
        elif kind == _DISCONNECT:
            self.disconnect_notice = "DISCONNECT"


def _text(text: str) -> bytes:
    """Return a string (section 1.5.3)."""
    encoded = text.encode()
    return len(encoded).to_bytes(2) + encoded


def _length(length: int) -> bytes:
    """Return a remaining length (section 2.2.3)."""
    low, high = length & 0x7F, length >> 7
    return bytes((low | 0x80,)) + _length(high) if high else bytes((low,))


make = MqttTalk
