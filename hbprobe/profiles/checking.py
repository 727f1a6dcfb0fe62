"""Check files of profiles: each mistake is one line."""

from collections.abc import Iterable
from pathlib import Path

from hbprobe.errors import UserError
from hbprobe.profiles.catalogue import FOLDER
from hbprobe.profiles.loader import Examined, examine, read_text
from hbprobe.profiles.mistakes import Mistake, printable


def check_files(paths: Iterable[Path]) -> list[str]:
    """Return every mistake in the files, a line each; none for files that can be used together."""
    lines: list[str] = []
    first_of: dict[str, Path] = {}
    for path in paths:
        try:
            examined = examine(read_text(path))
        except UserError as error:
            lines.append(str(error))
            continue
        mistakes = [*examined.mistakes, *_misplaced(examined, path)]
        if examined.profile is not None:
            other = first_of.setdefault(examined.profile.id, path)
            if other is not path:
                mistakes.append(_at(examined, "id", f"is also the id of {printable(str(other))}"))
        lines += [mistake.in_file(str(path)) for mistake in mistakes]
    return lines


def _misplaced(examined: Examined, path: Path) -> list[Mistake]:
    """Hold a file of the shipped catalogue to its place, `proxy_profiles/CATEGORY/ID.yaml`."""
    profile, place = examined.profile, path.resolve()
    if profile is None or FOLDER not in place.parts[:-1]:
        return []
    mistakes = []
    if place.name != f"{profile.id}.yaml":
        mistakes.append(_at(examined, "id", f"the file of {profile.id} in the catalogue is {profile.id}.yaml"))
    if place.parent.name != profile.category:
        mistakes.append(_at(examined, "category", f"the folder of {profile.category} is {FOLDER}/{profile.category}"))
    return mistakes


def _at(examined: Examined, key: str, what: str) -> Mistake:
    return Mistake(examined.document.line_of((key,)), what, (key,))
