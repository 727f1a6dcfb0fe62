"""`Logs`: what is asked of logs, and the run that answers it."""

import asyncio
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hbprobe.errors import CannotMeasureError, RequestError, UserError
from hbprobe.evidence.events.entry import EventEntry, distinct
from hbprobe.evidence.events.readers import READERS, read_evtx
from hbprobe.evidence.logs.engines.engine import DuckDB, engine
from hbprobe.evidence.logs.lines.clocks import Apart
from hbprobe.evidence.logs.lines.http_tables import HTTPERR
from hbprobe.evidence.logs.lines.line_order import LogSpan, Overlap, overlaps
from hbprobe.evidence.logs.lines.log_sources import (
    LogKind,
    LogSource,
    NotReadError,
    find,
    head_of,
    is_store,
    kind_of,
    reading,
    text_of,
    writing,
)
from hbprobe.evidence.logs.lines.rows import FOR_EVIDENCE, REQUESTS, from_parquet
from hbprobe.evidence.logs.lines.sql_tables import Tables
from hbprobe.evidence.logs.questions.reports import ReportTable, report_called, table_of, users_table
from hbprobe.evidence.logs.silences.following import follow, name_networks
from hbprobe.evidence.logs.silences.networks import (
    LONGEST_PREFIX,
    SHORTEST_PREFIX,
    V4_PREFIX,
    NetworkNames,
    network_of,
    parse_names,
)
from hbprobe.evidence.logs.silences.pairing import SIDES_APART_MS, pair
from hbprobe.evidence.logs.store.log_store import LogStore
from hbprobe.evidence.logs.store.same_logs import Rows, repeats
from hbprobe.evidence.logs.store.stored_logs import Pseudonyms, Read, StoredLogs, stored_in
from hbprobe.exchange.settings import Settings
from hbprobe.files import scratch_folder
from hbprobe.measure.field_values import read_fields
from hbprobe.records.logs import LogEvidence
from hbprobe.text import counted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from hbprobe.evidence.logs.engines.spark import Spark

Told = Callable[[str], None]
_MOST_REASONS: Final = 3


class By(StrEnum):
    """What limits are told of."""

    NETWORK = "network"
    DEVICE = "device"
    KIND = "kind"
    """The DeviceType that a device gives."""
    SERVER = "server"


class Engine(StrEnum):
    """What runs the SQL."""

    DUCKDB = "duckdb"
    SPARK = "spark"


