"""What a request must pass before its command is carried out: login, sense, throttling, access, policy."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from hbprobe.eas.commands import (
    CommandStatus,
    FolderSyncAnswer,
    PingAnswer,
    ProvisionAnswer,
    SettingsAnswer,
    SyncAnswer,
)
from hbprobe.eas.query import Query, QueryError, parse_query
from hbprobe.eas.releases import Release, at_least
from hbprobe.eas.request_record import Access
from hbprobe.standin.admin_rules import AdminRules, Throttle
from hbprobe.standin.device import DeviceState, ServedRequest
from hbprobe.standin.messages import WBXML, ClientRequest, RefusedRequestError, ServerAnswer, message, refusal
from hbprobe.standin.provisioning import policy_fault
from hbprobe.standin.users import Users, mailbox_of, read_basic

COMMANDS = ("Sync", "FolderSync", "Ping", "Provision", "Settings")
_REALM = ("WWW-Authenticate", 'Basic realm="hbprobe serve"')
_TYPES = (WBXML, "application/vnd.ms-sync")
_LARGEST_KEY = 2**32 - 1


def log_in(request: ClientRequest, users: Users | None, rules: AdminRules) -> str:
    """Return the name that a request was sent under; with `users` None no one is a stranger.

    Raises RefusedRequestError for a stranger.
    """
    given = read_basic(request.authorization)
    if given is None or (users is not None and not users.admits(*given)):
        raise RefusedRequestError(refusal(401, "log in with a name and its password", _REALM), "unauthorized")
    if rules.is_disabled(mailbox_of(given[0])):
        raise RefusedRequestError(refusal(403, "ActiveSync is off for this user"), "UserDisabledForSync")
    return given[0]


def options(release: Release) -> ServerAnswer:
    """Say which versions and commands there are."""
    return ServerAnswer(
        headers=(
            ("Allow", "OPTIONS,POST"),
            ("Public", "OPTIONS,POST"),
            ("MS-ASProtocolVersions", ",".join(release.protocols)),
            ("MS-ASProtocolCommands", ",".join(COMMANDS)),
        )
    )


def read_query(request: ClientRequest, release: Release) -> Query:
    """Return what a query says, a plain one completed from the headers; raises RefusedRequestError for a bad one."""
    if request.method != "POST":
        raise RefusedRequestError(refusal(405, "send OPTIONS or POST", ("Allow", "OPTIONS,POST")), "method")
    try:
        query = parse_query(request.query)
        if query.version is None:
            version, key = request.headers.get("ms-asprotocolversion", ""), _policy_key(request)
            query = replace(query, version=version, policy_key=key)
    except QueryError as error:
        raise _bad(str(error)) from None
    if query.version not in release.protocols:
        raise _bad(f"protocol version {query.version}: this server speaks {', '.join(release.protocols)}")
    if query.command not in COMMANDS:
        raise RefusedRequestError(refusal(501, f"the stand-in does not serve {query.command}"), "NotImplemented")
    _check_type(request)
    return query


def _policy_key(request: ClientRequest) -> int | None:
    text = request.headers.get("x-ms-policykey", "").strip()
    if not text:
        return None
    if not (
        text.isascii() and text.isdecimal() and len(text) <= len(str(_LARGEST_KEY)) and int(text) <= _LARGEST_KEY
    ):
        raise _bad(f"X-MS-PolicyKey is no number of 32 bits: {text[:40]!r}")
    return int(text)


def _check_type(request: ClientRequest) -> None:
    """Hold a body to its type; what has none must not claim to be one."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.body and kind not in _TYPES:
        raise _bad(f"the body's type is {kind[:80]!r}: send {WBXML}")
    if not request.body and kind:
        raise _bad(f"the body is empty, but has the type {kind[:80]!r}")


def _bad(why: str) -> RefusedRequestError:
    return RefusedRequestError(refusal(400, why), "InvalidContent")


class Throttling:
    """Counts what each user has open and was refused."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def enter(self, mailbox: str, rules: AdminRules) -> None:
        """Count a request in; raises RefusedRequestError for one that is too much."""
        throttle = rules.throttle
        if throttle is not None and (throttle.times is None or self._refused[mailbox] < throttle.times):
            self._refused[mailbox] += 1
            raise RefusedRequestError(_throttled(throttle), str(throttle.reason))
        if rules.max_concurrency is not None and self._open[mailbox] >= rules.max_concurrency:
            raise RefusedRequestError(refusal(503, "the user has too many requests open"), "OverBudget")
        self._open[mailbox] += 1

    def leave(self, mailbox: str) -> None:
        """Count a request out."""
        self._open[mailbox] -= 1
        if not self._open[mailbox]:
            del self._open[mailbox]

    def begin_anew(self) -> None:
        """Forget whom the throttle refused: the rules have changed."""
        self._refused.clear()


def _throttled(throttle: Throttle) -> ServerAnswer:
    told = ("Retry-After", str(math.ceil(throttle.retry_after))), ("X-MS-ASThrottle", str(throttle.reason))
    return refusal(503, "throttled: come back later", *told)


_STATUS_SINCE = "14.0"
"""Earlier protocols have no status for what any command can be refused for: they get one of HTTP."""
_PROVISION_FIRST = {
    CommandStatus.REMOTE_WIPE,
    CommandStatus.NOT_PROVISIONED,
    CommandStatus.POLICY_REFRESH,
    CommandStatus.INVALID_POLICY_KEY,
}
_STATUS_ALONE: dict[str, Callable[[int], bytes]] = {
    "Ping": lambda status: PingAnswer(status).encode(),
    "Sync": lambda status: SyncAnswer(status).encode(),
    "FolderSync": lambda status: FolderSyncAnswer(status).encode(),
    "Provision": lambda status: ProvisionAnswer(status).encode(),
    "Settings": lambda status: SettingsAnswer(status).encode(),
}


def admit(turn: ServedRequest, device: DeviceState, rules: AdminRules) -> None:
    """Raise RefusedRequestError for a device that is blocked, is to be wiped, or does not follow the policy.

    Ping does not look at the policy, and Provision is the way out of all but a block.
    """
    turn.access, turn.by_rule = rules.access(device.traits())
    if turn.access is Access.BLOCK:
        raise RefusedRequestError(refusal(403, "the device is blocked"), "DeviceIsBlockedForThisUser")
    if turn.command == "Provision":
        return
    if device.wipe is not None:
        refuse(turn, CommandStatus.REMOTE_WIPE, "RemoteWipeRequested")
    if turn.command != "Ping" and (fault := policy_fault(turn.policy_key, device, rules.policy)):
        refuse(turn, fault, "DeviceNotProvisioned")


def refuse(turn: ServedRequest, status: CommandStatus, error: str) -> NoReturn:
    """Raise RefusedRequestError with a status of the command, or what earlier protocols have in its place."""
    if turn.command is not None and turn.version is not None and at_least(turn.version, _STATUS_SINCE):
        raise RefusedRequestError(message(_STATUS_ALONE[turn.command](status)), error, status)
    if status in _PROVISION_FIRST:
        raise RefusedRequestError(refusal(449, "provision the device first"), error)
    raise RefusedRequestError(refusal(403, "not with this device"), error)
