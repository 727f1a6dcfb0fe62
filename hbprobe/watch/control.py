"""What may be asked of a watch while it runs, and who hears what goes on in it."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from hbprobe.measure.observe import Observer
from hbprobe.measure.run import Run
from hbprobe.watch.changes import Change
from hbprobe.watch.watchfile import WatchPlan, WatchTarget


class RunningWatch(Protocol):
    """The watch over one target."""

    run: Run | None
    """The search that runs; None between two."""
    number: int
    """Of the measurement that runs, or that ran last; 0 before the first."""
    next_at: float | None
    """When the next measurement begins, in seconds since 1970; None while one runs."""

    def hurry(self) -> bool:
        """Begin the next measurement now, if it is time; return whether it does."""
        ...


class WatchObserver(Observer):
    """Hears more of a watch than its sentences."""

    def happened(self, control: "Control", target: str) -> None:
        """Hear that something changed for a target, or in the plan where that is empty."""


class Control:
    """The plan that a running watch follows, who is told of a change, and who looks on."""

    def __init__(
        self,
        plan: WatchPlan,
        changed: Callable[[WatchTarget, Change], None] = lambda *_: None,
        observers: Iterable[Observer] = (),
    ) -> None:
        self._plan = plan
        self._replaced = asyncio.Event()
        self.changed = changed
        self.observers = [*observers]
        self.running: dict[str, RunningWatch] = {}
        """The watches that run, by the names of their targets; the watch itself keeps it."""
        self.reloaded = True
        """The last attempt to read the watch file again succeeded, or there was none."""

    @property
    def plan(self) -> WatchPlan:
        """What is watched now, or in a moment."""
        return self._plan

    def replace(self, plan: WatchPlan) -> None:
        """Let the watch follow another plan: targets that are the same in both are not disturbed."""
        self._plan = plan
        self._replaced.set()

    async def replaced(self) -> None:
        """Wait for the next plan."""
        await self._replaced.wait()
        self._replaced.clear()

    def hurry(self, name: str) -> bool:
        """Begin the next measurement of a target now, if its last is an interval old; return whether it does."""
        running = self.running.get(name)
        return running is not None and running.hurry()

    def says(self, text: str) -> None:
        """Tell a sentence to all who look on."""
        for observer in self.observers:
            observer.says(text)

    def happened(self, target: str) -> None:
        """Tell those who want to know that something changed for a target, or in the plan where that is empty."""
        for observer in self.observers:
            if isinstance(observer, WatchObserver):
                observer.happened(self, target)
