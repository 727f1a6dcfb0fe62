"""What stands behind the question mark of an ActiveSync request: plain, or packed as bytes and then as base64.

Both forms: https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ashttp/, section 2.2.1.1.1. The
packed form is for protocol 12.1 and later.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

VERSIONS: Final = ("2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1")
COMMANDS: Final = {
    0: "Sync",
    1: "SendMail",
    2: "SmartForward",
    3: "SmartReply",
    4: "GetAttachment",
    9: "FolderSync",
    10: "FolderCreate",
    11: "FolderDelete",
    12: "FolderUpdate",
    13: "MoveItems",
    14: "GetItemEstimate",
    15: "MeetingResponse",
    16: "Search",
    17: "Settings",
    18: "Ping",
    19: "ItemOperations",
    20: "Provision",
    21: "ResolveRecipients",
    22: "ValidateCert",
}
"""By their numbers in the packed form."""

_PACKED_VERSIONS: Final = {int(version.replace(".", "")): version for version in VERSIONS[2:]}
_PARAMETERS: Final = {
    0: "AttachmentName",
    1: "CollectionId",
    3: "ItemId",
    4: "LongId",
    5: "ParentId",
    6: "Occurrence",
}
_USER_TAG, _OPTIONS_TAG = 8, 7
_OPTIONS: Final = {0x01: "SaveInSent", 0x02: "AcceptMultiPart"}
_CODES: Final = {command: code for code, command in COMMANDS.items()}
_VERSION_CODES: Final = {version: code for code, version in _PACKED_VERSIONS.items()}
_PARAMETER_TAGS: Final = {name: tag for tag, name in _PARAMETERS.items()}
_OPTION_BITS: Final = {name: bit for bit, name in _OPTIONS.items()}
_NAMES: Final = {"cmd": "Cmd", "user": "User", "deviceid": "DeviceId", "devicetype": "DeviceType"}
_COMMAND: Final = re.compile(r"[A-Za-z]{1,32}")
_DEVICE_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_DEVICE_TYPE: Final = re.compile(r"[!-~]{1,64}")
_LONGEST_VALUE = 255
_HIGHEST_UINT32 = 2**32 - 1
_HIGHEST_UINT16 = 2**16 - 1


class QueryError(ValueError):
    """A query that is not ActiveSync's, or one that cannot be written. One line."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which command, for whom, from which device. Raises QueryError for what cannot be."""

    command: str
    user: str
    """"" where a packed query names nobody."""
    device_id: str
    device_type: str
    version: str | None = None
    """The protocol version, such as "14.1". A plain query does not hold it: there it is a header."""
    policy_key: int | None = None
    """As the version: in a plain query it is a header."""
    locale: int = 0x0409
    """Only in a packed query; 0x0409 is English as in the United States."""
    parameters: tuple[tuple[str, str], ...] = ()
    """What else there is, under the names of the plain form: ("CollectionId", "5"), ("SaveInSent", "T")."""

    def __post_init__(self) -> None:
        for what, pattern, value in (
            ("Cmd", _COMMAND, self.command),
            ("DeviceId", _DEVICE_ID, self.device_id),
            ("DeviceType", _DEVICE_TYPE, self.device_type),
        ):
            if not pattern.fullmatch(value):
                raise QueryError(f"{what} {value!r} cannot be" if value else f"no {what}")
        if self.version is not None and self.version not in VERSIONS:
            raise QueryError(f"protocol version {self.version!r} is unknown")
        if self.policy_key is not None and not 0 <= self.policy_key <= _HIGHEST_UINT32:
            raise QueryError(f"policy key {self.policy_key} has more than 32 bits")
        if not 0 <= self.locale <= _HIGHEST_UINT16:
            raise QueryError(f"locale {self.locale} has more than 16 bits")

    def plain(self) -> str:
        """Write it as names and values. Version, policy key and locale go elsewhere."""
        own = zip(_NAMES.values(), (self.command, self.user, self.device_id, self.device_type), strict=True)
        return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in (*own, *self.parameters))

    def base64(self) -> str:
        """Write it packed; raises QueryError for what has no place there."""
        version, code = _VERSION_CODES.get(self.version or ""), _CODES.get(self.command)
        if version is None:
            raise QueryError(f"protocol version {self.version} has no packed query")
        if code is None:
            raise QueryError(f"{self.command} has no number in a packed query")
        key = b"" if self.policy_key is None else self.policy_key.to_bytes(4, "little")
        packed = bytes((version, code)) + self.locale.to_bytes(2, "little")
        packed += _sized(self.device_id.encode()) + _sized(key) + _sized(self.device_type.encode())
        return base64.b64encode(packed + self._packed_parameters()).decode()

    def _packed_parameters(self) -> bytes:
        packed, bits = b"", 0
        for name, value in self.parameters:
            if name in _OPTION_BITS:
                bits |= _OPTION_BITS[name] if value == "T" else 0
            elif name in _PARAMETER_TAGS:
                packed += bytes((_PARAMETER_TAGS[name],)) + _sized(value.encode())
            else:
                raise QueryError(f"{name} has no place in a packed query")
        user = bytes((_USER_TAG,)) + _sized(self.user.encode()) if self.user else b""
        return packed + user + (bytes((_OPTIONS_TAG, 1, bits)) if bits else b"")


