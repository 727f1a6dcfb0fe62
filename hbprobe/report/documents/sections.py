"""What a report says of one measurement, section by section, in the words of the terminal.

`SECTIONS` is the order; a section that has nothing to say returns None.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from hbprobe.diagnosis.fit import Law
from hbprobe.diagnosis.reasoning import BoxKind, Direction, Movement, Runs, Whose
from hbprobe.duration import format_duration
from hbprobe.exchange.verdict import Judgement
from hbprobe.manner import Aftermath
from hbprobe.records.documents import AnswerPart, DiagnosisPart, SpreadPart
from hbprobe.records.result import Result
from hbprobe.report.documents.blocks import (
    Block,
    Chapter,
    Facts,
    Findings,
    Listing,
    Prose,
    Section,
    Table,
    curve_picture,
    path_picture,
    search_picture,
    sentence,
)
from hbprobe.report.documents.sources import Measured
from hbprobe.report.drawn_path import path_of
from hbprobe.report.looks import outcome_words
from hbprobe.report.terminal.answer import answer, findings, to_do
from hbprobe.report.terminal.tables import DEVICE_COLUMNS, advice, device_row, facts
from hbprobe.report.terminal.words import connection_words, effort_words, limit_words, path_words
from hbprobe.text import counted, named, seconds
from hbprobe.trial.evidence import Question
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Cause, Outcome, Trial
from hbprobe.word import Word

Write: TypeAlias = Callable[[Measured], Section | None]

_ASKED = {"label", "target", "connects", "path", "method"}
"""The facts that were settled before anything was measured."""
MOST_ROWS = 1000
"""More trials than this nobody reads in a table; programs read CSV."""
_MOST_LISTED = 100


def chapter(measured: Measured) -> Chapter:
    """Return all that there is to say of a measurement."""
    sections = [section for write in SECTIONS if (section := write(measured)) is not None]
    result = measured.result
    title = f"How long {'requests' if _is_held(result) else 'quiet connections'} survive on {path_words(result)}"
    return Chapter(title, state_of(result), _lead(measured), tuple(sections))


def _is_held(result: Result) -> bool:
    """Return whether requests were held, and not connections on which nothing was asked."""
    return METHODS[result.method].exchange


def _lead(measured: Measured) -> str:
    """Return the whole of it as one paragraph, which can be pasted into a ticket."""
    told = answer(measured.result)
    if measured.diagnosis is not None:
        told = [
            *(pair for pair in told if pair[0] in ("limit", "but")),
            *(("", text) for text in measured.diagnosis.mend),
        ]
    return " ".join(sentence(text) for _, text in told)


def state_of(result: Result) -> str:
    """Sum a result up in a word: `healthy`, `problem`, or `note` where it could not be judged or has doubts."""
    if result.verdict is None or not result.complete:
        return "note"
    return "healthy" if result.verdict.healthy else "problem"


def _asked(measured: Measured) -> Section:
    result = measured.result
    search = result.search
    holds = ", ".join(
        (
            f"from {seconds(search.min_s)} s to {seconds(search.max_s)} s",
            f"to {seconds(search.precision_s)} s",
            f"{counted(search.connections, 'connection')} at a time",
            f"{counted(search.confirm, 'trial')} at each end of the limit",
            f"an answer may be {seconds(search.grace_s)} s late",
        )
    )
    pairs = [pair for pair in facts(result) if pair[0] in _ASKED]
    if result.started_at is not None:
        pairs.append(("when", f"from {result.started_at.replace('T', ' ').replace('Z', ' UTC')}"))
    what = "silent HTTPS request" if _is_held(result) else "quiet connection"
    question = Prose(f"How long does a {what} survive on this path, and what ends one that is quiet for longer?")
    return Section("What was asked", (question, Facts((*pairs, ("holds", holds)))))


def _found(measured: Measured) -> Section:
    result = measured.result
    explains = measured.diagnosis is None  # which has a section of its own
    found = [pair for pair in facts(result, explains=explains) if pair[0] not in _ASKED]
    listed = listing("Trials that contradict the limit", result.contradictions)
    notes = listing("Notes", result.notes)
    # Of a real path nothing is known to draw where nothing was cut.
    timer = measured.diagnosis.timer if measured.diagnosis is not None else None
    drawn = [path_picture(path_of(result, timer))] if result.path or result.limit.cut_s is not None else []
    return Section("What was found", (*drawn, Facts(tuple(found)), *listed, *notes))


def listing(heading: str, items: Sequence[str]) -> list[Listing]:
    """List the first so many, and say how many more there are; nothing where there are none."""
    told = [*items[:_MOST_LISTED], *([f"and {len(items) - _MOST_LISTED} more"] if len(items) > _MOST_LISTED else [])]
    return [Listing(heading, tuple(told))] if told else []


def _evidence(measured: Measured) -> Section | None:
    result = measured.result
    if not result.trials:
        return None
    search = f"{path_words(result)}: {limit_words(result.limit, with_how=True)}; {effort_words(result)}"
    curve = f"How long a quiet request survives on {path_words(result)}: {limit_words(result.limit)}"
    # A diagnosis says in words what the curve shows, and tells more.
    curves = [curve_picture([result], curve)] if measured.diagnosis is None else []
    return Section("Evidence", (*curves, search_picture(result, search)))


def _verdict(measured: Measured) -> Section | None:
    result = measured.result
    if result.verdict is None:
        return None
    blocks: list[Block] = [Findings(tuple(findings(result.verdict)))]
    if result.verdict.devices:
        rows = tuple(device_row(device) for device in result.verdict.devices)
        words = frozenset({"device", "event 1040"})
        blocks.append(Table("What each device does on this path", DEVICE_COLUMNS, rows, words))
        columns = [text for name, text in advice(result.verdict) if name == "columns"]
        blocks += map(Prose, columns)
    return Section("Verdict", tuple(blocks))


def _mend(measured: Measured) -> Section | None:
    """Say what to change; a diagnosis has advice of its own."""
    result, diagnosis = measured.result, measured.diagnosis
    steps = to_do(result) if diagnosis is None else diagnosis.mend
    if not steps:
        return None
    change = [Prose(sentence(text)) for text in steps]
    if diagnosis is not None or result.verdict is None or result.verdict.healthy:
        return Section("What to change", tuple(change))
    timer = [pair for pair in advice(result.verdict) if pair[0] in ("ticket", "")]
    return Section("What to change", (*change, Facts(tuple(timer))))


_AFTERMATH = {
    Aftermath.RESET: "RST came",
    Aftermath.ACKNOWLEDGED: "acknowledged",
    Aftermath.NOTHING: "nothing came",
    Aftermath.CLOSED: "FIN came",
}
_TRIAL_COLUMNS = ("trial", "hold", "outcome", "ended after", "one more packet", "started", "seen", "connection")


def _trials(measured: Measured) -> Section | None:
    result = measured.result
    if not result.trials:
        return None
    trials = sorted(result.trials, key=lambda trial: trial.number)
    half = MOST_ROWS // 2
    told = trials if len(trials) <= MOST_ROWS else [*trials[:half], *trials[-half:]]
    words = frozenset({"outcome", "one more packet", "seen", "connection"})
    table = Table("The trials of the search, in order", _TRIAL_COLUMNS, tuple(map(_trial_row, told)), words)
    if told is trials:
        return Section("Every trial", (table,))
    left_out = f"{len(trials) - len(told)} trials between the first {half} and the last {half} are left out here"
    return Section("Trials", (Prose(f"{left_out}: hbprobe report --format csv lists them all."), table))


def _trial_row(trial: Trial) -> tuple[str, ...]:
    outcome = trial.outcome
    return (
        str(trial.number),
        f"{seconds(trial.hold_s)} s",
        outcome_words(outcome),
        f"{seconds(outcome.elapsed_s)} s",
        "-" if outcome.aftermath is None else _AFTERMATH[outcome.aftermath],
        format_duration(trial.started_s),
        outcome.reason or "-",
        connection_words(outcome.connection),
    )


def _settings(measured: Measured) -> Section:
    result = measured.result
    clocks = {"real": "real time", "warp": "warp: the clock jumps over the waiting"}
    clock = clocks.get(result.clock, f"{result.clock} seconds of the path in one real second")
    return versions(result.hbprobe, result.verb, ("clock", clock), *_exchange(result.verdict))


def versions(hbprobe: str, verb: str, *more: tuple[str, str]) -> Section:
    """Say which hbprobe it was, and how it was set."""
    pairs = (("hbprobe", hbprobe), ("measured by", f"hbprobe {verb}"), *more)
    return Section("Versions and settings", (Facts(pairs),))


def _exchange(verdict: Judgement | None) -> list[tuple[str, str]]:
    return [("Exchange", text) for name, text in advice(verdict) if name == "settings"] if verdict else []


def _diagnosis(measured: Measured) -> Section | None:
    return None if measured.diagnosis is None else diagnosis_section(measured.diagnosis)


SECTIONS: tuple[Write, ...] = (_mend, _found, _evidence, _diagnosis, _verdict, _asked, _trials, _settings)


_MOST_NAMED = 5


def diagnosis_section(found: DiagnosisPart) -> Section:
    """Say what kills the request, whose timer it is, and which boxes fit."""
    facts = Facts(tuple(_facts(found)))
    blocks = (facts, _answers(found)) if found.seen else (facts,)
    return Section("Diagnosis", blocks if found.spread is None else (*blocks, _spread(found.spread)))


def _facts(found: DiagnosisPart) -> Iterator[tuple[str, str]]:
    timer = found.timer
    yield from _named("cause", [_meanings(Cause, found.post_mortem.causes, "; or ")])
    yield from _named("seen", found.post_mortem.evidence)
    words = ((Runs, timer.runs), (Movement, timer.counts), (Direction, timer.direction))
    yield from _named("timer", [_meaning(kind, word) for kind, word in words])
    compared = f" (compared with {found.elsewhere})" if found.elsewhere else ""
    yield from _named("whose", [_meaning(Whose, timer.whose) + compared if timer.whose else ""])
    yield from _named("kind", [_meanings(BoxKind, found.kinds, ", or ")])
    yield from _named("fits", _fits(found))
    if found.spread is not None and found.spread.law is not None:
        yield "deaths", f"follow {_meaning(Law, found.spread.law)}"


def _named(name: str, sentences: Iterable[str]) -> Iterator[tuple[str, str]]:
    return named(name, filter(None, sentences))


def _meaning(kind: type[Word], word: str | None) -> str:
    return "" if word is None else kind.meaning_of(word)


def _meanings(kind: type[Word], words: tuple[str, ...], between: str) -> str:
    return between.join(_meaning(kind, word) for word in words)


def _fits(found: DiagnosisPart) -> list[str]:
    """Name the boxes that share the first place, and why, if anything speaks for them."""
    strange = [f"{name!r} answers: the catalogue has no product of that name" for name in found.nameless]
    if not found.matches or found.matches[0].score <= 0 or found.matches[0].contradictions > 1:
        return strange
    first = found.matches[0]
    best = [box for box in found.matches if (box.score, box.contradictions) == (first.score, first.contradictions)]
    more = f"; and {len(best) - _MOST_NAMED} more" if len(best) > _MOST_NAMED else ""
    lines = [*strange, "; ".join(box.name for box in best[:_MOST_NAMED]) + more]
    for word, said in (("because", best[0].reasons), ("but", best[0].doubts)):
        shared = [text for text in said if all(text in box.reasons + box.doubts for box in best)]
        lines += [f"{word}: {', '.join(shared)}"] if shared else []
    return lines


_ANSWER_COLUMNS = ("question", "held for", "outcome", "ended after")


def _answers(found: DiagnosisPart) -> Table:
    rows = tuple(_answer_row(answer) for answer in found.seen)
    return Table("Requests that were held for longer than the limit", _ANSWER_COLUMNS, rows, _WORDS)


_WORDS = frozenset({"question", "outcome"})


def _answer_row(answer: AnswerPart) -> tuple[str, ...]:
    outcome = Outcome(answer.kind, answer.elapsed_s, answer.how, status=answer.status)
    every = f" (every {format_duration(answer.interval_s)})" if answer.interval_s else ""
    held, ended = f"{seconds(answer.hold_s)} s", f"{seconds(answer.elapsed_s)} s"
    return f"{_meaning(Question, answer.question)}{every}", held, outcome_words(outcome), ended


def _spread(spread: SpreadPart) -> Table:
    rows = tuple((format_duration(at.at), f"{at.least:.0%} to {at.most:.0%}") for at in spread.curve)
    caption = f"Requests that are alive after a time, of {spread.trials} trials (95 % of confidence)"
    return Table(caption, ("after", "alive"), rows, frozenset({"after", "alive"}))
