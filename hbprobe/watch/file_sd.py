"""Targets out of files as Prometheus's file-based service discovery reads them, so that one file serves both.

A file is a list of groups, each with `targets`, which are URLs here, and `labels`, of which `__param_module` names a
module of the watch file; the others are for Prometheus alone.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from hbprobe.errors import UserError
from hbprobe.net.target import Target
from hbprobe.profiles.document import read_document
from hbprobe.profiles.loader import read_text
from hbprobe.profiles.values import Line, Strict
from hbprobe.trial.methods.table import SCHEMES

_SUFFIXES = (".yaml", ".yml", ".json")


def _url(text: str) -> str:
    Target.parse(text, SCHEMES)
    return text


Url: TypeAlias = Annotated[Line, AfterValidator(_url)]
"""A URL of any scheme that some method probes."""


class Labels(Strict):
    """What is said of all targets of a group."""

    model_config = ConfigDict(extra="ignore")

    module: Line = Field("", alias="__param_module")


class TargetGroup(Strict):
    """Targets that have their labels in common."""

    targets: tuple[Url, ...]
    labels: Labels = Labels()


_groups = TypeAdapter(tuple[TargetGroup, ...])


@dataclass(frozen=True, slots=True)
class Discovered:
    """A target that a file names."""

    url: str
    module: str
    """Empty where the group names none."""
    place: str
    """The file, for people."""


def files_of(patterns: Sequence[str], folder: Path) -> list[Path]:
    """Return the files that are there now; only the last part of a pattern may have a `*`.

    Raises UserError for a pattern that cannot be.
    """
    found: set[Path] = set()
    for pattern in patterns:
        place = folder / pattern
        if place.suffix not in _SUFFIXES or "*" in str(place.parent):
            raise UserError(f"{place}: name files that end in .yaml, .yml or .json; only the last part may have a *")
        found |= set(place.parent.glob(place.name))
    return sorted(found)


def discovered(files: Sequence[Path]) -> Iterator[Discovered]:
    """Return the targets of the files; raises UserError, one line with file and mend, for a wrong one."""
    for file in files:
        for group in _read(file):
            for url in group.targets:
                yield Discovered(url, group.labels.module, str(file))


def _read(file: Path) -> tuple[TargetGroup, ...]:
    text = read_text(file)
    if not text.strip():  # nothing is there just now
        return ()
    document = read_document(text)
    if document.mistakes:
        raise UserError(document.mistakes[0].in_file(str(file)))
    try:
        return _groups.validate_python(document.data)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        form = "write a list of groups, each with targets (URLs) and labels"
        raise UserError(f"{file}: {place.lstrip('.')}: {what}; {form}".replace(": :", ":")) from None


def stamps(files: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Return what changes when a file does: each name, with the time and the size of its last writing."""
    stamped = []
    for file in files:
        try:
            state = file.stat()
        except OSError:  # gone since it was listed
            continue
        stamped.append((str(file), state.st_mtime_ns, state.st_size))
    return stamped
