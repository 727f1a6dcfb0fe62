"""Which applications survive a silence behind which boxes: a table, made on the warp clock with real sockets."""

import asyncio
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
    """It works, on a connection that is new."""
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
    error: Exception | None
    """What it raised, where it fails or never begins."""
    events: tuple[Event, ...]
    """What the box did; `at_s` is seconds from the beginning."""

    @property
    def survived(self) -> bool:
        """Whether the application works after the silence."""
        return self.fate in (Fate.SURVIVES, Fate.RECONNECTS)

    def __str__(self) -> str:
        why = f" with {type(self.error).__name__}: {self.error}" if self.error is not None else ""
        return f"{self.app} {self.fate}{why}, behind {told(self.profile, self.events, 0.0)}"


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
    that there is not, and for no application or no box, of which nothing would be known.
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
        text = "{app}: {name} is no asynchronous generator: write `async def`, and a `yield` for the silence"
        raise RequestError(text, "app", name=name)
    fate, error = await _fate(use, made, silence_s, patience_s)
    # What it has left running is cancelled with the loop; how that ends is of no interest.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    return Survival(name, profile, fate, error, tuple(event for box in made for event in box.events))


async def _fate(
    use: AsyncGenerator[None, None], made: list[Box], silence_s: float, patience_s: float
) -> tuple[Fate, Exception | None]:
    patience = asyncio.timeout(silence_s + patience_s)
    fate = Fate.NEVER_BEGINS
    opened = 0
    try:
        async with patience:
            await anext(use)
            fate, opened = Fate.FAILS, _opened(made)
            await _silence(use, silence_s)
            await anext(use, None)
    except TimeoutError as error:
        return (Fate.HANGS, None) if patience.expired() else (fate, error)
    except UserError:
        raise
    except Exception as error:  # whatever it is, it is the application's answer
        return fate, _alone(error)
    finally:
        await use.aclose()
    return (Fate.RECONNECTS if _opened(made) > opened else Fate.SURVIVES), None


def _opened(made: list[Box]) -> int:
    if not made:
        raise UserError("an application that survives() is asked about must make a box, and connect through it")
    return sum(box.opened for box in made)


async def _silence(use: AsyncGenerator[None, None], silence_s: float) -> None:
    try:
        await asyncio.sleep(silence_s)
    except asyncio.CancelledError as error:  # by a task group of the application's, which turns it into what failed
        await use.athrow(error)
        raise


def _alone(error: Exception) -> Exception:
    """Return what failed out of a group of one."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _cell(one: Survival) -> str:
    return f"{one.fate}: {type(one.error).__name__}" if one.error is not None else str(one.fate)
