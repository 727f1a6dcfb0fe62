"""What may be asked of a watch while it runs: another plan, or the next measurement of a target now."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from hbprobe.watch.changes import Change
from hbprobe.watch.watchfile import WatchPlan, WatchTarget


class Hurried(Protocol):
    """The watch over one target."""

    def hurry(self) -> bool:
        """Begin the next measurement now, if it is time; return whether it does."""
        ...


class Control:
    """The plan that a running watch follows, and who is told of a change."""

    def __init__(self, plan: WatchPlan, changed: Callable[[WatchTarget, Change], None] = lambda *_: None) -> None:
        self._plan = plan
        self._replaced = asyncio.Event()
        self.changed = changed
        self.running: dict[str, Hurried] = {}
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
