"""The journal of a measurement: each thing that happened, a line each, written through to the disk.

Whatever happens to the program, a trial that has ended is not lost, and `--resume` does not ask it again. The format
is one JSON object a line: a header that says which measurement this is, then events. A search writes `start`, `end`
and `abandoned`; what else a verb asks of a path it notes under a name of its own (`Journal.note`), and finds again
(`Journal.noted`): `Answers` of a diagnosis, trials of hops. What failed is no evidence, so it is not kept, and is
tried again. Each line stands alone: a torn or damaged one costs itself and no other.

`hbprobe.journal/1`, which only searches wrote, can be gone on with. What an older header never said is not compared,
which a remark tells, and answers of another address that do not say which it was are asked again.
"""

import json
import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from hbprobe.errors import RequestError, UserError
from hbprobe.measure.description import NOTED_LATER, QUERY, SEAL, Description, is_sealed, seal
from hbprobe.measure.log_file import LogFile
from hbprobe.text import without_query_values
from hbprobe.trial.evidence import Ask, Observation, Question
from hbprobe.trial.outcome import Kind, Outcome, Trial

if TYPE_CHECKING:
    from pydantic import ValidationError


T = TypeVar("T")

SCHEMA = "hbprobe.journal/2"
_READABLE = (SCHEMA, "hbprobe.journal/1")
_FREE_TO_DIFFER = {"connections", "noise", "confidence"}
"""A search may be resumed with more or fewer connections, or by one who is harder to convince: trials stay what they
showed."""


class Record(Protocol):
    """Where a search notes what happens, and finds what happened before."""

    trials: Sequence[Trial]
    """The finished trials of the runs before this one."""
    last_number: int
    """The highest number that a trial of theirs has, finished or not."""

    @property
    def remarks(self) -> Sequence[str]:
        """What a reader must know of the record itself, such as that the disk is full."""
        ...

    def started(self, number: int, hold_s: float, at_s: float) -> None:
        """Note that a trial began."""
        ...

    def ended(self, trial: Trial) -> None:
        """Note what a trial showed."""
        ...

    def abandoned(self, number: int, at_s: float) -> None:
        """Note that a trial was given up, because others had answered its question."""
        ...

    def settle(self) -> None:
        """Wait until all that was noted is kept, or cannot be."""
        ...


