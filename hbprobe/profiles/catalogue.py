"""Find and list profiles: the shipped ones by id, a user's own by path."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path

import hbprobe
from hbprobe.errors import UserError
from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.loader import load_profile
from hbprobe.profiles.mistakes import printable, quoted
from hbprobe.profiles.model import Category, Profile
from hbprobe.profiles.silent_request import deciding_timer, timer_s

FOLDER = "proxy_profiles"
_SUFFIXES = (".yaml", ".yml")


def built_in_folder() -> Path:
    """Return the folder of the shipped profiles: inside the installed package, else beside it in a checkout."""
    beside = Path(hbprobe.__file__).parent.parent / FOLDER
    installed = Path(str(files(hbprobe) / FOLDER))
    return installed if installed.is_dir() else beside


def profile_files(folder: Path) -> list[Path]:
    """Return the profiles in a folder and those below it, in the order of their folders and names."""
    found = (path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file())
    return sorted(found, key=lambda path: (path.parent, path.stem))


def _by_id(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in profile_files(folder)}


@cache
def _shipped_files() -> dict[str, Path]:
    return _by_id(built_in_folder())


@cache
def _shipped(path: Path) -> Profile:
    """Shipped profiles stay as they are while a program runs, and to read them all takes a quarter of a second."""
    return load_profile(path)


class Catalogue(Mapping[str, Profile]):
    """The profiles that ship with hbprobe, by id, and whatever file or folder a user names in place of one."""

    def __init__(self, folder: Path | None = None) -> None:
        self._files = _shipped_files() if folder is None else _by_id(folder)
        self._load = _shipped if folder is None else load_profile

    def __getitem__(self, id_: str) -> Profile:
        return self._load(self._files[id_])

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self._files)

    @property
    def ids(self) -> list[str]:
        """The ids of the shipped profiles, in order."""
        return sorted(self._files)

    def find(self, reference: str) -> Profile:
        """Return the one profile that an id, a file or a folder stands for. Raises UserError."""
        return self[reference] if reference in self._files else load_profile(self.find_file(reference))

    def find_all(self, reference: str) -> list[Profile]:
        """Return every profile that an id, a file or a folder stands for. Raises UserError."""
        if reference in self._files:
            return [self[reference]]
        return [load_profile(path) for path in self.find_files(reference)]

    def all(self) -> list[Profile]:
        """Return the shipped profiles, in the order of their folders and ids."""
        return [self._load(path) for path in self._files.values()]

    def find_file(self, reference: str) -> Path:
        """Return the one file that an id, a file or a folder stands for. Raises UserError."""
        found = self.find_files(reference)
        if len(found) > 1:
            some = ", ".join(printable(str(path)) for path in found[:3]) + (", ..." if len(found) > 3 else "")
            raise UserError(f"{printable(reference)} holds {len(found)} profiles; name one of them: {some}")
        return found[0]

    def find_files(self, reference: str) -> list[Path]:
        """Return every file that an id, a file or a folder stands for, at least one. Raises UserError."""
        if reference in self._files:
            return [self._files[reference]]
        if not _is_path(reference):
            raise UserError(self._unknown(reference))
        path, name = Path(reference), printable(reference)
        if path.is_dir():
            if found := profile_files(path):
                return found
            raise UserError(f"{name}: holds no profile ({' or '.join(_SUFFIXES)})")
        if not os.path.lexists(path):
            raise UserError(f"{name}: no such file or folder")
        if path.suffix not in _SUFFIXES:
            raise UserError(f"{name}: a profile is a file that ends in {' or '.join(_SUFFIXES)}")
        return [path]

    def _unknown(self, reference: str) -> str:
        word = reference.lower()
        near = [known for known in self.ids if len(word) > 2 and word in known]
        near += [known for known in get_close_matches(word, self.ids, n=4) if known not in near]
        hint = f"near: {', '.join(near[:6])}; " if near else ""
        return f"no profile called {quoted(reference)}; {hint}hbprobe profiles list shows all"


def catalogue() -> Catalogue:
    """Return the profiles that ship with hbprobe: `catalogue()["nginx-http-proxy"]`."""
    return Catalogue()


def _is_path(reference: str) -> bool:
    if not reference:
        return False
    looks_so = "/" in reference or "\\" in reference or reference.endswith(_SUFFIXES)
    return looks_so or os.path.lexists(reference)


def select(
    profiles: Iterable[Profile],
    *,
    category: Category | None = None,
    layer: Layer | None = None,
    expiry: Expiry | None = None,
    below_s: float | None = None,
) -> list[Profile]:
    """Return the profiles that fit every condition; `expiry` and `below_s` speak of a request held in silence.

    `below_s` keeps those that cut it sooner.
    """
    return [
        profile
        for profile in profiles
        if category in (None, profile.category)
        and layer in (None, profile.layer)
        and expiry in (None, None if (timer := deciding_timer(profile)) is None else timer.expiry)
        and (below_s is None or (timer_s(profile) or math.inf) < below_s)
    ]
