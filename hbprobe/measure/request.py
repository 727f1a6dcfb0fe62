"""What requests have in common: the groups of fields, each defined once, with its defaults, limits and messages.

A request says everything about one measurement. The command line, path files and watch files are other spellings of
the same fields: an option `--password-file` is the field `password_file`, a key `search.max` is the field `max`.
Each request checks itself when it is made, and raises RequestError, which names the field. Durations are seconds, or
text as people write it (`"10min"`, `"0:05:00"`); once a request is made, they are seconds.
"""

import contextlib
import math
import socket
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from hbprobe.duration import format_duration
from hbprobe.errors import RequestError, UserError
from hbprobe.measure.field_values import Count, Duration, Share, one_of, read_fields
from hbprobe.measure.observe import Observer
from hbprobe.net.target import HTTP, Scheme
from hbprobe.search.prior import Prior, shipped_prior
from hbprobe.search.search import SearchSettings
from hbprobe.trial.methods.table import CHOICES, METHODS, SCHEMES, MethodTraits, in_words, of_scheme

if TYPE_CHECKING:
    import ssl

    from hbprobe.eas.client import Account
    from hbprobe.exchange.devices import DeviceKind
    from hbprobe.exchange.settings import Settings
    from hbprobe.measure.description import Description
    from hbprobe.measure.journal import Journal
    from hbprobe.net.dial import From
    from hbprobe.net.target import Target
    from hbprobe.records.record import Origin
    from hbprobe.warp import Clock


File: TypeAlias = str | PathLike[str]
"""The place of a file."""

if TYPE_CHECKING:
    MethodName: TypeAlias = str
else:
    MethodName = Literal[tuple(METHODS)]
Strategy: TypeAlias = Literal["guided", "split"]
Family: TypeAlias = Literal["any", "4", "6"]

_MOST_LABEL = 80
_ROUGH_S = 600.0
"""Estimates above that are told in minutes."""
_FAMILIES = {"any": socket.AF_UNSPEC, "4": socket.AF_INET, "6": socket.AF_INET6}
_KINDS = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}

RecordT = TypeVar("RecordT")


@dataclass(frozen=True, kw_only=True)
class Group:
    """Fields that several requests share."""

    def settle(self) -> None:
        """Fill in what follows from other fields."""

    def check(self) -> None:
        """Raise RequestError for fields that cannot be, or do not go together; each group adds its own."""


@dataclass(frozen=True, kw_only=True)
class Request(Group, Generic[RecordT]):
    """One measurement, wholly said. `run` carries it out in a script, `measure` in a program that has a loop."""

    def __post_init__(self) -> None:
        read_fields(self)
        self.settle()
        self.check()

    async def measure(self, observer: Observer | None = None) -> RecordT:
        """Measure on the running loop; what is simulated runs on a loop of its own, in a thread, with its own clock.

        Raises UserError for what cannot be, and CannotMeasureError where the path cannot be measured: that carries in
        `partial` what had been measured until then. A task that is cancelled ends as any other; the observer has
        heard what was found.
        """
        import asyncio  # here and below, since a request is asked for its options far more often than it is run

        watched, clock, task = observer or Observer(), self._clock(), asyncio.current_task()
        if clock is not None:
            return await _elsewhere(self._measured(watched), clock)
        before = task.cancelling() if task else 0
        record = await self._measured(watched)
        if task and task.cancelling() > before:  # a partial record is for Ctrl-C, which `run` knows of
            raise asyncio.CancelledError
        return record

    def run(self, observer: Observer | None = None) -> RecordT:
        """Measure on a loop of its own, for scripts; in a program that has a loop, `await` `measure()` instead.

        Ctrl-C ends it with what was found until then. Raises what `measure` raises, and RuntimeError where a loop is
        running already.
        """
        import asyncio

        from hbprobe import warp

        running = None
        with contextlib.suppress(RuntimeError):
            running = asyncio.get_running_loop()
        if running is not None:
            name = type(self).__name__
            raise RuntimeError(f"{name}.run() in a running event loop: use `await {name}(...).measure()` instead")
        return warp.run(self._measured(observer or Observer()), self._clock() or warp.ScaledClock())

    async def _measured(self, observer: Observer) -> RecordT:
        """Measure; a task that is cancelled returns what was found until then."""
        raise NotImplementedError

    def _clock(self) -> "Clock | None":
        """Return the clock of a measurement that is simulated; None for one in real time."""
        return None