class Journal:
    """A journal that is being written, by this process alone."""

    def __init__(self, path: Path, describes: Description, *, resume: bool) -> None:
        """Begin a new one, or go on with one; raises UserError where that cannot be."""
        from hbprobe.records.result_parts import TrialLine  # pydantic: only those who keep a journal wait

        self.path, self._line = path, TrialLine
        self.trials: Sequence[Trial] = ()
        """The finished trials of the runs before this one."""
        self.last_number = 0
        """The highest number that a trial of theirs has, finished or not."""
        self._events: list[tuple[int, dict[str, Any]]] = []
        """What earlier runs wrote, each with the number of its line."""
        self._remarks: list[str] = []
        self._file = LogFile(path, create=not resume)
        try:
            self._begin(describes, resume=resume)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def remarks(self) -> Sequence[str]:
        """What a reader must know: lines that were damaged, what was not compared, a disk that is full."""
        return (*self._remarks, *self._file.remarks)

    def started(self, number: int, hold_s: float, at_s: float) -> None:
        """Note that a trial began."""
        self._write({"event": "start", "trial": number, "hold_s": hold_s, "started_s": at_s})

    def ended(self, trial: Trial) -> None:
        """Note what a trial showed."""
        self._write({"event": "end"} | self._line.of(trial).model_dump(by_alias=True))

    def abandoned(self, number: int, at_s: float) -> None:
        """Note that a trial was given up, because others had answered its question."""
        self._write({"event": "abandoned", "trial": number, "at_s": at_s})

    def note(self, event: str, value: object) -> None:
        """Note anything else that was found out, a dataclass or what JSON knows, under a name of the verb's own."""
        from pydantic import TypeAdapter  # only those who note more than trials wait for it

        self._write({"event": event, "value": TypeAdapter(type(value)).dump_python(value, mode="json")})

    def noted(self, event: str, kind: type[T]) -> list[T]:
        """Return what earlier runs noted under a name, in order; what is damaged is passed over with a remark."""
        from pydantic import TypeAdapter, ValidationError

        adapter, found = TypeAdapter(kind), []
        for number, line in self._events:
            if line.get("event") == event:
                try:
                    found.append(adapter.validate_python(line.get("value")))
                except ValidationError as error:
                    self._pass_over(number, _why(error))
        return found

    def settle(self) -> None:
        """Wait until all that was noted is on the disk, or cannot be."""
        self._file.settle()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.add(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def _begin(self, describes: Description, *, resume: bool) -> None:
        text = self._file.read()
        header = {"schema": SCHEMA} | describes.kept(secrets.token_bytes)
        first = json.dumps(header, separators=(",", ":")).encode() + b"\n"
        if _is_torn(text, first):
            self._file.cut(0)
            self._file.add(first)
        elif resume:
            self._take_over(text, describes)
        else:
            raise UserError(f"{self.path}: exists already; go on with it by --resume, or name another file")

    def _take_over(self, text: bytes, describes: Description) -> None:
        """Read what earlier runs wrote; a last line that was cut off in the writing is dropped."""
        *lines, cut_off = text.split(b"\n")
        found = _parse(lines[0]) if lines else None
        if found is None or found.get("schema") not in _READABLE:
            raise UserError(f"{self.path}: is no journal of this version ({SCHEMA}); start a new one")
        if unknown := _compared(self.path, found, describes):
            why = "was begun by an older hbprobe, which did not note these, so that they were not compared"
            self._remarks.append(f"{self.path}: {why}: {', '.join(unknown)}")
        if cut_off:  # the next line would run into it
            self._file.cut(len(text) - len(cut_off))
        for number, line in enumerate(lines[1:], 2):
            if (event := _parse(line)) is None:
                self._pass_over(number, "is no JSON object")
            else:
                self._events.append((number, event))
        numbers = (event.get("trial") for _, event in self._events)
        self.last_number = max((number for number in numbers if isinstance(number, int)), default=0)
        self.trials = self._trials()

    def _trials(self) -> list[Trial]:
        ended = [(number, event) for number, event in self._events if event.get("event") == "end"]
        if not ended:
            return []
        from pydantic import ValidationError  # only those who go on with trials wait for it

        trials: dict[int, Trial] = {}  # one that stands twice counts once
        for number, event in ended:
            try:
                trial = self._line.model_validate(event).value()
            except ValidationError as error:
                self._pass_over(number, _why(error))
            else:
                trials.setdefault(trial.number, trial)
        return list(trials.values())

    def _pass_over(self, number: int, why: str) -> None:
        remark = f"{self.path}:{number}: is damaged ({why}), and was passed over"
        if remark not in self._remarks:
            self._remarks.append(remark)


def _why(error: "ValidationError") -> str:
    mistake = error.errors()[0]
    return ": ".join(filter(None, (".".join(map(str, mistake["loc"])), mistake["msg"])))


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _is_torn(text: bytes, first: bytes) -> bool:
    """Say whether a kill left nothing, or no more than a part of this header: its digests are others each time."""
    sure = first.partition(f'"{SEAL}'.encode())[0]
    return b"\n" not in text and text[: len(sure)] == sure[: len(text)]


def _compared(path: Path, found: dict[str, Any], describes: Description) -> list[str]:
    """Refuse the journal of another measurement; return the fields that the one that was found never noted."""
    there, here = _flat(found), _flat(describes.said)
    there["target"] = without_query_values(str(there.get("target")))  # an older journal tells it
    names = {"target": "url", QUERY: "url"} | ({"profiles": "lab"} if "lab" in describes.said else {})
    unknown = sorted(NOTED_LATER - there.keys())
    uncompared = {*unknown, *describes.secrets, *_FREE_TO_DIFFER}
    if there.get("profiles", "") == here.get("profiles"):
        uncompared.add("set")  # boxes that do the same are set to the same, in other words
    for key in here | there:
        values = (there.get(key, ""), here.get(key, ""))
        if values[0] != values[1] and key not in uncompared:
            raise _other(path, names.get(key, key.removesuffix("_s")), *values)
    for key, secret in describes.secrets.items():
        if key not in unknown and not is_sealed(there.get(key), secret):
            raise _other_secret(path, names.get(key, key), there.get(key), secret)
    return unknown


_OTHER = "{{path}}: is the journal of another measurement: {}; say the same, or begin another with {{journal}}"


def _other(path: Path, field: str, there: object, here: object) -> RequestError:
    """Refuse a journal that was measured with another value of a field; an empty one was not given."""
    text = _OTHER.format(f"{{{field}}} is {{there}} there and {{here}} here")
    said = ("not given" if value in ("", None) else value for value in (there, here))
    return RequestError(text, field, path=path, **dict(zip(("there", "here"), said, strict=True)))


_URLS = ("url", "compare", "other_port")


def _other_secret(path: Path, field: str, there: object, here: object) -> RequestError:
    """Do the same where the value may be a secret, which is not told."""
    if there and here:
        where = ", in the values of its query" if field in _URLS else ""
        return RequestError(_OTHER.format(f"{{{field}}} is another there than here{where}"), field, path=path)
    return _other(path, field, *("given" if value else "" for value in (there, here)))


def _flat(description: Mapping[str, Any]) -> dict[str, Any]:
    search = description.get("search")
    own = {key: value for key, value in description.items() if key not in ("schema", "search")}
    if "lab" in own:  # the boxes of a lab are the same whichever verb names them
        own["profiles"] = own.pop("lab")
    return own | (search if isinstance(search, dict) else {})


@dataclass(frozen=True, slots=True)
class HopTrial:
    """A request whose keep-alives reached so far, the one of that number, and what became of it."""

    ttl: int
    number: int
    hold_s: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ThereSeen:
    """What a request showed that went to the other address, which is compared with."""

    address: str
    seen: Observation
    query: str = ""
    """A digest of the values in the address's query, which are not told."""


class Answers:
    """The answers that a journal holds, and where new ones go; without a journal there are none."""

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._seen: dict[Ask, Observation] = {}
        self._there: dict[Ask, Observation] = {}
        self._address = self._query = ""
        self._extra: dict[float, deque[Trial]] = {}
        self._hops: dict[tuple[int, int, float], Outcome] = {}
        if journal is not None:
            answers = journal.noted("answer", Observation)
            self._seen = {seen.ask: seen for seen in answers if seen.ask.question is not Question.ELSEWHERE}
            for told in journal.noted("elsewhere", ThereSeen):
                self._address, self._query, self._there[told.seen.ask] = told.address, told.query, told.seen
            for trial in journal.noted("extra", Trial):
                self._extra.setdefault(trial.hold_s, deque()).append(trial)
            self._hops = {(hop.ttl, hop.number, hop.hold_s): hop.outcome for hop in journal.noted("hop", HopTrial)}

    @property
    def remarks(self) -> Sequence[str]:
        """What a reader must know of the journal, once all that was noted is kept, or cannot be."""
        if self._journal is None:
            return ()
        self._journal.settle()
        return self._journal.remarks

    def compared_with(self, address: str, field: str) -> None:
        """Say which other address is compared with, by which field; raises RequestError where it was another one."""
        discreet = without_query_values(address)
        query = b"" if discreet == address else address.encode()
        if self._journal is not None and self._address:
            if self._address != discreet:
                raise _other(self._journal.path, field, self._address, discreet)
            if self._query and not is_sealed(self._query, query):
                raise _other_secret(self._journal.path, field, self._query, query)
        if query and not self._query:
            self._query = seal(query, secrets.token_bytes(16))
        self._address = discreet

    def known(self, ask: Ask) -> Observation | None:
        """Return the answer that an earlier run got; None where it has to be asked."""
        return (self._there if ask.question is Question.ELSEWHERE else self._seen).get(ask)

    def answered(self, seen: Observation) -> None:
        if self._journal is None or seen.outcome.kind is Kind.FAILED:
            return
        if seen.ask.question is Question.ELSEWHERE:
            self._journal.note("elsewhere", ThereSeen(self._address, seen, self._query))
        else:
            self._journal.note("answer", seen)

    def known_trial(self, hold_s: float) -> Trial | None:
        """Return a trial beside the search, of that hold, that an earlier run made; each is returned once."""
        trials = self._extra.get(hold_s)
        return trials.popleft() if trials else None

    def tried(self, trial: Trial) -> None:
        """Note a trial beside the search."""
        if self._journal is not None:
            self._journal.note("extra", trial)

    def known_hop(self, ttl: int, number: int, hold_s: float) -> Outcome | None:
        """Return what the trial of a hop showed in an earlier run; None where it has to be made."""
        return self._hops.get((ttl, number, hold_s))

    def hop_ended(self, ttl: int, number: int, hold_s: float, outcome: Outcome) -> None:
        """Note what the trial of a hop showed."""
        if self._journal is not None:
            self._journal.note("hop", HopTrial(ttl, number, hold_s, outcome))
