"""Which products of the catalogue fit what was seen, and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hbprobe.diagnosis.naming import has_page, is_named, told_names
from hbprobe.diagnosis.prediction import Prediction, predictions, settable, survives
from hbprobe.diagnosis.reasoning import BoxKind, Reasoning
from hbprobe.diagnosis.saved import saved_from
from hbprobe.duration import format_duration
from hbprobe.manner import Aftermath, Layer, Manner
from hbprobe.profiles.model import Category, Inferable, Profile
from hbprobe.profiles.vocabulary import QuietPhase
from hbprobe.trial.evidence import Ask, FarEndState, Observation, Question
from hbprobe.trial.outcome import Limit

_SLACK_S, _SLACK = 1.0, 0.01
"""So far may a limit lie from the number in a profile: clocks are coarse, and the slower ones more so."""
_AS_SHIPPED = 5
"""The number itself weighs most. One that can be changed says little: most can, whether a source says so or not."""
_IF_OTHERS_ARE_OFF = 1
"""The same for a timer that is seen only where somebody changed a shorter one."""
_NAMED = 6
"""A product that its own answer names is likelier than one that ships with the number."""
_CONTRADICTION = -2
_KIND = {Layer.PACKET: BoxKind.PACKET, Layer.TCP: BoxKind.TCP, Layer.HTTP: BoxKind.HTTP}
_OR = {Layer.TCP: BoxKind.TLS, Layer.HTTP: BoxKind.SERVER}
"""What else a box of a layer may look like: who relays bytes may end TLS, and who relays requests be the server."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One thing that speaks for a product, or against it."""

    weight: int
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """How well one product fits."""

    profile: Profile
    points: tuple[Argument, ...]

    @property
    def score(self) -> int:
        """The sum of what speaks for it and against it."""
        return sum(point.weight for point in self.points)

    @property
    def contradictions(self) -> int:
        """How often what was seen is not what it does, whatever its settings."""
        return sum(point.weight <= _CONTRADICTION for point in self.points)

    @property
    def as_shipped(self) -> bool:
        """Whether the limit is the timer that the product ships with."""
        return any(point.weight == _AS_SHIPPED for point in self.points)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks for it."""
        return tuple(point.text for point in self.points if point.weight > 0)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What speaks against it."""
        return tuple(point.text for point in self.points if point.weight < 0)


_SOMEBODY_SET_ONE = Argument(0, "it ships without such a timer: somebody has set one")


def rank(
    profiles: Iterable[Profile],
    limit: Limit,
    seen: Sequence[Observation],
    reasoning: Reasoning,
    phase: QuietPhase = QuietPhase.REQUEST,
) -> tuple[Match, ...]:
    """Return the products that can cut so, the best fit first, equals by id; none where no box is behind the limit.

    Left out is what cannot be: a product whose timer cannot be set to the limit, or that cuts in another manner.
    `phase` is that of the connection in which it was silent; between requests the timer may be a server's, too.
    """
    may_be_server = phase in (QuietPhase.BETWEEN, QuietPhase.UNASKED) and BoxKind.SERVER in reasoning.kinds
    if limit.cut_s is None or not (reasoning.is_a_box or may_be_server):
        return ()
    profiles, told, matches = tuple(profiles), told_names(seen), []
    of_family = {one.built_on: body for one in profiles if one.built_on and (body := _shipped_page(one, limit))}
    for profile in profiles:
        if profile.category is Category.EXAMPLE:
            continue
        foretold = predictions(profile, phase)
        fitting = [
            Match(profile, tuple(_points(profile, one, limit, seen, reasoning, told, _page(profile, one, of_family))))
            for one in foretold
            if _is_possible(one, limit)
        ]
        if fitting:
            matches.append(min(fitting, key=_order))
        elif not foretold and is_named(profile, told):
            matches.append(Match(profile, (Argument(_NAMED, _named(told)), _SOMEBODY_SET_ONE)))
    return tuple(sorted(matches, key=_order))


def _order(match: Match) -> tuple[int, int, str]:
    return match.contradictions, -match.score, match.profile.id


def _page(profile: Profile, foretold: Prediction, of_family: Mapping[str, str]) -> str:
    return foretold.timer.body or of_family.get(profile.built_on, "")


def _shipped_page(profile: Profile, limit: Limit) -> str:
    """Return the page that a product ships for the status of the limit."""
    bodies = (timer.body for _, timer in profile.each_timer() if timer.body and timer.status == limit.status)
    return next(bodies, "")


def best(matches: Sequence[Match]) -> tuple[Match, ...]:
    """Return the matches that share the first place; none where nothing speaks for it, or much against it."""
    if not matches or matches[0].score <= 0 or matches[0].contradictions > 1:
        return ()
    first = (matches[0].contradictions, matches[0].score)
    return tuple(match for match in matches if (match.contradictions, match.score) == first)


def _is_possible(foretold: Prediction, limit: Limit) -> bool:
    """Say whether a timer can be set to the limit, and those before it to more."""
    later_s = [span_s[1] for timer in foretold.before if (span_s := settable(timer)) is not None]
    if any(most_s < (limit.survived_s or 0.0) for most_s in later_s):
        return False
    return _on_limit(foretold, limit) is not None and limit.heard in foretold.manners


