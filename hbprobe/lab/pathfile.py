"""A whole path as a file: boxes with changed timers, a web.config, devices, and what to search for.

    name: Carrier, firewall, load balancer
    story: Who is to blame?
    boxes:
      - cisco-staros-acs
      - profile: fortinet-fortigate
        set: {idle: 10min}
    webconfig: web.config
    devices: [android-4.4, ios]
    search: {connections: 4}

Files are named relative to the path file. Some paths are shipped; those go by their name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from hbprobe.errors import RequestError, UserError
from hbprobe.exchange.devices import CURRENT, DEVICES, DeviceKind
from hbprobe.exchange.settings import Settings, load_settings
from hbprobe.measure import request
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.document import read_document
from hbprobe.profiles.loader import read_as, read_text
from hbprobe.profiles.mistakes import meant
from hbprobe.profiles.model import Profile, TimerKind
from hbprobe.profiles.running import with_overrides
from hbprobe.profiles.values import Line, Name, Seconds, Share, Strict, Text
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import DEFAULT, METHODS, MethodTraits

SHIPPED = Path(__file__).parent / "paths"
_SUFFIX = ".yaml"


def _box(value: object) -> object:
    """Let the name of a profile stand alone."""
    return {"profile": value} if isinstance(value, str) else value


class BoxOnPath(Strict):
    """A profile, and what is changed in it."""

    profile: Name
    """An id, or a file."""
    set: dict[TimerKind, Name] = Field(default_factory=dict)
    """Timers, as `--set` takes them."""


class SearchOnPath(Strict):
    """What `hbprobe lab` takes as options."""

    min: Seconds | None = None
    max: Seconds | None = None
    precision: Seconds | None = None
    connections: int | None = None
    confirm: int | None = None
    grace: Seconds | None = None
    noise: Share | None = None
    confidence: Share | None = None


class PathFile(Strict):
    """What a path file says."""

    name: Name
    story: Text = ""
    boxes: tuple[Annotated[BoxOnPath, BeforeValidator(_box)], ...] = Field(min_length=1)
    webconfig: Line = ""
    devices: tuple[Name, ...] = ()
    search: SearchOnPath = SearchOnPath()


@dataclass(frozen=True, slots=True)
class LabPath:
    """A path, ready to be built."""

    name: str
    story: str
    boxes: tuple[Profile, ...]
    settings: Settings
    devices: tuple[DeviceKind, ...]
    search: SearchSettings
    remarks: tuple[str, ...]


def shipped_paths() -> dict[str, Path]:
    """Return the paths that come with hbprobe, by name."""
    return {file.stem: file for file in sorted(SHIPPED.glob(f"*{_SUFFIX}"))}


def find_path(reference: str) -> Path | None:
    """Return the path file that is meant, by name or place; None when it is none, but a profile perhaps."""
    shipped = shipped_paths()
    if reference in shipped:
        return shipped[reference]
    file = Path(reference)
    if file.suffix not in (_SUFFIX, ".yml") or not file.is_file():
        return None
    data = read_document(read_text(file)).data
    return file if isinstance(data, dict) and "boxes" in data else None


def load_path(file: Path, catalogue: Catalogue) -> LabPath:
    """Read a path file; raises UserError, one line with file, line, key and mend, for a wrong one."""
    said = read_as(PathFile, read_text(file), str(file))
    boxes, remarks = _boxes(said.boxes, file, catalogue)
    return LabPath(
        name=said.name,
        story=" ".join(said.story.split()),
        boxes=boxes,
        settings=load_settings(file.parent / said.webconfig) if said.webconfig else Settings(),
        devices=_devices(said.devices, file),
        search=search_settings(said.search, str(file), METHODS[DEFAULT]),
        remarks=remarks,
    )


def _boxes(
    said: Sequence[BoxOnPath], file: Path, catalogue: Catalogue
) -> tuple[tuple[Profile, ...], tuple[str, ...]]:
    boxes: list[Profile] = []
    remarks: list[str] = []
    for box in said:
        beside = file.parent / box.profile
        reference = str(beside) if beside.suffix and beside.exists() else box.profile
        try:
            profile, told = with_overrides(catalogue.find(reference), {str(k): v for k, v in box.set.items()})
        except UserError as error:
            raise UserError(f"{file}: {error}") from None
        boxes.append(profile)
        remarks += told
    return tuple(boxes), tuple(remarks)


def _devices(ids: Sequence[str], file: Path) -> tuple[DeviceKind, ...]:
    known = {kind.id: kind for kind in DEVICES}
    for name in ids:
        if name not in known:
            hint = meant(name, list(known))
            raise UserError(f"{file}: devices: no device called {name!r}{hint} (allowed: {', '.join(known)})")
    return tuple(known[name] for name in ids) or CURRENT


def search_settings(said: SearchOnPath, place: str, traits: MethodTraits) -> SearchSettings:
    """Return what a file says of a method's search; raises UserError, naming the place, where it does not fit."""
    try:
        return request.search_settings(said.model_dump(), request.defaults_with(traits))
    except RequestError as error:
        raise UserError(f"{place}: search: {error}") from None
