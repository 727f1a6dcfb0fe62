"""Text or a file to a profile, or to what another schema describes; or every mistake in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from hbprobe.errors import UserError
from hbprobe.profiles.document import YamlDocument, read_document
from hbprobe.profiles.grammar import explain
from hbprobe.profiles.mistakes import Mistake, printable
from hbprobe.profiles.model import Profile

LARGEST_FILE = 1_000_000
"""Bytes. A profile has about two thousand."""


class ProfileError(UserError):
    """A profile that cannot be used. The text is its first mistake; `mistakes` has them all, a line each."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        more = len(mistakes) - 1
        hint = f" (and {more} more: hbprobe profiles check shows all)" if more else ""
        super().__init__(mistakes[0] + hint)


@dataclass(frozen=True, slots=True)
class Examined:
    """A text that was read as a profile."""

    profile: Profile | None
    """None where there are mistakes."""
    mistakes: tuple[Mistake, ...]
    document: YamlDocument


def examine(text: str) -> Examined:
    """Read a profile and find as many mistakes as can be seen at once, in the order of their lines."""
    document = read_document(text)
    profile, mistakes = None, list(document.mistakes)
    if document.data is not None:
        known = {mistake.key for mistake in mistakes}
        try:
            profile = Profile.model_validate(document.data)
        except ValidationError as error:
            mistakes += [mistake for mistake in explain(error, document) if mistake.key not in known]
    mistakes.sort(key=lambda mistake: mistake.line)
    return Examined(None if mistakes else profile, tuple(mistakes), document)


def parse_profile(text: str, name: str) -> Profile:
    """Read a profile from text; `name` stands for the file in messages. Raises ProfileError."""
    examined = examine(text)
    if examined.profile is None:
        raise ProfileError([mistake.in_file(name) for mistake in examined.mistakes])
    return examined.profile


def load_profile(path: Path) -> Profile:
    """Read a profile from a file. Raises UserError where it cannot be read, ProfileError where it is wrong."""
    return parse_profile(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Read a file that should hold a profile. Raises UserError for what cannot be one."""
    name = printable(str(path))
    try:
        if not path.is_file():
            raise UserError(f"{name}: {'not a file' if path.exists() else 'no such file'}")
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error
    if len(raw) > LARGEST_FILE:
        raise UserError(f"{name}: larger than 1 MB: not a profile")
    return _decoded(raw, name)


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UserError(f"{name}:{line}: not UTF-8: the byte 0x{raw[error.start]:02x}; save it as UTF-8") from None


Schema = TypeVar("Schema", bound=BaseModel)


def read_as(schema: type[Schema], text: str, name: str) -> Schema:
    """Read YAML by a schema; raises UserError, one line with file, line, key and mend, for a wrong one."""
    document = read_document(text)
    mistakes: Sequence[Mistake] = document.mistakes
    if not mistakes:
        try:
            return schema.model_validate(document.data)
        except ValidationError as error:
            mistakes = explain(error, document, schema)
    first, more = min(mistakes, key=lambda mistake: mistake.line), len(mistakes) - 1
    raise UserError(first.in_file(name) + (f" (and {more} more)" if more else ""))
