"""A run made ready, and carried out as far as it goes."""

import asyncio
import random
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from hbprobe.errors import CannotMeasureError
from hbprobe.measure.journal import Record
from hbprobe.measure.observe import Observer
from hbprobe.measure.run import Run
from hbprobe.net.wire import Dialer
from hbprobe.search.prior import Prior
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.methods.method import Environment, make
from hbprobe.trial.talks.talk import NO_OPTIONS, TalkOptions

if TYPE_CHECKING:
    from hbprobe.eas.client import Account

RecordT = TypeVar("RecordT")
_NOBODY = Observer()


class _PacedRun(Run):
    """A run that counts path time, of which so many seconds pass in one of the loop's."""

    rate = 1.0

    @property
    def path_s(self) -> float:
        """Path time that the search has taken so far."""
        return super().path_s * self.rate


async def set_up(
    name: str,
    dialer: Dialer,
    settings: SearchSettings,
    prior: Prior | None,
    rng: random.Random,
    *,
    account: "Account | None" = None,
    talk: TalkOptions = NO_OPTIONS,
    journal: Record | None = None,
    observer: Observer = _NOBODY,
    rate: float = 1.0,
) -> Run:
    """Make the method of that name, the search for it, and the run of both; a method prepares itself first.

    `rate`: so many seconds of the path pass in one of the loop's. Raises CannotMeasureError where the server refuses.
    """
    method = make(
        Environment(
            name,
            dialer,
            settings.grace_s / rate,
            rng,
            rate,
            account=account,
            talk=talk,
            connections=settings.connections,
            say=observer.says,
        )
    )
    await method.prepare()
    if method.limits is None:
        search = Search(settings, prior)
    else:
        from hbprobe.search.heartbeats import HeartbeatSearch

        search = HeartbeatSearch(settings, prior, method.limits)
    if rate == 1.0:
        return Run(search, method, journal, observer.search, dialer=dialer)
    run = _PacedRun(search, method, journal, observer.search, dialer=dialer)
    run.rate = rate
    return run


async def carry_out(work: Awaitable[object]) -> CannotMeasureError | None:
    """Do the work as far as it goes: to its end, to Ctrl-C, or to what stands in its way, which is returned.

    What was found until then is worth showing, so neither ends in an exception; the work's own state tells whether it
    is complete.
    """
    try:
        await work
    except asyncio.CancelledError:
        return None
    except CannotMeasureError as error:
        return error
    return None


def handed_over(record: RecordT, failure: CannotMeasureError | None, *, holds_something: bool) -> RecordT:
    """Return the record; where the work failed, raise that, with the record attached if it `holds_something`."""
    if failure is None:
        return record
    failure.partial = record if holds_something else None
    raise failure
