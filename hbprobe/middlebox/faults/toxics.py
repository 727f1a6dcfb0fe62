"""Toxics: what degrades the flows of one box, by name, each for a share of the flows.

Two kinds, never mixed. A stream toxic is a stage of one direction (`stages.table`). A flow toxic is a timer of a
profile (`FLOW_TOXICS`), for which the rules of flows know everything already, or darkness.

Whether a toxic hits a flow is drawn once, from the seed, its name and the flow's number: a toxicity that is raised or
lowered later only adds to those that are hit, or takes from them, and the same seed hits the same flows again.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hbprobe.manner import Expiry, Layer
from hbprobe.middlebox.faults.treatment import Treatment
from hbprobe.middlebox.flow import Side
from hbprobe.middlebox.rules import Rules
from hbprobe.middlebox.stages.pipe import StagePlan
from hbprobe.middlebox.stages.stage import Chance
from hbprobe.middlebox.stages.table import STAGES
from hbprobe.profiles.model import Ends, Grade, MismatchError, Profile, Restart, Source, Timer, TimerKind, Timers
from hbprobe.word import Word

_SOURCE = "toxic"
_LEAST_S = 0.001
_MANNERS = [expiry for expiry in Expiry if expiry.traits.act is not None]
"""What a box that relays bytes can do to a flow."""
_MOST_MS = 10 * 365 * 86_400_000


@dataclass(frozen=True, slots=True)
class IdleDrop:
    """An idle timer, as a box between the ends has; or all timers of a product."""

    profile: str = ""
    """A product of the catalogue, by id, whose timers the flow then has."""
    timeout: int = 0
    """Otherwise: milliseconds."""
    manner: str = "silent"
    """How the flow then ends."""
    restarted_by: str = "any-packet"
    """What sets it back."""
    tells: str = "both"
    """Which ends see the RST or FIN; the other meets silence."""

    def timers(self) -> Mapping[TimerKind, Timer]:
        """Return the timers that a flow has for it."""
        if self.profile:
            if self != IdleDrop(self.profile):
                raise ValueError("idle_drop takes profile, whose timers are the product's own, or timeout: drop one")
            return {}
        if self.timeout <= 0:
            raise ValueError("idle_drop needs timeout, milliseconds above 0, or profile, the id of a product")
        restarted_by = _word(Restart, "restarted_by", self.restarted_by)
        return {TimerKind.IDLE: _timer(self.timeout, self.manner, self.tells, restarted_by)}


@dataclass(frozen=True, slots=True)
class MaxAge:
    """A total: so long after its opening a flow ends, whatever moves."""

    timeout: int = 0
    """Milliseconds."""
    manner: str = "silent"
    tells: str = "both"

    def timers(self) -> Mapping[TimerKind, Timer]:
        """Return the timers that a flow has for it."""
        if self.timeout <= 0:
            raise ValueError("max_age needs timeout, milliseconds above 0")
        return {TimerKind.LIFETIME: _timer(self.timeout, self.manner, self.tells)}


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """One end learns that the connection is gone, the other does not (RFC 9293, section 3.5.1)."""

    timeout: int = 0
    """Milliseconds from when it hits the flow."""
    manner: str = "reset"
    tells: str = "server"
    """The end that learns it."""

    def timers(self) -> Mapping[TimerKind, Timer]:
        """Return the timers that a flow has for it."""
        _word((Ends.CLIENT, Ends.SERVER), "tells", self.tells)
        return {TimerKind.LIFETIME: _timer(self.timeout, self.manner, self.tells)}


@dataclass(frozen=True, slots=True)
class ResetPeer:
    """RST to both ends, whether anything moves or not."""

    timeout: int = 0
    """Milliseconds from when it hits the flow."""

    def timers(self) -> Mapping[TimerKind, Timer]:
        """Return the timers that a flow has for it."""
        return {TimerKind.LIFETIME: _timer(self.timeout, "reset", "both")}


@dataclass(frozen=True, slots=True)
class Blackhole:
    """Nothing passes and nothing is acknowledged until the toxic is removed; then the flow goes on, without loss."""

    def timers(self) -> Mapping[TimerKind, Timer]:
        """Return the timers that a flow has for it."""
        return {}


FlowSettings = IdleDrop | MaxAge | HalfOpen | ResetPeer | Blackhole
FLOW_TOXICS: Mapping[str, type[FlowSettings]] = {
    "idle_drop": IdleDrop,
    "max_age": MaxAge,
    "half_open": HalfOpen,
    "reset_peer": ResetPeer,
    "blackhole": Blackhole,
}
FROM_THE_HIT = (HalfOpen, ResetPeer)
"""Those whose time counts from when the toxic is there, not from the flow's opening."""
SETTINGS: Mapping[str, type[Any]] = {
    **{name: stage.settings_type for name, stage in STAGES.items()},
    **FLOW_TOXICS,
}
"""The attributes of each type of toxic: the fields of a dataclass."""