@dataclass(frozen=True, slots=True)
class Logs:
    """What to read, and how to look at it.

    `Logs(["/logs/W3SVC1", "events.evtx"]).run()` reads everything and returns the evidence. Raises UserError for what
    cannot be asked; a file that cannot be read is named in the evidence, and the others are read all the same.
    """

    paths: Sequence[str | Path]
    """Files, folders, wildcards, `.gz`, `.zip`, and folders that `into` named before."""
    by: By = By.NETWORK
    networks: Path | None = None
    """A CSV file of prefix and name: carriers and sites."""
    v4_prefix: int = V4_PREFIX
    """How many bits of an IPv4 address are its network."""
    since: datetime | None = None
    """Requests that ended before are left out, and so is what HTTP.sys and the event log tell of before. UTC, where
    it has no zone."""
    until: datetime | None = None
    settings: Settings = field(default_factory=Settings)
    """Exchange's: sample size and threshold of event 1040, and the longest interval."""
    who: str | None = None
    """Reports tell of this user or device only."""
    containing: str | None = None
    """Reports tell of requests whose user, device, device type, user agent or error contains this."""
    into: Path | None = None
    """Keeps what was read as Parquet; a later run reads only what is new."""
    pseudonyms: Path | None = None
    """A file with a secret: users, devices and addresses become keyed hashes."""
    memory_mb: int = 700
    """What DuckDB may take."""
    engine: Engine = Engine.DUCKDB
    """What runs the SQL. Logs themselves are read with DuckDB."""
    spark_remote: str | None = None
    """Spark's master, or a server at `sc://`; by default this machine is all of it."""

    def __post_init__(self) -> None:
        if isinstance(self.paths, str | Path):
            object.__setattr__(self, "paths", [self.paths])
        read_fields(self)
        for name in ("since", "until"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                object.__setattr__(self, name, moment.replace(tzinfo=UTC))  # as the logs have it
        if not SHORTEST_PREFIX <= self.v4_prefix <= LONGEST_PREFIX:
            raise RequestError(
                f"{{v4_prefix}} {self.v4_prefix} is no number of bits: give {SHORTEST_PREFIX} to {LONGEST_PREFIX}",
                "v4_prefix",
            )
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise RequestError("{until} is not after {since}: nothing lies between them", "until")
        if self.pseudonyms is not None and self.v4_prefix > V4_PREFIX:
            raise RequestError(
                f"{{v4_prefix}} {self.v4_prefix} is longer than the /{V4_PREFIX} that {{pseudonyms}} leaves of an "
                f"address: give {V4_PREFIX} at most, or drop {{pseudonyms}}",
                "v4_prefix",
            )

    def is_within(self, at_s: float | None) -> bool:
        """Say whether a time, in seconds since 1970, lies between `since` and `until`; one that is not known does."""
        return at_s is None or self.is_asked_of(at_s, at_s)

    def is_asked_of(self, begin_s: float, end_s: float) -> bool:
        """Say whether something between two times lies between `since` and `until`."""
        since, until = (None if moment is None else moment.timestamp() for moment in (self.since, self.until))
        return (since is None or since <= end_s) and (until is None or begin_s < until)

    def run(self, told: Told = lambda _: None) -> LogEvidence:
        """Read everything, and return what it shows. `told` hears what is being done."""
        with self.opened(told, is_all_asked=False) as logs:
            return logs.evidence()

    async def measure(self) -> LogEvidence:
        """As `run`, without holding up the event loop."""
        return await asyncio.to_thread(self.run)

    @contextmanager
    def opened(self, told: Told = lambda _: None, *, is_all_asked: bool = True) -> "Iterator[OpenLogs]":
        """Read everything, and keep it open for reports and exports.

        Where it is not all asked, only for `OpenLogs.evidence`: columns that it has no use for are then left unread,
        unless they are kept.
        """
        if not self.paths:
            raise UserError("no log is named: give files or folders, such as C:\\inetpub\\logs\\LogFiles\\W3SVC1")
        names = _names(self.networks)
        if self.pseudonyms is not None and (part := names.within_pseudonyms) is not None:
            raise UserError(
                f"{self.networks}: {part} is only a part of {network_of(str(part.network_address))}, and more of an "
                "address is not left by pseudonyms: write whole networks, or leave the pseudonyms out"
            )
        pseudonyms = None if self.pseudonyms is None else Pseudonyms(_key(self.pseudonyms))
        with ExitStack() as stack:
            session = stack.enter_context(self._spark()) if self.engine is Engine.SPARK else None
            scratch = stack.enter_context(_scratch())
            connection = stack.enter_context(engine(scratch, self.memory_mb))
            is_kept = self.into is not None
            is_whole = is_all_asked or is_kept or session is not None
            columns = {name: kind for name, kind in REQUESTS.items() if is_whole or name in FOR_EVIDENCE}
            folder = self.into or scratch / "store"
            store = LogStore(
                folder, connection, pseudonyms=pseudonyms, is_kept=is_kept, columns=columns,
                unpacked_in=None if pseudonyms is None else scratch,
            )  # fmt: skip
            stack.callback(store.close)
            logs = OpenLogs(self, scratch, connection, pseudonyms, session, columns)
            logs._read(store, names, told)
            yield logs

    def _spark(self) -> "AbstractContextManager[Spark]":
        from hbprobe.evidence.logs.engines.spark import spark

        return spark(self.spark_remote)


@contextmanager
def _scratch() -> Iterator[Path]:
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(scratch_folder("hbprobe-logs-"))
        except OSError as error:
            raise CannotMeasureError(
                f"no folder can be made for what is read: {error.strerror or error}: set TMPDIR to one with room"
            ) from None
        yield folder


def _names(file: Path | None) -> NetworkNames:
    if file is None:
        return NetworkNames()
    return parse_names(_text_in(file, "a CSV of prefix and name"), str(file))


def question_in(file: Path) -> str:
    """Return the SQL in a file. Raises UserError where it cannot be read."""
    return _text_in(file, "a file with one SELECT")


def _text_in(file: Path, what: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}: name {what}") from None
    except UnicodeDecodeError:
        raise UserError(f"{file}: is not UTF-8: save it as UTF-8, as {what}") from None


def _key(file: Path) -> bytes:
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}: write 32 random characters into a file") from None
    if len(key) < 16:
        raise UserError(f"{file}: is too short for a key: write at least 16 random characters, better 32")
    return key


