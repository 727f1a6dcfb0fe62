"""The requests that need a lab: a simulated path probed, and a diagnosis of a real path or a simulated one."""

import hashlib
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from hbprobe.errors import CannotMeasureError, RequestError
from hbprobe.manner import Layer
from hbprobe.measure.field_values import Whole
from hbprobe.measure.observe import Observer
from hbprobe.measure.request import Concluding, File, Journalling, Request, Searching, defaults_with, target_of
from hbprobe.measure.talk_request import Talking
from hbprobe.profiles.vocabulary import QuietPhase
from hbprobe.trial.methods.table import MethodTraits, Server, in_words
from hbprobe.trial.talks.talk import NO_OPTIONS, TalkOptions

if TYPE_CHECKING:
    from hbprobe.eas.client import Account
    from hbprobe.exchange.settings import Settings
    from hbprobe.lab.inprocess import LabRun
    from hbprobe.lab.pathfile import LabPath
    from hbprobe.measure.diagnosing import Diagnosing
    from hbprobe.measure.journal import Journal
    from hbprobe.net.target import Target
    from hbprobe.net.wire import Dialer
    from hbprobe.profiles.model import Profile
    from hbprobe.records.diagnosis import Diagnosis
    from hbprobe.records.result import Result
    from hbprobe.search.search import SearchSettings
    from hbprobe.trial.methods.method import Method
    from hbprobe.warp import Clock

WORKED_EXAMPLE = "ten-minute-provider"
_SIDE_BY_SIDE = 2
"""So many questions are asked at the same time where each takes a device of its own on the server."""


