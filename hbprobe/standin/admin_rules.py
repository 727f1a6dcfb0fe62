"""What administrators decide: who gets in with which device, what policy it must have, who is slowed down.

The words are those of the cmdlets: New-ActiveSyncDeviceAccessRule has Characteristic, QueryString and AccessLevel;
Set-ThrottlingPolicy has EasMaxConcurrency and EasMaxDevices
(https://learn.microsoft.com/en-us/powershell/module/exchange/set-throttlingpolicy).
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from hbprobe.eas.code_pages import TOKENS
from hbprobe.eas.request_record import Access
from hbprobe.profiles.mistakes import meant
from hbprobe.profiles.values import Digits, Flag, Listed, Name, Seconds, Strict
from hbprobe.standin.users import mailbox_of

OFF = "off"
DEFAULT_POLICY = {"DevicePasswordEnabled": "0"}
"""It asks nothing of a device but to acknowledge it."""
_LONGEST = 100
_FIRST, _LAST = TOKENS["Provision:DevicePasswordEnabled"], TOKENS["Provision:AllowInternetSharing"]
_SETTINGS = tuple(tag.partition(":")[2] for tag, token in TOKENS.items() if _FIRST <= token <= _LAST)
"""What a policy can set, as far as it is one value: settings of MS-ASPROV's EASProvisionDoc."""


class Characteristic(StrEnum):
    """What of a device a rule looks at."""

    DEVICE_TYPE = "DeviceType"
    DEVICE_MODEL = "DeviceModel"
    DEVICE_OS = "DeviceOS"
    USER_AGENT = "UserAgent"


class AutoBlock(StrEnum):
    """Why Exchange slows a device down, as X-MS-ASThrottle says it."""

    USER_AGENTS_CHANGES = "UserAgentsChanges"
    RECENT_COMMANDS = "RecentCommands"
    WATSONS = "Watsons"
    OUT_OF_BUDGETS = "OutOfBudgets"
    SYNC_COMMANDS = "SyncCommands"
    ENABLE_NOTIFICATION_EMAIL = "EnableNotificationEmail"
    COMMAND_FREQUENCY = "CommandFrequency"


class AccessRule(Strict):
    """A family of devices, and what becomes of it."""

    characteristic: Characteristic
    """What is looked at."""
    query_string: Name
    """What it has to be, to the letter."""
    access_level: Access
    """What becomes of the device then."""


class Throttle(Strict):
    """Commands are answered with 503 for a while."""

    reason: AutoBlock = AutoBlock.COMMAND_FREQUENCY
    """What X-MS-ASThrottle says."""
    retry_after: Seconds = 60
    """What Retry-After says, rounded up to whole seconds."""
    times: Annotated[int, Field(ge=1), Digits] | None = None
    """How many commands of a user are refused before they are let in; without it all are."""


def _off(value: object) -> object:
    """Let `off` stand for nothing."""
    return None if value == OFF else value


def _check_policy(policy: dict[str, str]) -> dict[str, str]:
    """Return the policy if it can be sent; raises ValueError, in words a user can act on."""
    for name, value in policy.items():
        if name not in _SETTINGS:
            raise ValueError(f"{name!r} is no setting of a policy{meant(name, list(_SETTINGS))}")
        if len(value) > _LONGEST:
            raise ValueError(f"{name} is longer than {_LONGEST} characters")
    return policy


Policy = Annotated[
    dict[Name, Name] | None,
    BeforeValidator(_off),
    AfterValidator(lambda policy: None if policy is None else _check_policy(policy)),
]
Logins = Annotated[tuple[Name, ...], Listed]
AtLeastOne = Annotated[int, Field(ge=1), Digits] | None


class AdminRules(Strict):
    """What holds for everyone. Without arguments: everyone is let in and gets a policy that asks for nothing."""

    policy: Policy = DEFAULT_POLICY
    """What every device must accept before it may do more than Ping; None: no policy."""
    default_access_level: Access = Access.ALLOW
    """What becomes of a device that no rule is about."""
    access_rules: tuple[AccessRule, ...] = ()
    """Rules about families of devices."""
    max_devices: AtLeastOne = None
    """How many devices a user may have (EasMaxDevices: 10 in Exchange Server 2010, 100 since 2013)."""
    max_concurrency: AtLeastOne = None
    """How many requests of a user may be open at a time (EasMaxConcurrency: 10 in Exchange)."""
    throttle: Throttle | None = None
    """Commands are refused for a while."""
    disabled_users: Logins = ()
    """Users who may not use ActiveSync."""
    remote_wipe: Logins = ()
    """Devices, by id, that are to be wiped."""
    direct_push: Flag = True
    """New mail ends a Ping that waits (AllowDirectPush in the registry of an Exchange server)."""
    server_error: Flag = False
    """Commands that wait or synchronize fail inside the server."""

    def is_disabled(self, mailbox: str) -> bool:
        """Return whether a user may not use ActiveSync."""
        return mailbox in map(mailbox_of, self.disabled_users)

    def access(self, traits: Mapping[Characteristic, str]) -> tuple[Access, bool]:
        """Return what becomes of a device, and whether a rule says so rather than the default.

        Of several rules a block comes first, then a quarantine:
        https://techcommunity.microsoft.com/t5/exchange-team-blog/controlling-exchange-activesync-device-access-using-the-allow/ba-p/588930
        """
        told = {rule.access_level for rule in self._about(traits)}
        for level in (Access.BLOCK, Access.QUARANTINE, Access.ALLOW):
            if level in told:
                return level, True
        return self.default_access_level, False

    def _about(self, traits: Mapping[Characteristic, str]) -> Iterable[AccessRule]:
        return (rule for rule in self.access_rules if traits.get(rule.characteristic) == rule.query_string)
