"""The page of a running watch at `/` of its endpoint: targets, limits over days, the running search, each report."""

import asyncio
import json
import socket
import sys
from collections import deque
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

from aiohttp import web

from hbprobe import __version__
from hbprobe.errors import UserError
from hbprobe.net.address import Address
from hbprobe.net.event_feed import EventFeed
from hbprobe.net.json_api import host_of, problem, read_number
from hbprobe.records.result import Result
from hbprobe.report.terminal.answer import answer
from hbprobe.report.terminal.live import describe, status, time_left_s
from hbprobe.watch.control import Control, RunningWatch, WatchObserver
from hbprobe.watch.endpoint import WatchEndpoint
from hbprobe.watch.history import TargetHistory, iso
from hbprobe.watch.store import Now, State, Store
from hbprobe.watch.watchfile import WatchTarget
from hbprobe.watch.writer import Writer
from hbprobe.web.shell import REPORT_POLICY, files, guarded, page

_MOST_MEASUREMENTS: Final = 400
"""So many of a target are shown: more than two weeks of hours."""
_MOST_TRIALS: Final = 5
_MOST_SAID: Final = 50


class PagedEndpoint(WatchEndpoint):
    """What monitoring asks of a watch, and a page for people."""

    _has_page = True

    def __init__(self, control: Control, writer: Writer, reload: Callable[[], None], now: Now) -> None:
        routes = [web.get("/", self._page), web.get("/state", self._state), web.get("/events", self._events)]
        routes += [web.get("/measurements/{number}", self._report), *files(("watch.js", "page.js", "page.css"))]
        super().__init__(control, writer, reload, now, routes)
        self._onlooker = _Onlooker()
        control.observers.append(self._onlooker)
        self._answers: dict[int, list[tuple[str, str]]] = {}
        """What the last results come to, by the numbers of their measurements: a result never changes."""
        self._writing_report = asyncio.Lock()

    async def close(self) -> None:
        """Take no more requests."""
        self._control.observers.remove(self._onlooker)
        await super().close()

    def where(self, address: Address) -> str:
        """Say where what is to be had."""
        return f"page at http://{address}/, metrics at http://{address}/metrics"

    async def _page(self, request: web.Request) -> web.Response:
        _check_host(request)
        return page("watch.html")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        _check_host(request)
        return await self._onlooker.feed.answer(request)

    async def _state(self, request: web.Request) -> web.Response:
        """Return all targets, or the one that the query names."""
        _check_host(request)
        plan, wanted = self._control.plan, request.query.get("target")
        place = self._onlooker.feed.place  # before anything is read: what happens meanwhile is told once more
        targets = [one for one in plan.targets if wanted in (None, one.name)]
        told = [_told(self._control, one) for one in targets]

        def read(store: Store) -> list[dict[str, Any]]:
            return [said | self._stored(store, one.name) for one, said in zip(targets, told, strict=True)]

        try:
            stored = await self._read(read)
        except UserError as error:
            raise problem(web.HTTPServiceUnavailable, str(error)) from None
        state = {
            "version": __version__,
            "place": place,
            "interval_s": plan.interval_s,
            "stores": not self._writer.is_behind,
            "targets": stored,
            "said": [*self._onlooker.said],
        }
        return guarded(json.dumps(state), "application/json")

    def _stored(self, store: Store, name: str) -> dict[str, Any]:
        """Return what is known of a target's past."""
        history = TargetHistory(name, tuple(store.measurements(name)))
        last = next((one for one in reversed(history.measurements) if one.state is State.DONE), None)
        told = history.part().to_dict()
        shown = told["measurements"][-_MOST_MEASUREMENTS:]
        return told | {
            "measurements": shown,
            "left_out": len(told["measurements"]) - len(shown),
            "last": None if last is None else last.id,
            "answer": [] if last is None else self._answer_of(store, last.id),
        }

    def _answer_of(self, store: Store, number: int) -> list[tuple[str, str]]:
        if number not in self._answers:
            try:
                result = _result(store.result(number))
            except ValueError as error:  # a newer hbprobe wrote it
                return [("limit", f"cannot be read: {error}")]
            while len(self._answers) >= 2 * len(self._control.plan.targets) + 1:
                del self._answers[next(iter(self._answers))]
            self._answers[number] = answer(result)
        return self._answers[number]

    async def _report(self, request: web.Request) -> web.Response:
        """Return the report on a measurement."""
        _check_host(request)
        number = read_number(request.match_info["number"])
        try:
            result = None if number is None else await self._read(lambda store: store.result(number))
            if result is None:
                raise problem(web.HTTPNotFound, "no measurement of that number has a result")
            await asyncio.to_thread(_result, result)
        except (UserError, ValueError) as error:
            raise problem(web.HTTPServiceUnavailable, str(error)) from None
        if request.query.get("as") == "json":
            return guarded(result, "application/json")
        async with self._writing_report:
            html, problems = await _written(result)
        if not html:
            raise problem(web.HTTPServiceUnavailable, problems)
        return guarded(html, "text/html", REPORT_POLICY)