@dataclass(frozen=True, kw_only=True)
class Lab(Searching, Journalling, Concluding, Request["Result"]):
    """Simulate a path, probe it, and say whether Exchange will log event 1040.

    A server, boxes and the probe are put together in one process. On the warp clock hours take a moment.
    """

    profiles: Sequence[str] = field(default=(), kw_only=False)
    """the boxes, in order from the client: an id ('hbprobe profiles list') or a file; or one path file (default: the
    worked example of the Direct Push literature)"""
    set: Mapping[str, str | float | None] = field(default_factory=dict)
    """change timers of the first box, as in idle=300"""
    clock: str | None = None
    """warp, real, or N seconds of the path in one (default: warp; with kernel real)"""
    kernel: bool = False
    """build the path out of network namespaces, each box of layer packet as nftables and conntrack; it runs in real
    time, and clock N divides all timers by N (Linux)"""
    nat: str | None = None
    """with kernel: the boxes that translate addresses, by place, as in 1,3; or none (default: those of category nat,
    home-gateway and carrier)"""
    pcap: File | None = None
    """with kernel: leave a packet capture of each side of each box in this folder"""
    seed: int = 0
    """another box out of a population, and other luck with timers that are random in part"""

    def check(self) -> None:
        """Raise RequestError for fields that do not go together."""
        self._paced()
        if not self.kernel:
            for name in ("nat", "pcap"):
                if getattr(self, name) is not None:
                    raise RequestError(f"{{{name}}} goes with {{kernel}}", name)
        elif self.clock == "warp":
            raise RequestError(
                "{clock} warp: the kernel counts real seconds: use real, or a rate such as 100, with {kernel}",
                "clock",
            )
        elif self.traits.needs_account:
            fit = in_words(lambda row: not row.needs_account)
            text = "{method} {value}: {kernel} measures with {fit}"
            raise RequestError(text, "method", value=self.method, fit=fit)
        super().check()

    def path(self) -> "LabPath":
        """Return the path that is named: a path file's, or profiles. Raises UserError where it cannot be built."""
        from hbprobe.exchange.devices import CURRENT
        from hbprobe.lab.pathfile import LabPath, find_path, load_path
        from hbprobe.profiles.catalogue import Catalogue
        from hbprobe.profiles.running import OFF, with_overrides

        catalogue = Catalogue()
        paths = [reference for reference in self.profiles if find_path(reference)]
        if paths and len(self.profiles) > 1:
            text = "{path} is a whole path, which stands alone: name it only, or boxes only"
            raise RequestError(text, "profiles", path=paths[0])
        file = find_path(paths[0]) if paths else None
        if file is not None:
            if self.set or self.webconfig:
                text = "{path}: a path file says timers and web.config itself: drop {set} and {webconfig}"
                raise RequestError(text, "set" if self.set else "webconfig", path=file)
            path = load_path(file, catalogue)
            return path if path.devices != CURRENT else replace(path, devices=self.device_kinds())
        boxes = [catalogue.find(reference) for reference in self.profiles or [WORKED_EXAMPLE]]
        said = {name: OFF if value is None else str(value) for name, value in self.set.items()}
        boxes[0], remarks = with_overrides(boxes[0], said)
        settings, devices = self.exchange_settings(), self.device_kinds()
        return LabPath("lab", "", tuple(boxes), settings, devices, defaults_with(self.traits), remarks)

    async def _measured(self, observer: Observer) -> "Result":
        from hbprobe.measure.conclude import conclude
        from hbprobe.measure.description import describe
        from hbprobe.measure.setup import handed_over
        from hbprobe.profiles.running import draw_all
        from hbprobe.records.record import Verb

        started, began, path = time.perf_counter(), datetime.now(UTC), self.path()
        _must_let_through(path.boxes, self.traits)
        boxes, drawn = draw_all(path.boxes, random.Random(self.seed))
        search, fitted = self._fitted(self.search_settings(path.search))
        with self.kept(describe("lab", self.method, search, **self._said_of_boxes(path, boxes))) as journal:
            if self.kernel:
                findings = await self._in_kernel(path, boxes, search, journal, observer)
            else:
                findings = await self._in_process(path, boxes, search, journal, observer)
        result = conclude(
            findings.run,
            path.settings,
            verb=Verb.LAB,
            target=path.name,
            clock=self._clock_name,
            wall_s=time.perf_counter() - started,
            began=None if self._clock_name == "warp" else began,
            path=tuple(box.id for box in path.boxes),
            cut_by=findings.cut_by,
            notes=(*path.remarks, *drawn, *fitted, *self._untold(boxes), *findings.remarks),
            devices=path.devices,
            exchange=self.judges(self.traits),
            heartbeat_s=self.heartbeat_s,
        )
        result = _with_the_products_words(result, boxes)
        return handed_over(result, findings.failure, holds_something=bool(findings.run.trials))

    def _said_of_boxes(self, path: "LabPath", boxes: "Sequence[Profile]") -> dict[str, str]:
        """Return what makes another lab: a journal goes on only with the same boxes, set alike, on the same clock."""
        return {
            "set": ", ".join(f"{name}={value}" for name, value in sorted(self.set.items())),
            "seed": str(self.seed or ""),
            "clock": "" if self._clock_name == "warp" else self._clock_name,
            "kernel": "yes" if self.kernel else "",
            "nat": self.nat or "",
            "profiles": _in_a_row(boxes),
            "webconfig": _heartbeats(path.settings, self.traits),
        }

    @property
    def _clock_name(self) -> str:
        return self.clock or ("real" if self.kernel else "warp")

    def _paced(self) -> "Clock":
        from hbprobe.warp import clock_from_text

        try:
            return clock_from_text(self._clock_name)
        except ValueError as error:
            raise RequestError("{clock}: {what}", "clock", what=error) from None

    def _clock(self) -> "Clock":
        from hbprobe.warp import ScaledClock

        return ScaledClock() if self.kernel else self._paced()

    @property
    def _rate(self) -> float:
        return self._paced().rate or 1.0

    def _untold(self, boxes: "Sequence[Profile]") -> tuple[str, ...]:
        """Return what the profiles do not know of connections such as this method's."""
        from hbprobe.profiles.profile_rows import untold_of_upgrades
        from hbprobe.profiles.silent_request import upgrade_is_untold

        if self.traits.phase is not QuietPhase.TUNNEL:
            return ()
        return tuple(f"{box.id}: {untold_of_upgrades(box)}" for box in boxes if upgrade_is_untold(box))

    def _fitted(self, search: "SearchSettings") -> "tuple[SearchSettings, tuple[str, ...]]":
        """Return the search as this lab can carry it out, and what was changed."""
        if not self.kernel:
            return search, ()
        from hbprobe.lab.kernel.measure import fit

        return fit(search, self._rate)

    async def _in_process(
        self,
        path: "LabPath",
        boxes: "Sequence[Profile]",
        search: "SearchSettings",
        journal: "Journal | None",
        observer: Observer,
    ) -> "LabRun":
        from hbprobe.lab.inprocess import measure

        prior = self.prior()
        found = await measure(boxes, path.settings, search, self.method, journal, prior, self.seed, observer)
        return replace(found, cut_by=_remembered(found.cut_by, journal))

    async def _in_kernel(
        self,
        path: "LabPath",
        boxes: "Sequence[Profile]",
        search: "SearchSettings",
        journal: "Journal | None",
        observer: Observer,
    ) -> "LabRun":
        from hbprobe.lab.kernel.measure import KernelLab, measure

        lab = KernelLab(self._rate, self._nat(len(boxes)), None if self.pcap is None else Path(self.pcap))
        observer.says(f"in the kernel, in real time: {self.how_long(search, lab.rate)}")
        return await measure(
            boxes,
            path.settings,
            search,
            lab,
            method=self.method,
            journal=journal,
            prior=self.prior(),
            observer=observer,
        )

    def _nat(self, boxes: int) -> frozenset[int] | None:
        """Return which boxes translate addresses; None leaves it to their profiles."""
        if self.nat is None:
            return None
        if self.nat == "none":
            return frozenset()
        places = self.nat.split(",")
        if not all(place.isascii() and place.isdecimal() and 1 <= int(place) <= boxes for place in places):
            text = "{nat} {said}: write places on the path, from 1 to {boxes}, as in 1,2; or none"
            raise RequestError(text, "nat", said=self.nat, boxes=boxes)
        return frozenset(int(place) for place in places)


