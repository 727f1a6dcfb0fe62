"""The methods of a trial: one row of traits for each, from which every other room derives what it must know."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hbprobe.farend.hold_request import LONGEST_HOLD_S
from hbprobe.farend.responders import (
    EchoResponder,
    ImapResponder,
    LdapResponder,
    MakeResponder,
    MqttResponder,
    PostgresqlResponder,
    RedisResponder,
    SmtpResponder,
    SshResponder,
)
from hbprobe.net.target import HTTP, HTTP_1_1, HTTP_2, Scheme
from hbprobe.profiles.vocabulary import QuietPhase
from hbprobe.trial.evidence import Question
from hbprobe.trial.intervals import (
    AIOHTTP,
    GRPC,
    LIBPQ,
    LINUX,
    OPENSSH,
    PAHO,
    REDIS_PY,
    WEBSOCKETS,
    IntervalLine,
)


class Server(StrEnum):
    """What must answer at the far end."""

    SERVE = "serve"
    """`hbprobe serve`, which proves itself first, holds requests as long as it is told, and bears witness."""
    ACTIVE_SYNC = "active-sync"
    """An ActiveSync server; a lab puts hbprobe's stand-in there."""
    ANY = "any"
    """Any server that speaks the protocol."""


class Takes(StrEnum):
    """What a user may say of a talk, beside its URL."""

    LOGIN = "login"
    STARTTLS = "starttls"
    HEADERS = "headers"
    SUBPROTOCOLS = "subprotocols"
    BYTES = "bytes"
    TOKEN = "token"
    """To log in with, instead of a password."""


@dataclass(frozen=True, slots=True)
class OwnLimit:
    """What a server of a protocol may have of its own that ends a quiet connection without a word."""

    words: str = ""
    """Empty where nothing is known of one."""
    least_s: float | None = None
    """So long at least is it, by its standard or as shipped; None where nobody says, or it is off."""
    source: str = ""
    """Who says so."""


_NO_OWN_LIMIT = OwnLimit()


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
    """What a diagnosis may ask with it."""
    takes: frozenset[Takes] = frozenset()
    needs_account: bool = False
    whole_seconds: bool = False
    """A hold is a heartbeat: a whole number of seconds, within what the server takes."""
    at_once: bool = True
    """Many trials may run at once without asking anything more of the server."""
    connections: int = 1
    """So many trials run at a time where nothing is said of it: more than one where the server is our own."""
    longest_s: float | None = None
    """No longer hold can be asked for."""
    lab_path: str = "/"
    """Where `hbprobe serve`, the far end of a lab, serves it."""
    responder: MakeResponder | None = None
    """What a lab has at its far end for a protocol that `hbprobe serve` does not speak."""
    own_limit: OwnLimit = _NO_OWN_LIMIT
    own_limit_in_session: OwnLimit = _NO_OWN_LIMIT
    """The same, after a login."""
    pings_after_login: bool = False
    """Nothing that is answered can be said twice before the login."""
    ping_lines: tuple[IntervalLine, ...] = ()
    """Where clients set how often they send the protocol's own ping."""
    keep_alive_lines: tuple[IntervalLine, ...] = (LINUX,)
    """Where it is set how often TCP keep-alives are sent."""
    talk: str = ""
    """The module of `hbprobe.trial.talks` with what is said, for a method that talks in one."""
    phase: QuietPhase = QuietPhase.REQUEST
    """In which part of a connection nothing moves."""
    alpn: str = HTTP_1_1
    """What is offered in TLS (RFC 7301); empty for a protocol without a name there."""
    exchange: bool = False
    """What it measures is what an Exchange heartbeat would meet, so Exchange's verdict follows from it."""

    @property
    def has_tls(self) -> bool:
        """Whether one of its schemes has TLS around it."""
        return any(scheme.tls for scheme in self.schemes.values())


_ANY_SERVER = frozenset({Question.POST_MORTEM, Question.KEEP_ALIVE, Question.ELSEWHERE})
"""What can be asked whatever is spoken."""


def _talk(
    name: str,
    help_: str,
    words: str,
    schemes: Mapping[str, Scheme],
    *,
    phase: QuietPhase = QuietPhase.FOREIGN,
    alpn: str = "",
    takes: Collection[Takes] = (),
    lab_path: str = "/",
    responder: MakeResponder | None = None,
    own_limit: OwnLimit = _NO_OWN_LIMIT,
    own_limit_in_session: OwnLimit = _NO_OWN_LIMIT,
    pings_after_login: bool = False,
    ping_lines: tuple[IntervalLine, ...] = (),
    keep_alive_lines: tuple[IntervalLine, ...] = (),
) -> MethodTraits:
    """Return the row of a talk with any server."""
    return MethodTraits(
        name=name,
        module="hbprobe.trial.methods.talking",
        talk=name,
        help=help_,
        words=words,
        schemes=schemes,
        server=Server.ANY,
        server_timer=True,
        phase=phase,
        alpn=alpn,
        asks=_ANY_SERVER | {Question.BOTH_DRIP},
        takes=frozenset(takes),
        lab_path=lab_path,
        responder=responder,
        own_limit=own_limit,
        own_limit_in_session=own_limit_in_session,
        pings_after_login=pings_after_login,
        ping_lines=ping_lines,
        keep_alive_lines=(*keep_alive_lines, LINUX),
    )