async def _elsewhere(work: Coroutine[Any, Any, RecordT], clock: "Clock") -> RecordT:
    """Run on a loop of its own, in a thread; who is cancelled here cancels it there, and waits for its end."""
    import asyncio

    from hbprobe import warp

    ours = asyncio.get_running_loop()
    begun: asyncio.Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = ours.create_future()

    async def there() -> RecordT:
        ours.call_soon_threadsafe(begun.set_result, (asyncio.get_running_loop(), asyncio.current_task()))
        return await work

    thread = asyncio.ensure_future(asyncio.to_thread(warp.run, there(), clock))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        if not thread.done():
            loop, task = await begun
            assert task is not None
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                loop.call_soon_threadsafe(task.cancel)
            await asyncio.wait([thread])
        raise


@dataclass(frozen=True, kw_only=True)
class Searching(Group):
    """What a search is asked for."""

    min: Duration | None = None
    """the shortest hold of interest (default: 4 s, below the timers of load balancers, proxies and web servers)"""
    max: Duration | None = None
    """the longest (default: 3540 s)"""
    precision: Duration | None = None
    """how narrow the bracket (default: 1 s)"""
    connections: Count | None = None
    """trials at a time; more is faster (default: 8 with hold, whose server is hbprobe's own; else 1)"""
    confirm: Count | None = None
    """trials that must agree at each end of the bracket (default: 1)"""
    noise: Share | None = None
    """this share of trials dies for other reasons than the timer; the search then repeats until it is sure (default:
    0, every trial is believed)"""
    confidence: Share | None = None
    """with noise: how sure the bracket must be (default: 0.95)"""
    grace: Duration | None = None
    """how late an answer may be before its absence counts as silence (default: 3 s)"""
    strategy: Strategy = "guided"
    """guided: try timers that products have first; split: halve the bracket"""
    method: MethodName = field(default="", metadata={"choices": CHOICES})
    """how a connection is kept quiet, and what must answer (default: as the URL's scheme says; hold for https)"""

    def settle(self) -> None:
        """Choose the method that the URL's scheme says, where none is named; raises RequestError for a wrong one."""
        if not self.method:
            object.__setattr__(self, "method", of_scheme(getattr(self, "url", None) or ""))
        one_of("method", self.method, tuple(METHODS))
        super().settle()

    def search_settings(self, base: SearchSettings | None = None) -> SearchSettings:
        """Return what is said of the search, on top of `base`; raises RequestError where it does not fit together."""
        settings = search_settings(
            {name: getattr(self, name) for name in SEARCH_FIELDS}, base or defaults_with(self.traits)
        )
        longest_s = self.traits.longest_s
        if longest_s is not None and settings.max_s > longest_s:
            raise RequestError(
                "{max} {value}: hbprobe serve holds for {most} at most; use {method} idle for more",
                "max",
                value=format_duration(settings.max_s),
                most=format_duration(longest_s),
            )
        return self._in_heartbeats(settings) if self.traits.whole_seconds else settings

    @property
    def traits(self) -> MethodTraits:
        """What the method asks of the far end."""
        return METHODS[self.method]

    def _in_heartbeats(self, settings: SearchSettings) -> SearchSettings:
        """Fit a search to heartbeats; raises RequestError where that would not be what was said."""
        from hbprobe.search.heartbeats import in_heartbeats

        for name in ("min", "max"):
            said_s = getattr(self, name)
            if said_s is not None and said_s % 1:
                text = f"{{{name}}} {{value:g}}: a heartbeat is a whole number of seconds"
                raise RequestError(text, name, value=said_s)
        if self.precision is not None and float(self.precision) % 2:
            text = "{precision} {value:g}: with {method} {name} it is an even number of seconds"
            raise RequestError(text, "precision", value=self.precision, name=self.method)
        try:
            return in_heartbeats(settings)
        except ValueError as error:
            raise _unfit(error) from None

    def prior(self) -> Prior | None:
        """Return what the search is to know of timers beforehand; None for one that only splits."""
        return None if self.strategy == "split" else shipped_prior()

    def how_long(self, search: SearchSettings, rate: float = 1.0) -> str:
        """Say how long a search is likely to take, `rate` seconds of the path in one."""
        from hbprobe.search.expected import takes

        span = takes(search, shipped_prior(), guided=self.strategy == "guided")
        likely, least, most, worst = (
            _roughly(length_s / rate) for length_s in (span.likely_s, span.least_s, span.most_s, span.worst_s)
        )
        between = "" if least == most else f" ({least} to {most} with most products' timers)"
        return f"about {likely}{between}, {worst} at worst"

    def check(self) -> None:
        """Raise RequestError for a search that cannot be, and for a method that is not the URL's."""
        scheme = (getattr(self, "url", None) or "").partition("://")[0].lower()
        if scheme in SCHEMES and scheme not in self.traits.schemes:
            text = "{method} {value}: {scheme}:// goes with {method} {fit}: name that, or none"
            fit = in_words(lambda row: scheme in row.schemes)
            raise RequestError(text, "method", value=self.method, scheme=scheme, fit=fit)
        self.search_settings()
        super().check()


