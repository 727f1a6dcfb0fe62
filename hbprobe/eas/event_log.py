"""Exchange's events about heartbeats, as each release logs them, with its inserts in its order and units.

The wording is hbprobe's own; what a parser looks for is where it is in the original: the sentence with the inserts in
square brackets. Seen in public: 1040 of 2007 (https://serverfault.com/questions/51111), of 2010 or later
(https://learn.microsoft.com/en-us/archive/technet-wiki/35919.event-id-1040-on-exchange-servers), of 2019
(https://kadirkozan.com.tr/exchange-server-2019-event-id-1040-msexchangeactivesync-uyarisi/), and 3033, its like in
2003 (http://serverfault.com/questions/72523). The command is named since 2013 here; in which release that began, no
source says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hbprobe.eas.releases import Release
from hbprobe.exchange.settings import (
    HIGHEST_S,
    MAX_KEY,
    MIN_KEY,
    SAMPLES_KEY,
    THRESHOLD_KEY,
    Settings,
    SettingsProblem,
)
from hbprobe.exchange.window import Event1040

_DEFAULTS: Final = Settings()
_DEFAULT_OF: Final = {
    MIN_KEY: _DEFAULTS.min_heartbeat_s,
    MAX_KEY: _DEFAULTS.max_heartbeat_s,
    SAMPLES_KEY: _DEFAULTS.sample_size,
    THRESHOLD_KEY: _DEFAULTS.alert_threshold_s,
}
_HIGHEST: Final = {SAMPLES_KEY: 10_000, THRESHOLD_KEY: HIGHEST_S}
_IDS_OF_2003: Final = {3016, 3033}
_LIMITS_2003: Final = "60", "2700"
"""http://intelligentsystemsmonitoring.com names them on its page about event 3016: 45 minutes, not 59, at most."""

_CHECK_THE_PATH: Final = (
    "Check that every firewall on the way to the server is set up for Direct Push: it must let a request of Exchange "
    "ActiveSync live until the server has answered it. Microsoft's article KB 905013 says more."
)
_AVERAGE_OF_RECENT: Final = (
    "The average of the most recent [{}] heartbeat intervals that devices asked for is less than or equal to [{}]. "
    + _CHECK_THE_PATH
)
_AVERAGE_FOR_REQUEST: Final = (
    "The average of the most recent heartbeat intervals [{}] for request [{}] that devices asked for is less than or "
    f"equal to [{{}}]. {_CHECK_THE_PATH}"
)
_DEFAULTS_INSTEAD: Final = "Exchange ActiveSync goes by the defaults [{}] and [{}] until it is started again."
_MIN_ABOVE_MAX: Final = f"{MIN_KEY} is larger than {MAX_KEY}. {_DEFAULTS_INSTEAD}"
_MAX_TOO_HIGH: Final = f"{MAX_KEY} is larger than [{{}}], the most that is allowed. {_DEFAULTS_INSTEAD}"
_MIN_TOO_LOW: Final = f"{MIN_KEY} is smaller than 1. {_DEFAULTS_INSTEAD}"
_OUT_OF_RANGE: Final = (
    "[{}] must be in the range [{}] and is [{}]. Exchange ActiveSync uses the default [{}] instead."
)
_NOT_PARSABLE: Final = "[{}] must be of the type [{}] and is [{}]. Exchange ActiveSync uses the default [{}] instead."

_LIMITS: Final = str(_DEFAULTS.min_heartbeat_s), str(_DEFAULTS.max_heartbeat_s)
_ABOUT_LIMITS: Final = {
    1009: (_LIMITS, _MIN_ABOVE_MAX),
    1010: ((str(HIGHEST_S), *reversed(_LIMITS)), _MAX_TOO_HIGH),
    1011: (_LIMITS, _MIN_TOO_LOW),
}
"""Both limits go to their defaults: the inserts, and what is said."""


class Level(StrEnum):
    """How bad it is."""

    ERROR = "Error"
    WARNING = "Warning"


