"""The files that a report is made of, read without what looks like a secret.

hbprobe keeps no password in a result. But a URL may hold a token, a server's answer may repeat a header, and a
result may have been edited by hand.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from hbprobe.records.capture import CaptureRecord
from hbprobe.records.documents import DiagnosisPart, LocationPart
from hbprobe.records.location import Location, read_location
from hbprobe.records.logs import LogEvidence
from hbprobe.records.result import Result, load_with


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement that a report tells of."""

    result: Result
    diagnosis: DiagnosisPart | None = None
    document: Mapping[str, Any] | None = None
    """The whole JSON document, where it is more than the result."""

    def to_dict(self) -> Mapping[str, Any]:
        return self.result.to_dict() if self.document is None else self.document


@dataclass(frozen=True, slots=True)
class PastEvidence:
    """What captures or logs of the past showed, that a report tells of."""

    record: CaptureRecord | LogEvidence
    document: Mapping[str, Any]

    def to_dict(self) -> Mapping[str, Any]:
        return self.document


@dataclass(frozen=True, slots=True)
class LocatedSource:
    """Which hop forgets, that a report tells of."""

    location: Location
    document: Mapping[str, Any]

    def to_dict(self) -> Mapping[str, Any]:
        """Return the JSON form."""
        return self.document


Source: TypeAlias = Measured | PastEvidence | LocatedSource


def load(path: Path) -> Source:
    """Read a result, a diagnosis, a location, or evidence of captures or logs, without what looks like a secret.

    Raises UserError, naming file, key and mend.
    """
    return load_with(path, _source)


def _source(data: object) -> Source:
    harmless = redacted(data)
    if isinstance(harmless, dict) and harmless.get("schema") == DiagnosisPart.schema_id():
        result = Result.from_dict(harmless.get("result"))
        return Measured(result, DiagnosisPart.read(harmless), harmless)
    if isinstance(harmless, dict) and harmless.get("schema") == CaptureRecord.schema_id():
        return PastEvidence(_evidence(harmless), harmless)
    if isinstance(harmless, dict) and harmless.get("schema") == LocationPart.schema_id():
        return LocatedSource(read_location(harmless), harmless)
    return Measured(Result.from_dict(harmless))


def _evidence(data: Mapping[str, Any]) -> CaptureRecord | LogEvidence:
    match data.get("verb"):
        case "capture":
            return CaptureRecord.read(data)
        case "logs":
            return LogEvidence.read(data)
    raise ValueError('verb: must be "capture" or "logs": give a file that --json wrote')


HIDDEN = "***"

_SECRET_NAME = r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|session[_-]?id)"
"""What the name of a secret ends in. What stands before it is not matched: to look for that from every letter of a
long word would take time with the square of its length, and servers choose the texts that are looked through."""
_RULES = [
    (re.compile(r"(?<=://)[^/?#\s@]*@"), f"{HIDDEN}@"),
    (re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)\s*[:=].*", re.DOTALL), rf"\1: {HIDDEN}"),
    (re.compile(r"\b((?i:basic|bearer|digest|negotiate|ntlm))\s+(?=\S*[0-9A-Z+/=])[\w+/=.~-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<=[\w.~%/-])\?[^\s?=]+=\S*"), f"?{HIDDEN}"),
    (re.compile(r"((?:://|(?<!\S)/)[^\s?]{0,2000})\?(?=\S)(?!\*\*\*)\S+"), rf"\1?{HIDDEN}"),
    (re.compile(rf"(?i)({_SECRET_NAME})[\"']?\s*[=:]\s*(?:\"[^\"]*\"|'[^']*'|\S+)"), rf"\1={HIDDEN}"),
]
_NAMES_A_SECRET = re.compile(rf"(?i)(?:[\w-]*{_SECRET_NAME}|(?:proxy-)?authorization|(?:set-)?cookie)")


def discreet_text(text: str) -> str:
    """Return the text without user names, passwords, tokens and the values of a URL's query."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def redacted(data: Any) -> Any:  # noqa: ANN401  JSON
    """Return the same JSON data, each text in it without what looks like a secret."""
    if isinstance(data, str):
        return discreet_text(data)
    if isinstance(data, list):
        return [redacted(item) for item in data]
    if isinstance(data, dict):
        return {key: _value(key, value) for key, value in data.items()}
    return data


def _value(key: str, value: Any) -> Any:  # noqa: ANN401  JSON
    return HIDDEN if isinstance(value, str) and _NAMES_A_SECRET.fullmatch(key) else redacted(value)
