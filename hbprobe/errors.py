"""The errors that end a command, each with the exit status that it stands for."""

from collections.abc import Callable
from typing import Any


class UserError(Exception):
    """The user asked for something that cannot be (exit status 2).

    The text is one line that names the file, the key and the mend.
    """

    exit_status = 2


class RequestError(UserError):
    """A field of a request cannot be as it is, or does not go with another.

    `field` is the one that has to change. The text names fields as Python spells them; `told` names them in other
    words, such as the options of a command line or the keys of a file.
    """

    def __init__(self, text: str, field: str, **values: object) -> None:
        """`text` has values in braces, and the names of fields: `"{max} {value}: use {method} idle for more"`."""
        self.field = field
        self._text = text
        self._values = values
        super().__init__(self.told())

    def told(self, name: Callable[[str], str] = str) -> str:
        """Return the text with each field as `name` calls it."""
        return self._text.format_map(_Named(self._values, name))


class _Named(dict[str, object]):
    """Values by their keys; every other key is the name of a field."""

    def __init__(self, values: dict[str, object], name: Callable[[str], str]) -> None:
        super().__init__(values)
        self._name = name

    def __missing__(self, key: str) -> str:
        return self._name(key)


class CannotMeasureError(Exception):
    """The path could not be measured to the end (exit status 3).

    The text is one line that says what stood in the way.
    """

    exit_status = 3
    partial: Any = None
    """The record of what had been measured until then, of the same type as the whole one; None for nothing."""
