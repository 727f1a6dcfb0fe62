"""When mail comes: a Poisson process whose rate changes with the hour of the day."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hbprobe.fleet import chance
from hbprobe.fleet.chance import Floats, OfRequest, Words
from hbprobe.fleet.ticks import all_on_grid, on_grid

HOUR_S, DAY_S = 3600.0, 86400.0
HOURS = 24
PARTS: Final = 2**30
"""Of one expected mail. Counts are whole numbers of them, so that their sums are exact."""
Counts = NDArray[np.int64]


class Hours(NamedTuple):
    """When mail comes, from one hour to the next; those without any are left out."""

    before: Floats
    """How many mails come in the day before each."""
    begins_s: Floats
    per_s: Floats


class MailDay:
    """The mail of one device: so much a day, spread over the hours, the same every day."""

    def __init__(self, per_day: float, by_hour: Sequence[float]) -> None:
        """Take the mean number a day, and the weights of the hours from midnight on."""
        self.by_hour = tuple(by_hour)
        whole = sum(by_hour)
        rates = [per_day * weight / whole / HOUR_S for weight in by_hour]
        counts = [0.0, *accumulate(rate * HOUR_S for rate in rates)]
        with_mail = [hour for hour, rate in enumerate(rates) if rate > 0]
        self.whole_day = counts[-1]
        """The mean number a day, as the hours add up."""
        self.per_day = per_day
        self._counts = np.array([counts[hour] for hour in range(HOURS)]), np.array(rates)
        self._from = np.array([counts[hour] for hour in with_mail])
        self._from_s = np.array([hour * HOUR_S for hour in with_mail])
        self._rates = np.array([rates[hour] for hour in with_mail])

    def scaled(self, per_day: float) -> "MailDay":
        """Return other mail, spread over the hours as this is."""
        return MailDay(per_day, self.by_hour)

    def expected(self, until_s: Floats) -> Counts:
        """Return how many mails are to be expected until each of some times, in parts of a mail."""
        day = np.floor_divide(until_s, DAY_S)
        second = until_s - day * DAY_S
        hour = (second / HOUR_S).astype(np.intp)
        before, rates = self._counts
        mails = day * self.whole_day + before[hour] + rates[hour] * (second - hour * HOUR_S)
        found: Counts = (mails * PARTS).astype(np.int64)
        return found

    def when(self, expected: int) -> float:
        """Return from when on so many are to be expected, in parts of a mail; infinite where no mail ever comes."""
        if self.whole_day == 0:
            return float("inf")
        count = expected / PARTS
        day = float(np.floor(count / self.whole_day))
        rest = count - day * self.whole_day
        span = max(int(np.searchsorted(self._from, rest, side="right")) - 1, 0)
        return on_grid(day * DAY_S + self._from_s[span] + (rest - self._from[span]) / self._rates[span])

    def when_all(self, expected: Counts) -> Floats:
        """Return the same for many at once."""
        if self.whole_day == 0:
            return np.full(expected.shape, np.inf)
        count = expected * (1 / PARTS)
        day = np.floor(count / self.whole_day)
        rest = count - day * self.whole_day
        span = np.maximum(np.searchsorted(self._from, rest, side="right") - 1, 0)
        return all_on_grid(day * DAY_S + self._from_s[span] + (rest - self._from[span]) / self._rates[span])

    def hours(self) -> Hours:
        """Return what `Hours` says of this day."""
        return Hours(self._from, self._from_s, self._rates)


class Mailbox:
    """The mails of one device, one after another.

    The next one comes when the expected count has grown by an exponential number of mean 1.
    """

    __slots__ = ("_day", "_expected", "_key", "_number", "next_s")

    def __init__(self, day: MailDay, key: int, from_s: float) -> None:
        """Take the key of the device's chance, and when it is switched on."""
        self._day, self._key, self._number = day, key, 0
        self._expected = int(day.expected(np.array([from_s]))[0])
        self.next_s = 0.0
        self._draw()
        self.leave_until(from_s)

    def take(self) -> None:
        """Take the next mail out."""
        self._draw()

    def leave_until(self, at_s: float) -> None:
        """Go on to the first mail that does not come before a time."""
        while self.next_s < at_s:
            self._draw()

    def _draw(self) -> None:
        self._expected += int(chance.exponential(self._key, self._number, OfRequest.MAIL) * PARTS)
        self._number += 1
        self.next_s = max(self._day.when(self._expected), self.next_s)


class Mailboxes:
    """The same for many devices, a block of mails at a time."""

    __slots__ = ("_day", "_drawn", "_expected", "_keys", "_place", "_times_s")

    BLOCK: Final = 12

    def __init__(self, day: MailDay, keys: Words, from_s: Floats) -> None:
        """Take the keys of the devices' chance, and when they are switched on."""
        count, all_of_them = len(keys), np.arange(len(keys))
        self._day, self._keys = day, keys
        self._expected = day.expected(from_s)
        self._drawn = np.zeros(count, np.uint64)
        self._times_s = np.zeros((count, self.BLOCK))
        self._place: NDArray[np.intp] = np.zeros(count, np.intp)
        self._draw(all_of_them)
        self.leave_until(all_of_them, from_s)

    def next_s(self, those: NDArray[np.intp]) -> Floats:
        """Return when the next mail of some devices comes."""
        return self._times_s[those, self._place[those]]

    def take(self, those: NDArray[np.intp]) -> None:
        """Take the next mail of some devices out."""
        place = self._place[those] + 1
        self._place[those] = place
        self._draw(those[place == self.BLOCK])

    def leave_until(self, those: NDArray[np.intp], at_s: Floats) -> None:
        """Go on to the first mail of each that does not come before a time."""
        late = np.flatnonzero(self.next_s(those) < at_s)
        while len(late):
            those, at_s = those[late], at_s[late]
            self.take(those)
            late = np.flatnonzero(self.next_s(those) < at_s)

    def _draw(self, those: NDArray[np.intp]) -> None:
        if not len(those):
            return
        numbers = self._drawn[those][:, None] + np.arange(self.BLOCK).astype(np.uint64)
        further = chance.exponentials(self._keys[those][:, None], numbers, OfRequest.MAIL)
        further *= PARTS
        expected = self._expected[those][:, None] + np.cumsum(further.astype(np.int64), axis=1, dtype=np.int64)
        self._expected[those] = expected[:, -1]
        self._drawn[those] += np.uint64(self.BLOCK)
        self._place[those] = 0
        times_s = self._day.when_all(expected)
        # What is rounded may be a tick too early where mail is dense.
        times_s[:, 0] = np.maximum(times_s[:, 0], self._times_s[those, -1])
        self._times_s[those] = np.maximum.accumulate(times_s, axis=1)
