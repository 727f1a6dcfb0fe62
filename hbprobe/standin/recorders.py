"""Those who keep records of the stand-in: they are told of event 1040, of each request when it is over, and of
connections that the stand-in ends itself."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from hbprobe.eas.event_log import event_1040
from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import IdleConnection, RequestRecord
from hbprobe.errors import UserError
from hbprobe.exchange.window import Event1040
from hbprobe.standin.device import ServedRequest
from hbprobe.standin.messages import ServerAnswer

_RECENT = 200
_KEPT = (
    "user",
    "command",
    "version",
    "device_id",
    "device_type",
    "policy_key",
    "access",
    "by_rule",
    "heartbeat_s",
    "folders",
    "command_status",
    "error",
    "expired",
)
"""What a record has from its turn under the same name."""


def record_of(turn: ServedRequest, ended_s: float, *, is_delivered: bool) -> RequestRecord:
    """Return what is to be kept of a request."""
    request, answer = turn.request, turn.answer or ServerAnswer(500)
    return RequestRecord(
        started_s=turn.started_s,
        ended_s=ended_s,
        peer=request.peer,
        peer_port=request.peer_port,
        host=request.headers.get("host", ""),
        user_agent=request.user_agent,
        method=request.method,
        path=request.path,
        query=request.query,
        status=answer.status,
        substatus=answer.substatus,
        is_delivered=is_delivered,
        received_bytes=len(request.body),
        sent_bytes=len(answer.body),
        **{name: getattr(turn, name) for name in _KEPT},
    )


class Recorder(Protocol):
    """Keeps records. It is called from the server's loop, so it must not wait."""

    def event_1040(self, event: Event1040) -> None:
        """The average of the requested heartbeats is too low."""
        ...

    def request_done(self, record: RequestRecord) -> None:
        """A request was answered, or its client is gone."""
        ...

    def connection_idle(self, connection: IdleConnection) -> None:
        """A connection was idle for too long, and was ended."""
        ...


class Recent:
    """Keeps the last few."""

    def __init__(self) -> None:
        self.events: deque[Event1040] = deque(maxlen=_RECENT)
        self.requests: deque[RequestRecord] = deque(maxlen=_RECENT)

    def event_1040(self, event: Event1040) -> None:
        self.events.append(event)

    def request_done(self, record: RequestRecord) -> None:
        self.requests.append(record)

    def connection_idle(self, connection: IdleConnection) -> None:
        """Keep nothing: it is no request."""


class Several:
    """Tells everything to each of several recorders."""

    def __init__(self, recorders: Sequence[Recorder]) -> None:
        self._recorders = tuple(recorders)

    def event_1040(self, event: Event1040) -> None:
        for recorder in self._recorders:
            recorder.event_1040(event)

    def request_done(self, record: RequestRecord) -> None:
        for recorder in self._recorders:
            recorder.request_done(record)

    def connection_idle(self, connection: IdleConnection) -> None:
        for recorder in self._recorders:
            recorder.connection_idle(connection)


class Forgiving:
    """Gives up a recorder that fails, its disk being full perhaps: requests are answered all the same."""

    def __init__(self, recorder: Recorder, failed: Callable[[str], None]) -> None:
        """`failed` is told why, once."""
        self._recorder: Recorder | None = recorder
        self._failed = failed

    def event_1040(self, event: Event1040) -> None:
        with self._forgiving():
            if self._recorder is not None:
                self._recorder.event_1040(event)

    def request_done(self, record: RequestRecord) -> None:
        with self._forgiving():
            if self._recorder is not None:
                self._recorder.request_done(record)

    def connection_idle(self, connection: IdleConnection) -> None:
        with self._forgiving():
            if self._recorder is not None:
                self._recorder.connection_idle(connection)

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except (OSError, UserError) as error:
            self._recorder = None
            self._failed(str(error))


class ConsoleLog:
    """A recorder that puts everything into a line."""

    def __init__(self, said: Callable[[str], None], release: Release, sample_size: int) -> None:
        self._said = said
        self._release = release
        self._sample_size = sample_size

    def event_1040(self, event: Event1040) -> None:
        """Say that the average is too low."""
        logged = event_1040(event, self._release, self._sample_size)
        self._said(
            f"event {logged.id}: the last {self._sample_size} heartbeats asked for with {event.command} average "
            f"{event.average_s} s, at or below {event.threshold_s} s"
        )

    def request_done(self, record: RequestRecord) -> None:
        """Say what came of a request."""
        self._said(line_of(record))

    def connection_idle(self, connection: IdleConnection) -> None:
        """Say that the server itself ended a connection."""
        self._said(f"{connection.peer}: ended a connection that was idle, as IIS does")


def line_of(record: RequestRecord) -> str:
    """Return what came of a request: who asked for what, and how it was answered."""
    who = record.peer if record.user is None else f"{record.peer} {record.user}"
    device = f"/{record.device_id}" if record.device_id else ""
    asked = record.command or record.method
    held = f" {record.heartbeat_s} s" if record.heartbeat_s is not None else ""
    return _escaped(f"{who}{device} {asked}{held}: {_ending(record)}")


def _ending(record: RequestRecord) -> str:
    took_s = f"{record.took_s:.1f} s"
    if not record.is_delivered:
        return f"the client was gone after {took_s}"
    how = f"status {record.command_status}" if record.command_status is not None else f"HTTP {record.status}"
    after = f" after {took_s}" if record.heartbeat_s is not None else ""
    return f"{how}{after}" + (f" ({record.error})" if record.error else "")


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode()