def _pair(name: str, port: int, secure: str, secure_port: int) -> dict[str, Scheme]:
    return {secure: Scheme(tls=True, port=secure_port), name: Scheme(tls=False, port=port)}


_REDIS_LIMIT = OwnLimit("`timeout` in redis.conf, which is off by default")
_LDAP_LIMIT = OwnLimit(
    "idletimeout of OpenLDAP, off by default; MaxConnIdleTime of Active Directory, 15 min by default",
    900,
    "https://learn.microsoft.com/en-us/troubleshoot/windows-server/active-directory/view-set-ldap-policy-using-ntdsutil",
)
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
        connections=8,
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
        phase=QuietPhase.BETWEEN,
    ),
    MethodTraits(
        name="ping",
        module="hbprobe.trial.methods.ping",
        help="an ActiveSync server holds a Ping, in whole seconds and to 2 s",
        words="an ActiveSync server answers after the heartbeat interval",
        schemes=HTTP,
        server=Server.ACTIVE_SYNC,
        server_timer=True,
        asks=_ANY_SERVER,
        takes=frozenset({Takes.LOGIN, Takes.TOKEN}),
        needs_account=True,
        whole_seconds=True,
        at_once=False,
        exchange=True,
    ),
    _talk(
        "websocket",
        "any WebSocket endpoint answers a Ping after the silence",
        "a WebSocket is quiet, and its endpoint is asked with a Ping",
        _pair("ws", 80, "wss", 443),
        phase=QuietPhase.TUNNEL,
        alpn=HTTP_1_1,
        takes=(Takes.HEADERS, Takes.SUBPROTOCOLS),
        lab_path="/ws",
        ping_lines=(WEBSOCKETS, AIOHTTP),
    ),
    _talk(
        "sse",
        "a stream of server-sent events is opened and listened to",
        "a stream of events is listened to",
        {"sse+https": Scheme(tls=True, port=443), "sse+http": Scheme(tls=False, port=80)},
        phase=QuietPhase.ANSWER,
        alpn=HTTP_1_1,
        takes=(Takes.HEADERS,),
        lab_path="/events?silence=%7Bhold%7D",
    ),
    _talk(
        "http2",
        "any HTTPS server that speaks HTTP/2 acknowledges a PING; no request is made",
        "an HTTP/2 connection without requests is quiet, and the server is asked with a PING",
        {"h2": Scheme(tls=True, port=443), "grpcs": Scheme(tls=True, port=443)},
        alpn=HTTP_2,
        phase=QuietPhase.UNASKED,
        ping_lines=(GRPC,),
    ),
    _talk(
        "mqtt",
        "a broker answers PINGREQ; the keep-alive is 0",
        "an MQTT client with keep-alive 0 is quiet, and the broker is asked with PINGREQ",
        _pair("mqtt", 1883, "mqtts", 8883),
        responder=MqttResponder,
        ping_lines=(PAHO,),
        takes=(Takes.LOGIN,),
    ),
    _talk(
        "redis",
        "a Redis server answers PING, before a login, too",
        "a Redis client is quiet, and the server is asked with PING",
        _pair("redis", 6379, "rediss", 6379),
        responder=RedisResponder,
        keep_alive_lines=(REDIS_PY,),
        takes=(Takes.LOGIN,),
        own_limit=_REDIS_LIMIT,
        own_limit_in_session=_REDIS_LIMIT,
    ),
    _talk(
        "imap",
        "an IMAP server answers NOOP, before a login, too; with a login and a mailbox in the URL, IDLE",
        "an IMAP client is quiet, and the server is asked with NOOP, or for the end of IDLE",
        _pair("imap", 143, "imaps", 993),
        responder=ImapResponder,
        takes=(Takes.LOGIN, Takes.STARTTLS),
        own_limit=OwnLimit("the time that a server gives for the login"),
        own_limit_in_session=OwnLimit(
            "the time after which a server logs out, 30 min or more by RFC 9051", 1800, "RFC 9051, section 5.4"
        ),
    ),
    _talk(
        "postgresql",
        "a PostgreSQL server says before a login whether it encrypts; after one it answers Sync",
        "a PostgreSQL client is quiet, and the server is asked whether it encrypts, or, after a login, with Sync",
        {"postgresql": Scheme(tls=False, port=5432), "postgres": Scheme(tls=False, port=5432)},
        responder=PostgresqlResponder,
        pings_after_login=True,
        keep_alive_lines=(LIBPQ,),
        takes=(Takes.LOGIN, Takes.STARTTLS),
        own_limit=OwnLimit(
            "authentication_timeout, 1 min by default",
            60,
            "https://www.postgresql.org/docs/current/runtime-config-connection.html",
        ),
        own_limit_in_session=OwnLimit("idle_session_timeout, which is off by default"),
    ),
    _talk(
        "smtp",
        "a mail server answers NOOP",
        "an SMTP client is quiet, and the server is asked with NOOP",
        _pair("smtp", 25, "smtps", 465),
        responder=SmtpResponder,
        takes=(Takes.STARTTLS,),
        own_limit=OwnLimit(
            "the time that a server waits for a command, 5 min or more by RFC 5321",
            300,
            "RFC 5321, section 4.5.3.2.7",
        ),
    ),
    _talk(
        "ssh",
        "an SSH server answers what it cannot know, before keys are exchanged",
        "an SSH client is quiet before keys are exchanged, and the server is asked what it cannot know",
        {"ssh": Scheme(tls=False, port=22)},
        responder=SshResponder,
        pings_after_login=True,
        ping_lines=(OPENSSH,),
        own_limit=OwnLimit(
            "LoginGraceTime of OpenSSH, 2 min by default", 120, "https://man.openbsd.org/sshd_config#LoginGraceTime"
        ),
    ),
    _talk(
        "ldap",
        "a directory answers a search for its root",
        "an LDAP client is quiet, and the server is asked for the root of its directory",
        _pair("ldap", 389, "ldaps", 636),
        responder=LdapResponder,
        takes=(Takes.LOGIN, Takes.STARTTLS),
        own_limit=_LDAP_LIMIT,
        own_limit_in_session=_LDAP_LIMIT,
    ),
    _talk(
        "raw",
        "bytes of your choice are answered after the silence; without them TCP alone tells whether it stands",
        "nothing is said; TCP alone, or the answer to bytes of one's choice, tells whether it stands",
        {"tls": Scheme(tls=True, port=None), "tcp": Scheme(tls=False, port=None)},
        responder=EchoResponder,
        takes=(Takes.BYTES,),
    ),
)

