"""Which applications survive a silence behind which boxes."""

import asyncio
import contextlib
import functools
import gc
import signal

import pytest
from support.peers import echoing

from hbprobe.errors import RequestError, UserError
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import catalogue
from hbprobe.testing import Fate, survives
from hbprobe.testing.box import USUAL


class Feed:
    """A small application: it asks, and while nobody asks it may beat its heart."""

    def __init__(self, box, heartbeat_s=None):
        self._box, self._heartbeat_s = box, heartbeat_s
        self._turn = asyncio.Lock()

    async def __aenter__(self):
        self._reader, self._writer = await asyncio.open_connection(self._box.host, self._box.port)
        self._beating = asyncio.ensure_future(self._beat()) if self._heartbeat_s else None
        return self

    async def __aexit__(self, *_):
        if self._beating is not None:
            self._beating.cancel()
        self._writer.transport.abort()

    async def ask(self):
        async with self._turn:
            self._writer.write(b"x")
            if await self._reader.read(1) != b"x":
                raise EOFError("the server has closed")

    async def _beat(self):
        while True:
            await asyncio.sleep(self._heartbeat_s)
            await self.ask()


def feed(heartbeat_s=None):
    async def app(make_box):
        async with echoing() as port, make_box(port) as box, Feed(box, heartbeat_s) as client:
            yield
            await client.ask()

    return app


silent = feed()


def fates(*args, **options):
    return [(one.fate, type(one.error)) for one in survives(*args, **options)]


# What is measured


def test_a_heartbeat_lives_where_silence_dies():
    """Seven boxes, each with and without a heartbeat of 30 s, for 4,000 s of path."""
    result = survives({"heartbeat": feed(30), "none": silent}, hours=4000 / 3600)
    assert [(one.app, one.survived) for one in result] == [("heartbeat", True)] * 7 + [("none", False)] * 7
    assert [one.profile.id for one in result] == list(USUAL) * 2


@pytest.mark.parametrize(
    ("profile", "fate", "error"),
    [
        ("open-path", Fate.SURVIVES, None),
        ("azure-load-balancer", Fate.HANGS, None),
        ("azure-load-balancer-tcp-reset", Fate.FAILS, ConnectionResetError),
        ("aws-nlb-tcp", Fate.FAILS, ConnectionResetError),
        ("aws-global-accelerator", Fate.FAILS, EOFError),
    ],
)
def test_each_manner_of_dying(profile, fate, error):
    assert fates(silent, profiles=[profile]) == [(fate, error or type(None))]


def test_who_connects_again_lives():
    async def stubborn(make_box):
        async with echoing() as port, make_box(port) as box:
            async with Feed(box) as client:
                await client.ask()
                yield
                with contextlib.suppress(OSError, EOFError):
                    await client.ask()
                    return
            async with Feed(box) as client:
                await client.ask()

    assert fates(stubborn, profiles=["open-path", "aws-nlb-tcp"]) == [
        (Fate.SURVIVES, type(None)),
        (Fate.RECONNECTS, type(None)),
    ]


def test_patience():
    async def slow(make_box):
        async with echoing() as port, make_box(port) as box, Feed(box) as client:
            yield
            await asyncio.sleep(60)
            await client.ask()

    assert [one.fate for one in survives(slow, profiles=["open-path"])] == [Fate.SURVIVES]
    assert [one.fate for one in survives(slow, profiles=["open-path"], patience="1min")] == [Fate.HANGS]


def test_a_timeout_of_its_own_is_no_hang():
    async def careful(make_box):
        async with echoing() as port, make_box(port) as box, Feed(box) as client:
            yield
            async with asyncio.timeout(5):
                await client.ask()

    assert fates(careful, profiles=["azure-load-balancer"]) == [(Fate.FAILS, TimeoutError)]


def test_what_fails_in_the_silence():
    async def grouped(make_box):
        async with echoing() as port, make_box(port) as box, Feed(box) as client, asyncio.TaskGroup() as group:

            async def watch():
                await asyncio.sleep(300)
                await client.ask()

            group.create_task(watch())
            yield
            raise AssertionError("it is not used any more")

    result = survives(grouped, profiles=["aws-nlb-tcp", "azure-load-balancer-tcp-reset"])
    assert [(one.fate, type(one.error)) for one in result] == [
        (Fate.FAILS, AssertionError),
        (Fate.FAILS, ConnectionResetError),
    ]


async def told_to_end(client):
    raise asyncio.CancelledError


async def ended_by_its_task(client):
    task = asyncio.ensure_future(asyncio.sleep(60))
    asyncio.get_running_loop().call_later(1, task.cancel)
    await task


