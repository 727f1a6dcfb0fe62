"""LDAP (RFC 4511): a search for the root of the directory, which is answered without a login (RFC 4512, 5.1).

STARTTLS and a simple bind come before it where they are wished for."""

from hbprobe.trial.talks.talk import Buffered

_SEQUENCE, _INTEGER = 0x30, 0x02
_OCTETS, _ENUMERATED = 0x04, 0x0A
_BIND, _BOUND, _SIMPLE = 0x60, 0x61, 0x80
_ABANDON = 0x50
_SEARCH_DONE, _EXTENDED_REQUEST, _EXTENDED, _NAME = 0x65, 0x77, 0x78, 0x80
_STARTTLS = b"1.3.6.1.4.1.1466.20037"
"""RFC 4511, 4.14.1."""
_SEARCH = bytes.fromhex("6325 0400 0a0100 0a0100 020101 020100 010100 870b 6f626a656374436c617373 3005 0403 312e31")
"""Base "", scope base, no aliases, one entry, no time limit, filter (objectClass=*), no attributes."""


class LdapTalk(Buffered):
    """A client that binds only where there is a login."""

    whispers = True
    _number = 0
    _under_way = ""

    def begin(self) -> bytes:
        """Ask for TLS, or go on without."""
        if not self.where.options.starttls:
            return self._enter()
        self._under_way = "STARTTLS"
        return self._request(_tlv(_EXTENDED_REQUEST, _tlv(_NAME, _STARTTLS)))

    def ask(self) -> bytes:
        """Search again."""
        self.answered = False
        return self._request(_SEARCH)

    def whisper(self) -> bytes:
        """Abandon a search that is over, which is not answered (RFC 4511, 4.11)."""
        over = bytes((self._number & 0x7F,))
        return self._request(_tlv(_ABANDON, over))

    def secured(self) -> bytes:
        """Bind, or search."""
        super().secured()
        return self._enter()

    def _enter(self) -> bytes:
        options = self.where.options
        if not options.user:
            self._under_way = ""
            return self._request(_SEARCH)
        self._under_way = "the login"
        who = _tlv(_OCTETS, options.user.encode()) + _tlv(_SIMPLE, options.password.encode())
        return self._request(_tlv(_BIND, _tlv(_INTEGER, b"\x03") + who))

    def _request(self, request: bytes) -> bytes:
        self._number += 1
        return _tlv(_SEQUENCE, _tlv(_INTEGER, bytes((self._number & 0x7F,))) + request)

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
        said = self._message(bytes(self._buffer[at : at + length]))
        del self._buffer[: at + length]
        return None if self.trouble else said

    def _message(self, message: bytes) -> bytes:
        if len(message) < 5 or message[0] != _INTEGER or message[1] not in (1, 2, 3, 4):
            self._not("LDAP")
            return b""
        at = 2 + message[1]
        number, kind = int.from_bytes(message[2:at]), message[at : at + 1]
        if number == 0 and kind == bytes((_EXTENDED,)):
            self.disconnect_notice = "a notice of disconnection (RFC 4511, 4.4.1)"
        elif number != self._number & 0x7F:
            pass  # the answer to an older question
        elif kind == bytes((_SEARCH_DONE,)):
            self.answered, self.stands = self.stands, True
        elif kind in (bytes((_EXTENDED,)), bytes((_BOUND,))) and not self.stands:
            return self._result(bytearray(message[at:]))
        return b""

    def _result(self, response: bytearray) -> bytes:
        """Take what became of STARTTLS or of the login: an LDAPResult (RFC 4511, 4.1.9)."""
        found = _length(response, 1)
        result = b"" if found is None or found == (-1, -1) else bytes(response[found[1] :])
        if result[:2] != bytes((_ENUMERATED, 1)) or len(result) < 3:
            self._not("LDAP")
        elif result[2]:
            said = _CODES.get(result[2], "another code").encode()
            self._refused(self._under_way, b"code %d, %s" % (result[2], said))
        elif self._under_way == "STARTTLS":
            self.wants_tls = True
        else:
            self._under_way = ""
            return self._request(_SEARCH)
        return b""


_CODES = {
    1: "operationsError",
    2: "protocolError",
    8: "strongerAuthRequired",
    13: "confidentialityRequired",
    49: "invalidCredentials",
    52: "unavailable",
    53: "unwillingToPerform",
}
"""RFC 4511, 4.1.9."""


def _tlv(tag: int, content: bytes) -> bytes:
    """Encode one element (X.690, 8.1)."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


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
