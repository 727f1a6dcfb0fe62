"""Stages in a row: what the first hands out is fed to the second, at the time when it was due.

An alarm that comes late does not add up: what a stage hands out late was still due when it was due, and the next one
counts from there.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hbprobe.middlebox.stages.stage import Chance, Item, Stage, StreamEnd


@dataclass(frozen=True, slots=True)
class StagePlan:
    """A stage that a flow is to have."""

    name: str
    """By which it is known, among those of its direction."""
    kind: type[Stage[Any]]
    settings: Any
    chance: Chance
    """Its own for this flow, so that a seed repeats whatever other flows do."""


class Pipe:
    """One direction of one flow, in stages. Times are absolute seconds of the caller's clock."""

    def __init__(self) -> None:
        self.watched_at = math.inf
        self.blocked = False
        """Who takes what comes out can take no more."""
        self.closed_by = ""
        """The stage that closed the connection, if one did."""
        self._names: list[str] = []
        self._row: list[Stage[Any]] = []
        self._at = -math.inf
        self._acted: set[str] = set()
        self._over: deque[Item] = deque()
        """What stages held that were taken away and had none behind them."""

    def __bool__(self) -> bool:
        """Whether there is a stage, or something left of one."""
        return bool(self._row or self._over)

    @property
    def full(self) -> bool:
        """Whether it is to be fed no more."""
        return self._row[0].full if self._row else self.blocked

    @property
    def held(self) -> int:
        """So many bytes are in it."""
        over = sum(len(item) for item in self._over if isinstance(item, bytes))
        return over + sum(stage.held for stage in self._row)

    @property
    def empty(self) -> bool:
        """Whether nothing is in it, no FIN either."""
        return not self._over and all(stage.empty for stage in self._row)

    def change(self, plans: Iterable[StagePlan], now: float) -> None:
        """Have these stages from now on; one that stays goes on with its new settings from where it is."""
        self._at = max(self._at, now)
        wanted = {plan.name: plan for plan in plans}
        before = list(zip(self._names, self._row, strict=True))
        kept = [name for name, stage in before if name in wanted and type(stage) is wanted[name].kind]
        had = dict(before)
        self._names = kept + [name for name in wanted if name not in kept]
        self._row = [had[name] if name in kept else _made(wanted[name], now) for name in self._names]
        for name, stage in zip(self._names, self._row, strict=True):
            stage.settings = wanted[name].settings
        self._hand_over(before)

    def feed(self, item: Item, now: float) -> None:
        """Take what comes from the end now. What is still here was due when it was due, all the same."""
        if self._row:
            self._row[0].feed(item, max(self._at, now))
        else:
            self._over.append(item)

    def put_back(self, item: Item) -> None:
        """Take back what was handed out last, to be handed out again before all else."""
        self._over.appendleft(item)

    def due(self) -> float:
        """Return when something can move; infinite for never, or not before somebody takes what comes out."""
        if self._over:
            return math.inf if self.blocked else self._at
        return self._next()[0]

    def pump(self, now: float) -> Iterator[Item]:
        """Hand out what is due at `now`, until whoever takes it says that it is `blocked`."""
        while self._over and not self.blocked:
            yield self._over.popleft()
        while not self._over and (found := self._next())[0] <= now:
            due, place = found
            self._at = max(self._at, due)
            item = self._row[place].advance(self._at)
            if item is StreamEnd.CLOSE and not self.closed_by:
                self.closed_by = self._names[place]
            if place + 1 < len(self._row):
                self._row[place + 1].feed(item, self._at)
            else:
                yield item
        if self.blocked:
            self._at = max(self._at, now)

    def newly_acted(self) -> list[str]:
        """Return the stages that have changed something for the first time since the last call."""
        new = [
            name
            for name, stage in zip(self._names, self._row, strict=True)
            if stage.acted and name not in self._acted
        ]
        self._acted.update(new)
        return new

    def _next(self) -> tuple[float, int]:
        """Return when the stage is due that is to hand out next, and its place."""
        earliest, where, takes = math.inf, -1, not self.blocked
        for place in range(len(self._row) - 1, -1, -1):
            stage = self._row[place]
            if takes and (due := stage.due()) < earliest:
                earliest, where = due, place
            takes = not stage.full
        return earliest, where

    def _hand_over(self, before: Sequence[tuple[str, Stage[Any]]]) -> None:
        """Feed what stages held that are gone to the next one behind them; what is nearest to the end goes first."""
        behind: Stage[Any] | None = None
        for name, stage in reversed(before):
            if stage in self._row:
                behind = stage
                continue
            for item in stage.left():
                if item is StreamEnd.CLOSE and not self.closed_by:
                    self.closed_by = name
                if behind is None:
                    self._over.append(item)
                else:
                    behind.feed(item, self._at)


def _made(plan: StagePlan, now: float) -> Stage[Any]:
    return plan.kind(plan.settings, plan.chance, now)