@pytest.mark.parametrize("cancelled", [told_to_end, ended_by_its_task])
def test_a_cancellation_of_its_own_is_its_answer(cancelled):
    async def after(make_box):
        async with echoing() as port, make_box(port) as box, Feed(box) as client:
            yield
            await cancelled(client)

    async def before(make_box):
        async with echoing() as port, make_box(port) as box, Feed(box) as client:
            await cancelled(client)
            yield

    result = survives({"after": after, "before": before}, profiles=["open-path"])
    assert [(one.fate, type(one.error)) for one in result] == [
        (Fate.FAILS, asyncio.CancelledError),
        (Fate.NEVER_BEGINS, asyncio.CancelledError),
    ]
    assert str(result.each[0]).startswith("after fails with CancelledError, behind open-path")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_who_ends_the_program_ends_it(error):
    async def app(make_box):
        async with echoing() as port, make_box(port) as box, Feed(box):
            yield
            raise error

    with pytest.raises(error):
        survives(app, profiles=["open-path"])


@pytest.mark.parametrize("where", ["before", "in", "after"])
def test_ctrl_c_ends_it_wherever_it_comes(where):
    """asyncio's runner cancels its task at SIGINT, and makes a KeyboardInterrupt of what comes of that."""

    async def app(make_box):
        async with echoing() as port, make_box(port) as box, Feed(box):
            interrupt = functools.partial(signal.raise_signal, signal.SIGINT)
            if where == "before":
                interrupt()
                await asyncio.sleep(60)
            if where == "in":
                asyncio.get_running_loop().call_later(60, interrupt)
            yield
            interrupt()
            await asyncio.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        survives(app, profiles=["open-path"])


def test_who_swallows_the_end_of_patience_hangs():
    async def deaf(make_box):
        async with echoing() as port, make_box(port) as box, Feed(box) as client:
            yield
            with contextlib.suppress(asyncio.CancelledError):
                await client.ask()

    async def loud(make_box):
        async with echoing() as port, make_box(port) as box, Feed(box) as client:
            yield
            try:
                await client.ask()
            except asyncio.CancelledError:
                raise LookupError("no answer") from None

    result = survives({"deaf": deaf, "loud": loud}, profiles=["azure-load-balancer"])
    assert [one.fate for one in result] == [Fate.HANGS, Fate.HANGS]


def test_who_connects_only_after_the_silence():
    async def pool(make_box):
        async with echoing() as port, make_box(port) as box:
            yield
            async with Feed(box) as client:
                await client.ask()

    async def late(make_box):
        yield
        async with echoing() as port, make_box(port) as box, Feed(box) as client:
            await client.ask()

    assert [one.fate for one in survives({"pool": pool, "late": late}, profiles=["aws-nlb-tcp"])] == [
        Fate.RECONNECTS,
        Fate.RECONNECTS,
    ]


def test_what_cannot_even_begin():
    async def broken(make_box):
        async with make_box(1):
            raise LookupError("no such thing")
        yield

    assert fates(broken, profiles=["open-path"]) == [(Fate.NEVER_BEGINS, LookupError)]


def test_hours_that_take_longer_than_the_limit_of_a_test():
    assert fates(silent, hours=100, profiles=["open-path"]) == [(Fate.SURVIVES, type(None))]


def test_a_profile_of_ones_own():
    profile = catalogue()["aws-nlb-tcp"]
    assert [one.profile for one in survives(silent, profiles=[profile])] == [profile]


def test_the_usual_boxes_cut_in_every_manner_within_the_hour():
    timers = [catalogue()[id_].timers.idle for id_ in USUAL]
    assert {timer.expiry.traits.manner for timer in timers} == {Manner.SILENT, Manner.RESET, Manner.CLOSED}
    assert max(timer.default for timer in timers) < 3600


# What is told


def test_a_result_is_true_where_all_live():
    assert survives(silent, profiles=["open-path"])
    assert not survives(silent, profiles=["open-path", "aws-nlb-tcp"])


def test_the_table():
    result = survives({"a": silent, "b": feed(30)}, profiles=["open-path", "aws-nlb-tcp"])
    assert result.table().splitlines() == [
        "|  | open-path | aws-nlb-tcp |",
        "| --- | --- | --- |",
        "| a | survives | fails: ConnectionResetError |",
        "| b | survives | survives |",
    ]


def test_an_assertion_that_fails_shows_who_died_how():
    text = repr(survives(silent, profiles=["open-path", "azure-load-balancer"]))
    assert "app hangs, behind azure-load-balancer (idle 4 min: silent)\n" in text
    assert " s after it was last set back: silent" in text
    assert "behind open-path" not in text


