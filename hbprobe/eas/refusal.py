"""Why an ActiveSync server does not do what it is asked: its HTTP statuses and command statuses, and what to do.

None of them says anything about a path's timers. Sources: for HTTP
https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ashttp/e092c310-7609-4a38-90cc-10688f79cf8d,
for commands
https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/95cb9d7c-d33d-4b94-9366-d59911c7a060.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from enum import StrEnum

from hbprobe.text import cut_short, without_query_values

PROVISION_STATUSES = frozenset({142, 143, 144, 165})
"""The device is not provisioned, the policy changed, its key is wrong, or the server wants to know the device."""
_BUSY = (429, 503)
"""Whoever is told so may ask again."""
_FINAL = (401, 403, 404)
"""Whoever is told so may not, whatever other headers say."""
PROVISION_HTTP = 449
"""The same before version 14.0."""
WIPE_STATUS = 140
THROTTLE_PAUSE_S = 60.0
"""How long to wait where a server throttles and does not say how long: the least between two Pings of a phone."""


class Asker(StrEnum):
    """Who was refused, as far as the server can tell from the request: that says what a 403 is about."""

    STRANGER = "a stranger"
    USER = "a user"
    """Logged in, and with no device yet: OPTIONS."""
    DEVICE = "a device"
    """Of a user whose OPTIONS was answered."""
    ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a server refused, in a line, and what to do about it."""

    reason: str
    mend: str
    status: int | None = None
    """The HTTP status, where that was the refusal."""
    pause_s: float | None = None
    """The same request may be made again after so long; None: it may not."""


class RefusedError(Exception):
    """The server refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


_HTTP = {
    400: ("the server does not understand the request", "see the server's log; a proxy may have changed the request"),
    401: (
        "the server does not let this user in with this password or token",
        (
            r"check name (DOMAIN\user or user@domain), password, and that Basic authentication is on; of a token, "
            "for whom and for what it is, and whether it has expired"
        ),
    ),
    404: (
        "there is no ActiveSync at this address, or request filtering forbids it",
        "check the URL; on IIS a denyStrings or denyUrlSequences rule gives substatus 404.19 in its log",
    ),
    405: ("there is no ActiveSync at this address", "check the URL"),
    407: ("a proxy wants a login", "probe from a place where no proxy stands in between"),
    449: (
        "the server wants the device to be provisioned first",
        "exempt the account from mailbox policies, or set AllowNonProvisionableDevices in its policy",
    ),
    456: ("the user's account is blocked", "unblock it, or use another"),
    457: ("the user's password has expired", "give it a new one"),
    500: ("the server failed", "see the server's log"),
    501: ("the server does not know the command or the protocol version", "see the versions that OPTIONS tells"),
    502: ("a proxy does not reach the server", "see the proxy's log"),
    504: ("a proxy does not reach the server", "see the proxy's log"),
    507: ("the mailbox is full", "empty it, or raise its quota"),
}
_FORBIDDEN = {
    Asker.STRANGER: (
        "the address is forbidden to all, before any login",
        "see what stands before the server, and the IP restrictions and SSL settings of IIS",
    ),
    Asker.USER: (
        "ActiveSync is off for this user",
        "Set-CASMailbox -ActiveSyncEnabled $true; where it is on, see what stands before the server",
    ),
    Asker.DEVICE: (
        "the server blocks this device",
        "Get-MobileDevice tells why (DeviceAccessStateReason); Set-CASMailbox -ActiveSyncAllowedDeviceIDs allows it",
    ),
    Asker.ANYONE: (
        "ActiveSync is forbidden to this user or device",
        "Get-CASMailbox (ActiveSyncEnabled) and Get-MobileDevice (DeviceAccessState) tell which",
    ),
}
_THROTTLED_MEND = (
    "probe with fewer --connections; Get-ThrottlingPolicy (EasMaxConcurrency) and "
    "Get-ActiveSyncDeviceAutoblockThreshold tell what the server allows"
)


def http_refusal(
    status: int, headers: Mapping[str, str], body: bytes = b"", asker: Asker = Asker.ANYONE
) -> Refusal | None:
    """Say what an HTTP status means; None for 200. Header names are in lower case."""
    if status == 200:
        return None
    if 300 <= status < 400:
        place = cut_short(without_query_values(headers.get("location", "another place")))
        return Refusal(f"status {status}: the server sends us to {place}", "probe the server there", status)
    if status == 451:
        place = cut_short(without_query_values(headers.get("x-ms-location", "another server")))
        return Refusal(f"status 451: the mailbox is served at {place}", "probe the server there", status)
    if status == 404 and b"404.19" in body:
        text = "status 404.19: a denyStrings rule of the server's request filtering forbids the request"
        return Refusal(text, "look for what it forbids in requestFiltering of the web.config", status)
    if throttled := _throttled(status, headers):
        return throttled
    if known := _FORBIDDEN[asker] if status == 403 else _HTTP.get(status):
        reason, mend = known
        because = f" ({why})" if (why := cut_short(headers.get("x-ms-asthrottle", ""))) else ""
        return Refusal(f"status {status}: {reason}{because}", mend, status)
    return Refusal(f"status {status}: the server refuses the request", "see the server's log", status)


def _throttled(status: int, headers: Mapping[str, str]) -> Refusal | None:
    """A server that is busy may be asked again, one that forbids may not."""
    told_s, why = pause_told_s(headers), cut_short(headers.get("x-ms-asthrottle", ""))
    if status not in _BUSY and (status in _FINAL or (told_s is None and not why)):
        return None
    if told_s is None and not why:
        text = f"status {status}: the server is too busy, or this user has too many requests open"
        return Refusal(text, _THROTTLED_MEND, status, pause_s=THROTTLE_PAUSE_S)
    text = f"status {status}: the server throttles" + (f" ({why})" if why else "")
    if told_s is None:
        return Refusal(text, _THROTTLED_MEND, status, pause_s=THROTTLE_PAUSE_S)
    return Refusal(f"{text}: it asks for a pause of {told_s:g} s", _THROTTLED_MEND, status, pause_s=told_s)


def no_push(headers: Mapping[str, str]) -> Refusal | None:
    """Say what the header means with which Exchange marks the answer to a Ping that it does not serve."""
    if "x-ms-nopush" not in headers:
        return None
    mend = "set AllowDirectPush in the registry of the Exchange server"
    return Refusal("direct push is off: the server marks its answer with X-MS-NoPush", mend)


def pause_told_s(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asks to be left alone (Retry-After, X-MS-BackOffDuration); None if it does not."""
    pauses = [pause for pause in (_retry_after_s(headers), _back_off_s(headers)) if pause is not None]
    return max(pauses, default=None)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds or a date (RFC 9110, section 10.2.3), which counts from the server's own Date."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    until, now = parsedate_tz(text), parsedate_tz(headers.get("date", ""))
    if until is None or now is None:
        return None
    try:
        return max(0.0, float(mktime_tz(until) - mktime_tz(now)))
    except (ValueError, OverflowError):
        return None