def defaults_with(traits: MethodTraits) -> SearchSettings:
    """Return the search that a method makes where nothing is said of it."""
    return SearchSettings(connections=traits.connections)


def _roughly(length_s: float) -> str:
    """Write a length that nobody knows to the second."""
    return format_duration(round(length_s / 60) * 60 if length_s > _ROUGH_S else math.ceil(length_s))


SEARCH_FIELDS = tuple(each.name.removesuffix("_s") for each in fields(SearchSettings))
"""The fields of a search that path files, watch files and options spell alike."""


def search_settings(said: Mapping[str, Any], base: SearchSettings | None = None) -> SearchSettings:
    """Return what is said of a search, by the names of SEARCH_FIELDS, on top of `base`; None says nothing.

    Raises RequestError where it does not fit together.
    """
    timed = {each.name.removesuffix("_s"): each.name for each in fields(SearchSettings)}
    try:
        given = {timed[name]: value for name, value in said.items() if value is not None}
        return replace(base or SearchSettings(), **given)
    except ValueError as error:
        raise _unfit(error) from None


def _unfit(error: ValueError) -> RequestError:
    """Name the field that SearchSettings objects to: the first word of what it says."""
    name, _, what = str(error).partition(" ")
    return RequestError(f"{{{name}}} {{what}}", name, what=what)


@dataclass(frozen=True, kw_only=True)
class Trusting(Group):
    """Which certificates are trusted."""

    ca: File | None = None
    """trust this authority (PEM) instead of the system's"""
    insecure: bool = False
    """do not verify the certificate; the report says so"""

    def check(self) -> None:
        """Raise RequestError where both are said."""
        if self.ca is not None and self.insecure:
            raise RequestError("{insecure} does not go with {ca}: drop one", "insecure")
        super().check()

    @property
    def trust_notes(self) -> tuple[str, ...]:
        """What a result must say of the certificates."""
        return ("the server's certificate was not verified (--insecure)",) if self.insecure else ()


