r"""The heartbeat settings of Exchange, with its own rules for bad values.

They stand in the appSettings of a web.config, since Exchange Server 2013 in the back end's ClientAccess\Sync below
the installation folder:
https://learn.microsoft.com/en-us/exchange/architecture/client-access/client-message-size-limits. The defaults are
told by https://technet.microsoft.com/de-de/library/ff984237(v=exchg.141) and
https://ezcloudinfo.com/category/active-sync/; ranges and rules are those of Exchange Server 2013. The file that
2016 and 2019 ship (ExchangeBackEnd-EAS_web.config in https://github.com/microsoft/CSS-Exchange) has the same values,
and says itself that ProxyHandlerLongTimeout goes with MaxHeartbeatInterval.

Exchange Server 2003 has them in the registry, two under other names, and a longest heartbeat of 2700 s:
https://mskb.pkisolutions.com/kb/905013,
http://oliverslay.blogspot.com/2010/10/iphone-and-exchange-activesync.html (which has 480 for the threshold, where the
former and an event of 2009, http://serverfault.com/questions/72523, have 540). Of the values that it refuses only one
is known: a minimum above the maximum (event 3016).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from hbprobe.errors import UserError
from hbprobe.exchange.settings_files import (
    LARGEST_FILE_BYTES,
    RIGHT_FILE,
    AppSettings,
    Entry,
    is_export,
    read_app_settings,
    read_export,
)

MIN_KEY = "MinHeartbeatInterval"
MAX_KEY = "MaxHeartbeatInterval"
SAMPLES_KEY = "HeartbeatSampleSize"
THRESHOLD_KEY = "HeartbeatAlertThreshold"

HIGHEST_S = 3540
"""The largest value, in seconds, that Exchange takes for a heartbeat or for the threshold."""

_DEFAULTS = {MIN_KEY: 60, MAX_KEY: 3540, SAMPLES_KEY: 200, THRESHOLD_KEY: 540}
_HIGHEST = {SAMPLES_KEY: 10_000, THRESHOLD_KEY: HIGHEST_S}
_KEYS_2003 = {SAMPLES_KEY: "HbiSampleSize", THRESHOLD_KEY: "HbiAlertThreshold"}
"""What Exchange Server 2003 calls them, where that is another name."""
_DEFAULTS_2003 = {MIN_KEY: 60, MAX_KEY: 2700, SAMPLES_KEY: 200, THRESHOLD_KEY: 540}
_PROXY_KEY = "ProxyHandlerLongTimeout"
"""After so many seconds an Exchange server gives up a Ping that it has handed on to another one."""
_PROXY_S = 3600, range(60, 10_000)
"""Its default, and what is legal."""
_NEAR = 0.85
"""How alike names are of which one is meant for the other."""
_LONGEST_NAME = 40
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
    """Read the text of a web.config, or of a registry export of Exchange Server 2003.

    `name` is what messages call it. Raises UserError as `load_settings` does.
    """
    if is_export(data):
        return _of_2003(read_export(data, name))
    return _Judge(read_app_settings(data, name)).settings()


def _of_2003(entries: Mapping[str, Entry]) -> Settings:
    """Take the values as they are: which ones Exchange Server 2003 refuses is not known, but for one."""
    found = {key: entries.get(_KEYS_2003.get(key, key).lower()) for key in _DEFAULTS_2003}
    values = {key: _DEFAULTS_2003[key] if entry is None else int(entry.value) for key, entry in found.items()}
    problems = []
    for key in (SAMPLES_KEY, MIN_KEY):
        if values[key] == 0 and (entry := found[key]) is not None:
            values[key] = _DEFAULTS_2003[key]
            text = f"{entry.key} 0 makes no sense (taken as {values[key]} here): set 1 or more"
            problems.append(SettingsProblem(text, key, entry.line, entry.value))
    entry = found[MIN_KEY] or found[MAX_KEY]
    if values[MIN_KEY] > values[MAX_KEY] and entry is not None:
        text = f"{MIN_KEY} {values[MIN_KEY]} is above {MAX_KEY} {values[MAX_KEY]}"
        values |= {key: _DEFAULTS_2003[key] for key in (MIN_KEY, MAX_KEY)}
        text = f"{text}: Exchange uses {values[MIN_KEY]} and {values[MAX_KEY]} instead of the two"
        problems.append(SettingsProblem(text, entry.key, entry.line, entry.value, 3016))
    if not any(found.values()):
        problems.append(SettingsProblem("all defaults: the key has no heartbeat setting", severity=Severity.NOTE))
    return Settings(values[MIN_KEY], values[MAX_KEY], values[SAMPLES_KEY], values[THRESHOLD_KEY], tuple(problems))


class _Judge:
    """Applies Exchange's rules in Exchange's order, and notes what it found."""

    def __init__(self, app_settings: AppSettings) -> None:
        self._elsewhere = app_settings.elsewhere
        self._all = app_settings.entries
        self._entries = {
            key: entry for key in _DEFAULTS if (entry := app_settings.entries.get(key.lower())) is not None
        }
        self._problems: list[SettingsProblem] = []

    def settings(self) -> Settings:
        min_s, max_s = self._limits()
        sample_size, threshold_s = self._sample_size(), self._from_zero_up(THRESHOLD_KEY)
        self._remark_on_file()
        names = [name for entry in self._all.values() if (name := _remark_on_name(entry))]
        if not (self._entries or self._elsewhere or names):
            self._note(r"all defaults: is this the back end's file, ClientAccess\Sync\web.config?")
        self._problems += names
        self._remark_on_proxy(max_s)
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
        for other, where in self._elsewhere.items():
            what = "configuration builders" if where.is_builder else "file"
            verb = "were not run" if where.is_builder else "was not read"
            text = f"appSettings takes values from the {what} {other!r}, which {verb}: Exchange may go by others"
            self._note(text, line=where.line, found=other)
        for key, entry in self._entries.items():
            if entry.first_line != entry.line:
                text = f"{key} is set on line {entry.first_line} and again on line {entry.line}: the last one counts"
                self._note(text, key, entry.line, entry.value)

    def _remark_on_proxy(self, max_s: int) -> None:
        entry = self._all.get(_PROXY_KEY.lower())
        if entry is None:
            return
        default_s, legal = _PROXY_S
        match = _INTEGER.fullmatch(entry.value)
        said_s = int(match[1] + match[2]) if match else default_s
        proxy_s = said_s if said_s in legal else default_s
        if proxy_s <= max_s:
            text = f"{_PROXY_KEY} {proxy_s} is not above {MAX_KEY} {max_s}"
            mend = f"a longer Ping that one Exchange server hands on to another dies after {proxy_s} s"
            self._note(f"{text}: {mend}", _PROXY_KEY, entry.line, entry.value)

    def _remark_on_threshold(self, min_s: int, max_s: int, threshold_s: int) -> None:
        if threshold_s < min_s:
            text = f"{THRESHOLD_KEY} {threshold_s} is below {MIN_KEY} {min_s}: event 1040 can never come"
        elif threshold_s >= max_s:
            text = f"{THRESHOLD_KEY} {threshold_s} is not below {MAX_KEY} {max_s}: event 1040 comes on every path"
        else:
            return
        entry = self._entries.get(THRESHOLD_KEY)
        self._note(text, THRESHOLD_KEY, entry.line if entry else None, entry.value if entry else None)


def _remark_on_name(entry: Entry) -> SettingsProblem | None:
    """Return a remark on a key that Exchange ignores, where its name is nearly that of a setting, or once was it."""
    key = entry.key
    if len(key) > _LONGEST_NAME or key.lower() in (known.lower() for known in _DEFAULTS):
        return None
    of_2003 = {old.lower(): new for new, old in _KEYS_2003.items()}
    known = {each.lower(): each for each in (*_DEFAULTS, *_KEYS_2003.values())}
    if new := of_2003.get(key.lower()):
        text = f"{key} is the name of Exchange Server 2003, which later ones ignore: they have {new}"
    elif near := get_close_matches(key.lower(), known, n=1, cutoff=_NEAR):
        meant = known[near[0]]
        text = f"{key!r} is no setting, so Exchange ignores it: is {of_2003.get(meant.lower(), meant)} meant?"
    else:
        return None
    return SettingsProblem(text, key, entry.line, entry.value, severity=Severity.NOTE)
