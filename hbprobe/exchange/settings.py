r"""The heartbeat settings of Exchange, with its own rules for bad values.

They stand in the appSettings of a web.config, since Exchange Server 2013 in the back end's ClientAccess\Sync below
the installation folder:
https://learn.microsoft.com/en-us/exchange/architecture/client-access/client-message-size-limits. The defaults are
told by https://technet.microsoft.com/de-de/library/ff984237(v=exchg.141) and
https://ezcloudinfo.com/category/active-sync/; ranges and rules are those of Exchange Server 2013.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hbprobe.errors import UserError
from hbprobe.exchange.webconfig import LARGEST_FILE_BYTES, RIGHT_FILE, AppSettings, read_app_settings

MIN_KEY = "MinHeartbeatInterval"
MAX_KEY = "MaxHeartbeatInterval"
SAMPLES_KEY = "HeartbeatSampleSize"
THRESHOLD_KEY = "HeartbeatAlertThreshold"

HIGHEST_S = 3540
"""The largest value, in seconds, that Exchange takes for a heartbeat or for the threshold."""

_DEFAULTS = {MIN_KEY: 60, MAX_KEY: 3540, SAMPLES_KEY: 200, THRESHOLD_KEY: 540}
_HIGHEST = {SAMPLES_KEY: 10_000, THRESHOLD_KEY: HIGHEST_S}
_INTEGER = re.compile(r"[\t-\r ]*([+-]?)0*([0-9]{1,10})[\t-\r ]*")
_INT32 = range(-(2**31), 2**31)


class Severity(StrEnum):
    """Whether something needs a mend."""

    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class SettingsProblem:
    """One thing that the settings' owner should know."""

    text: str
    key: str | None = None
    line: int | None = None
    found: str | None = None
    """The value as it stands in the file."""
    event_id: int | None = None
    """The event that Exchange logs for it; None where it logs none."""
    severity: Severity = Severity.PROBLEM


@dataclass(frozen=True, slots=True)
class Settings:
    """What Exchange goes by, bad values already replaced; without arguments, its defaults."""

    min_heartbeat_s: int = _DEFAULTS[MIN_KEY]
    max_heartbeat_s: int = _DEFAULTS[MAX_KEY]
    sample_size: int = _DEFAULTS[SAMPLES_KEY]
    alert_threshold_s: int = _DEFAULTS[THRESHOLD_KEY]
    problems: tuple[SettingsProblem, ...] = ()


def load_settings(path: Path) -> Settings:
    """Read a web.config; raises UserError, which says what is wrong, where, and the mend."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}: {RIGHT_FILE}") from None
    return parse_settings(data, str(path))


def parse_settings(data: bytes, name: str) -> Settings:
    """Read the text of a web.config; `name` is what messages call it. Raises UserError as `load_settings` does."""
    return _Judge(read_app_settings(data, name)).settings()


class _Judge:
    """Applies Exchange's rules in Exchange's order, and notes what it found."""

    def __init__(self, app_settings: AppSettings) -> None:
        self._elsewhere = app_settings.elsewhere
        self._entries = {
            key: entry for key in _DEFAULTS if (entry := app_settings.entries.get(key.lower())) is not None
        }
        self._problems: list[SettingsProblem] = []

    def settings(self) -> Settings:
        min_s, max_s = self._limits()
        sample_size, threshold_s = self._sample_size(), self._from_zero_up(THRESHOLD_KEY)
        self._remark_on_file()
        self._remark_on_threshold(min_s, max_s, threshold_s)
        return Settings(min_s, max_s, sample_size, threshold_s, tuple(self._problems))

    def _limits(self) -> tuple[int, int]:
        min_s, max_s = self._integer(MIN_KEY), self._integer(MAX_KEY)
        default = _DEFAULTS[MIN_KEY], _DEFAULTS[MAX_KEY]
        mend = f"Exchange uses {default[0]} and {default[1]} instead of the two"
        if min_s > max_s:
            key = MIN_KEY if MIN_KEY in self._entries else MAX_KEY
            self._problem(key, f"{MIN_KEY} {min_s} is above {MAX_KEY} {max_s}: {mend}", 1009)
        elif max_s > HIGHEST_S:
            self._problem(MAX_KEY, f"{MAX_KEY} {max_s} is above {HIGHEST_S}: {mend}", 1010)
        elif min_s < 1:
            self._problem(MIN_KEY, f"{MIN_KEY} {min_s} is below 1: {mend}", 1011)
        else:
            return min_s, max_s
        return default

    def _sample_size(self) -> int:
        size = self._from_zero_up(SAMPLES_KEY)
        if size > 0:
            return size
        default = _DEFAULTS[SAMPLES_KEY]
        text = f"{SAMPLES_KEY} 0 passes Exchange's check but leaves no room for a sample: set 1 or more"
        self._problem(SAMPLES_KEY, f"{text} (taken as {default} here)")
        return default

    def _from_zero_up(self, key: str) -> int:
        value, default, highest = self._integer(key), _DEFAULTS[key], _HIGHEST[key]
        if 0 <= value <= highest:
            return value
        self._problem(key, f"{key} {value} is outside 0..{highest}: Exchange uses {default}", 1118)
        return default

    def _integer(self, key: str) -> int:
        default, entry = _DEFAULTS[key], self._entries.get(key)
        if entry is None or not entry.value:
            return default
        match = _INTEGER.fullmatch(entry.value)
        if match and (value := int(match[1] + match[2])) in _INT32:
            return value
        self._problem(key, f"{key} {entry.value!r} is not a whole number: Exchange uses {default}", 1119)
        return default

    def _problem(self, key: str, text: str, event_id: int | None = None) -> None:
        entry = self._entries[key]
        self._problems.append(SettingsProblem(text, key, entry.line, entry.value, event_id))

    def _note(self, text: str, key: str | None = None, line: int | None = None, found: str | None = None) -> None:
        self._problems.append(SettingsProblem(text, key, line, found, severity=Severity.NOTE))

    def _remark_on_file(self) -> None:
        for other, line in self._elsewhere.items():
            self._note(f"appSettings takes values from {other!r}, which was not read", line=line, found=other)
        for key, entry in self._entries.items():
            if entry.first_line != entry.line:
                text = f"{key} is set on line {entry.first_line} and again on line {entry.line}: the last one counts"
                self._note(text, key, entry.line, entry.value)
        if not self._entries:
            self._note(r"all defaults: is this the back end's file, ClientAccess\Sync\web.config?")

    def _remark_on_threshold(self, min_s: int, max_s: int, threshold_s: int) -> None:
        if threshold_s < min_s:
            text = f"{THRESHOLD_KEY} {threshold_s} is below {MIN_KEY} {min_s}: event 1040 can never come"
        elif threshold_s >= max_s:
            text = f"{THRESHOLD_KEY} {threshold_s} is not below {MAX_KEY} {max_s}: event 1040 comes on every path"
        else:
            return
        entry = self._entries.get(THRESHOLD_KEY)
        self._note(text, THRESHOLD_KEY, entry.line if entry else None, entry.value if entry else None)