@dataclass(frozen=True, kw_only=True)
class Connecting(Trusting):
    """From where connections are made, whom they trust, and what the path is called."""

    source: str | None = None
    """the address or the interface that connections start from"""
    family: Family = "any"
    """4: IPv4 only; 6: IPv6 only"""
    label: str = ""
    """what this path is called in results and reports, such as the provider"""

    def check(self) -> None:
        """Raise RequestError for an empty source, and a label that cannot be shown."""
        if self.source is not None and not (self.source and self.source.isprintable()):
            raise RequestError("{source}: {value!r} is no address and no interface", "source", value=self.source)
        if not self.label.isprintable() or len(self.label) > _MOST_LABEL:
            text = "{label}: give one line of at most {most} characters that print"
            raise RequestError(text, "label", most=_MOST_LABEL)
        super().check()

    def tls(self, target: "Target", *, starttls: bool = False) -> "ssl.SSLContext | None":
        """Return how a target is spoken to, None for plain HTTP; raises RequestError for an authority of no use.

        `starttls`: TLS begins later on a connection that is plain at first.
        """
        from hbprobe.net.certificates import client_context

        if not target.tls and not starttls:
            if self.ca is not None or self.insecure:
                scheme = target.scheme or "http"
                text = "{ca} and {insecure} go with TLS; there is no certificate in {scheme}"
                raise RequestError(text, "insecure" if self.insecure else "ca", scheme=scheme)
            return None
        try:
            return client_context(None if self.ca is None else Path(self.ca), insecure=self.insecure)
        except UserError as error:
            raise RequestError("{ca}: {what}", "ca", what=error) from None

    def start_to(self, target: "Target") -> "From":
        """Return where connections to a target come from; raises RequestError where none can start or arrive."""
        from hbprobe.net.dial import From, family_of, reason_of

        start = From(_FAMILIES[self.family], self.source or "")
        asked, there, here = start.family, family_of(target.host), family_of(start.source)
        for host, kind in ((target.host, there), (start.source, here)):
            if asked and kind and kind is not asked:
                text = "{family}: {host} is an {kind} address, and only {asked} is asked for"
                raise RequestError(text, "family", host=host, kind=_KINDS[kind], asked=_KINDS[asked])
        if there and here and there is not here:
            text = "{source} {value}: an {kind} address reaches no {there} address, which {host} is"
            values = {"value": self.source, "host": target.host, "kind": _KINDS[here], "there": _KINDS[there]}
            raise RequestError(text, "source", **values)
        if start.source:
            try:
                start.try_out()
            except OSError as error:
                raise RequestError("{source} {what}", "source", what=reason_of(error)) from None
        return start

    @property
    def origin(self) -> "Origin":
        """What a record says of it."""
        from hbprobe.records.record import Origin

        return Origin(self.label, self.source, self.family)


@dataclass(frozen=True, kw_only=True)
class Journalling(Group):
    """Where trials are kept, so that nothing that was measured is lost."""

    journal: File | None = None
    """keep every trial in a new journal"""
    resume: File | None = None
    """go on with the measurement of this journal"""

    def check(self) -> None:
        """Raise RequestError where both are said."""
        if self.journal is not None and self.resume is not None:
            raise RequestError("{resume} does not go with {journal}: drop one", "resume")
        super().check()

    def kept(self, describes: "Description") -> "contextlib.AbstractContextManager[Journal | None]":
        """Open the journal that is named, or none; raises UserError where it is another measurement's."""
        from hbprobe.measure.journal import Journal

        path = self.resume if self.resume is not None else self.journal
        if path is None:
            return contextlib.nullcontext()
        return Journal(Path(path), describes, resume=self.resume is not None)


_LOGIN_SECRETS = ("password", "password_file", "token_file", "token_command")
"""The fields that say by which secret somebody logs in. A password that is given comes before one in a file."""