METHODS: dict[str, MethodTraits] = {row.name: row for row in _ROWS}
"""The traits of each method, by name. The first that takes a scheme is the scheme's own."""
CHOICES = {name: row.help for name, row in METHODS.items()}
DEFAULT = _ROWS[0].name
SCHEMES = {name: scheme for row in _ROWS for name, scheme in row.schemes.items()}
"""Every scheme that some method takes."""


def names(fits: Callable[[MethodTraits], bool] = lambda _: True) -> tuple[str, ...]:
    """Return the names of the methods that fit, in the order of the table."""
    return tuple(name for name, row in METHODS.items() if fits(row))


def in_words(fits: Callable[[MethodTraits], bool]) -> str:
    """Return the names of the methods that fit as a sentence has them: `hold, idle or ping`."""
    *others, last = names(fits)
    return f"{', '.join(others)} or {last}" if others else last


def taking(what: Takes) -> str:
    """Return the names of the methods that take something beside the URL, as a sentence has them."""
    return in_words(lambda row: what in row.takes)


def server_timer_counts(method: str) -> bool:
    """Say whether a timer of the server's own may be behind a limit; so it may behind one out of a capture."""
    row = METHODS.get(method)
    return row is None or row.server_timer


def may_be_http(method: str) -> bool:
    """Say whether an HTTP proxy may relay it: what has a name of HTTP's in TLS, and bytes that may be anything."""
    row = METHODS.get(method)
    return row is None or bool(row.alpn) or Takes.BYTES in row.takes


def pings_after_login(method: str) -> bool:
    """Say whether its protocol has no ping before the login."""
    row = METHODS.get(method)
    return row is not None and row.pings_after_login


def is_talk(method: str) -> bool:
    """Say whether it talks in a protocol of its own, whose pings are no data of an application."""
    row = METHODS.get(method)
    return row is not None and bool(row.talk)


def of_scheme(url: str) -> str:
    """Return the name of the method that a URL's scheme chooses; the default one where none takes it."""
    scheme = url.partition("://")[0].lower()
    return next((name for name, row in METHODS.items() if scheme in row.schemes), DEFAULT)