class EventCategory(StrEnum):
    """What it is about."""

    REQUESTS = "Requests"
    CONFIGURATION = "Configuration"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One entry of the application log, but for the time and the computer."""

    id: int
    level: Level
    source: str
    category: EventCategory
    inserts: tuple[str, ...]
    message: str

    def as_json(self, time: str, computer: str) -> dict[str, object]:
        """Return it under the names that Get-WinEvent has for its parts.

        https://learn.microsoft.com/en-us/dotnet/api/system.diagnostics.eventing.reader.eventlogrecord
        """
        return {
            "TimeCreated": time,
            "LogName": "Application",
            "ProviderName": self.source,
            "Id": self.id,
            "LevelDisplayName": self.level,
            "TaskDisplayName": self.category,
            "MachineName": computer,
            "Properties": list(self.inserts),
            "Message": self.message,
        }

    def as_text(self, time: str, computer: str) -> str:
        """Return it as people paste it from the Event Viewer; ends with an empty line."""
        head = {
            "Log Name": "Application",
            "Source": self.source,
            "Date": time,
            "Event ID": self.id,
            "Task Category": self.category,
            "Level": self.level,
            "Computer": computer,
        }
        lines = (f"{name + ':':<15}{value}" for name, value in head.items())
        return "\n".join((*lines, "Description:", self.message, "", ""))


def event_1040(event: Event1040, release: Release, sample_size: int) -> LoggedEvent:
    """Return how a release logs that the average of the heartbeats is too low.

    In 2003 the first insert is the number of samples, in later releases their average in seconds.
    """
    average_s, threshold_s = str(event.average_s), str(event.threshold_s)
    if release is Release.V2003:
        return _logged(3033, EventCategory.NONE, (str(sample_size), threshold_s), _AVERAGE_OF_RECENT)
    if release in (Release.V2007, Release.V2010):
        return _logged(1040, EventCategory.REQUESTS, (average_s, threshold_s), _AVERAGE_OF_RECENT)
    return _logged(1040, EventCategory.REQUESTS, (average_s, event.command, threshold_s), _AVERAGE_FOR_REQUEST)


def settings_events(problems: Sequence[SettingsProblem], release: Release) -> tuple[LoggedEvent, ...]:
    """Return what a release logs when it reads bad settings; nothing for what it says nothing of.

    Of 2003 only the like of 1009 is known.
    """
    of_release = _of_2003 if release is Release.V2003 else _since_2007
    events = (of_release(problem) for problem in problems)
    return tuple(event for event in events if event is not None)


def _of_2003(problem: SettingsProblem) -> LoggedEvent | None:
    if problem.event_id not in (1009, 3016):
        return None
    # That it is a warning without a category follows from 3033; its page does not say.
    return _logged(3016, EventCategory.NONE, _LIMITS_2003, _MIN_ABOVE_MAX)


def _since_2007(problem: SettingsProblem) -> LoggedEvent | None:
    if problem.event_id is None or problem.key is None:
        return None
    event_id = 1009 if problem.event_id == 3016 else problem.event_id
    if event_id in _ABOUT_LIMITS:
        return _logged(event_id, EventCategory.CONFIGURATION, *_ABOUT_LIMITS[event_id])
    found, default = problem.found or "", str(_DEFAULT_OF[problem.key])
    if problem.event_id == 1118:
        inserts, wording = (problem.key, f"0..{_HIGHEST[problem.key]}", found, default), _OUT_OF_RANGE
    else:
        inserts, wording = (problem.key, "integer", found, default), _NOT_PARSABLE
    return _logged(problem.event_id, EventCategory.CONFIGURATION, inserts, wording, Level.ERROR)


def _logged(
    id_: int, category: EventCategory, inserts: tuple[str, ...], wording: str, level: Level = Level.WARNING
) -> LoggedEvent:
    source = "Server ActiveSync" if id_ in _IDS_OF_2003 else "MSExchange ActiveSync"
    return LoggedEvent(id_, level, source, category, inserts, wording.format(*map(_in_one_line, inserts)))


def _in_one_line(text: str) -> str:
    """Return a value of a file so that it cannot pass for lines of the log."""
    return "".join(character if character.isprintable() else " " for character in text)