@dataclass(frozen=True, kw_only=True)
class LoggingIn(Group):
    """Who logs in."""

    user: str | None = None
    r"""who logs in, with a password (Basic authentication) or a bearer token (modern authentication): NAME,
    DOMAIN\NAME or NAME@DOMAIN"""
    password: str | None = field(default=None, repr=False)
    """the password; never an option: it comes from the variable HBPROBE_PASSWORD, a file or a prompt"""
    password_file: File | None = None
    """a file whose first line is the password (default: the variable HBPROBE_PASSWORD, else a prompt)"""
    token_file: File | None = None
    """instead of a password: a file whose first line is a bearer token; it is read again for each request"""
    token_command: str | None = None
    """instead of a password: a command that prints a bearer token; it is run again every 10 min"""

    def check(self) -> None:
        """Raise RequestError for more than one secret."""
        first, *others = (*(name for name in _LOGIN_SECRETS if getattr(self, name) is not None), "")
        if others and others[0].startswith("token"):
            raise RequestError(f"{{{others[0]}}} does not go with {{{first}}}: drop one", others[0])
        super().check()

    def account(self, target: "Target", *, secured: bool = False) -> "Account":
        """Return who logs in; raises RequestError where that is not said, or a secret would go in the clear.

        `secured`: TLS begins before the login.
        """
        from hbprobe.measure.account import account_of

        if not (target.tls or secured or is_on_this_machine(target)):
            text = "a password or a token goes over TLS only, as in https; {scheme} is for a server on this machine"
            raise RequestError(text, "url", scheme=target.scheme or "http")
        return account_of(
            self.user,
            password=self.password,
            password_file=None if self.password_file is None else Path(self.password_file),
            token_file=None if self.token_file is None else Path(self.token_file),
            token_command=self.token_command,
        )


@dataclass(frozen=True, kw_only=True)
class Configured(Group):
    """Where Exchange's settings come from."""

    webconfig: File | None = None
    r"""Exchange's ClientAccess\Sync\web.config, or the registry export of Exchange 2003 (default: Exchange's own
    defaults)"""

    def exchange_settings(self) -> "Settings":
        """Return Exchange's settings; raises UserError when the file cannot be used."""
        from hbprobe.exchange.settings import Settings, load_settings

        return Settings() if self.webconfig is None else load_settings(Path(self.webconfig))


@dataclass(frozen=True, kw_only=True)
class Judging(Configured):
    """What a limit is judged by."""

    devices: Literal["current", "all"] = "current"
    """current: devices of 2014 and later; all: the older ones too, and the client of the textbooks"""

    def device_kinds(self) -> "tuple[DeviceKind, ...]":
        """Return the devices that a verdict is given for."""
        from hbprobe.exchange.devices import CURRENT, DEVICES

        return DEVICES if self.devices == "all" else CURRENT


@dataclass(frozen=True, kw_only=True)
class Concluding(Judging):
    """What is concluded from a limit."""

    heartbeat: Duration | None = None
    """how often the application sends something: says whether that is often enough, and with what margin"""
    exchange: bool = False
    """say what Exchange makes of the limit, whatever the method (default: with methods that an Exchange heartbeat
    would fare as)"""
    no_exchange: bool = False
    """say nothing of Exchange"""

    def check(self) -> None:
        """Raise RequestError for a heartbeat that cannot be, and where Exchange is to be judged and is not."""
        if self.heartbeat is not None and not float(self.heartbeat) > 0:
            raise RequestError("{heartbeat} {value:g}: give more than 0", "heartbeat", value=self.heartbeat)
        if self.exchange and self.no_exchange:
            raise RequestError("{exchange} does not go with {no_exchange}: drop one", "exchange")
        super().check()

    @property
    def heartbeat_s(self) -> float | None:
        """The heartbeat, once it has been read."""
        return None if self.heartbeat is None else float(self.heartbeat)

    def judges(self, traits: MethodTraits) -> bool:
        """Say whether there is a verdict on Exchange."""
        return self.exchange or (traits.exchange and not self.no_exchange)


_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_on_this_machine(target: "Target") -> bool:
    """Say whether what goes there in the clear leaves this machine not."""
    return target.host in _LOOPBACK


def target_of(url: str, schemes: Mapping[str, Scheme] | None = None, name: str = "url") -> "Target":
    """Return what a URL names, of a method's schemes or of HTTP's; raises RequestError where it is none."""
    from hbprobe.net.target import Target

    try:
        return Target.parse(url, HTTP if schemes is None else schemes)
    except ValueError as error:
        scheme, mark, _ = url.partition("://")
        is_foreign = schemes is not None and mark and scheme.lower() not in SCHEMES
        what = f"{error}, or tcp://HOST:PORT for any other protocol" if is_foreign else error
        raise RequestError("{what}" if name == "url" else f"{{{name}}}: {{what}}", name, what=what) from None
