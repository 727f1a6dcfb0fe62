"""LDAP (RFC 4511): a search for the root of the directory, which is answered without a login (RFC 4512, 5.1)."""

from hbprobe.trial.talks.talk import Buffered

_SEQUENCE, _INTEGER = 0x30, 0x02
_SEARCH_DONE, _SEARCH_ENTRY, _EXTENDED = 0x65, 0x64, 0x78
_SEARCH = bytes.fromhex("6325 0400 0a0100 0a0100 020101 020100 010100 870b 6f626a656374436c617373 3005 0403 312e31")
"""Base "", scope base, no aliases, one entry, no time limit, filter (objectClass=*), no attributes."""


class LdapTalk(Buffered):
    """A client that has not bound."""

    _number = 1

    def begin(self) -> bytes:
        """Search."""
        return self._search()

    def ask(self) -> bytes:
        """Search again."""
        self.answered = False
        self._number += 1
        return self._search()

    def _search(self) -> bytes:
        body = bytes((_INTEGER, 1, self._number & 0x7F)) + _SEARCH
        return bytes((_SEQUENCE, len(body))) + body

    def _next(self) -> bytes | None:
        if len(self._buffer) < 2:
            return None
        found = _length(self._buffer, 1)
        if self._buffer[0] != _SEQUENCE or found == (-1, -1):
            self._not("LDAP")
            return None
        if found is None or len(self._buffer) < sum(found):
            return None
        length, at = found
        self._message(bytes(self._buffer[at : at + length]))
        del self._buffer[: at + length]
        return None if self.trouble else b""

    def _message(self, message: bytes) -> None:
        if len(message) < 5 or message[0] != _INTEGER or message[1] not in (1, 2, 3, 4):
            self._not("LDAP")
            return
        number, kind = int.from_bytes(message[2 : 2 + message[1]]), message[2 + message[1] : 3 + message[1]]
        if number == 0 and kind == bytes((_EXTENDED,)):
            self.farewell = "a notice of disconnection (RFC 4511, 4.4.1)"
        elif kind == bytes((_SEARCH_DONE,)) and number == self._number & 0x7F:
            self.answered, self.stands = self.stands, True


def _length(data: bytearray, at: int) -> tuple[int, int] | None:
    """Read a length (X.690, 8.1.3); return it and where its content begins, None if incomplete, -1 if wrong."""
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if count == 0 or count > 4:
        return -1, -1
    if len(data) < at + 1 + count:
        return None
    return int.from_bytes(data[at + 1 : at + 1 + count]), at + 1 + count


make = LdapTalk
