"""From many connections to timers: deaths of one age are one timer's, and its limit is found as a probe's."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from hbprobe.diagnosis.ranking import Match, best, rank
from hbprobe.diagnosis.reasoning import Movement, reason
from hbprobe.evidence.captures.death import LEAST_IDLE_S
from hbprobe.evidence.captures.fate import ConnectionFate, ConnectionVerdict, Maker
from hbprobe.evidence.captures.other_flows import simultaneous
from hbprobe.evidence.limits import Episode
from hbprobe.manner import Aftermath, Manner
from hbprobe.profiles.model import Profile
from hbprobe.search.bracket import seen
from hbprobe.search.noise import Noise, beliefs, doubt, most_likely
from hbprobe.trial.outcome import Kind, Limit, Outcome

LEAST_FLOWS = 3
"""Fewer connections that die at one age may be chance."""
_APART_S, _APART = 1.0, 0.005
"""Ages that lie further apart than that are no one timer's: clocks are coarse, and the slower ones more so."""
_HELD_UP_S = 5.0
"""So late may a timer strike on a machine that is held up; one that stands still for longer has other troubles."""
_NOISE = 0.05
"""The share of silences that is taken to end for other reasons."""
_DISBELIEVED = 0.5
"""A timer that is less sure than that does not strike every silence: nothing of the path would be so choosy."""
_KEPT_ALIVE_S = 1.0
_MOST_EPISODES = 400
"""More do not make the limit surer than it is, only slower to find."""


