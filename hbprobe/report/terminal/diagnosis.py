"""A diagnosis on the terminal, in plain words: what it does next and each answer as it comes, and what it found."""

import asyncio
from collections.abc import Iterator, Sequence

from rich.console import Console

from hbprobe.diagnosis.fit import Law, Spread
from hbprobe.diagnosis.heartbeat import heartbeat_words
from hbprobe.diagnosis.ranking import Match, best
from hbprobe.diagnosis.reasoning import Movement
from hbprobe.duration import format_duration
from hbprobe.measure.diagnosing import Diagnosing
from hbprobe.records.diagnosis import Diagnosis
from hbprobe.report.terminal.answer import Detail
from hbprobe.report.terminal.layout import pairs
from hbprobe.report.terminal.live import LiveLine, describe
from hbprobe.report.terminal.tables import advice, print_findings
from hbprobe.report.terminal.words import cause_words, how_words, limit_words
from hbprobe.statistics.bands import curve
from hbprobe.text import counted, named, seconds
from hbprobe.trial.evidence import Ask, Observation
from hbprobe.trial.outcome import Kind

_MOST_NAMED = 5
_NAMED = "it calls itself"


def print_diagnosis(found: Diagnosis, console: Console, detail: Detail = Detail.FINDINGS) -> None:
    """Print what was found and what to do, and then what shows it and what it means."""
    console.print(pairs(answer_lines(found)))
    if detail is Detail.ANSWER:
        return
    console.print()
    console.print(pairs(lines(found)))
    if found.result.verdict is not None:
        console.print()
        print_findings(found.result.verdict, console, detail)
        if detail is Detail.ALL:
            console.print()
            console.print(pairs(advice(found.result.verdict)))


def answer_lines(found: Diagnosis) -> Iterator[tuple[str, str]]:
    """Return what was found and what to do: a name and a sentence a line; an empty name goes on with the last."""
    result, reasoning = found.result, found.reasoning
    yield "limit", limit_words(result.limit, with_how=True)
    if not result.complete:
        yield "but", "it was stopped before its end; this is what was found until then"
    means = cause_words(reasoning.explanation.causes, ())
    means += [] if result.heartbeat_s is None else [heartbeat_words(result.limit, result.heartbeat_s)]
    yield from named("means", means)
    yield from named("do", found.mend if result.complete else ())


def lines(found: Diagnosis) -> Iterator[tuple[str, str]]:
    """Return what the answer rests on, in the same form."""
    result, reasoning = found.result, found.reasoning
    yield "target", result.target
    if found.spread is not None:
        yield from named("spread", _spread_lines(found.spread))
    yield from named("seen", reasoning.explanation.evidence)
    words = (reasoning.runs, reasoning.counts, reasoning.direction)
    yield from named("timer", [word.meaning for word in words if word is not None])
    if reasoning.whose is not None:
        compared = f" (compared with {found.elsewhere})" if found.elsewhere else ""
        yield "whose", reasoning.whose.meaning + compared
    if result.limit.survived_s is not None or result.limit.cut_s is not None:
        yield "kind", ", or ".join(kind.meaning for kind in reasoning.kinds)
    yield from named("fits", _fit_lines(found))
    unknown = [f"{one.ask.question.meaning} ({one.outcome.reason})" for one in found.seen if one.survived is None]
    yield from named("unknown", list(dict.fromkeys(unknown)))
    yield from named("notes", result.notes)


def _fit_lines(found: Diagnosis) -> Iterator[str]:
    for name in found.nameless:
        yield f"{name!r} answers: the catalogue has no product of that name; what follows only behaves like it"
    fitting = best(found.matches)
    if not fitting:
        if found.reasoning.is_a_box and found.result.limit.cut_s is not None:
            yield "no product of the catalogue"
        return
    names = family_names(fitting)
    more = f"; and {len(names) - _MOST_NAMED} more, which behave alike" if len(names) > _MOST_NAMED else ""
    yield f"{', '.join(_why(found, fitting))}: {'; '.join(names[:_MOST_NAMED])}{more}"
    if doubts := [text for text in fitting[0].doubts if all(text in match.doubts for match in fitting)]:
        yield f"but {', '.join(doubts)}"


def family_names(matches: Sequence[Match]) -> list[str]:
    """Name products; those that are built on the same program together, after it."""
    families: dict[str, list[str]] = {}
    for match in matches:
        families.setdefault(match.profile.built_on or match.profile.name, []).append(match.profile.name)
    named = []
    for family, members in families.items():
        if len(members) > 1:
            named.append(f"{family} ({'; '.join(members)})")
        else:
            named.append(members[0] if family in members[0] else f"{members[0]}, which is built on {family}")
    return named


def _why(found: Diagnosis, fitting: Sequence[Match]) -> Iterator[str]:
    limit, counts = found.result.limit, found.reasoning.counts
    yield f"{seconds(limit.cut_s or 0)} s"
    yield how_words(limit)
    if counts is not None:
        yield f"keep-alives {'help' if counts is Movement.PACKETS else 'do not help'}"
    if any(_NAMED in reason for match in fitting for reason in match.reasons):
        yield f"and {next(reason for reason in fitting[0].reasons if _NAMED in reason)}"
    if any("error page" in reason for reason in fitting[0].reasons):
        yield "with its error page"
    if not any(match.as_shipped for match in fitting):
        yield "with a timer that was changed"


def _spread_lines(spread: Spread) -> Iterator[str]:
    cut = sum(trial.outcome.kind is Kind.CUT for trial in spread.trials)
    yield f"{counted(len(spread.trials), 'trial')}, {cut} of them cut{_law_words(spread)}"
    for at_s, least, most in curve(spread.trials):
        yield f"alive after {format_duration(at_s)}: {least:.0%} to {most:.0%} (95 % of confidence)"


def _law_words(spread: Spread) -> str:
    fit = spread.fit
    if fit is None:
        return ""
    timer = "" if fit.timer_s is None else f" of about {format_duration(fit.timer_s)}"
    life = "" if fit.mean_life_s is None else f" (mean life {format_duration(fit.mean_life_s)})"
    return {
        None: "; a fixed timer and random loss fit about as well",
        Law.TIMER: f"; a fixed timer{timer} fits better than random loss",
        Law.LOSS: f"; random loss{life} fits better than a fixed timer",
        Law.BOTH: f"; a fixed timer{timer} with random loss{life} before it fits best",
    }[fit.law]


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
