"""The request for the hop that forgets idle connections, and how it is carried out."""

import functools
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from hbprobe.errors import CannotMeasureError, RequestError
from hbprobe.measure.field_values import Count, Duration, Whole
from hbprobe.measure.observe import Observer
from hbprobe.measure.request import Journalling, Request, target_of
from hbprobe.measure.talk_request import Talking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hbprobe.eas.client import Account
    from hbprobe.locate.hop_trials import FindRoute, HopQuestion, Located
    from hbprobe.measure.journal import Journal
    from hbprobe.measure.run import Run
    from hbprobe.net.wire import Dialer
    from hbprobe.records.location import Location
    from hbprobe.search.search import SearchSettings
    from hbprobe.trial.methods.method import Method
    from hbprobe.trial.outcome import Outcome
    from hbprobe.trial.ping_answer import HeartbeatLimits
    from hbprobe.trial.talks.talk import TalkOptions

MOST_HOPS = 30


@dataclass(frozen=True, kw_only=True)
class Locate(Talking, Journalling, Request["Location"]):
    """Find the hop that forgets idle connections.

    Requests are held whose TCP keep-alives reach only so far, one for each hop, side by side. The first hop that must
    see keep-alives is the one that forgets. Needs Linux, but no privileges; takes about as long as the limit, after
    the search for it. Pings (ping) are held one after the other, by one device: that takes the limit for each hop.
    """

    url: str = field(kw_only=False)
    """https://HOST[:PORT]/ of hbprobe serve (hold) or a web server (idle); wss://, h2://, imaps:// and the like for
    other protocols"""
    limit: Duration | None = None
    """the path's limit, where it is known: no search then"""
    hops: Annotated[int, Whole(1, 255, "no packet goes further than 255 hops")] = MOST_HOPS
    """look no further"""
    requests: Count = 1
    """for each hop; more where some die by accident"""
    raw: bool = False
    """find the hops with raw packets (root)"""

    def check(self) -> None:
        """Raise RequestError for what no hop can be located with."""
        if self.limit is not None:
            self._asked(float(self.limit), 3.0)
        super().check()

    def _asked(self, limit_s: float, grace_s: float, takes: "HeartbeatLimits | None" = None) -> "HopQuestion":
        from hbprobe.locate.hop_trials import plan

        try:
            return plan(
                limit_s, self.method, grace_s=grace_s, most_hops=self.hops, requests=self.requests, takes=takes
            )
        except ValueError as error:
            raise RequestError("{limit} {value:g}: {what}", "limit", value=limit_s, what=error) from None

    async def _measured(self, observer: Observer) -> "Location":
        from hbprobe.locate.hop_trials import check_system

        check_system()
        search, target = self.search_settings(), target_of(self.url, self.traits.schemes)
        dialer, account, talk = self.dialer(target), self.login(target), self.talk(target)
        find = self._finder(dialer)  # before a search that takes hours
        with self.kept(self.described(target.url, search, talk)) as journal:
            return await _Measuring(self, dialer, account, talk, search, journal, observer, find).located()

    def _finder(self, dialer: "Dialer") -> "FindRoute":
        from hbprobe.locate.route import find_raw_route, find_route, load_scapy

        if not self.raw:
            return functools.partial(find_route, prepare=dialer.start.bind)
        load_scapy()
        return find_raw_route


