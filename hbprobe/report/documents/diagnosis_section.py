"""What a report says of a diagnosis, beside what it says of the limit."""

from collections.abc import Iterator

from hbprobe.diagnosis.fit import Law
from hbprobe.diagnosis.reasoning import BoxKind, Direction, Movement, Runs, Whose
from hbprobe.duration import format_duration
from hbprobe.records.documents import AnswerPart, DiagnosisPart, SpreadPart
from hbprobe.report.documents.blocks import Facts, Section, Table
from hbprobe.report.documents.outcomes import outcome_words
from hbprobe.text import seconds
from hbprobe.trial.evidence import Question
from hbprobe.trial.outcome import Cause, Outcome
from hbprobe.word import Word

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


def _named(name: str, sentences: "list[str] | tuple[str, ...]") -> Iterator[tuple[str, str]]:
    for sentence in filter(None, sentences):
        yield name, sentence
        name = ""


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
