"""The watch file: which paths to measure again and again, and where to keep what they show.

    database: watch.sqlite
    interval: 1h
    metrics: 127.0.0.1:9140
    targets:
      - name: office
        url: https://probe.example.net:8443/
        ca: ca.pem
        search: {max: 1h, connections: 8}

Files are named relative to the watch file. It holds no passwords: they stand in files of their own, or in the
environment. (A path file is another thing: what a lab builds.)
"""

import json
import os
import socket
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from hbprobe.errors import RequestError, UserError
from hbprobe.exchange.settings import Settings, load_settings
from hbprobe.lab.pathfile import SearchOnPath, search_settings
from hbprobe.measure.account import PASSWORD_VARIABLE
from hbprobe.measure.description import describe, secrets_of, told_of
from hbprobe.measure.probe import Probe
from hbprobe.net.address import Address
from hbprobe.net.certificates import client_context
from hbprobe.net.dial import From
from hbprobe.net.target import Target
from hbprobe.profiles.document import read_document
from hbprobe.profiles.loader import read_as, read_text
from hbprobe.profiles.values import Flag, Line, Name, Seconds, Strict, Text
from hbprobe.search.heartbeats import in_heartbeats
from hbprobe.search.search import SearchSettings
from hbprobe.text import seconds, without_query_values
from hbprobe.trial.methods.table import METHODS, names, of_scheme
from hbprobe.trial.talks.talk import NO_OPTIONS, TalkOptions
from hbprobe.watch.file_sd import Url, discovered, files_of, stamps

_LOOPBACK = "127.0.0.1"
_ANYWHERE = From()


if TYPE_CHECKING:
    from hbprobe.eas.client import Account

    MethodName: TypeAlias = str
else:
    MethodName = Literal[names()]


