"""Whether a device may have its command carried out: access rules, remote wipe, policy."""

from collections.abc import Callable
from typing import NoReturn

from hbprobe.eas.commands import (
    CommandStatus,
    FolderSyncAnswer,
    PingAnswer,
    ProvisionAnswer,
    SettingsAnswer,
    SyncAnswer,
)
from hbprobe.eas.releases import at_least
from hbprobe.eas.request_record import Access
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.device import DeviceState, ServedRequest
from hbprobe.standin.messages import RefusedRequestError, message, refusal
from hbprobe.standin.provisioning import policy_fault

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