def _points(
    profile: Profile,
    foretold: Prediction,
    limit: Limit,
    seen: Sequence[Observation],
    reasoning: Reasoning,
    told: Sequence[str],
    page: str,
) -> Iterator[Argument]:
    timer = _on_limit(foretold, limit)
    assert timer is not None
    yield timer
    yield from _on_manner(foretold, limit, seen)
    kinds = reasoning.kinds
    if _KIND[profile.layer] not in kinds and _OR.get(profile.layer) not in kinds:
        yield Argument(-1, f"it is {_KIND[profile.layer].meaning}")
    for one in seen:
        if (saved := saved_from(limit, one, seen)) is not None:
            yield from _on_answer(profile, foretold, one.ask, saved, is_changed=timer.weight != _AS_SHIPPED)
    yield from _on_names(profile, page, seen, told)


def _on_limit(foretold: Prediction, limit: Limit) -> Argument | None:
    """Compare the timer with the limit; None where it cannot be set to that."""
    cut_s = limit.cut_s or 0.0
    slack_s = _SLACK_S + _SLACK * cut_s
    default = format_duration(foretold.timer.default)
    cut = foretold.cut
    times = range(1, cut.tries + 1)  # each server that is tried gets the whole timer
    if any(
        (limit.survived_s or 0.0) - slack_s <= cut.limit_s * time + cut.spread_s
        and cut.limit_s * time <= cut_s + slack_s
        for time in times
    ):
        if foretold.before:
            return Argument(_IF_OTHERS_ARE_OFF, f"its timer is {default}, where its shorter ones are off")
        return Argument(_AS_SHIPPED, f"its timer is {default}")
    if foretold.settable_s is None:
        return Argument(0, f"its timer is {default} as shipped")
    least_s, most_s = foretold.settable_s
    if least_s <= cut_s + slack_s and (limit.survived_s or 0.0) - slack_s <= most_s and least_s < most_s:
        return Argument(0, f"its timer can be set to that ({default} as shipped)")
    return None


_MANNERS = {Manner.SILENT: "silent", Manner.RESET: "RST", Manner.CLOSED: "FIN", Manner.STATUS: "a status"}
_AFTERMATHS = {
    Aftermath.RESET: "RST to the next packet",
    Aftermath.NOTHING: "a black hole afterwards",
    Aftermath.ACKNOWLEDGED: "the next packet is acknowledged",
    Aftermath.CLOSED: "FIN to the next packet",
}


def _on_manner(foretold: Prediction, limit: Limit, seen: Sequence[Observation]) -> Iterator[Argument]:
    how = limit.heard
    assert how is not None
    yield Argument(4, _MANNERS[how])
    if limit.status is not None and foretold.status is not None:
        same = limit.status == foretold.status
        is_sure = Inferable.EXPIRY not in foretold.timer.inferred
        yield Argument(2 if same else -3 if is_sure else -1, f"{'' if same else 'it answers '}{foretold.status}")
    if limit.aftermath is not None and foretold.aftermath is not None:
        same = limit.aftermath is foretold.aftermath
        yield Argument(3 if same else -3, ("" if same else "otherwise: ") + _AFTERMATHS[foretold.aftermath])
    saw = next((one.far_end for one in seen if one.ask.question is Question.POST_MORTEM), None)
    if saw is None:
        return
    if saw.times > 1:
        again = foretold.timer.retries > 0
        yield Argument(3 if again else -3, f"it {'asks' if again else 'does not ask'} another server")
    elif saw.state in (FarEndState.RESET, FarEndState.CLOSED) and foretold.far_end is not None:
        same = saw.state is foretold.far_end
        yield Argument(1 if same else -1, f"it {_ENDS[foretold.far_end]} the server's side")


_ENDS = {FarEndState.RESET: "resets", FarEndState.CLOSED: "closes"}
_HELPS = {
    Question.KEEP_ALIVE: "keep-alives",
    Question.CLIENT_DRIP: "bytes from the client",
    Question.SERVER_DRIP: "bytes from the server",
    Question.BOTH_DRIP: "bytes from both ends",
}


def _on_answer(
    profile: Profile, foretold: Prediction, ask: Ask, saved: bool, *, is_changed: bool
) -> Iterator[Argument]:
    lives = survives(profile, foretold.timer, ask)
    if lives is None or (is_changed and ask.question is Question.BETWEEN_REQUESTS):
        return  # who has changed one timer may have changed the one between requests, too
    right = lives is saved
    if ask.question is Question.BETWEEN_REQUESTS:
        text = "without a request a connection lives longer" if lives else "without a request a connection dies, too"
        yield Argument(1 if right else -1, text)
    else:
        text = f"{_HELPS[ask.question]} {'help' if lives else 'do not help'}"
        yield Argument(2, text) if right else Argument(-2, f"{text} there")


def _on_names(profile: Profile, page: str, seen: Sequence[Observation], told: Sequence[str]) -> Iterator[Argument]:
    """A header names its maker, more often than not; a page that a product ships is seldom another's."""
    if is_named(profile, told):
        yield Argument(_NAMED, _named(told))
    elif told:
        yield Argument(-1, "its answers do not call it so")
    same_page = has_page(page, seen)
    if same_page is not None:
        yield Argument(4, "its error page") if same_page else Argument(-1, "its error page is another, as shipped")


def _named(told: Sequence[str]) -> str:
    return f"it calls itself {', '.join(repr(name) for name in told)}"