# Mistakes


async def without_a_box(make_box):
    yield


async def beside_the_box(make_box):
    async with echoing() as port, make_box(port) as box:
        box.port = port
        async with Feed(box) as client:
            yield
            await client.ask()
        await asyncio.sleep(1)  # the server sees its end


async def that_waits_beside_the_box(make_box):
    async with make_box(1):
        yield
        await asyncio.sleep(86400)


@pytest.mark.parametrize("app", [without_a_box, beside_the_box, that_waits_beside_the_box])
def test_an_application_that_uses_no_box_is_told_of_none(app):
    with pytest.raises(RequestError) as caught:
        survives(app, profiles=["azure-load-balancer"])
    assert str(caught.value) == (
        f"app: {app.__name__} must make a box, and connect through it: to the `host` and `port` of the box"
    )


def test_an_error_of_its_own_is_told_with_a_box_that_nobody_used():
    async def app(make_box):
        async with make_box(1):
            yield
            raise LookupError("no such thing")

    (one,) = survives(app, profiles=["open-path"])
    assert str(one).splitlines() == [
        "app fails with LookupError: no such thing, behind open-path (no timers)",
        "  no connection went through it",
    ]


async def without_a_silence(make_box):
    async with echoing() as port, make_box(port) as box, Feed(box) as client:
        await client.ask()
        return
        yield


async def with_two_silences(make_box):
    async with echoing() as port, make_box(port) as box, Feed(box) as client:
        yield
        await client.ask()
        yield
        raise AssertionError("it is never run")


async def with_a_silence_of_its_own(make_box):
    async with echoing() as port, make_box(port) as box, Feed(box) as client:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                yield
        await client.ask()


@pytest.mark.parametrize(
    ("app", "why"),
    [
        (without_a_silence, "ended before the silence: write a `yield` for it"),
        (with_two_silences, "must `yield` once: what follows a second one is never run"),
        (
            with_a_silence_of_its_own,
            "went on before the silence was over: put no timeout of its own around the `yield`",
        ),
    ],
)
def test_there_is_one_silence(app, why):
    with pytest.raises(RequestError) as caught:
        survives(app, profiles=["open-path"])
    assert (caught.value.field, str(caught.value)) == ("app", f"app: {app.__name__} {why}")


def test_a_profile_that_there_is_not():
    with pytest.raises(UserError, match="no profile called 'azur'"):
        survives(silent, profiles=["azur"])


def test_nothing_is_left_to_complain(caplog):
    """A server's handlers are cancelled with the loop, which asyncio's streams of Python 3.11 log as an error."""
    survives(silent, profiles=["open-path"])
    assert caplog.records == []


@pytest.mark.parametrize(
    ("asked", "field", "message"),
    [
        ({"profiles": "firewall"}, "profiles", "profiles: give a list, as in ['firewall']"),
        ({"profiles": []}, "profiles", "profiles: give one at least, or nothing is tried"),
        ({"profiles": [3]}, "profiles", "profiles: give text or Profile, not a whole number"),
        ({"app": {}}, "app", "app: give one at least, or nothing is tried"),
        ({"hours": -1}, "hours", "hours: -1 is no number of hours: give 0 to 87600"),
        ({"hours": float("nan")}, "hours", "hours: nan is no number of hours: give 0 to 87600"),
        ({"hours": "1h"}, "hours", "hours: give a number, not text"),
        ({"patience": -1}, "patience", "patience: -1 is below 0: write seconds (600) or a number and a unit (10min)"),
        ({"monotonic": 0}, "monotonic", "monotonic: give True or False, not a whole number"),
    ],
)
def test_what_cannot_be_asked_is_named(asked, field, message):
    with pytest.raises(RequestError) as caught:
        survives(**{"app": silent, "profiles": ["open-path"], **asked})
    assert (caught.value.field, str(caught.value)) == (field, message)


def test_an_application_that_does_not_yield_is_none():
    async def coroutine(make_box):
        pass

    def generator(make_box):
        yield

    def function(make_box):
        return 3

    for app in (coroutine, generator, function):
        with pytest.raises(RequestError, match=f"^app: {app.__name__} is no asynchronous generator: write"):
            survives(app, profiles=["open-path"])
    gc.collect()  # or the coroutine that nobody awaited would be told of in another test


def test_it_is_called_outside_any_loop():
    async def main():
        with pytest.raises(RuntimeError, match=r"^survives\(\) in a running event loop"):
            survives(silent)

    asyncio.run(main())