def _web(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("is no URL to post to: write https://HOST[:PORT][/PATH]")
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


class Module(Strict):
    """How to measure, for several targets."""

    method: MethodName | None = None
    """What the scheme of the URL says, where it is not said here."""
    ca: Line = ""
    source: Line = ""
    """The address or the interface that connections start from."""
    family: Family = Family.ANY
    search: SearchOnPath = SearchOnPath()
    user: Line = ""
    """Who logs in; the password is in `password_file` or the environment."""
    password_file: Line = ""
    token_file: Line = ""
    """For ActiveSync, instead of a password: a bearer token, which somebody keeps fresh."""
    starttls: Flag = False
    headers_file: Line = ""
    subprotocol: tuple[Line, ...] = ()
    send: Text = ""
    expect: Text = ""
    heartbeat: Seconds | None = None
    """How often the application sends something: results say whether that is often enough."""
    exchange: Flag | None = None
    """Whether Exchange's verdict is given; without it, where the method is one of Exchange's."""


class TargetInFile(Module):
    """A far end, and how to measure the path to it: what it leaves out is as its module says."""

    name: Name
    url: Url
    module: Line = ""


class Notify(Strict):
    """Who is told of a change."""

    command: tuple[Line, ...] = ()
    """A program and its arguments, which gets JSON on standard input."""
    webhook: Annotated[Line, AfterValidator(_web)] = ""
    """A URL to which JSON is posted."""


class WatchFile(Strict):
    """What a watch file says."""

    database: Name = "watch.sqlite"
    interval: Seconds = 3600.0
    metrics: Annotated[Line, BeforeValidator(_address)] = ""
    webconfig: Line = ""
    targets: tuple[TargetInFile, ...] = ()
    file_sd: tuple[Line, ...] = ()
    modules: dict[Name, Module] = Field(default_factory=dict)
    notify: Notify = Notify()


_NOBODY = Notify()


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
    module: str = ""
    ca: bytes = b""
    """The authority's certificate, as it was read: another one makes another target."""
    account: "Account | None" = None
    """Who logs in, where the method needs to know."""
    talk: TalkOptions = NO_OPTIONS
    told: Mapping[str, str] = field(default_factory=dict)
    """What of the rest makes another measurement."""
    heartbeat_s: float | None = None
    exchange: bool = False
    """Exchange's verdict is given."""

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells this target from one that is measured in another way."""
        how = self.search, self.start, self.account, self.talk, self.heartbeat_s, self.exchange
        return self.name, self.target, self.method, *how, self.module, self.ca

    @property
    def family(self) -> Family:
        """The version of IP that they may use."""
        return next(name for name, number in _FAMILIES.items() if number is self.start.family)

    @property
    def asked(self) -> str:
        """What is measured, as JSON: an interrupted measurement goes on only where this is still the same.

        Of what may be a secret there is a digest; its salt is the target's own, and the same each time.
        """
        about = describe(self.target.url, self.method, self.search, secrets_of(self.talk), **self.told)
        said = about.kept(lambda _: self.name.encode())
        if self.start != _ANYWHERE:
            said |= {"source": self.start.source, "family": self.family}
        said = {name: value for name, value in said.items() if value != ""}
        return json.dumps(said, sort_keys=True)


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """A watch file, read and checked: targets, interval, and where what they show is kept."""

    database: Path
    interval_s: float
    metrics: Address | None
    settings: Settings
    targets: tuple[WatchTarget, ...]
    notify: Notify = _NOBODY
    file_sd: tuple[str, ...] = ()
    """Which files name more targets, as the watch file says it."""
    folder: Path = Path()
    """Where the watch file is."""

    def find(self, wanted: str, module: str) -> WatchTarget | None:
        """Return the target of a name or a URL; None where there is none, or its module is another."""
        for one in self.targets:
            if wanted in (one.name, one.target.url) and module in ("", one.module):
                return one
        return None


def load_watch(file: Path) -> WatchPlan:
    """Read a watch file; raises UserError, one line with file, key and mend, for a wrong one."""
    text = read_text(file)
    data = read_document(text).data
    if isinstance(data, dict) and "boxes" in data:
        raise UserError(f"{file}: is a path file, which hbprobe lab takes; a watch file names targets")
    said = read_as(WatchFile, text, str(file))
    if not said.targets and not said.file_sd:
        raise UserError(f"{file}: targets: is missing: name at least one, or files that do with file_sd")
    targets = _targets(said, file)
    _check_names(targets, file)
    return WatchPlan(
        database=file.parent / said.database,
        interval_s=said.interval,
        metrics=_metrics(said.metrics),
        settings=load_settings(file.parent / said.webconfig) if said.webconfig else Settings(),
        targets=tuple(targets),
        notify=said.notify,
        file_sd=said.file_sd,
        folder=file.parent,
    )


def discovery_stamps(plan: WatchPlan) -> list[tuple[str, int, int]]:
    """Return what changes when files that name targets come, go or are written."""
    return stamps(files_of(plan.file_sd, plan.folder))


def _targets(said: WatchFile, file: Path) -> list[WatchTarget]:
    """Return the targets of the watch file, and then those of the files that it names."""
    listed = [(one, f"{file}: targets[{number}]") for number, one in enumerate(said.targets)]
    for found in discovered(files_of(said.file_sd, file.parent)):
        name = without_query_values(found.url)
        listed.append((TargetInFile(name=name, url=found.url, module=found.module), f"{found.place}: {name}"))
    return [_target(_with_module(one, said.modules, place), place, file) for one, place in listed]


def _with_module(said: TargetInFile, modules: Mapping[str, Module], place: str) -> TargetInFile:
    """Fill in from its module what a target leaves out."""
    if not said.module:
        return said
    if said.module not in modules:
        known = ", ".join(modules) or "none"
        raise UserError(f"{place}.module: {said.module!r} is not among modules (there: {known})")
    module = modules[said.module]
    left = {key: getattr(module, key) for key in module.model_fields_set - said.model_fields_set}
    return said.model_copy(update=left)


def database_of(file: Path) -> Path:
    """Return the database that is meant: the file itself, or that of a watch file."""
    return load_watch(file).database if file.suffix in (".yaml", ".yml") else file


def _check_names(targets: Sequence[WatchTarget], file: Path) -> None:
    for name, count in Counter(target.name for target in targets).most_common(1):
        if count > 1:
            raise UserError(f"{file}: targets: {count} are called {name!r}: give each a name of its own")


def _metrics(text: str) -> Address | None:
    if not text:
        return None
    return Address.parse(f"{_LOOPBACK}:{text}" if text.isdecimal() else text)


def _target(said: TargetInFile, place: str, file: Path) -> WatchTarget:
    method = said.method or of_scheme(said.url)
    traits = METHODS[method]
    try:
        target = Target.parse(said.url, traits.schemes)
    except ValueError as error:
        raise UserError(f"{place}: method {method}: {error}") from None
    search = search_settings(said.search, place, traits)
    if traits.whole_seconds:
        search = in_heartbeats(search)
    if said.ca and not (target.tls or said.starttls):
        raise UserError(f"{place}.ca: goes with https; there is no certificate in http")
    longest_s = traits.longest_s
    if longest_s is not None and search.max_s > longest_s:
        most = f"hbprobe serve holds for {seconds(longest_s)} s at most"
        raise UserError(f"{place}.search.max: {most}; use method: idle for more")
    ca = file.parent / said.ca if said.ca else None
    begins_tls = target.tls or said.starttls
    try:
        tls = client_context(ca) if begins_tls else None
    except UserError as error:
        raise UserError(f"{place}.ca: {error}") from None
    start = From(_FAMILIES[said.family], said.source)
    read = b"" if ca is None else ca.read_bytes()
    asked, account, talk = _talk(said, method, target, place, file.parent)
    return WatchTarget(
        said.name,
        target,
        method,
        tls,
        search,
        start,
        said.module,
        read,
        account=account,
        talk=talk,
        told=told_of(asked),
        heartbeat_s=asked.heartbeat_s,
        exchange=asked.judges(traits),
    )


def _talk(
    said: TargetInFile, method: str, target: Target, place: str, folder: Path
) -> "tuple[Probe, Account | None, TalkOptions]":
    """Return a target as a probe would be asked for it, with who logs in and what is said of its talk."""

    def beside(name: str) -> Path | None:
        return folder / name if name else None

    if said.user and not (said.password_file or said.token_file or PASSWORD_VARIABLE in os.environ):
        raise UserError(
            f"{place}.user: nobody can be asked for the password: name a password_file, or set {PASSWORD_VARIABLE}"
        )
    try:
        asked = Probe(
            said.url,
            method=method,
            user=said.user or None,
            password_file=beside(said.password_file),
            token_file=beside(said.token_file),
            starttls=said.starttls,
            headers_file=beside(said.headers_file),
            subprotocol=said.subprotocol,
            send=said.send or None,
            expect=said.expect or None,
            heartbeat=said.heartbeat,
            exchange=said.exchange is True,
            no_exchange=said.exchange is False,
        )
        return asked, asked.login(target), asked.talk(target)
    except RequestError as error:
        raise UserError(f"{place}: {error}") from None