@dataclass(frozen=True, kw_only=True)
class Diagnose(Talking, Journalling, Concluding, Request["Diagnosis"]):
    """Find the limit of a path, and explain it: which timer, whose, what kind of box, what would mend it.

    After the search it asks at the same time what saves longer requests and what both ends see of their death.
    """

    url: str | None = field(default=None, kw_only=False)
    """https://HOST[:PORT]/ of hbprobe serve (hold), a web server (idle) or ActiveSync (ping); wss://, h2://,
    imaps:// and the like for other protocols"""
    lab: Sequence[str] | None = None
    """instead of a URL: diagnose simulated boxes, in order from the client, on a clock that jumps"""
    trials: Annotated[int, Whole(0)] = 0
    """so many more trials: how widely the limit scatters"""
    compare: str | None = None
    """another address: does the same request die there, too?"""
    other_port: Annotated[int, Whole(1, 65535, "a port is at most 65535")] | None = None
    """the same, at another port of the same host"""

    def check(self) -> None:
        """Raise RequestError for fields that do not go together."""
        if (self.url is None) == (self.lab is None):
            raise RequestError("name what to diagnose: a URL, or boxes with {lab}", "url")
        if self.compare is not None and self.other_port is not None:
            raise RequestError("{other_port} does not go with {compare}: drop one", "other_port")
        if self.lab is not None and (self.compare or self.other_port or self.ca or self.insecure):
            raise RequestError(
                "{lab}: a lab has one address, and a certificate of its own: drop {compare}, {ca} and the like", "lab"
            )
        if self.lab is not None and (self.source is not None or self.family != "any"):
            raise RequestError("{lab}: a lab is in this process: drop {source} and {family}", "lab")
        super().check()

    async def _measured(self, observer: Observer) -> "Diagnosis":
        from hbprobe.measure.conclude import conclude, in_force
        from hbprobe.measure.diagnosing import sum_up
        from hbprobe.measure.setup import carry_out, handed_over
        from hbprobe.profiles.catalogue import Catalogue
        from hbprobe.records.record import Verb

        started, began = time.perf_counter(), datetime.now(UTC)
        settings, search = self.exchange_settings(), self.search_settings()
        target = None if self.url is None else target_of(self.url, self.traits.schemes)
        name = "lab" if target is None else str(target)
        boxes = self._boxes()
        dialer = None if target is None else self.dialer(target)  # what cannot be is said before a journal is begun
        account, talk = (None, NO_OPTIONS) if target is None else (self.login(target), self.talk(target))
        about = {"lab": _in_a_row(boxes), "webconfig": _heartbeats(settings, self.traits)} if boxes else {}
        with self.kept(self.described("lab" if target is None else target.url, search, talk, **about)) as journal:
            if target is None or dialer is None:
                found = await self._in_lab(boxes, search, journal, observer)
            else:
                found = await self._on_path(target, dialer, account, talk, search, journal, observer)
                found.failure = await carry_out(found.to_the_end())
        notes: tuple[str, ...] = ()
        if target is not None:
            settings, notes = in_force(found.run, settings, is_file=self.webconfig is not None)
        result = conclude(
            found.run,
            settings,
            devices=self.device_kinds(),
            exchange=self.judges(self.traits),
            heartbeat_s=self.heartbeat_s,
            verb=Verb.DIAGNOSE,
            target=name,
            clock="real" if self.lab is None else "warp",
            wall_s=time.perf_counter() - started,
            began=began if self.lab is None else None,
            path=tuple(self.lab or ()),
            notes=(*self.trust_notes, *notes),
            origin=self.origin,
        )
        return handed_over(
            sum_up(found, result, Catalogue().all()), found.failure, holds_something=bool(found.run.trials)
        )

    def _clock(self) -> "Clock | None":
        from hbprobe.warp import WarpClock

        return None if self.lab is None else WarpClock()

    async def _on_path(
        self,
        target: "Target",
        dialer: "Dialer",
        account: "Account | None",
        talk: TalkOptions,
        search: "SearchSettings",
        journal: "Journal | None",
        observer: Observer,
    ) -> "Diagnosing":
        from hbprobe.measure.diagnosing import Diagnosing
        from hbprobe.measure.journal import Answers
        from hbprobe.measure.setup import set_up

        rng, elsewhere = random.SystemRandom(), self._elsewhere(target)
        answers = Answers(journal)
        if elsewhere is not None:
            answers.compared_with(elsewhere.url, self._compared_by)
        side = "how it dies, what saves it" + (", whether it dies elsewhere" if elsewhere else "")
        side += f", {self.trials} more trials" if self.trials else ""
        observer.says(f"diagnosing {target}")
        observer.says(f"1. the limit: {self.how_long(search)}")
        observer.says(f"2. all at the same time, about one and a half limits long: {side}")
        run = await set_up(
            self.method,
            dialer,
            search if self.traits.at_once else replace(search, connections=max(search.connections, _SIDE_BY_SIDE)),
            self.prior(),
            rng,
            account=account,
            talk=talk,
            journal=journal,
            observer=observer,
        )
        there = None if elsewhere is None else self.dialer(elsewhere)
        if there is not None and not run.trials:
            await self._look_at(there, run.method.at(there))
        return Diagnosing(
            run,
            dialer,
            elsewhere=there,
            trials=self.trials,
            watch=observer.diagnosis,
            answers=answers,
        )

    def _boxes(self) -> "tuple[Profile, ...]":
        """Return the boxes of the lab; none for a real path."""
        from hbprobe.profiles.catalogue import Catalogue
        from hbprobe.profiles.running import draw_all

        catalogue = Catalogue()
        return draw_all([catalogue.find(reference) for reference in self.lab or ()], random.Random(0))[0]

    async def _in_lab(
        self,
        boxes: "Sequence[Profile]",
        search: "SearchSettings",
        journal: "Journal | None",
        observer: Observer,
    ) -> "Diagnosing":
        from hbprobe.lab.inprocess import diagnose

        _must_let_through(boxes, self.traits)
        return await diagnose(
            boxes,
            self.exchange_settings(),
            search,
            self.method,
            self.prior(),
            self.trials,
            journal=journal,
            observer=observer,
        )

    @property
    def _compared_by(self) -> str:
        return "compare" if self.other_port is None else "other_port"

    async def _look_at(self, there: "Dialer", method: "Method") -> None:
        """See whether the other address can be asked at all, before a search that may take hours."""
        from hbprobe.net.wire import DialError
        from hbprobe.trial.evidence import Ask, Question
        from hbprobe.trial.outcome import Kind

        try:
            (await there.open()).close()
        except DialError as error:
            raise CannotMeasureError(f"the other address cannot be asked: {error}") from None
        objection = await method.prove()
        if objection is None and self.traits.server is not Server.ACTIVE_SYNC:  # a Ping is of some length
            seen = (await method.ask(Ask(Question.ELSEWHERE, 0.0))).outcome
            objection = None if seen.kind is Kind.SURVIVED else seen
        if objection is None:
            return
        if not objection.again and objection.kind is Kind.FAILED:
            raise RequestError("{" + self._compared_by + "}: {what}", self._compared_by, what=objection.reason)
        raise CannotMeasureError(f"the other address cannot be asked: {objection.reason}")

    def _elsewhere(self, target: "Target") -> "Target | None":
        """Return the address to compare with."""
        if self.other_port is not None:
            return replace(target, port=self.other_port)
        return None if self.compare is None else target_of(self.compare, self.traits.schemes, "compare")


