"""Which applications survive a silence behind which boxes: a table, made on the warp clock with real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hbprobe.errors import RequestError, UserError
from hbprobe.measure.field_values import read_seconds, read_value
from hbprobe.middlebox.events import Event
from hbprobe.profiles.catalogue import catalogue
from hbprobe.profiles.model import Profile
from hbprobe.testing.box import USUAL, Box, Duration, chosen
from hbprobe.testing.event_words import told
from hbprobe.testing.loop import refuse_running_loop, run

_MOST_HOURS = 10 * 365 * 24
_ENDED = object()
MakeBox = Callable[..., Box]
App = Callable[[MakeBox], AsyncGenerator[None, None]]
"""An application: an asynchronous generator that connects through the box it makes, yields once for the silence, and
then uses the connection.

    async def app(make_box):
        async with my_server() as port, make_box(port) as box:
            client = await connect(box.host, box.port)
            yield
            assert await client.ping()
"""


class Fate(StrEnum):
    """What became of an application."""

    SURVIVES = "survives"
    """It works, on the connection that it had."""
    RECONNECTS = "reconnects"
    """It works, on a connection that is new; it may have had none before."""
    HANGS = "hangs"
    """It had no answer within the patience of the one who asked, and no error."""
    FAILS = "fails"
    """It raised an error when it was used, or in the silence."""
    NEVER_BEGINS = "never begins"
    """It raised an error before the silence."""


@dataclass(frozen=True, slots=True)
class Survival:
    """One application behind one box."""

    app: str
    profile: Profile
    fate: Fate
    error: BaseException | None
    """What it raised, where it fails or never begins."""
    opened: int
    """So many connections went through the box."""
    events: tuple[Event, ...]
    """What the box did; `at_s` is seconds from the beginning."""

    @property
    def survived(self) -> bool:
        """Whether the application works after the silence."""
        return self.fate in (Fate.SURVIVES, Fate.RECONNECTS)

    def __str__(self) -> str:
        why = "" if self.error is None else f" with {': '.join(filter(None, _words(self.error)))}"
        return f"{self.app} {self.fate}{why}, behind {told(self.profile, self.events, 0.0, self.opened)}"


@dataclass(frozen=True, slots=True)
class Survivals:
    """Applications behind boxes. True where all of them survive: `assert survives(app)`."""

    each: tuple[Survival, ...]

    def __bool__(self) -> bool:
        return all(one.survived for one in self.each)

    def __iter__(self) -> Iterator[Survival]:
        return iter(self.each)

    def __repr__(self) -> str:
        return "\n".join(["", self.table(), *(str(one) for one in self.each if not one.survived)])

    def table(self) -> str:
        """Return a Markdown table: a row for each application, a column for each box."""
        profiles = dict.fromkeys(one.profile.id for one in self.each)
        cells = {(one.app, one.profile.id): _cell(one) for one in self.each}
        rows = [["", *profiles], ["---"] * (len(profiles) + 1)]
        rows += [[app, *(cells[app, id_] for id_ in profiles)] for app in dict.fromkeys(one.app for one in self.each)]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def survives(
    app: App | Mapping[str, App],
    *,
    hours: float = 1.0,
    profiles: Sequence[str | Profile] = USUAL,
    patience: float | str = "10min",
    monotonic: bool = True,
) -> Survivals:
    """Let applications be silent for so many hours behind each box, then use them. To be called outside any loop.

    `app`: one, or several by name. `profiles`: ids, categories, files, or profiles. `patience`: path time within
    which an answer must have come. `monotonic`: `time.monotonic` follows the clock. Raises UserError for a profile
    that there is not, and where nothing would be known: no application, no box, no connection through it, no silence.
    """
    refuse_running_loop("survives")
    apps = app if isinstance(app, Mapping) else {getattr(app, "__name__", "app"): app}
    read_value("profiles", profiles, Sequence[str | Profile])
    if not apps or not profiles:
        name = "profiles" if apps else "app"
        raise RequestError(f"{{{name}}}: give one at least, or nothing is tried", name)
    boxes: list[Profile] = []
    for profile in profiles:
        boxes += [profile] if isinstance(profile, Profile) else [catalogue().find(one) for one in chosen([profile])]
    read_value("hours", hours, float)
    if not 0 <= hours <= _MOST_HOURS:
        raise RequestError(
            "{hours}: {value!r} is no number of hours: give 0 to {most}", "hours", value=hours, most=_MOST_HOURS
        )
    silence_s, patience_s = hours * 3600, read_seconds("patience", patience)
    limit_s = 2 * (silence_s + patience_s) + 86400
    return Survivals(
        tuple(
            run(_lives(name, one, box, silence_s, patience_s), limit=limit_s, monotonic=monotonic)
            for name, one in apps.items()
            for box in boxes
        )
    )


async def _lives(name: str, app: App, profile: Profile, silence_s: float, patience_s: float) -> Survival:
    made: list[Box] = []

    def make_box(server: int | tuple[str, int], *, seed: int = 0, **timers: Duration) -> Box:
        made.append(Box(server, profile, seed=seed, **timers))
        return made[-1]

    use: object = app(make_box)
    if not isinstance(use, AsyncGenerator):
        if isinstance(use, Coroutine | Generator):
            use.close()
        raise _refused(name, "is no asynchronous generator: write `async def`, and a `yield` for the silence")
    fate, error = await _fate(name, use, made, silence_s, patience_s)
    # What it has left running is cancelled with the loop; how that ends is of no interest.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    opened = _opened(made)
    if error is None and not opened:  # an error of its own is told all the same, and that nothing came to the box
        raise _refused(name, "must make a box, and connect through it: to the `host` and `port` of the box")
    return Survival(name, profile, fate, error, opened, tuple(event for box in made for event in box.events))


async def _fate(
    name: str, use: AsyncGenerator[None, None], made: list[Box], silence_s: float, patience_s: float
) -> tuple[Fate, BaseException | None]:
    patience = asyncio.timeout(silence_s + patience_s)
    fate = Fate.NEVER_BEGINS
    opened = 0
    try:
        async with patience:
            if await anext(use, _ENDED) is _ENDED:
                raise _refused(name, "ended before the silence: write a `yield` for it")
            fate, opened = Fate.FAILS, _opened(made)
            await _silence(name, use, silence_s)
            if await anext(use, _ENDED) is not _ENDED:
                raise _refused(name, "must `yield` once: what follows a second one is never run")
    except UserError:
        raise
    except (Exception, asyncio.CancelledError) as error:  # whatever it is, it is the application's answer
        if isinstance(error, asyncio.CancelledError) and _is_cancelled():
            raise
        return (Fate.HANGS, None) if patience.expired() else (fate, _alone(error))
    finally:
        await use.aclose()
    if patience.expired():  # the application has made nothing of it
        return Fate.HANGS, None
    return (Fate.RECONNECTS if _opened(made) > opened else Fate.SURVIVES), None


def _opened(made: list[Box]) -> int:
    return sum(box.opened for box in made)


async def _silence(name: str, use: AsyncGenerator[None, None], silence_s: float) -> None:
    try:
        await asyncio.sleep(silence_s)
    except asyncio.CancelledError as error:  # by a task group of the application's, which turns it into what failed
        with contextlib.suppress(StopAsyncIteration):
            await use.athrow(error)
        if _is_cancelled():
            raise
        why = "went on before the silence was over: put no timeout of its own around the `yield`"
        raise _refused(name, why) from None


def _is_cancelled() -> bool:
    """Return whether somebody wants this task to end, as at Ctrl-C, and not the application alone has said so."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _refused(name: str, why: str) -> RequestError:
    return RequestError(f"{{app}}: {{name}} {why}", "app", name=name)


def _alone(error: BaseException) -> BaseException:
    """Return what failed out of a group of one."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _words(error: BaseException) -> tuple[str, str]:
    return type(error).__name__, str(error)


def _cell(one: Survival) -> str:
    return f"{one.fate}: {type(one.error).__name__}" if one.error is not None else str(one.fate)
