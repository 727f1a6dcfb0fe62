"""What of a web.config the stand-in keeps to beside the heartbeat settings.

Ranges and defaults are those of Exchange Server 2013.
"""

from dataclasses import dataclass

from hbprobe.exchange.webconfig import AppSettings, read_app_settings

_FOLDERS = ("MaxNumOfFolders", range(30, 5001), 100)
_DELAY = ("ErrorResponseDelay", range(60), 20)


@dataclass(frozen=True, slots=True)
class Limits:
    """What Exchange goes by, bad values already replaced; without arguments, its defaults."""

    max_folders: int = _FOLDERS[2]
    """A Ping on so many folders, or more, gets status 6."""
    error_delay_s: int = _DELAY[2]
    """How long an answer with an HTTP error is kept back."""


def read_limits(data: bytes, name: str) -> Limits:
    """Read the limits of a web.config; `name` is what messages call it. Raises UserError for what cannot be one."""
    found = read_app_settings(data, name)
    return Limits(_value(found, *_FOLDERS), _value(found, *_DELAY))


def _value(found: AppSettings, key: str, legal: range, default: int) -> int:
    entry = found.entries.get(key.lower())
    text = entry.value.strip() if entry else ""
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else default
    return value if value in legal else default