def _must_let_through(boxes: "Sequence[Profile]", traits: MethodTraits) -> None:
    """Raise RequestError where a box speaks HTTP itself, and the method something else."""
    refusing = next((box.id for box in boxes if box.layer is Layer.HTTP), None)
    if refusing is not None and traits.phase is QuietPhase.FOREIGN:
        text = "{method} {value}: {box} speaks HTTP, and lets nothing else through: use boxes of layer packet or tcp"
        raise RequestError(text, "method", value=traits.name, box=refusing)


def _in_a_row(boxes: "Sequence[Profile]") -> str:
    """Name boxes, each with a digest of all that it does: a file or a catalogue may have changed."""
    names = []
    for box in boxes:
        does = box.model_dump_json(include={"layer", "timers", "sweep", "half_close", "http"})
        names.append(f"{box.id} ({hashlib.sha256(does.encode()).hexdigest()[:8]})")
    return ", ".join(names)


def _heartbeats(settings: "Settings", traits: MethodTraits) -> str:
    """Say which heartbeats the stand-in of a lab takes; nothing where there is none."""
    if traits.server is not Server.ACTIVE_SYNC:
        return ""
    return f"heartbeats from {settings.min_heartbeat_s} to {settings.max_heartbeat_s} s"


def _remembered(cut_by: str | None, journal: "Journal | None") -> str | None:
    """Return the box whose timer struck first, in this run or the one that the journal goes on with."""
    if journal is None:
        return cut_by
    if before := journal.noted("cut-by", str):
        return before[0]
    if cut_by is not None:
        journal.note("cut-by", cut_by)
    return cut_by


def _with_the_products_words(result: "Result", boxes: "Sequence[Profile]") -> "Result":
    """Add what sets the timer that is enough on the box that cuts, and how long it can be made."""
    from hbprobe.diagnosis.advice import enough_s
    from hbprobe.profiles.silent_request import deciding_timer

    timer_s = enough_s(result.limit, result.verdict)
    guilty = next((box for box in boxes if box.id == result.cut_by), None)
    timer = None if guilty is None else deciding_timer(guilty)
    if timer_s is None or timer is None:
        return result
    return replace(result, configure=timer.set_to(timer_s), most_s=timer.max)
