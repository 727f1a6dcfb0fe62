"""How a request fared against the limit: it lived, or it outlived the limit and met another end later, or it died."""

from collections.abc import Sequence
from enum import StrEnum

from hbprobe.diagnosis.plan import PAST, PAST_S
from hbprobe.manner import Manner
from hbprobe.trial.evidence import Observation, Question
from hbprobe.trial.outcome import Kind, Limit, Outcome

HELPERS = (Question.KEEP_ALIVE, Question.SERVER_DRIP, Question.CLIENT_DRIP, Question.BOTH_DRIP)
"""What may save a request: in each of them something moves."""
_LATER, _LATER_S = 1.05, 0.5
"""So far past the limit is another time, for an end that does not look like that of the limit."""


def saved_from(limit: Limit, one: Observation, seen: Sequence[Observation]) -> bool | None:
    """Return whether a request was saved from the limit; None where it could not be asked."""
    return True if outlived(limit, one, seen) else one.survived


def outlived(limit: Limit, one: Observation, seen: Sequence[Observation]) -> bool:
    """Return whether a request with something that moves met another end, later than the limit.

    One that looks like the limit's must come well past it to be another, for boxes look at their timers now and then.
    """
    if limit.cut_s is None or one.outcome.kind is not Kind.CUT or one.ask.question not in HELPERS:
        return False
    same = _looks_the_same(limit, one, post_mortem(seen))
    factor, more_s = (PAST, PAST_S) if same else (_LATER, _LATER_S)
    return _lived_s(one) > factor * limit.cut_s + more_s


def is_past(limit: Limit, outcome: Outcome) -> bool:
    """Say whether a connection ended well past the limit: of another timer, or of something that stood still."""
    if limit.cut_s is None or outcome.kind is not Kind.CUT or outcome.how is Manner.SILENT:
        return False
    return outcome.elapsed_s > _LATER * limit.cut_s + _LATER_S


def post_mortem(seen: Sequence[Observation]) -> Observation | None:
    """Return what the quiet request showed that was held past the limit; None where that told nothing."""
    asked = (one for one in seen if one.ask.question is Question.POST_MORTEM)
    return next((one for one in asked if one.survived is not None), None)


def _lived_s(one: Observation) -> float:
    """How long it lived for certain: RST may answer what moved last, and nobody hears when silence begins."""
    outcome = one.outcome
    if outcome.how is Manner.SILENT:
        return 0.0
    if outcome.how is Manner.RESET or not outcome.exact:
        return outcome.elapsed_s - (one.ask.interval_s or outcome.elapsed_s)
    return outcome.elapsed_s


def _looks_the_same(limit: Limit, one: Observation, died: Observation | None) -> bool:
    """Return whether a request ended as the limit ends one, whenever that was: in its manner, with the same words."""
    manners = {limit.manner, None if died is None else died.outcome.how}
    words = "" if died is None else died.disconnect_notice
    return one.outcome.how in manners and one.disconnect_notice == words


class There(StrEnum):
    """What became of the same request at the other address."""

    LIVES = "lives"
    """Past the limit, at least: it may end later, of another timer."""
    ALIKE = "alike"
    """At the limit, as far as its time can be told, and in the same manner."""
    SOONER = "sooner"
    OTHERWISE = "otherwise"
    """At the limit, in another manner."""


def fares_elsewhere(limit: Limit, seen: Sequence[Observation]) -> There | None:
    """Compare what was held there with the limit; None where that tells nothing."""
    there = {one.ask.hold_s: one for one in seen if one.ask.question is Question.ELSEWHERE}
    longer = there[max(there)] if there else None
    if limit.cut_s is None or longer is None or longer.outcome.kind is Kind.FAILED:
        return None
    ended_s = longer.outcome.elapsed_s if longer.outcome.exact else None
    if longer.survived or (ended_s is not None and ended_s > _LATER * limit.cut_s + _LATER_S):
        return There.LIVES
    shorter = None if limit.survived_s is None else there.get(limit.survived_s)
    if shorter is not None and shorter.survived is False:
        return There.SOONER
    if ended_s is not None and _LATER * ended_s + _LATER_S < limit.cut_s:
        return There.SOONER
    if shorter is not None and shorter.survived is None and ended_s is None:
        return None
    return There.ALIKE if _looks_the_same(limit, longer, post_mortem(seen)) else There.OTHERWISE