def parse_query(text: str) -> Query:
    """Read either form, without its question mark; raises QueryError."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise QueryError("the query is not UTF-8") from None
    return _parse_plain(text) if "&" in text or "=" in text.rstrip("=") else _parse_packed(text)


def _parse_plain(text: str) -> Query:
    own = dict.fromkeys(_NAMES.values(), "")
    parameters = []
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_LONGEST_VALUE)
    except ValueError:
        raise QueryError("the query is not a list of names and values in UTF-8") from None
    for name, value in pairs:
        canonical = _NAMES.get(name.lower())
        if canonical is None:
            parameters.append((name, value))
        elif own[canonical]:
            raise QueryError(f"{canonical} comes twice")
        else:
            own[canonical] = value
    return Query(own["Cmd"], own["User"], own["DeviceId"], own["DeviceType"], parameters=tuple(parameters))


def _parse_packed(text: str) -> Query:
    try:
        packed = base64.b64decode(unquote(text), validate=True)
    except (binascii.Error, ValueError):
        raise QueryError("the query is neither names and values nor base64") from None
    return _Unpacking(packed).query()


class _Unpacking:
    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._at = 0

    def query(self) -> Query:
        version, code = self._take(2)
        if version not in _PACKED_VERSIONS:
            raise QueryError(f"protocol version {version} is unknown in a packed query")
        if code not in COMMANDS:
            raise QueryError(f"command {code} is unknown in a packed query")
        locale = int.from_bytes(self._take(2), "little")
        device_id, key, device_type = _device_id(self._sized()), self._policy_key(), _text(self._sized())
        user, parameters = self._parameters()
        return Query(
            COMMANDS[code], user, device_id, device_type, _PACKED_VERSIONS[version], key, locale, tuple(parameters)
        )

    def _take(self, count: int) -> bytes:
        if self._at + count > len(self._packed):
            raise QueryError(f"the packed query is cut off after {len(self._packed)} bytes")
        self._at += count
        return self._packed[self._at - count : self._at]

    def _sized(self) -> bytes:
        return self._take(self._take(1)[0])

    def _policy_key(self) -> int | None:
        key = self._sized()
        if len(key) not in (0, 4):
            raise QueryError(f"a policy key of {len(key)} bytes in a packed query")
        return int.from_bytes(key, "little") if key else None

    def _parameters(self) -> tuple[str, list[tuple[str, str]]]:
        """Read what is left: the user, and the other parameters, the options last."""
        found = dict[int, bytes]()
        while self._at < len(self._packed):
            tag = self._take(1)[0]
            if tag in found:
                raise QueryError(f"parameter {tag} comes twice in a packed query")
            found[tag] = self._sized()
        user = _text(found.pop(_USER_TAG, b""))
        bits = int.from_bytes(found.pop(_OPTIONS_TAG, b""), "little")
        if unknown := found.keys() - _PARAMETERS.keys():
            raise QueryError(f"parameter {min(unknown)} is unknown in a packed query")
        named = [(_PARAMETERS[tag], _text(value)) for tag, value in found.items()]
        return user, named + [(name, "T") for bit, name in _OPTIONS.items() if bits & bit]


def _device_id(packed: bytes) -> str:
    """Return the id; a GUID comes as its 16 bytes, and is known by their hexadecimal digits."""
    text = packed.decode("latin-1")
    return text if _DEVICE_ID.fullmatch(text) else packed.hex()


def _text(packed: bytes) -> str:
    try:
        return packed.decode()
    except UnicodeDecodeError:
        raise QueryError("text that is not UTF-8 in a packed query") from None


def _sized(value: bytes) -> bytes:
    if len(value) > _LONGEST_VALUE:
        raise QueryError(f"{len(value)} bytes have no place in a packed query, which takes {_LONGEST_VALUE}")
    return bytes((len(value),)) + value
