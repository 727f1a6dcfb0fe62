"""Provision: a policy is handed out, and acknowledged; or a wipe is.

https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-asprov/96fd4f55-a4e5-46f0-8942-cd5764563e71
"""

from collections.abc import Callable, Mapping

from hbprobe.eas.commands import (
    POLICY_TYPE,
    CommandStatus,
    PolicyStatus,
    ProvisionAnswer,
    ProvisionRequest,
)
from hbprobe.eas.releases import at_least
from hbprobe.standin.device import DeviceState, Wipe

_OK = 1


def provision(
    asked: ProvisionRequest,
    device: DeviceState,
    policy: Mapping[str, str] | None,
    version: str,
    new_key: Callable[[], int],
) -> ProvisionAnswer:
    """Take one step of the exchange; `new_key` draws a number of 32 bits."""
    if device.wipe is not None:
        return _wipe(asked, device)
    if asked.policy_key is not None:
        return _acknowledge(asked, device, policy, new_key)
    if asked.information is None and at_least(version, "14.1"):
        return ProvisionAnswer(CommandStatus.DEVICE_INFORMATION_REQUIRED)
    told = None if asked.information is None else _OK
    if asked.policy_type != POLICY_TYPE:
        wrong = None if asked.policy_type is None else PolicyStatus.UNKNOWN_TYPE
        return ProvisionAnswer(_OK, wrong, information_status=told)
    if policy is None:
        return ProvisionAnswer(_OK, PolicyStatus.NO_POLICY, information_status=told)
    device.temporary_key, device.policy_key, device.policy = new_key(), None, policy
    key, document = str(device.temporary_key), tuple(policy.items())
    return ProvisionAnswer(_OK, PolicyStatus.OK, key, document, information_status=told)


def _wipe(asked: ProvisionRequest, device: DeviceState) -> ProvisionAnswer:
    """Order the wipe until the device says that it is done; the order stands for whoever comes back later."""
    if asked.wipe_status is None:
        return ProvisionAnswer(_OK, wipe=True)
    device.wipe = Wipe.ACKNOWLEDGED if asked.wipe_status == _OK else Wipe.ORDERED
    return ProvisionAnswer(_OK)


def _acknowledge(
    asked: ProvisionRequest, device: DeviceState, policy: Mapping[str, str] | None, new_key: Callable[[], int]
) -> ProvisionAnswer:
    if policy is None:
        return ProvisionAnswer(_OK, PolicyStatus.NO_POLICY)
    if asked.policy_key != str(device.temporary_key):
        return ProvisionAnswer(_OK, PolicyStatus.WRONG_POLICY_KEY)
    device.temporary_key = None
    if asked.status != _OK:  # the device cannot do what the policy wants, and stays unprovisioned
        return ProvisionAnswer(_OK, PolicyStatus.OK)
    device.policy_key = new_key()
    return ProvisionAnswer(_OK, PolicyStatus.OK, str(device.policy_key))


def policy_fault(sent_key: int | None, device: DeviceState, policy: Mapping[str, str] | None) -> CommandStatus | None:
    """Return what keeps a command from being carried out; None where the device follows the policy in force."""
    if policy is None:
        return None
    if not sent_key or device.policy_key is None:
        return CommandStatus.NOT_PROVISIONED
    if sent_key != device.policy_key:
        return CommandStatus.INVALID_POLICY_KEY
    return None if device.policy == policy else CommandStatus.POLICY_REFRESH
