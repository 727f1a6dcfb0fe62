"""Who is told of a change, and what is said where that fails."""

import asyncio
import json
import sys

import pytest
from aiohttp import web

from hbprobe import warp
from hbprobe.watch.notify import Notifier
from hbprobe.watch.watchfile import Notify

CHANGE = {"target": "office", "text": "since Sunday the path cuts at 3 s instead of 8 s"}
KEEP = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())"


@pytest.fixture
def told():
    """What tells of a change, and returns what was said of it."""

    def tell(notify, pauses_s=()):
        said = []

        async def main():
            async with Notifier(notify, said.append, pauses_s) as notifier:
                notifier.tell(CHANGE)

        warp.run(main(), warp.ScaledClock())
        return said

    return tell


def test_a_program_gets_the_change_on_its_standard_input(told, tmp_path):
    file = tmp_path / "change.json"
    assert told(Notify(command=(sys.executable, "-c", KEEP, str(file)))) == []
    assert json.loads(file.read_text()) == CHANGE


def test_nobody_is_told_where_nobody_is_named(told):
    assert told(Notify()) == []


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ((sys.executable, "-c", "import sys; sys.exit('no room')"), "ended with status 1: no room"),
        (("/no/such/program",), "No such file or directory"),
    ],
)
def test_a_program_that_fails_is_told_of_once_all_attempts_have(told, command, why):
    (line,) = told(Notify(command=command), (0.0, 0.0))
    assert line.startswith("notify: command: ") and why in line
    assert line.endswith("; nobody was told of the change")


@pytest.fixture
def hooked():
    """What posts a change to a server that answers with these statuses; returns the bodies, and what was said."""

    def post(*statuses):
        bodies, said, left = [], [], iter(statuses)

        async def hook(request):
            bodies.append((request.headers["Content-Type"], await request.json()))
            return web.Response(status=next(left), headers={"Location": "/elsewhere"})

        async def main():
            app = web.Application()
            app.add_routes([web.post("/hook", hook)])
            runner = web.AppRunner(app)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            try:
                async with Notifier(Notify(webhook=f"http://{host}:{port}/hook"), said.append, (0.0,)) as notifier:
                    notifier.tell(CHANGE)
            finally:
                await runner.cleanup()

        warp.run(main(), warp.ScaledClock())
        return bodies, said

    return post


@pytest.mark.parametrize("statuses", [(204,), (500, 200)])
def test_a_webhook_gets_the_change_at_last(hooked, statuses):
    bodies, said = hooked(*statuses)
    assert bodies == [("application/json", CHANGE)] * len(statuses) and said == []


def test_a_webhook_that_refuses_is_told_of_and_a_redirect_is_not_followed(hooked):
    bodies, said = hooked(500, 302)
    assert len(bodies) == 2
    assert said == ["notify: webhook: the answer is HTTP status 302; nobody was told of the change"]


def test_a_webhook_that_is_not_there(told):
    (line,) = told(Notify(webhook="http://127.0.0.1:9/"))
    assert line.startswith("notify: webhook: Cannot connect to host 127.0.0.1:9")


def test_the_end_of_a_watch_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr("hbprobe.watch.notify._CLOSING_S", 0.05)

    async def main():
        async with Notifier(
            Notify(command=(sys.executable, "-c", "import time; time.sleep(600)")), print
        ) as notifier:
            notifier.tell(CHANGE)
            await asyncio.sleep(0)

    warp.run(main(), warp.ScaledClock())
