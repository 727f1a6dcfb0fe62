"""Text from outside, made harmless, and numbers as the reports write them."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_QUERY_PART = re.compile(r"(?<=[?&])[^&]+")
_MOST_FOREIGN = 200
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a formula begins; the last four are the first four at full width, which spreadsheets take for the same:
https://owasp.org/www-community/attacks/CSV_Injection."""


def cut_short(text: str) -> str:
    """Return what a server chose to say, cut to 200 characters: nothing that reads it later may grow with it."""
    return text if len(text) <= _MOST_FOREIGN else f"{text[: _MOST_FOREIGN - 3]}..."


def json_of(body: bytes) -> Any:  # noqa: ANN401  any JSON
    """Return what a caller says in JSON; raises ValueError for what is none, is nested too deeply or has half a pair.

    JSON may name one half of a surrogate pair alone (https://www.rfc-editor.org/rfc/rfc8259, section 8.2): no
    character, and nothing that is made of it can be written or sent.
    """
    try:
        said = json.loads(body)
        json.dumps(said, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("it has half of a surrogate pair alone") from None
    return said


def without_query_values(url: str) -> str:
    """Return a URL without what may be a secret in its query and fragment: `/?token=***`.

    A part without a value may be a secret itself, and so may one that ends in `=`, as base64 does.
    """
    before, fragment, _ = url.partition("#")
    return _QUERY_PART.sub(_without_value, before) + (f"{fragment}***" if fragment else "")


def _without_value(part: re.Match[str]) -> str:
    name, _, value = part[0].partition("=")
    return f"{name}=***" if value.strip("=") and "?" not in name else "***"


def shown(text: str) -> str:
    r"""Return the text with everything that would not print as itself written out: ESC becomes `\x1b`.

    That covers control characters, line ends, marks that turn the direction of writing, and halves of surrogate
    pairs: none of them may reach a terminal or a picture from a file or a server.
    """
    if text.isprintable():  # nearly every text is
        return text
    return "".join(character if character.isprintable() else escaped(character) for character in text)


def no_formula(text: str) -> str:
    """Return text that no spreadsheet runs: what clients and servers say of themselves may begin with `=`."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def escaped(character: str) -> str:
    r"""Write a character out as Python does: `\x1b`, `\u202e`."""
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def seconds(value: float) -> str:
    """Write a number of seconds without its unit, to the millisecond: `600`, `599.4`, `0.125`."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def named(name: str, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give the first sentence the name, and the others an empty one."""
    for sentence in sentences:
        yield name, sentence
        name = ""


def counted(number: int, singular: str) -> str:
    """Write a count with its noun: `1 trial`, `13 trials`, `2 addresses`."""
    plural = "es" if singular.endswith(("s", "x", "ch", "sh")) else "s"
    return f"{number} {singular}" if number == 1 else f"{number} {singular}{plural}"