class _Measuring:
    """One request carried out: the limit first, then the hops."""

    def __init__(
        self,
        request: Locate,
        dialer: "Dialer",
        account: "Account | None",
        talk: "TalkOptions",
        search: "SearchSettings",
        journal: "Journal | None",
        observer: Observer,
        find: "FindRoute",
    ) -> None:
        self._request, self._dialer, self._search = request, dialer, search
        self._account, self._talk = account, talk
        self._journal, self._observer, self._find = journal, observer, find
        self._started = time.perf_counter()
        self._asked: HopQuestion | None = None
        self._limit_s = None if request.limit is None else float(request.limit)
        self._remarks: list[str] = []

    async def located(self) -> "Location":
        from hbprobe.locate.hop_trials import Located, Locating
        from hbprobe.measure.guard import Guard, Repeats, persistently
        from hbprobe.measure.journal import Answers
        from hbprobe.measure.presence import Presence
        from hbprobe.measure.setup import carry_out, handed_over
        from hbprobe.trial.outcome import standstill_of

        answers = Answers(self._journal)
        if self._limit_s is None:
            run, failure = await self._searched()
            self._remarks = run.remarks
            self._limit_s, method = run.search.limit.cut_s, run.method
            if failure is not None or not run.complete:
                return handed_over(self._location(Located.stopped()), failure, holds_something=bool(run.trials))
            if self._limit_s is None:
                return self._location(Located.open(self._search.max_s))
        else:
            method = await self._prepared()
        self._remarks += method.notes
        asked = self._asked = self._request._asked(self._limit_s, self._search.grace_s, method.limits)
        guard, presence, repeats = Guard(self._search.grace_s / 2), Presence(method, self._dialer), Repeats()

        def persist(name: str, make: "Callable[[], Awaitable[Outcome]]") -> "Awaitable[Outcome]":
            note = functools.partial(repeats.note, name)
            doubt = functools.partial(standstill_of, asked.hold_s)
            return persistently(
                guard, lambda: presence.seen(make), lambda outcome: outcome, note, presence.back, doubt
            )

        locating = Locating(
            self._dialer,
            self._asked,
            random.SystemRandom(),
            account=self._account,
            talk=self._talk,
            say=self._observer.says,
            wait=self._observer.waits,
            find=self._find,
            journal=answers,
            persist=persist,
        )
        failure = await carry_out(locating.to_the_end())
        if presence.given_up and failure is None and not locating.located.complete:
            failure = CannotMeasureError(presence.given_up)
        self._remarks += repeats.remarks
        self._remarks += [remark for remark in answers.remarks if remark not in self._remarks]
        return handed_over(self._location(locating.located), failure, holds_something=bool(locating.located.seen))

    async def _prepared(self) -> "Method":
        """Return a method that knows what the server takes: the limit itself is known."""
        from hbprobe.trial.methods.method import Environment, make

        grace_s, say = self._search.grace_s, self._observer.says
        rng = random.SystemRandom()
        method = make(
            Environment(
                self._request.method, self._dialer, grace_s, rng, account=self._account, talk=self._talk, say=say
            )
        )
        await method.prepare()
        return method

    async def _searched(self) -> "tuple[Run, CannotMeasureError | None]":
        """Search for the limit, as a probe does."""
        from hbprobe.measure.setup import carry_out, set_up

        self._observer.says(
            f"searching the limit of {self._dialer.target} first, which a known limit spares: "
            f"{self._request.how_long(self._search)}"
        )
        run = await set_up(
            self._request.method,
            self._dialer,
            self._search,
            self._request.prior(),
            random.SystemRandom(),
            account=self._account,
            talk=self._talk,
            journal=self._journal,
            observer=self._observer,
        )
        failure = await carry_out(run.to_the_end())
        limit = run.search.limit
        if failure is None and run.complete and limit.cut_s and limit.survived_s is None and not limit.exact:
            failure = CannotMeasureError(
                f"the limit is below {self._search.min_s:g} s: search with a shorter min, or say the limit"
            )
        return run, failure

    def _location(self, located: "Located") -> "Location":
        from hbprobe.records.location import Location

        return Location(
            target=str(self._dialer.target),
            label=self._request.label,
            source=self._request.source,
            family=self._request.family,
            asked=self._asked,
            limit_s=self._limit_s,
            is_given=self._request.limit is not None,
            route=located.route,
            seen=located.seen,
            finding=located.finding,
            complete=located.complete,
            wall_s=time.perf_counter() - self._started,
            notes=(*self._request.trust_notes, *self._remarks),
        )
