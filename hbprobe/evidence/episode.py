"""One silence in the past, read from a log or a capture: a trial that nobody planned."""

from dataclasses import dataclass

from hbprobe.trial.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Episode:
    """One connection, or one request, that was quiet for a while."""

    who: str
    """Whose silence it was, and the same for all silences of the same one: a device, or a client's address."""
    path: str
    """Silences of one path are judged together: a client's network, or client's network and server."""
    started_s: float
    """When the silence began, in seconds since 1970-01-01 UTC."""
    outcome: Outcome
    """How it ended. `elapsed_s` is how long it lasted: for a cut that is `exact` until the timer struck, for another
    one the time by which the connection was lost. `FAILED` where nothing can be told of the path."""
    asked_s: float | None = None
    """How long it was meant to last, where that is known: a heartbeat interval."""
    where: str = ""
    """Where it stands: file and line, or file and packet."""

    @property
    def ended_s(self) -> float:
        """When the silence ended, in seconds since 1970-01-01 UTC."""
        return self.started_s + self.outcome.elapsed_s