def _back_off_s(headers: Mapping[str, str]) -> float | None:
    """`L/470`: a level and seconds; seconds below zero are budget that is left, and nothing to wait for."""
    text = headers.get("x-ms-backoffduration", "").rpartition("/")[2].strip()
    return float(text[:9]) if text.isascii() and text.isdecimal() and int(text[:9]) > 0 else None


_COMMANDS = {
    101: ("the server finds the request's content invalid", "report it: this is a fault in hbprobe"),
    102: ("the server cannot read the request's WBXML", "report it: this is a fault in hbprobe"),
    103: ("the server cannot read the request's XML", "report it: this is a fault in hbprobe"),
    108: ("the server finds the device id invalid", "report it: this is a fault in hbprobe"),
    109: ("the server finds the device type invalid", "report it: this is a fault in hbprobe"),
    110: ("the server failed", "see the server's log"),
    111: ("the server failed and asks to try later", "try later"),
    113: ("the mailbox is full", "empty it, or raise its quota"),
    126: ("ActiveSync is switched off for this user", "Set-CASMailbox -ActiveSyncEnabled $true"),
    127: ("the mailbox is on another version of the server", "probe the server that has the mailbox"),
    128: ("the mailbox is on another version of the server", "probe the server that has the mailbox"),
    129: (
        "the device is blocked for this user",
        "Get-MobileDevice tells why (DeviceAccessStateReason); Set-CASMailbox -ActiveSyncAllowedDeviceIDs allows it",
    ),
    130: (
        "access is denied to this user or device: it may be in quarantine",
        "Get-MobileDevice tells (DeviceAccessState)",
    ),
    131: ("the account is disabled", "enable it, or use another"),
    139: ("the device does not fulfil the whole policy", "set AllowNonProvisionableDevices in the mailbox policy"),
    140: (
        "the server orders a remote wipe of this device: hbprobe does not go on",
        "find out who ordered it (nothing was acknowledged); Clear-MobileDevice -Cancel takes it back",
    ),
    141: ("the policy takes only devices that obey it", "set AllowNonProvisionableDevices in the mailbox policy"),
    142: ("the server wants the device to be provisioned first", "see the mailbox policy"),
    143: ("the policy has changed: the device must be provisioned again", "see the mailbox policy"),
    144: ("the policy key is no longer right: the device must be provisioned again", "see the mailbox policy"),
    145: ("devices that others manage are not allowed", "see the mailbox policy"),
    165: ("the server wants to know more about the device", "report it: this is a fault in hbprobe"),
    177: (
        "the user has too many devices",
        "remove old ones with Remove-MobileDevice, or raise EasMaxDevices in the throttling policy",
    ),
}


def command_refusal(status: int) -> Refusal | None:
    """Say what a status means that any command may have; None for one that is not known to be a refusal."""
    if status not in _COMMANDS:
        return None
    reason, mend = _COMMANDS[status]
    return Refusal(f"command status {status}: {reason}", mend)