@dataclass(frozen=True, slots=True)
class IdleTimer:
    """One timer, as the connections that it ended show it."""

    limit: Limit
    flows: tuple[ConnectionVerdict, ...]
    maker: Maker
    in_name_of: str
    counts: Movement | None
    """What restarts it; None where no keep-alive told."""
    earliest_s: float
    """The ages at which it struck, or by which it had."""
    latest_s: float
    confidence: float
    """How sure it is that the limit lies in the bracket, at least."""
    products: tuple[Match, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def age_s(self) -> float:
        """The middle of the ages."""
        return median(_age(one, self.counts) for one in self.flows)


def episodes(verdicts: Iterable[ConnectionVerdict], counts: Movement | None = None) -> list[Episode]:
    """Return the silences as episodes: the longest that each connection came through, and the one it died of.

    `counts` says by what clock: packets, or data alone.
    """
    told = []
    for verdict in verdicts:
        who, path = verdict.flow.client, verdict.flow.server
        lived = verdict.data_silence if counts is Movement.DATA else verdict.silence
        if lived is not None and lived.length_s >= LEAST_IDLE_S:
            told.append(Episode(who, path, lived.started_s, Outcome(Kind.SURVIVED, lived.length_s)))
        age_s = _age(verdict, counts)
        if verdict.is_death and verdict.at_s is not None and age_s:
            outcome = Outcome(
                Kind.CUT,
                age_s,
                verdict.how,
                exact=verdict.exact,
                aftermath=_aftermath(verdict),
                causes=verdict.causes,
                evidence=tuple(sign.text for sign in verdict.signs),
            )
            told.append(Episode(who, path, verdict.at_s - age_s, outcome, where=verdict.flow.name))
    return told


def _aftermath(verdict: ConnectionVerdict) -> Aftermath | None:
    if verdict.how is Manner.SILENT:
        return Aftermath.NOTHING
    if not verdict.on_next:
        return None
    return Aftermath.RESET if verdict.how is Manner.RESET else Aftermath.CLOSED


def _age(verdict: ConnectionVerdict, counts: Movement | None) -> float:
    age_s = verdict.data_idle_s if counts is Movement.DATA and verdict.data_idle_s is not None else verdict.idle_s
    return age_s or 0.0


def idle_timers(
    verdicts: Sequence[ConnectionVerdict], profiles: Callable[[], Iterable[Profile]] = tuple
) -> list[IdleTimer]:
    """Return the timers that the deaths show, the one that ended most connections first.

    `profiles` gives the products to compare with; it is called where there is a timer, for a catalogue takes time.
    """
    deaths = [one for one in verdicts if one.is_death and one.idle_s is not None]
    at_once = {id(one) for group in simultaneous(deaths) for one in group}
    groups: dict[tuple[object, ...], list[ConnectionVerdict]] = defaultdict(list)
    for one in deaths:
        if id(one) not in at_once:
            groups[one.how, one.on_next, one.exact, one.in_name_of].append(one)
    clusters = [
        (cluster, counts)
        for group in groups.values()
        for cluster, counts in _clusters(group)
        if len(cluster) >= LEAST_FLOWS
    ]
    known = list(profiles()) if clusters else []
    timers = [_timer(cluster, counts, verdicts, known) for cluster, counts in clusters]
    return sorted(timers, key=lambda timer: -len(timer.flows))


def _clusters(group: Sequence[ConnectionVerdict]) -> Iterator[tuple[list[ConnectionVerdict], Movement | None]]:
    """Return the deaths that one timer may explain, and what restarts it if keep-alives tell."""
    counts = _what_counts(group)
    if not group[0].exact:  # at or before its age each: one bracket holds them all
        yield list(group), counts
        return
    cluster: list[ConnectionVerdict] = []
    for later in _of_one_age(group, counts):
        if cluster and not _may_be_late(cluster, later, counts):
            yield cluster, counts
            cluster = []
        cluster += later
    yield cluster, counts


def _of_one_age(group: Sequence[ConnectionVerdict], counts: Movement | None) -> list[list[ConnectionVerdict]]:
    """Return the deaths in groups whose ages lie together, the youngest first."""
    groups: list[list[ConnectionVerdict]] = []
    for one in sorted(group, key=lambda verdict: _age(verdict, counts)):
        if groups and _age(one, counts) - _age(groups[-1][-1], counts) <= _APART_S + _APART * _age(one, counts):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _may_be_late(
    earlier: Sequence[ConnectionVerdict], later: Sequence[ConnectionVerdict], counts: Movement | None
) -> bool:
    """Tell whether the timer of the earlier deaths may have ended the later ones, too, while it was held up.

    A clock that is held up strikes all that is overdue when it runs again: at one moment. It is not late by the same
    time again and again, so what died at moments that lie further apart than the delay had a timer of its own.
    """
    late_s = _age(later[-1], counts) - _age(earlier[0], counts)
    if late_s > _HELD_UP_S or {one.flow.server for one in earlier}.isdisjoint(one.flow.server for one in later):
        return False
    moments = list[float]()
    for at_s in sorted(one.at_s or 0.0 for one in later):
        if not moments or at_s - moments[-1] > late_s:
            moments.append(at_s)
    return len(moments) < LEAST_FLOWS


def _what_counts(group: Sequence[ConnectionVerdict]) -> Movement | None:
    """Tell whether the deaths are alike in the time without packets, or in the time without payload."""
    kept = [one for one in group if one.answered_keep_alives and one.data_idle_s is not None]
    told = [one for one in kept if (one.data_idle_s or 0.0) - (one.idle_s or 0.0) > _KEPT_ALIVE_S]
    if len(told) < LEAST_FLOWS or not group[0].exact:
        return None
    by_packets, by_data = (_spread([_age(one, counts) for one in group]) for counts in (None, Movement.DATA))
    if by_data <= _APART_S + _APART * median(_age(one, Movement.DATA) for one in group) < by_packets:
        return Movement.DATA
    return Movement.PACKETS if by_packets < by_data else None


def _spread(ages: Sequence[float]) -> float:
    return max(ages) - min(ages)


def _timer(
    cluster: Sequence[ConnectionVerdict],
    counts: Movement | None,
    verdicts: Sequence[ConnectionVerdict],
    profiles: Sequence[Profile],
) -> IdleTimer:
    paths = {one.flow.server for one in cluster}
    own = {id(one) for one in cluster}
    others = [one for one in verdicts if one.flow.server in paths and not (one.is_death and id(one) not in own)]
    told = episodes(others, counts)
    limit, confidence = _limit(told, cluster, counts)
    ages = [_age(one, counts) for one in cluster]
    lived = [one.outcome.elapsed_s for one in told if one.outcome.kind is Kind.SURVIVED]
    holds_for_all = confidence >= _DISBELIEVED
    reasoning = replace(reason(limit, (), "capture", tls=False), counts=counts)
    makers = {one.maker for one in cluster}
    maker = makers.pop() if len(makers) == 1 else Maker.UNKNOWN
    products = best(rank(profiles, limit, (), reasoning)) if holds_for_all and _may_be_a_box(cluster) else ()
    return IdleTimer(
        limit,
        tuple(cluster),
        maker or Maker.UNKNOWN,
        cluster[0].in_name_of or "",
        counts,
        min(ages),
        max(ages),
        confidence,
        tuple(one for one in products if one.as_shipped),
        (*_doubts(cluster, counts), *([] if holds_for_all else [_unlike(max(lived, default=0.0), max(ages))])),
    )


def _may_be_a_box(cluster: Sequence[ConnectionVerdict]) -> bool:
    return all(one.ending is ConnectionFate.IDLE_DEATH or one.maker is Maker.UNKNOWN for one in cluster)


def _limit(
    told: Sequence[Episode], cluster: Sequence[ConnectionVerdict], counts: Movement | None
) -> tuple[Limit, float]:
    """Return the limit as the probe finds it from trials: the same bracket, and the same confidence."""
    ages = [_age(one, counts) for one in cluster]
    noise = Noise(_NOISE, max(_APART_S, max(ages) - min(ages) if cluster[0].exact else 0.0))
    lived = sorted(one.outcome.elapsed_s for one in told if one.outcome.kind is Kind.SURVIVED)[-_MOST_EPISODES:]
    cuts = [one.outcome for one in told if one.outcome.kind is Kind.CUT][:_MOST_EPISODES]
    trials = [seen(age_s, Outcome(Kind.SURVIVED, age_s)) for age_s in lived]
    trials += [seen(outcome.elapsed_s, outcome) for outcome in cuts]
    low_s, high_s = most_likely(trials, noise)
    outcome = min((one for one in cuts if one.elapsed_s >= high_s), key=lambda one: one.elapsed_s, default=cuts[0])
    low_s = max((age_s for age_s in lived if age_s <= min(low_s, outcome.elapsed_s)), default=0.0)
    sure = doubt(trials, (low_s, outcome.elapsed_s), noise, beliefs(1.0, max(ages) * 2, None)).inside
    limit = Limit(
        survived_s=low_s or None,
        cut_s=outcome.elapsed_s,
        manner=outcome.how,
        exact=outcome.exact,
        aftermath=outcome.aftermath,
        causes=outcome.causes,
        evidence=outcome.evidence,
    )
    return limit, sure


def _unlike(lived_s: float, age_s: float) -> str:
    """Say why a timer cannot be one that every silence meets."""
    if lived_s <= age_s:
        return "others were ended otherwise at these ages, so it does not hold for every silence"
    return (
        f"others of the same server were quiet for up to {lived_s:.1f} s and lived, so it does not hold for every "
        "silence: a server has such a timer for the time between two requests"
    )


def _doubts(cluster: Sequence[ConnectionVerdict], counts: Movement | None) -> Iterator[str]:
    starts = [(one.at_s or 0.0) - _age(one, counts) for one in cluster]
    if max(starts) - min(starts) <= _APART_S:
        yield "all these silences began at the same moment, so one event at their end would look the same"
    if not cluster[0].exact:
        yield "the timer struck at or before these ages: nothing was sent in between that would have told"
    else:
        on_time, *late = _of_one_age(cluster, counts)
        if late:
            count = sum(map(len, late))
            delay_s = _age(late[-1][-1], counts) - _age(on_time[-1], counts)
            yield (
                f"{count} of them died up to {delay_s:.1f} s later than the others, and all but at once: "
                "the timer was held up, or there is a second one"
            )
    if all(one.maker is Maker.UNKNOWN for one in cluster):
        yield "who ended them is open: an end, or a box in its name"
