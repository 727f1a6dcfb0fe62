"""Who looks on while a measurement runs: a live line, a page, metrics. All hear the same events."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hbprobe.measure.diagnosing import Diagnosing
    from hbprobe.measure.run import Run
    from hbprobe.preflight.preflight import Check


class Observer:
    """Hears what goes on, and does nothing; those who want to hear override what they need."""

    def says(self, text: str) -> None:
        """Hear a sentence for people: what begins, about how long it takes, what is waited for."""

    def waits(self, what: str, at_most_s: float) -> None:
        """Hear what goes on beside a search, and how long it takes at most from now on."""

    def search(self, run: "Run") -> None:
        """Hear that something changed in a search: a trial began or ended."""

    def diagnosis(self, found: "Diagnosing") -> None:
        """Hear that something changed in a diagnosis after its search: a question was planned or answered."""

    def check(self, check: "Check") -> None:
        """Hear that a check of a preflight has ended."""

    def progress(self, share: float) -> None:
        """Hear which share of a simulation is done, from 0 to 1."""
