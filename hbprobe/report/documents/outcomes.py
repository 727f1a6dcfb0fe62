"""An outcome in a few words, for a table."""

from hbprobe.report.looks import look_of
from hbprobe.trial.outcome import Outcome


def outcome_words(outcome: Outcome) -> str:
    """Say what a trial showed: `cut, HTTP status 504`."""
    label = look_of(outcome).label
    return label if outcome.status is None else f"{label} {outcome.status}"
