"""The policy that devices are given: settings of MS-ASPROV's EASProvisionDoc, by name."""

from hbprobe.eas.code_pages import TOKENS
from hbprobe.profiles.mistakes import meant

DEFAULT_POLICY = {"DevicePasswordEnabled": "0"}
"""It asks nothing of a device but to acknowledge it."""

_LONGEST = 100
_FIRST, _LAST = TOKENS["Provision:DevicePasswordEnabled"], TOKENS["Provision:AllowInternetSharing"]
SETTINGS = tuple(tag.partition(":")[2] for tag, token in TOKENS.items() if _FIRST <= token <= _LAST)
"""What a policy can set, as far as it is one value."""


def check_policy(policy: dict[str, str]) -> dict[str, str]:
    """Return the policy if it can be sent; raises ValueError, in words a user can act on."""
    for name, value in policy.items():
        if name not in SETTINGS:
            raise ValueError(f"{name!r} is no setting of a policy{meant(name, list(SETTINGS))}")
        if len(value) > _LONGEST:
            raise ValueError(f"{name} is longer than {_LONGEST} characters")
    return policy
