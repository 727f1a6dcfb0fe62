"""Settings: what a device says of itself. The other things that this command can do are not needed here.

https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-ascmd/, section 2.2.1.18.
"""

from dataclasses import astuple, dataclass
from typing import Final, Self

from hbprobe.eas.commands.parts import check_children, child, holder, leaf, needed, needed_integer, parse, text
from hbprobe.eas.wbxml import Element, encode

_TAGS: Final = (
    "Settings:Model",
    "Settings:OS",
    "Settings:FriendlyName",
    "Settings:UserAgent",
    "Settings:IMEI",
    "Settings:OSLanguage",
    "Settings:PhoneNumber",
    "Settings:MobileOperator",
    "Settings:EnableOutboundSMS",
)
"""In the order of the fields of DeviceInformation."""


@dataclass(frozen=True, slots=True)
class DeviceInformation:
    """What a device says of itself."""

    model: str | None = None
    os: str | None = None
    friendly_name: str | None = None
    user_agent: str | None = None
    imei: str | None = None
    os_language: str | None = None
    phone_number: str | None = None
    mobile_operator: str | None = None
    enable_outbound_sms: str | None = None

    def element(self) -> Element:
        """Write it as it stands in a Settings or a Provision request."""
        leaves = (leaf(tag, value) for tag, value in zip(_TAGS, astuple(self), strict=True))
        return holder("Settings:DeviceInformation", (holder("Settings:Set", *leaves),))

    @classmethod
    def read(cls, element: Element) -> Self:
        """Read it from there; raises CommandError."""
        check_children(element, "Settings:Set")
        told = needed(element, "Settings:Set")
        check_children(told, *_TAGS)
        return cls(*(text(told, tag) for tag in _TAGS))


@dataclass(frozen=True, slots=True)
class SettingsRequest:
    """Tell the server about the device."""

    information: DeviceInformation

    def encode(self) -> bytes:
        return encode(holder("Settings:Settings", (self.information.element(),)))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read it; raises WbxmlError or CommandError."""
        return cls(DeviceInformation.read(needed(parse(data, "Settings:Settings"), "Settings:DeviceInformation")))


@dataclass(frozen=True, slots=True)
class SettingsAnswer:
    """What came of it; 1 means well."""

    status: int
    information_status: int | None = None

    def encode(self) -> bytes:
        return encode(
            holder(
                "Settings:Settings",
                leaf("Settings:Status", self.status),
                write_information_status(self.information_status),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read it; raises WbxmlError or CommandError."""
        answer = parse(data, "Settings:Settings")
        return cls(needed_integer(answer, "Settings:Status"), read_information_status(answer))


def write_information_status(status: int | None) -> tuple[Element, ...]:
    """Write the answer to DeviceInformation."""
    return () if status is None else (holder("Settings:DeviceInformation", leaf("Settings:Status", status)),)


def read_information_status(answer: Element) -> int | None:
    """Read the answer to DeviceInformation, if it is there."""
    information = child(answer, "Settings:DeviceInformation")
    return needed_integer(information, "Settings:Status") if information else None
