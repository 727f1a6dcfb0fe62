"""What looks like a secret is taken out of what was measured before any of it is written down.

hbprobe keeps no password in a result. But a URL may hold a token, a server's answer may repeat a header, and a
result may have been edited by hand.
"""

import re
from typing import Any

HIDDEN = "***"

_SECRET_NAME = r"(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|session[_-]?id)"
"""What the name of a secret ends in. What stands before it is not matched: to look for that from every letter of a
long word would take time with the square of its length, and servers choose the texts that are looked through."""
_RULES = [
    (re.compile(r"(?<=://)[^/?#\s@]*@"), f"{HIDDEN}@"),
    (re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)\s*[:=].*", re.DOTALL), rf"\1: {HIDDEN}"),
    (re.compile(r"\b((?i:basic|bearer|digest|negotiate|ntlm))\s+(?=\S*[0-9A-Z+/=])[\w+/=.~-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?<=[\w.~%/-])\?[^\s?=]+=\S*"), f"?{HIDDEN}"),
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
