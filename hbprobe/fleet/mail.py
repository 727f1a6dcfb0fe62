"""When mail comes: a Poisson process whose rate changes with the hour of the day."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from hbprobe.fleet.chance import Floats

HOUR_S, DAY_S = 3600.0, 86400.0
HOURS = 24


class MailDay:
    """The mail of one device: so much a day, spread over the hours, the same every day.

    The next mail is found by going as far ahead as the expected count grows by an exponential number of mean 1. A
    Poisson process has no memory, so that may be drawn anew at any time.
    """

    __slots__ = ("_counts", "_from", "_from_s", "_per_day", "_rates", "by_hour", "highest_per_s", "per_day")

    def __init__(self, per_day: float, by_hour: Sequence[float]) -> None:
        """Take the mean number a day, and the weights of the hours from midnight on."""
        self.by_hour = tuple(by_hour)
        whole = sum(by_hour)
        rates = [per_day * weight / whole / HOUR_S for weight in by_hour]
        counts = [0.0, *accumulate(rate * HOUR_S for rate in rates)]
        with_mail = [hour for hour, rate in enumerate(rates) if rate > 0]
        self._per_day = counts[-1]
        self.per_day = per_day
        self._rates, self._counts = np.array(rates), np.array(counts)
        self._from = np.array([counts[hour] for hour in with_mail])
        self._from_s = np.array([hour * HOUR_S for hour in with_mail])
        self.highest_per_s = max(rates)

    def scaled(self, per_day: float) -> "MailDay":
        """Return other mail, spread over the hours as this is."""
        return MailDay(per_day, self.by_hour)

    def next_after(self, now: float, further: float) -> float:
        """Return when the expected count is greater by `further` than now; infinite where no mail ever comes."""
        if self._per_day == 0:
            return float("inf")
        day = now // DAY_S
        second = now - day * DAY_S
        hour = int(second / HOUR_S)
        count = day * self._per_day + self._counts[hour] + self._rates[hour] * (second - hour * HOUR_S) + further
        day = count // self._per_day
        rest = count - day * self._per_day
        span = max(int(np.searchsorted(self._from, rest, side="right")) - 1, 0)
        rate = self._rates[int(self._from_s[span] / HOUR_S)]
        return float(max(day * DAY_S + self._from_s[span] + (rest - self._from[span]) / rate, now))

    def next_after_all(self, now: Floats, further: Floats) -> Floats:
        """Return the same for many at once."""
        if self._per_day == 0:
            return np.full(len(now), np.inf)
        day = np.floor_divide(now, DAY_S)
        second = now - day * DAY_S
        hour = (second / HOUR_S).astype(np.intp)
        count = day * self._per_day + self._counts[hour] + self._rates[hour] * (second - hour * HOUR_S) + further
        day = np.floor_divide(count, self._per_day)
        rest = count - day * self._per_day
        span = np.maximum(np.searchsorted(self._from, rest, side="right") - 1, 0)
        rate = self._rates[(self._from_s[span] / HOUR_S).astype(np.intp)]
        found: Floats = np.maximum(day * DAY_S + self._from_s[span] + (rest - self._from[span]) / rate, now)
        return found