@dataclass(frozen=True, slots=True)
class Toxic:
    """One toxic of a box."""

    name: str
    type: str
    stream: str
    """upstream or downstream, in any case; a flow toxic is there for both."""
    toxicity: float
    """The share of flows that it hits; 0 hits none."""
    settings: Any
    since: float = 0.0
    """When it was made, on the loop's clock."""
    profile: Profile | None = None
    """The product whose timers it brings."""
    connection: int | None = None
    """The number of the one flow that it is for; None for all."""

    @property
    def upstream(self) -> bool:
        """Whether it is for what the client sends."""
        return self.stream.lower() == "upstream"


class Toxics:
    """The toxics of one box, in the order in which they were made."""

    def __init__(self, seed: str, chance: Callable[[str], Chance], find_profile: Callable[[str], Profile]) -> None:
        """`chance` makes a generator of a text; `find_profile` finds a product, or raises ValueError."""
        self._seed = seed
        self._chance = chance
        self._find_profile = find_profile
        self._toxics: dict[str, Toxic] = {}
        self._untreated: Treatment | None = None
        """That of a flow while there is no toxic; a box may open thousands a second."""
        self._merged: dict[tuple[Rules, tuple[str, ...]], tuple[Rules, Mapping[TimerKind, str]]] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._toxics)

    def __contains__(self, name: str) -> bool:
        """Return whether there is one of that name."""
        return name in self._toxics

    def __getitem__(self, name: str) -> Toxic:
        """Return the one of that name; raises KeyError."""
        return self._toxics[name]

    def all(self) -> list[Toxic]:
        """Return them, those of upstream first."""
        return sorted(self._toxics.values(), key=lambda toxic: not toxic.upstream)

    def in_order(self) -> list[Toxic]:
        """Return them in the order in which they came."""
        return list(self._toxics.values())

    @property
    def names(self) -> list[str]:
        """In the order in which they came."""
        return list(self._toxics)

    @property
    def all_dark(self) -> bool:
        """Whether all flows are in a black hole, those that are still to come, too."""
        return any(
            toxic.type == "blackhole" and toxic.toxicity == 1 and toxic.connection is None
            for toxic in self._toxics.values()
        )

    def dark(self, number: int) -> str:
        """Return the black hole that a flow is in, by name; empty for none."""
        holes = (toxic for toxic in self._toxics.values() if toxic.type == "blackhole")
        return next((toxic.name for toxic in holes if self._hits(toxic, number)), "")

    def put(self, toxic: Toxic) -> Toxic:
        """Add a toxic, or change the one of its name; return it. Raises ValueError where its attributes are wrong."""
        checked = self._checked(toxic)
        self._toxics[toxic.name] = checked
        self._merged.clear()
        return checked

    def remove(self, name: str) -> None:
        """Take one away; raises KeyError where there is none of that name."""
        del self._toxics[name]
        self._merged.clear()

    def have(self, toxics: Iterable[Toxic]) -> None:
        """Have these and no others; they have been checked."""
        self._toxics = {toxic.name: toxic for toxic in toxics}
        self._merged.clear()

    def only_for(self, number: int) -> list[str]:
        """Return the names of those that are for this flow alone."""
        return [toxic.name for toxic in self._toxics.values() if toxic.connection == number]

    def treatment(self, rules: Rules, number: int, opened_at: float) -> Treatment:
        """Return how a flow of a box with these rules is degraded."""
        if not self._toxics:
            if self._untreated is None or self._untreated.rules is not rules:
                self._untreated = Treatment(rules)
            return self._untreated
        hit = self.hit(number)
        stages = self.stages(hit, number)
        merged, owners = self._rules(rules, tuple(toxic.name for toxic in hit if toxic.type in FLOW_TOXICS))
        since, by = self._lifetime(hit, opened_at)
        if since is not None and (merged.lifetime is None or since.length_s < merged.lifetime.length_s):
            merged, owners = replace(merged, lifetime=since), {**owners, TimerKind.LIFETIME: by}
        dark = next((toxic.name for toxic in hit if toxic.type == "blackhole"), "")
        return Treatment(merged, stages, dark, owners, tuple(toxic.name for toxic in hit))

    def hit(self, number: int) -> list[Toxic]:
        """Return those that a flow has."""
        return [toxic for toxic in self._toxics.values() if self._hits(toxic, number)]

    def _hits(self, toxic: Toxic, number: int) -> bool:
        return toxic.connection in (None, number) and self._draw(toxic, number) < toxic.toxicity

    def stages(self, hit: Sequence[Toxic], number: int) -> tuple[list[StagePlan], list[StagePlan]]:
        """Return the stages of what a flow's client sends, and of what its server sends."""
        stages: tuple[list[StagePlan], list[StagePlan]] = ([], [])
        for toxic in hit:
            if (kind := STAGES.get(toxic.type)) is not None:
                chance = self._chance(f"{self._key(toxic, number)}/stage")
                stages[Side.CLIENT if toxic.upstream else Side.SERVER].append(
                    StagePlan(toxic.name, kind, toxic.settings, chance)
                )
        return stages

    def _checked(self, toxic: Toxic) -> Toxic:
        if not 0 <= toxic.toxicity <= 1:
            raise ValueError("toxicity is the share of connections that are hit, from 0 to 1")
        profile = None
        if toxic.type in FLOW_TOXICS:
            _ = toxic.settings.timers()
            if isinstance(toxic.settings, IdleDrop) and toxic.settings.profile:
                profile = self._find_profile(toxic.settings.profile)
                if profile.layer is Layer.HTTP:
                    raise ValueError(
                        f"{profile.id} ends TLS and reads requests (layer http), and this proxy relays bytes: "
                        f"use hbprobe proxy {profile.id}"
                    )
        return replace(toxic, profile=profile)

    def _key(self, toxic: Toxic, number: int) -> str:
        return f"{self._seed}/{toxic.name}/{number}"

    def _draw(self, toxic: Toxic, number: int) -> float:
        digest = hashlib.blake2b(self._key(toxic, number).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def _rules(self, rules: Rules, names: tuple[str, ...]) -> tuple[Rules, Mapping[TimerKind, str]]:
        """Return the rules with the timers of those toxics, and whose each is: of each kind the shortest."""
        if not names:
            return rules, {}
        if (rules, names) not in self._merged:
            self._merged[rules, names] = self._merge(rules, [self._toxics[name] for name in names])
        return self._merged[rules, names]

    @staticmethod
    def _merge(rules: Rules, toxics: Sequence[Toxic]) -> tuple[Rules, Mapping[TimerKind, str]]:
        owners: dict[TimerKind, str] = {}
        found: dict[TimerKind, Timer] = {}
        base = next((toxic.profile for toxic in toxics if toxic.profile is not None), None)
        for toxic in toxics:
            if isinstance(toxic.settings, FROM_THE_HIT):
                continue
            timers = toxic.settings.timers() if toxic.profile is None else dict(toxic.profile.each_timer())
            for kind, timer in timers.items():
                if kind not in found or timer.default < found[kind].default:
                    found[kind], owners[kind] = timer, toxic.name
        if not found:
            return rules, owners
        profile = (base or _PATH).model_copy(update={"timers": _timers(found)})
        made = Rules.of(profile)
        return (made if base is not None else _beside(rules, made)), owners

    @staticmethod
    def _lifetime(hit: Sequence[Toxic], opened_at: float) -> tuple[Any, str]:
        """Return the rule of the earliest toxic that counts from the hit, and whose it is."""
        rule, by = None, ""
        for toxic in hit:
            if isinstance(toxic.settings, FROM_THE_HIT):
                made = Rules.of(_PATH.model_copy(update={"timers": _timers(toxic.settings.timers())})).lifetime
                assert made is not None
                length_s = max(0.0, toxic.since - opened_at) + toxic.settings.timeout / 1000
                if rule is None or length_s < rule.length_s:
                    rule, by = replace(made, length_s=length_s), toxic.name
        return rule, by


def _beside(rules: Rules, more: Rules) -> Rules:
    """Return the rules of a box with some of its timers replaced."""
    opening, fresh, idle, half_closed, _ = more.by_phase
    phases = zip(rules.by_phase, (opening, fresh, idle, half_closed, None), strict=True)
    first, second, third, fourth, _ = (new or old for old, new in phases)
    return replace(
        rules,
        by_phase=(first, second, third, fourth, None),
        lifetime=more.lifetime or rules.lifetime,
        looks_closely=rules.looks_closely or more.looks_closely,
    )


def _timer(timeout: int, manner: str, tells: str, restarted_by: Restart = Restart.NOTHING) -> Timer:
    if not 0 <= timeout <= _MOST_MS:
        raise ValueError("timeout is milliseconds, from 0 to ten years")
    expiry, ends = _word(_MANNERS, "manner", manner), _word(Ends, "tells", tells)
    try:
        return Timer.model_validate(
            {
                "default": max(timeout / 1000, _LEAST_S),
                "expiry": expiry,
                "tells": ends if expiry.tells else Ends.BOTH,
                "restarted_by": restarted_by,
                "source": _SOURCE,
            }
        )
    except MismatchError as error:
        raise ValueError(str(error)) from None


def _word(choice: Iterable[Word], key: str, text: str) -> Any:  # noqa: ANN401  a member of that choice
    words = list(choice)
    if text not in words:
        raise ValueError(f"{key} must be {', '.join(words[:-1])} or {words[-1]}")
    return words[words.index(text)]  # type: ignore[arg-type]


def _timers(found: Mapping[TimerKind, Timer]) -> Timers:
    return _NO_TIMERS.model_copy(update={str(kind): timer for kind, timer in found.items()})


_NO_TIMERS = Timers()
_PATH = Profile(
    id="toxics",
    name="What toxics do",
    category="example",
    layer=Layer.PACKET,
    timers=_NO_TIMERS,
    sources={_SOURCE: Source(grade=Grade.EXAMPLE, says="an attribute of the toxic")},
)
