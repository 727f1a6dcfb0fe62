"""Puts the records that Exchange keeps into files: its events, and IIS's log of the requests."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO
from uuid import UUID

from hbprobe.eas.event_log import LoggedEvent, event_1040, settings_events
from hbprobe.eas.iis_log import (
    FIELDS,
    FORWARDED_FIELDS,
    HTTPERR_PATH,
    LogFolder,
    file_name,
    head,
    httperr_head,
    httperr_line,
    idle_line,
    log_lines,
)
from hbprobe.eas.log_blob import Site
from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import IdleConnection, RequestRecord
from hbprobe.errors import UserError
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.window import Event1040

_FIRST_REQUEST_ID = UUID("00000000-0000-4000-8000-000000000000").int


@dataclass(frozen=True, slots=True)
class WallClock:
    """Tells the date of a time on the loop's clock: on the warp clock that is a simulated date."""

    begin: datetime
    """In UTC."""
    loop_s: float
    """What the loop's clock said then."""

    def __call__(self, at_s: float) -> str:
        """Return date and time in UTC, as in "2030-01-02 08:00:00.500"."""
        return (self.begin + timedelta(seconds=at_s - self.loop_s)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


class EventLog:
    """A recorder that appends Exchange's events to `events.jsonl`, a line each, and to `events.txt`, for people.

    What the release logs of bad settings stands at the beginning. Raises UserError where it cannot write.
    """

    def __init__(self, folder: Path, release: Release, settings: Settings, clock: WallClock, site: Site) -> None:
        self._release = release
        self._sample_size = settings.sample_size
        self._clock = clock
        self._computer = site.computer
        self._lines, self._text = (_open(folder / name) for name in ("events.jsonl", "events.txt"))
        for event in settings_events(settings.problems, release):
            self._write(event, clock.loop_s)

    def event_1040(self, event: Event1040) -> None:
        """Log that the average of the heartbeats is too low."""
        self._write(event_1040(event, self._release, self._sample_size), event.at_s)

    def request_done(self, record: RequestRecord) -> None:
        """Log nothing."""

    def connection_idle(self, connection: IdleConnection) -> None:
        """Log nothing."""

    def close(self) -> None:
        self._lines.close()
        self._text.close()

    def _write(self, event: LoggedEvent, at_s: float) -> None:
        time = self._clock(at_s)
        self._lines.write(json.dumps(event.as_json(time.replace(" ", "T") + "Z", self._computer)) + "\n")
        self._text.write(event.as_text(time.partition(".")[0], self._computer))
        self._lines.flush()
        self._text.flush()


@dataclass(frozen=True, slots=True)
class Balancer:
    """What requests come through from some time on; IIS then logs its address, and X-Forwarded-For."""

    address: str
    from_s: float
    """On the loop's clock."""


class IisLog:
    """A recorder that appends a line for each request to `W3SVC1/u_exYYMMDD.log`, a file for each day in UTC.

    Since 2013 the back end has a log of its own, in `W3SVC2`. A request whose client was gone has a line in
    `HTTPERR/httperr1.log`, too, and so has a connection that was idle for too long. Raises UserError where it cannot
    write.
    """

    def __init__(
        self, folder: Path, release: Release, clock: WallClock, site: Site, balancer: Balancer | None = None
    ) -> None:
        self._balancer = balancer
        self._folder = folder
        self._release = release
        self._clock = clock
        self._site = site
        self._requests = 0
        self._gone: set[RequestRecord] = set()
        self._open: dict[LogFolder, tuple[str, str, TextIO]] = {}
        self._errors: TextIO | None = None
        self._file(LogFolder.CLIENT_FACING, clock(clock.loop_s), FIELDS)

    def event_1040(self, event: Event1040) -> None:
        """Log nothing."""

    def client_gone(self, record: RequestRecord) -> None:
        """Log the end of a request at the front end; `request_done` logs that at the back end later."""
        assert record.gone_s is not None
        self._gone.add(record)
        self._write(record, record.gone_s, (LogFolder.CLIENT_FACING,))

    def request_done(self, record: RequestRecord) -> None:
        if record in self._gone:
            self._gone.remove(record)
            self._write(record, record.ended_s, (LogFolder.BACK_END,))
        else:
            self._write(record, record.ended_s, tuple(LogFolder))

    def _write(self, record: RequestRecord, at_s: float, folders: Sequence[LogFolder]) -> None:
        if LogFolder.CLIENT_FACING in folders:
            self._requests += 1
        request_id = str(UUID(int=_FIRST_REQUEST_ID + self._requests))
        through = self._through(at_s)
        address = None if through is None else through.address
        for folder, line in log_lines(record, self._release, self._site, self._clock, request_id, address):
            if folder in folders:
                is_forwarded = through is not None and folder is LogFolder.CLIENT_FACING
                fields = FORWARDED_FIELDS if is_forwarded else FIELDS
                _append(self._file(folder, self._clock(at_s), fields), line)
        error = httperr_line(record, self._site, self._clock, address or record.peer)
        if error is not None and LogFolder.CLIENT_FACING in folders:
            _append(self._errors_file(self._clock(at_s)), error)

    def connection_idle(self, connection: IdleConnection) -> None:
        through = self._through(connection.ended_s)
        client = connection.peer if through is None else through.address
        line = idle_line(connection, self._site, self._clock, client)
        _append(self._errors_file(self._clock(connection.ended_s)), line)

    def _through(self, at_s: float) -> Balancer | None:
        return self._balancer if self._balancer and at_s >= self._balancer.from_s else None

    def close(self) -> None:
        for _, _, file in self._open.values():
            file.close()
        if self._errors is not None:
            self._errors.close()

    def _file(self, folder: LogFolder, time: str, fields: str) -> TextIO:
        """Return the file of the day, with its head; IIS writes that again after a restart and for other fields."""
        name = file_name(time.partition(" ")[0])
        open_name, open_fields, file = self._open.get(folder, ("", "", None))
        if file is None or open_name != name:
            if file is not None:
                file.close()
            file, open_fields = _open(self._folder / folder / name), ""
        if open_fields != fields:
            file.write(head(self._release, time.partition(".")[0], fields))
            self._open[folder] = name, fields, file
        return file

    def _errors_file(self, time: str) -> TextIO:
        if self._errors is None:
            self._errors = _open(self._folder / HTTPERR_PATH)
            self._errors.write(httperr_head(time.partition(".")[0]))
        return self._errors


def _append(file: TextIO, line: str) -> None:
    file.write(line + "\n")
    file.flush()


def _open(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a", encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}: name a folder that can") from None
