"""What of a web.config the stand-in keeps to beside the heartbeat settings.

Ranges and defaults are those of Exchange Server 2013.
"""

from dataclasses import dataclass

from hbprobe.eas.releases import Release
from hbprobe.exchange.registry import is_export
from hbprobe.exchange.webconfig import AppSettings, read_app_settings

_FOLDERS = ("MaxNumOfFolders", range(30, 5001), 100)
_DELAY = ("ErrorResponseDelay", range(60), 20)


@dataclass(frozen=True, slots=True)
class Limits:
    """What Exchange goes by, bad values already replaced; without arguments, as where no key is set."""

    max_folders: int = _FOLDERS[2]
    """A Ping on so many folders, or more, gets status 6."""
    error_delay_s: int = _DELAY[2]
    """How long an answer with an HTTP error is kept back."""


def shipped_limits(release: Release) -> Limits:
    """Return the limits of the web.config that a release ships.

    Of 2016 and 2019 it can be read: ExchangeBackEnd-EAS_web.config in https://github.com/microsoft/CSS-Exchange.
    """
    return Limits(max_folders=1000) if release in (Release.V2016, Release.V2019) else Limits()


def read_limits(data: bytes, name: str) -> Limits:
    """Read the limits of a web.config; `name` is what messages call it. Raises UserError for what cannot be one."""
    if is_export(data):
        return Limits()  # the registry of Exchange Server 2003 has the heartbeats only
    found = read_app_settings(data, name)
    return Limits(_value(found, *_FOLDERS), _value(found, *_DELAY))


def _value(found: AppSettings, key: str, legal: range, default: int) -> int:
    entry = found.entries.get(key.lower())
    text = entry.value.strip() if entry else ""
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else default
    return value if value in legal else default
