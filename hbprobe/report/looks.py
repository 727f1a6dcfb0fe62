"""What each outcome is called, and how it looks, wherever it is told or drawn."""

from enum import StrEnum

from hbprobe.manner import BLUE, Look
from hbprobe.manner import LOOKS as MANNERS
from hbprobe.trial.outcome import Kind, Outcome

INK = "#222222"

LOOKS: dict[StrEnum, Look] = {
    Kind.SURVIVED: Look("survived", BLUE, "", "o"),
    **MANNERS,
    Kind.CUT: Look("cut", INK, "....", "v"),
    Kind.FAILED: Look("failed, no evidence", "#999999", "", "x"),
}
"""In the order of the legend."""


def look_of(outcome: Outcome) -> Look:
    """Return how an outcome looks."""
    return LOOKS[outcome.how or Kind.CUT] if outcome.kind is Kind.CUT else LOOKS[outcome.kind]


def outcome_words(outcome: Outcome) -> str:
    """Say what a trial showed: `cut, HTTP status 504`."""
    label = look_of(outcome).label
    return label if outcome.status is None else f"{label} {outcome.status}"
