"""The watch file: which paths to measure again and again, and where to keep what they show.

    database: watch.sqlite
    interval: 1h
    metrics: 127.0.0.1:9140
    targets:
      - name: office
        url: https://probe.example.net:8443/
        ca: ca.pem
        search: {max: 1h, connections: 8}

Files are named relative to the watch file. It holds no passwords. (A path file is another thing: what a lab builds.)
"""

import json
import socket
import ssl
from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from hbprobe.errors import UserError
from hbprobe.exchange.settings import Settings, load_settings
from hbprobe.lab.pathfile import SearchOnPath, search_settings
from hbprobe.net.address import Address
from hbprobe.net.certificates import client_context
from hbprobe.net.connect import From
from hbprobe.net.target import Target
from hbprobe.profiles.document import read_document
from hbprobe.profiles.loader import read_text
from hbprobe.profiles.reading import read_as
from hbprobe.profiles.values import Line, Name, Seconds, Strict
from hbprobe.search.search import SearchSettings
from hbprobe.text import seconds, without_query_values
from hbprobe.trial.methods.table import METHODS, SCHEMES, names, of_scheme

_LOOPBACK = "127.0.0.1"
_ANYWHERE = From()


if TYPE_CHECKING:
    MethodName: TypeAlias = str
else:
    MethodName = Literal[names(lambda row: not row.needs_account)]


def _url(text: str) -> str:
    Target.parse(text, SCHEMES)
    return text


def _address(value: object) -> object:
    """Let a port stand alone: then only this machine can ask."""
    if isinstance(value, str):
        Address.parse(f"{_LOOPBACK}:{value}" if value.isdecimal() else value)
    return value


class Family(StrEnum):
    """The versions of IP that connections may use."""

    ANY = "any"
    IPV4 = "4"
    IPV6 = "6"


_FAMILIES = {Family.ANY: socket.AF_UNSPEC, Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}


class TargetInFile(Strict):
    """A far end, and how to measure the path to it."""

    name: Name
    url: Annotated[Line, AfterValidator(_url)]
    method: MethodName | None = None
    """What the scheme of the URL says, where it is not said here."""
    ca: Line = ""
    source: Line = ""
    """The address or the interface that connections start from."""
    family: Family = Family.ANY
    search: SearchOnPath = SearchOnPath()


class WatchFile(Strict):
    """What a watch file says."""

    database: Name = "watch.sqlite"
    interval: Seconds = 3600.0
    metrics: Annotated[Line, BeforeValidator(_address)] = ""
    webconfig: Line = ""
    targets: tuple[TargetInFile, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class WatchTarget:
    """A target, ready to be measured."""

    name: str
    target: Target
    method: str
    tls: ssl.SSLContext | None
    search: SearchSettings
    start: From = _ANYWHERE
    """Where connections come from."""

    @property
    def family(self) -> Family:
        """The version of IP that they may use."""
        return next(name for name, number in _FAMILIES.items() if number is self.start.family)

    @property
    def asked(self) -> str:
        """What is measured, as JSON: an interrupted measurement goes on only where this is still the same.

        The values in a URL's query may be secrets, and are left out.
        """
        search = asdict(self.search)
        said = {"target": without_query_values(str(self.target)), "method": self.method, "search": search}
        if self.start != _ANYWHERE:
            said |= {"source": self.start.source, "family": self.family}
        return json.dumps(said, sort_keys=True)


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """What is to be watched."""

    database: Path
    interval_s: float
    metrics: Address | None
    settings: Settings
    targets: tuple[WatchTarget, ...]


def load_watch(file: Path) -> WatchPlan:
    """Read a watch file; raises UserError, one line with file, key and mend, for a wrong one."""
    text = read_text(file)
    data = read_document(text).data
    if isinstance(data, dict) and "boxes" in data:
        raise UserError(f"{file}: is a path file, which hbprobe lab takes; a watch file names targets")
    said = read_as(WatchFile, text, str(file))
    _check_names(said, file)
    return WatchPlan(
        database=file.parent / said.database,
        interval_s=said.interval,
        metrics=_metrics(said.metrics),
        settings=load_settings(file.parent / said.webconfig) if said.webconfig else Settings(),
        targets=tuple(_target(one, f"{file}: targets[{number}]", file) for number, one in enumerate(said.targets)),
    )


def database_of(file: Path) -> Path:
    """Return the database that is meant: the file itself, or that of a watch file."""
    return load_watch(file).database if file.suffix in (".yaml", ".yml") else file


def _check_names(said: WatchFile, file: Path) -> None:
    name, count = Counter(target.name for target in said.targets).most_common(1)[0]
    if count > 1:
        raise UserError(f"{file}: targets: {count} are called {name!r}: give each a name of its own")


def _metrics(text: str) -> Address | None:
    if not text:
        return None
    return Address.parse(f"{_LOOPBACK}:{text}" if text.isdecimal() else text)


def _target(said: TargetInFile, place: str, file: Path) -> WatchTarget:
    method = said.method or of_scheme(said.url)
    try:
        target = Target.parse(said.url, METHODS[method].schemes)
    except ValueError as error:
        raise UserError(f"{place}: method {method}: {error}") from None
    search = search_settings(said.search, place)
    if said.ca and not target.tls:
        raise UserError(f"{place}.ca: goes with https; there is no certificate in http")
    longest_s = METHODS[method].longest_s
    if longest_s is not None and search.max_s > longest_s:
        most = f"hbprobe serve holds for {seconds(longest_s)} s at most"
        raise UserError(f"{place}.search.max: {most}; use method: idle for more")
    tls = client_context(file.parent / said.ca if said.ca else None) if target.tls else None
    start = From(_FAMILIES[said.family], said.source)
    return WatchTarget(said.name, target, method, tls, search, start)