class OpenLogs:
    """Logs that were read, with a database open over them."""

    def __init__(
        self,
        asked: Logs,
        scratch: Path,
        connection: "DuckDBPyConnection",
        pseudonyms: Pseudonyms | None,
        session: "Spark | None" = None,
        columns: Mapping[str, str] = REQUESTS,
    ) -> None:
        self.asked = asked
        self._scratch = scratch
        self.spark = session
        self.connection = connection
        self.tables: Tables = DuckDB(connection) if session is None else session
        self.pseudonyms = pseudonyms
        self._columns = columns
        self.reads: list[Read] = []
        self.not_read: list[tuple[str, str]] = []
        self.entries: list[EventEntry] = []
        self.event_files: list[tuple[str, LogKind, int, int]] = []
        """Name, kind, entries of interest, all."""
        self.notes: list[str] = []
        self._is_of_httperr = False
        self.clocks: tuple[Apart, ...] = ()
        self.has_both_sides = False
        self.overlaps: list[Overlap] = []

    def _read(self, store: LogStore, names: NetworkNames, told: Told) -> None:
        asked = self.asked
        plain, stores = list[Path](), list[Path]()
        for path in asked.paths:
            (stores if is_store(Path(path)) else plain).append(Path(path))
        into = None if asked.into is None else asked.into.resolve()
        sources = (source for source in find(plain) if into is None or into not in source.path.resolve().parents)
        for source, error in store.take_all(self._logs_of(sources), told):
            if error is not None:
                self._leave(source, error)
        self.entries = [entry for entry in distinct(self.entries) if asked.is_within(entry.at_s)]
        others = [folder for folder in stores if folder.resolve() != into]
        if others and into is not None:
            self.notes.append(f"{', '.join(map(str, others))}: read before, and left there: --into keeps what is new")
        if self.event_files and into is not None:
            self.notes.append(f"event logs are not kept in {asked.into}: name them again when it is read alone")
        files = self._stored([store.stored, *(stored_in(folder, self.pseudonyms) for folder in others)])
        told("following devices")
        self._prepare(files, names)

    def _stored(self, folders: Sequence[StoredLogs]) -> dict[str, list[str]]:
        """Take what the folders hold, each log once; return the files of each table."""
        found = [(folder, note.read) for folder in folders for note in folder.notes.values()]
        reads = [read for _, read in found]
        files = [{table: folder.files(read, table) for table in ("requests", "httperr")} for folder, read in found]
        twice = repeats(reads, Rows(DuckDB(self.connection), files).are_within)
        for index, other in sorted(twice.items()):
            what = "the same lines as" if reads[index].lines == reads[other].lines else "the first lines of"
            is_named_so = reads[index].name == reads[other].name
            whose = f"what {found[other][0].folder} has of it" if is_named_so else reads[other].name
            self.not_read.append((reads[index].name, f"has {what} {whose}: they are counted once"))
        for folder in folders:
            for name in folder.damaged.values():
                reason = f"what {folder.folder} has of it is damaged: read the log again, with --into {folder.folder}"
                self.not_read.append((name, reason))
        once = [index for index in range(len(found)) if index not in twice]
        self.reads = [reads[index] for index in once]
        return {table: [file for index in once for file in files[index][table]] for table in ("requests", "httperr")}

    def _logs_of(self, sources: Iterable[LogSource]) -> Iterator[LogSource]:
        """Give those that are logs; event logs are read on the way."""
        for source in sources:
            try:
                kind = kind_of(head_of(source), source.member or source.path.name)
                if kind in (LogKind.EVTX, *map(LogKind, READERS)):
                    self._take_events(source, kind)
                elif kind is not LogKind.TRUTH:
                    yield source
            except NotReadError as error:
                self._leave(source, error)

    def _leave(self, source: LogSource, error: NotReadError) -> None:
        self.not_read.append((source.name, str(error)))

    def _take_events(self, source: LogSource, kind: LogKind) -> None:
        try:
            with reading():
                entries = list(
                    _evtx(source, self._scratch) if kind is LogKind.EVTX else READERS[kind](text_of(source))
                )
        except ValueError as error:
            raise NotReadError(str(error)) from None
        mine = [entry for entry in entries if entry.is_of_interest]
        self.entries += mine
        self.event_files.append((source.name, kind, len(mine), len(entries)))

    @property
    def nothing_read(self) -> str | None:
        """Why there is nothing to judge; None where something was read, though it tell of nothing."""
        lines = sum(read.lines for read in self.reads)
        if any(read.requests or read.lines > read.bad for read in self.reads) or (self.reads and not lines):
            return None
        if any(entries or kind in (LogKind.EVTX, LogKind.EVENT_XML) for _, kind, _, entries in self.event_files):
            return None  # these two can be read, and be empty
        reasons = [f"{name}: {reason}" for name, reason in self.not_read]
        reasons += [
            f"{read.name}: not one line is understood: {read.bad_lines[0].reason}" for read in self.reads if read.bad
        ]
        reasons += [f"{name}: has no event that is understood" for name, *_ in self.event_files]
        if not reasons:
            return "nothing could be read: no log is in what was named"
        more = f"; and {counted(len(reasons) - _MOST_REASONS, 'file')} more" if len(reasons) > _MOST_REASONS else ""
        return f"nothing could be read: {'; '.join(reasons[:_MOST_REASONS])}{more}"

    def _prepare(self, files: dict[str, list[str]], names: NetworkNames) -> None:
        for table, columns in (("read_requests", self._columns), ("read_httperr", HTTPERR)):
            found = files[table.removeprefix("read_")]
            nothing = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in columns.items())
            chosen = f"{', '.join(columns)} FROM {from_parquet(found)}" if found else f"{nothing} WHERE false"
            self.connection.execute(f"CREATE VIEW {table} AS SELECT {chosen}")
        where, near = self._within(), self._within(SIDES_APART_MS)
        for name, table, condition in (
            ("near_lines", "read_requests", near),
            ("lines", "near_lines", where),
            ("httperr", "read_httperr", where),
        ):
            self.connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {table} WHERE {condition}")
        roles = {role for (role,) in self.connection.execute("SELECT DISTINCT role FROM near_lines").fetchall()}
        if "proxy" in roles and "client" in roles:
            self.notes.append("HttpProxy's log tells of the same requests as IIS's: it was read, and is not counted")
        role = "client" if "client" in roles or "proxy" not in roles else "proxy"
        self.has_both_sides = {role, "back"} <= roles
        networks, (narrow, values) = self._networks(names), self._narrow()
        self.overlaps = [one for one in overlaps(self._spans()) if self.asked.is_asked_of(one.begin_s, one.end_s)]
        set_back = [one for read in self.reads for one in read.set_back]
        set_back += [overlap.set_back for overlap in self.overlaps if overlap.set_back is not None]
        if self.spark is not None:
            self.spark.read("near_lines", files["requests"], REQUESTS, near)
            self.spark.read("httperr", files["httperr"], HTTPERR, where)
            self.clocks = self.spark.follow(
                role, networks, narrow, values, set_back, where, is_paired=self.has_both_sides
            )
            return
        name_networks(self.connection, networks)
        pair(self.connection, role, self._columns, where, is_paired=self.has_both_sides)
        self.clocks = follow(self.connection, set_back, narrow, values)
        kind = "TABLE" if values else "VIEW"
        self.connection.execute(
            f"CREATE {kind} requests AS SELECT * FROM all_requests WHERE {narrow}", values or None
        )

    def _spans(self) -> Iterator[LogSpan]:
        """Give the time of each of IIS's logs; front and back end have one each."""
        for read in self.reads:
            if read.kind is LogKind.W3C and read.span is not None:
                folder = Path(read.name).parent
                for role, server in read.servers:
                    yield LogSpan(read.name, f"{role} {folder}", server, *read.span)

    def _within(self, more_ms: int = 0) -> str:
        """Return the SQL for the time that is asked for, and so much more on both sides."""
        bounds = [
            f"ended_ms {sign} {int(moment.timestamp() * 1000) + by_ms}"
            for sign, moment, by_ms in ((">=", self.asked.since, -more_ms), ("<", self.asked.until, more_ms))
            if moment is not None
        ]
        return " AND ".join(bounds) or "true"

    def _networks(self, names: NetworkNames) -> list[tuple[str, str | None]]:
        """Return the network of each address."""
        sql = "SELECT DISTINCT coalesce(forwarded_for, client) FROM lines WHERE role <> 'back'"
        return [
            (address, names.of(address.partition("#")[0], self.asked.v4_prefix))
            for (address,) in self.connection.execute(sql).fetchall()
            if address is not None
        ]

    def _narrow(self) -> tuple[str, dict[str, str]]:
        """Return which requests reports are to see, as SQL with its values."""
        asked, wheres, values = self.asked, ["true"], dict[str, str]()
        if asked.who is not None:
            who = asked.who.rpartition("\\")[2]
            pseudonym = self.pseudonyms.of if self.pseudonyms else (lambda name: name)
            values |= {"user": str(pseudonym(who.partition("@")[0].lower())), "device": str(pseudonym(who.upper()))}
            wheres.append("(user_name = $user OR device = $device)")
        if asked.containing is not None:
            values["text"] = asked.containing.lower()
            listed = "concat_ws(' ', user_name, device, device_type, user_agent, error)"
            wheres.append(f"contains(lower({listed}), $text)")
        return " AND ".join(wheres), values

    def evidence(self) -> LogEvidence:
        """Return what the logs show."""
        from hbprobe.evidence.logs.answer.conclusions import evidence_of

        return evidence_of(self)

    def report(self, name: str) -> ReportTable:
        """Answer one of the known questions. Raises UserError for one that is not known."""
        report = report_called(name)
        self._note_tables_in(report.sql)
        return table_of(report, *self.tables.rows(report.sql))

    def _note_tables_in(self, sql: str) -> None:
        if re.search(r"\bhttperr\b", sql, re.IGNORECASE):
            self._is_of_httperr = True

    @property
    def caveats(self) -> Iterator[str]:
        """What the answers to reports and questions do not show of themselves, in lines."""
        if self.not_read:
            (name, reason), more = self.not_read[0], len(self.not_read) - 1
            others = f", and {counted(more, 'other file')}" if more else ""
            yield f"not read: {name}: {reason}{others}; without --report and --sql all are named"
        if bad := [read for read in self.reads if read.bad]:
            lines = counted(sum(read.bad for read in bad), "line")
            first = f", line {bad[0].bad_lines[0].line}: {bad[0].bad_lines[0].reason}" if bad[0].bad_lines else ""
            yield f"not understood: {lines}, the first in {bad[0].name}{first}"
        is_narrowed = bool(self._narrow()[1])
        if self._is_of_httperr and not any(read.kind is LogKind.HTTPERR for read in self.reads):
            yield "no log of HTTP.sys was read: give the files of %SystemRoot%\\System32\\LogFiles\\HTTPERR, too"
        elif self._is_of_httperr and is_narrowed:
            yield "httperr, HTTP.sys's log, names no user and no device: it tells of all of them"
        if is_narrowed and not sum(count for (count,) in self.tables.each("SELECT count(*) FROM requests")):
            yield "no request is of whom or what --who and --containing name"

    def query(self, file: Path) -> ReportTable:
        """Answer a question of the user's own, in SQL over requests, httperr and silences. Raises UserError."""
        sql = question_in(file)
        self._note_tables_in(sql)
        columns, rows = self.tables.users_rows(sql, str(file))
        if twice := [name for name, count in Counter(columns).items() if count > 1]:
            raise UserError(f"{file}: more than one column is called {twice[0]}: name them with AS")
        return users_table(file.stem, file.name, columns, rows)


def _evtx(source: LogSource, scratch: Path) -> Iterator[EventEntry]:
    """Read an event log, from a copy where it is packed."""
    if source.is_plain:
        yield from read_evtx(source.path)
        return
    copy = scratch / "events.evtx"
    with source.open() as content, writing(scratch), copy.open("wb") as file:
        shutil.copyfileobj(content, file)
    yield from read_evtx(copy)
