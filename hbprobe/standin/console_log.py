"""What the stand-in says of itself on a terminal: event 1040, and a line for each request when it is over."""

from collections.abc import Callable

from hbprobe.eas.event_log import event_1040
from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import RequestRecord
from hbprobe.exchange.window import Event1040


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
