"""Provision: the server's policy, in two phases, and its order to wipe the device.

https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-asprov/96fd4f55-a4e5-46f0-8942-cd5764563e71
"""

from dataclasses import dataclass
from typing import Final, Self

from hbprobe.eas.commands.parts import (
    CommandError,
    check_children,
    child,
    holder,
    integer,
    leaf,
    needed,
    needed_integer,
    needed_text,
    parse,
    text,
)
from hbprobe.eas.commands.settings_command import (
    DeviceInformation,
    read_information_status,
    write_information_status,
)
from hbprobe.eas.wbxml import Element, encode

POLICY_TYPE: Final = "MS-EAS-Provisioning-WBXML"
"""The only kind of policy since protocol 12.0."""
_PAGE: Final = "Provision:"


@dataclass(frozen=True, slots=True)
class ProvisionRequest:
    """A request of one of four kinds.

    - `ProvisionRequest()`: the first phase, which asks for the policy; with `information` from 14.1 on
    - with `policy_key` and `status`: the second phase, which accepts it
    - with `policy_type` None: what a device sends that has been told of a remote wipe
    - with `wipe_status`: the device says how the wipe went (1 well, 2 not)
    """

    policy_key: str | None = None
    """From the server's answer to the first phase."""
    status: int | None = None
    """1: the device goes by the policy."""
    information: DeviceInformation | None = None
    wipe_status: int | None = None
    policy_type: str | None = POLICY_TYPE

    def encode(self) -> bytes:
        information = (self.information.element(),) if self.information else ()
        if self.wipe_status is not None:
            asked = holder("Provision:RemoteWipe", leaf("Provision:Status", self.wipe_status))
            return encode(holder("Provision:Provision", information, (asked,)))
        return encode(holder("Provision:Provision", information, self._policies()))

    def _policies(self) -> tuple[Element, ...]:
        if self.policy_type is None:
            return ()
        policy = holder(
            "Provision:Policy",
            leaf("Provision:PolicyType", self.policy_type),
            leaf("Provision:PolicyKey", self.policy_key),
            leaf("Provision:Status", self.status),
        )
        return (holder("Provision:Policies", (policy,)),)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read it; raises WbxmlError or CommandError."""
        asked = parse(data, "Provision:Provision")
        check_children(asked, "Settings:DeviceInformation", "Provision:Policies", "Provision:RemoteWipe")
        told = child(asked, "Settings:DeviceInformation")
        information = DeviceInformation.read(told) if told else None
        if wipe := child(asked, "Provision:RemoteWipe"):
            return cls(information=information, wipe_status=needed_integer(wipe, "Provision:Status"))
        if (policies := child(asked, "Provision:Policies")) is None:
            return cls(information=information, policy_type=None)
        policy = needed(policies, "Provision:Policy")
        return cls(
            text(policy, "Provision:PolicyKey"),
            integer(policy, "Provision:Status"),
            information,
            policy_type=needed_text(policy, "Provision:PolicyType"),
        )


@dataclass(frozen=True, slots=True)
class ProvisionAnswer:
    """The policy and its key, or the order to wipe."""

    status: int
    policy_status: int | None = None
    """1 well, 2 the server has no policy; None where the answer holds no policy."""
    policy_key: str | None = None
    policy: tuple[tuple[str, str], ...] = ()
    """Name and value of each setting, such as ("DevicePasswordEnabled", "1"). Lists of applications are not read."""
    wipe: bool = False
    information_status: int | None = None

    def encode(self) -> bytes:
        """Write it; raises WbxmlError for a setting that the protocol does not have."""
        return encode(
            holder(
                "Provision:Provision",
                write_information_status(self.information_status),
                leaf("Provision:Status", self.status),
                self._policies(),
                (Element("Provision:RemoteWipe"),) if self.wipe else (),
            )
        )

    def _policies(self) -> tuple[Element, ...]:
        if self.policy_status is None:
            return ()
        settings = tuple(Element(_PAGE + name, text=value or None) for name, value in self.policy)
        document = holder("Provision:EASProvisionDoc", settings)
        policy = holder(
            "Provision:Policy",
            leaf("Provision:PolicyType", POLICY_TYPE),
            leaf("Provision:Status", self.policy_status),
            leaf("Provision:PolicyKey", self.policy_key),
            (holder("Provision:Data", (document,)),) if settings else (),
        )
        return (holder("Provision:Policies", (policy,)),)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read it; raises WbxmlError or CommandError."""
        answer = parse(data, "Provision:Provision")
        policies = child(answer, "Provision:Policies")
        policy = needed(policies, "Provision:Policy") if policies else None
        return cls(
            needed_integer(answer, "Provision:Status"),
            needed_integer(policy, "Provision:Status") if policy else None,
            text(policy, "Provision:PolicyKey") if policy else None,
            _settings(policy) if policy else (),
            child(answer, "Provision:RemoteWipe") is not None,
            read_information_status(answer),
        )


def _settings(policy: Element) -> tuple[tuple[str, str], ...]:
    if (data := child(policy, "Provision:Data")) is None:
        return ()
    if data.text is not None or data.opaque is not None:
        raise CommandError("Provision:Data holds a policy in another language: protocol 2.5")
    document = needed(data, "Provision:EASProvisionDoc")
    return tuple(
        (found.tag.removeprefix(_PAGE), found.text or "") for found in document.children if _is_setting(found)
    )


def _is_setting(element: Element) -> bool:
    return element.tag.startswith(_PAGE) and not element.children and element.opaque is None
