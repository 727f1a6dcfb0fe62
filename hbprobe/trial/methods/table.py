"""The methods of a trial: one row of traits for each, from which every other room derives what it must know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hbprobe.farend.hold import LONGEST_HOLD_S
from hbprobe.trial.evidence import Question


class Server(StrEnum):
    """What must answer at the far end."""

    SERVE = "serve"
    """`hbprobe serve`, which proves itself first, holds requests as long as it is told, and bears witness."""
    ACTIVE_SYNC = "active-sync"
    """An ActiveSync server; a lab puts hbprobe's stand-in there."""
    ANY = "any"
    """Any server that speaks the protocol."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a URL's scheme says of a connection."""

    tls: bool
    port: int
    """Where the URL names none."""


HTTP: Mapping[str, Scheme] = {"https": Scheme(tls=True, port=443), "http": Scheme(tls=False, port=80)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodTraits:
    """What one method asks of its far end, and what can be asked of it. A trait without a default must be said."""

    name: str
    module: str
    """The module whose `make(environment)` makes it, loaded when the method is used."""
    help: str
    """What answers, and to what; for the help of `--method`."""
    words: str
    """What a trial does, for reports."""
    schemes: Mapping[str, Scheme]
    """The URLs that it takes."""
    server: Server
    server_timer: bool
    """A timer of the server's own may end its connections; a limit may be the server's, then."""
    asks: frozenset[Question]
    """What a diagnosis may ask with it; empty where there is no diagnosis."""
    needs_account: bool = False
    whole_seconds: bool = False
    """A hold is a heartbeat: a whole number of seconds, within what the server takes."""
    at_once: bool = True
    """Many trials may run at once without asking anything more of the server."""
    longest_s: float | None = None
    """No longer hold can be asked for."""
    exchange: bool = False
    """What it measures is what an Exchange heartbeat would meet, so Exchange's verdict follows from it."""


_ANY_SERVER = frozenset({Question.POST_MORTEM, Question.KEEP_ALIVE, Question.ELSEWHERE})

_ROWS = (
    MethodTraits(
        name="hold",
        module="hbprobe.trial.methods.hold",
        help="hbprobe serve at the far end answers after the hold",
        words="the far end answers after the hold",
        schemes=HTTP,
        server=Server.SERVE,
        server_timer=False,
        asks=frozenset(Question),
        longest_s=LONGEST_HOLD_S,
        exchange=True,
    ),
    MethodTraits(
        name="idle",
        module="hbprobe.trial.methods.idle",
        help="any web server, silence between two requests",
        words="quiet between two requests, so a keep-alive timer of the server counts too",
        schemes=HTTP,
        server=Server.ANY,
        server_timer=True,
        asks=_ANY_SERVER,
    ),
    MethodTraits(
        name="ping",
        module="hbprobe.trial.methods.ping",
        help="an ActiveSync server holds a Ping, in whole seconds and to 2 s",
        words="an ActiveSync server answers after the heartbeat interval",
        schemes=HTTP,
        server=Server.ACTIVE_SYNC,
        server_timer=True,
        asks=frozenset(),
        needs_account=True,
        whole_seconds=True,
        at_once=False,
        exchange=True,
    ),
)

METHODS: dict[str, MethodTraits] = {row.name: row for row in _ROWS}
"""The traits of each method, by name. The first that takes a scheme is the scheme's own."""
CHOICES = {name: row.help for name, row in METHODS.items()}
DEFAULT = _ROWS[0].name


def names(fits: Callable[[MethodTraits], bool] = lambda _: True) -> tuple[str, ...]:
    """Return the names of the methods that fit, in the order of the table."""
    return tuple(name for name, row in METHODS.items() if fits(row))


def in_words(fits: Callable[[MethodTraits], bool]) -> str:
    """Return the names of the methods that fit as a sentence has them: `hold, idle or ping`."""
    *others, last = names(fits)
    return f"{', '.join(others)} or {last}" if others else last


def server_timer_counts(method: str) -> bool:
    """Say whether a timer of the server's own may be behind a limit; so it may behind one out of a capture."""
    row = METHODS.get(method)
    return row is None or row.server_timer