class _Onlooker(WatchObserver):
    """Hears what goes on, and tells it to the pages that look on."""

    def __init__(self) -> None:
        self.feed = EventFeed()
        self.said: deque[str] = deque(maxlen=_MOST_SAID)

    def says(self, text: str) -> None:
        self.said.append(text)
        self.feed.tell("said", text=text)

    def happened(self, control: Control, target: str) -> None:
        one = next((one for one in control.plan.targets if one.name == target), None)
        if one is None:
            self.feed.tell("plan")
            return
        watched = control.running.get(target)
        if watched is None or watched.run is None:
            self.feed.tell("measured", target=target)
        else:
            self.feed.tell("search", **_told(control, one))


def _told(control: Control, target: WatchTarget) -> dict[str, Any]:
    """Return what goes on with a target."""
    watched = control.running.get(target.name)
    next_at = None if watched is None else watched.next_at
    return {
        "target": target.name,
        "url": str(target.target),
        "method": target.method,
        "longest_s": target.search.max_s,
        "next_at": None if next_at is None else iso(next_at),
        "search": None if watched is None else _search(watched),
    }


def _search(watched: RunningWatch) -> dict[str, Any] | None:
    run = watched.run
    if run is None:
        return None
    limit = run.search.limit
    return {
        "measurement": watched.number,
        "survived": limit.survived_s,
        "cut": limit.cut_s,
        "holds": [running.hold_s for running in run.running],
        "left_s": max(0.0, time_left_s(run)),
        "text": status(run),
        "trials": [describe(trial) for trial in run.trials[-_MOST_TRIALS:]],
        "remarks": run.remarks[-_MOST_TRIALS:],
    }


def _check_host(request: web.Request) -> None:
    """Refuse who comes by a name that is not this machine's: a page elsewhere may have made it lead here.

    Beyond loopback, where `JsonApi` lets any name in, Prometheus asks by whatever name it knows.
    """
    host = host_of(request.headers.get("Host", ""))
    if host in ("localhost", socket.gethostname()):
        return
    try:
        ip_address(host)
    except ValueError:
        mend = f"open this page by the machine's address, or as {socket.gethostname()}"
        raise problem(web.HTTPForbidden, mend) from None


def _result(text: str | None) -> Result:
    """Read a result; raises ValueError where another hbprobe wrote it in another way."""
    return Result.from_dict(json.loads(text or "null"))


async def _written(result: str) -> tuple[str, str]:
    """Return the report on a result, or none and why.

    A process of its own writes it: drawing takes a second of Python, in which the loop could not tell when a
    connection ends.
    """
    command = (sys.executable, "-X", "utf8", "-m", "hbprobe", "report", "--format", "html", "--", "-")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        html, problems = await process.communicate(result.encode())
    finally:
        if process.returncode is None:  # nobody waits for it any more
            process.kill()
            await process.wait()
    return html.decode(), problems.decode("utf-8", "replace").strip()
