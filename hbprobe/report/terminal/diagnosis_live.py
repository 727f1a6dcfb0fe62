"""What a running diagnosis shows: what it does next and how long that takes, and each answer as it comes."""

import asyncio

from rich.console import Console

from hbprobe.duration import format_duration
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.report.terminal.live import LiveLine, describe
from hbprobe.report.terminal.words import limit_words
from hbprobe.trial.evidence import Ask, Observation


class DiagnosisLine(LiveLine):
    """Follows a diagnosis: the search as it runs, and then a line for each answer."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._planned = False
        self._until_s: float | None = None
        self._answers = 0
        self._trials = 0

    def diagnosis(self, found: Diagnosing) -> None:
        """Take note of what changed."""
        if not self._planned:
            self._planned = True
            self.says(f"the limit: {limit_words(found.run.search.limit, with_how=True)}")
            if found.remaining_s:
                self.says(f"now all at the same time, at most {format_duration(found.remaining_s)}:")
            for ask in found.asks:
                self.says(f"  {planned_words(ask)}")
        for seen in found.seen[self._answers :]:
            self.says(f"{seen.ask.question}: {answer_words(seen)}")
        for trial in found.spread_trials[self._trials :]:
            self.says(describe(trial))
        self._answers, self._trials = len(found.seen), len(found.spread_trials)
        self._count(found)

    def _count(self, found: Diagnosing) -> None:
        """Show how many questions are open, and for how long at most."""
        if self._until_s is None:
            self._until_s = asyncio.get_running_loop().time() + found.remaining_s
        told = f"{self._answers + self._trials} of {len(found.asks) + found.more} questions answered"
        self.waits(told, self._until_s - asyncio.get_running_loop().time())


def planned_words(ask: Ask) -> str:
    """Say what a request is to show, how long it is held, and how often something moves."""
    every = "" if ask.interval_s is None else f", every {format_duration(ask.interval_s)}"
    return f"{ask.question.meaning} ({ask.question}, {format_duration(ask.hold_s)}{every})"


def answer_words(seen: Observation) -> str:
    """Say what a request showed."""
    outcome = seen.outcome
    if seen.survived is None:
        return f"not known: {outcome.reason}"
    if seen.survived:
        return "it lived"
    status = f" {outcome.status}" if outcome.status else ""
    return f"cut: {outcome.how}{status} after {format_duration(outcome.elapsed_s)}"
