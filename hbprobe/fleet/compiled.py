"""The requests, mails and networks of many devices, one device after another, as loops that numba compiles.

They do what `hbprobe.fleet.cohort`, `mail`, `merge` and `tally` do in arrays. Without numba
(https://numba.pydata.org) it is plain Python: slow, and held against the other two models by the tests.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple, ParamSpec, TypeAlias, TypeVar

import numpy as np

from hbprobe.exchange.window import EVENT_PERIOD_S
from hbprobe.fleet.chance import ARTANH, LN2_HIGH, LN2_LOW, SQRT_HALF, Floats, OfRequest, OfVisit, Words
from hbprobe.fleet.mail import DAY_S, PARTS
from hbprobe.fleet.states import Ints, RequestEnd
from hbprobe.fleet.ticks import INTERVAL_BITS, TICK_S, TICKS_PER_S

try:  # by name: it is an extra, of which some releases have types and some have none
    _njit: Callable[..., Any] | None = import_module("numba").njit
except ImportError:
    _njit = None
IS_FAST: Final = _njit is not None
"""Whether it is compiled."""
P = ParamSpec("P")
T = TypeVar("T")


def _compiled(function: Callable[P, T]) -> Callable[P, T]:
    if _njit is None:
        return function
    # None takes a class of ours: numba keeps which classes there were with what it compiled, by name, and cannot read
    # that any more where another release has none of that name.
    compiled: Callable[P, T] = _njit(nogil=True, cache=True, error_model="numpy")(function)
    return compiled


# As plain numbers, which numba knows.
_ANSWERED, _MAIL, _AT_ONCE, _LEFT = (
    int(RequestEnd.ANSWERED),
    int(RequestEnd.MAIL),
    int(RequestEnd.AT_ONCE),
    int(RequestEnd.LEFT),
)
_SILENT, _REFUSED, _ARRIVED = int(RequestEnd.SILENT), int(RequestEnd.REFUSED), int(RequestEnd.ARRIVED)
_DRAW_MAIL, _PAUSE, _SPREAD = np.uint64(OfRequest.MAIL), np.uint64(OfRequest.PAUSE), np.uint64(OfRequest.SPREAD)
_PATH, _VALUE, _STAY = np.uint64(OfVisit.PATH), np.uint64(OfVisit.VALUE), np.uint64(OfVisit.STAY)
_KINDS, _GOLDEN = np.uint64(4), np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_BY_30, _BY_27, _BY_31, _BY_11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_ONE, _INTERVAL_BITS, _INTERVAL = np.uint64(1), np.uint64(INTERVAL_BITS), np.uint64(2**INTERVAL_BITS - 1)
_MOST = np.int64(np.iinfo(np.int64).max)
_MANTISSA_BITS, _SQRT_HALF_BITS = np.int64(52), np.float64(SQRT_HALF).view(np.int64)


MAILS: Final = 8
"""Of a device, drawn at a time."""
Record: TypeAlias = Any
"""Of one of the kinds below; its fields are attributes, which NumPy has no types for."""
Records: TypeAlias = Any
"""An array of them."""
DEVICE: Final = np.dtype(
    [
        ("key", np.uint64),
        ("requests", np.uint64),
        ("visit_key", np.uint64),
        ("visits", np.uint64),
        ("state", np.int64),
        ("due_s", np.float64),
        # The network where it is, and how it is connected there.
        ("limit_s", np.float64),
        ("spread_s", np.float64),
        ("leaves_s", np.float64),
        ("tries", np.int32),
        ("how", np.int8),
        ("at_firewall", np.bool_),
        ("connected", np.bool_),
        # How many mails are to be expected until the last that is drawn, and which of the drawn ones comes next.
        ("expected", np.int64),
        ("drawn", np.uint64),
        ("mails_s", np.float64, (MAILS,)),
        ("place", np.int64),
        ("mail_waits", np.bool_),
        ("deaf_s", np.float64),
        ("deaf_at_firewall_s", np.float64),
    ],
    align=True,
)
"""What changes with each request, together, since memory is what large fleets wait for."""
STATE: Final = np.dtype(
    [
        ("heartbeat_s", np.float64),
        ("timeout_s", np.float64),
        ("refused", np.bool_),
        ("reuses", np.bool_),
        ("following", np.int64, (len(RequestEnd),)),
    ],
    align=True,
)
"""As `hbprobe.fleet.states.StateTable` has it."""
NETWORK: Final = np.dtype(
    [
        ("end", np.float64),
        ("low_s", np.float64),
        ("high_s", np.float64),
        ("spread_s", np.float64),
        ("tries", np.int32),
        ("how", np.int8),
    ],
    align=True,
)
"""As `hbprobe.fleet.paths.PathTable` has it."""
_BEFORE, _BEGINS_S, _PER_S = range(3)
"""The rows of the hours with mail, as `hbprobe.fleet.mail.Hours` has them."""


def records(kind: np.dtype[np.void], count: int, **fields: object) -> Records:
    """Return so many records; fields that are not named are 0."""
    found: Records = np.zeros(count, kind).view(np.recarray)
    for name, values in fields.items():
        found[name] = values
    return found


SHARED: Final = np.dtype(
    [
        ("wait_s", np.float64),
        ("waiting_share", np.float64),
        ("stay_s", np.float64),
        ("firewall_limit_s", np.float64),
        ("firewall_spread_s", np.float64),
        ("firewall_tries", np.int32),
        ("firewall_how", np.int8),
        ("mails_per_day", np.float64),
    ],
    align=True,
)
"""What is the same for all devices and networks: habits, the box before the server, and how much mail a day has."""


class Done(NamedTuple):
    """How far the loop came, and how much of the room is taken."""

    devices: int
    samples: int
    passed_over: int
    """Samples that are not kept."""
    opened: int
    forgotten: int
    late_mails: int
    late_s: float


class Stretches(NamedTuple):
    """The window's averages in stretches of samples."""

    lowest_s: Ints
    highest_s: Ints
    sum_s: Ints
    samples: Ints


@_compiled
def _uniform(key: np.uint64, number: np.uint64, what: np.uint64) -> float:
    """Return what `hbprobe.fleet.chance.uniform` does."""
    word = key + (number * _KINDS + what) * _GOLDEN
    word = (word ^ (word >> _BY_30)) * _FIRST
    word = (word ^ (word >> _BY_27)) * _SECOND
    word = word ^ (word >> _BY_31)
    return np.float64((word >> _BY_11) + _ONE) * 2.0**-53


@_compiled
def _minus_log(drawn: float) -> float:
    """Return what `hbprobe.fleet.chance.minus_log` does, without branches."""
    bits = np.float64(drawn).view(np.int64)
    exponent = (bits - _SQRT_HALF_BITS) >> _MANTISSA_BITS
    mantissa = np.int64(bits - (exponent << _MANTISSA_BITS)).view(np.float64)
    part = (mantissa - 1) / (mantissa + 1)
    square, series = part * part, 0.0
    for term in ARTANH:
        series = (series + term) * square
    return -(exponent * LN2_HIGH + (2 * part + (2 * part * series + exponent * LN2_LOW)))


@_compiled
def _draw_mails(device: Record, shared: Record, hours: Floats) -> None:
    """Draw a device's next block of mails."""
    key, number, expected = device.key, device.drawn, device.expected
    times_s = device.mails_s
    last_s = times_s[MAILS - 1]
    for column in range(MAILS):
        times_s[column] = _minus_log(_uniform(key, number + np.uint64(column), _DRAW_MAIL))
    for column in range(MAILS):
        expected += np.int64(times_s[column] * PARTS)
        count = expected * (1 / PARTS)
        day = np.floor(count / shared.mails_per_day)
        rest = count - day * shared.mails_per_day
        hour = 0
        for later in range(1, hours.shape[1]):  # all of them: faster than to stop at the first
            hour += hours[_BEFORE, later] <= rest
        when_s = day * DAY_S + hours[_BEGINS_S, hour] + (rest - hours[_BEFORE, hour]) / hours[_PER_S, hour]
        last_s = max(np.floor(when_s * TICKS_PER_S) * TICK_S, last_s)
        times_s[column] = last_s
    device.expected, device.drawn = expected, number + np.uint64(MAILS)


@_compiled
def _mail_from(device: Record, place: int, at_s: float, shared: Record, hours: Floats) -> int:
    """Return the place of a device's first mail that does not come before a time."""
    while True:
        if place == MAILS:
            _draw_mails(device, shared, hours)
            place = 0
        if device.mails_s[place] >= at_s:
            return place
        place += 1


@_compiled
def _move_to(device: Record, number: np.uint64, at_s: float, shared: Record, networks: Records) -> None:
    """Bring a device to the network of this number."""
    key = device.visit_key
    drawn, path = _uniform(key, number, _PATH), 0
    while networks[path].end < drawn:
        path += 1
    network = networks[path]
    limit_s = network.low_s
    if limit_s != network.high_s:
        limit_s += _uniform(key, number, _VALUE) * (network.high_s - limit_s)
    device.at_firewall = shared.firewall_limit_s <= limit_s
    if device.at_firewall:
        limit_s, device.spread_s = shared.firewall_limit_s, shared.firewall_spread_s
        device.tries, device.how = shared.firewall_tries, shared.firewall_how
    else:
        device.spread_s, device.tries, device.how = network.spread_s, network.tries, network.how
    device.visits = number
    device.limit_s = np.floor(limit_s * TICKS_PER_S) * TICK_S
    stay_s = shared.stay_s * _minus_log(_uniform(key, number, _STAY))
    device.leaves_s = np.floor((at_s + stay_s) * TICKS_PER_S) * TICK_S


@_compiled
def settle_all(devices: Records, shared: Record, networks: Records) -> None:
    """Bring devices to their first networks."""
    for one in range(len(devices)):
        _move_to(devices[one], np.uint64(0), devices[one].due_s, shared, networks)


@_compiled
def make_requests(
    due: Ints,
    until_s: float,
    is_shown: bool,
    devices: Records,
    states: Records,
    networks: Records,
    hours: Floats,
    shared: Record,
    seen: tuple[Ints, Ints, Ints, Words, Floats, Floats],
) -> tuple[int, int, int, int, int, int, float]:
    """Let devices make all requests that they begin before a time, until there is no room for more; return `Done`.

    What is seen is counted by end and state, by state and by state, and there is room for samples and times. Where
    nothing is shown, only samples that may be later than that time are kept.
    """
    samples = passed_over = opened = forgotten = late_mails = 0
    late_s = 0.0
    ends, pauses, asked_again, kept, opened_s, forgotten_s = seen
    for index in range(len(due)):
        device = devices[due[index]]
        key, leaves_s, limit_s, spread_s = device.key, device.leaves_s, device.limit_s, device.spread_s
        tries, how, at_firewall = device.tries, device.how, device.at_firewall
        state, asked_s, number = device.state, device.due_s, device.requests
        connected, mail_waits = device.connected, device.mail_waits
        place = _mail_from(device, device.place, asked_s, shared, hours)
        has_room = True
        while asked_s < until_s:
            if leaves_s <= asked_s:
                _move_to(device, device.visits + _ONE, asked_s, shared, networks)
                leaves_s, limit_s, spread_s = device.leaves_s, device.limit_s, device.spread_s
                tries, how, at_firewall = device.tries, device.how, device.at_firewall
                ends[_ARRIVED, state] += 1
                state, connected = states[state].following[_ARRIVED], False
            has_room = samples + tries <= len(kept) and opened < len(opened_s)
            has_room = has_room and forgotten < len(forgotten_s)
            if not has_room:
                break
            asks, mail_s = states[state], device.mails_s[place]
            heartbeat_s, refused = asks.heartbeat_s, asks.refused
            if not connected:
                opened_s[opened] = asked_s
                opened += 1
            first_s = asked_s + limit_s
            if spread_s > 0:
                first_s += np.floor(spread_s * _uniform(key, number, _SPREAD) * TICKS_PER_S) * TICK_S
            if refused:
                first_s = asked_s
            cut_s = asked_s + (first_s - asked_s) * tries
            answer_s, gives_up_s = asked_s + heartbeat_s, asked_s + asks.timeout_s
            # How it ends if the device stays where it is, and when that is noticed.
            if refused:
                end, next_s = _REFUSED, asked_s + shared.wait_s
            elif mail_waits:
                end, next_s = _AT_ONCE, asked_s
            elif mail_s < (answer_s if first_s > answer_s else min(cut_s, gives_up_s)):
                end, next_s = _MAIL, mail_s
            elif first_s > answer_s:
                end, next_s = _ANSWERED, answer_s
            elif gives_up_s < cut_s or how == 0:
                end, next_s = _SILENT, gives_up_s
            else:
                end, next_s = _SILENT + how, cut_s
            if leaves_s < next_s:
                end, next_s = _LEFT, leaves_s
            if not refused and not is_shown and tries == 1:
                passed_over += 1
            elif not refused:
                for before in range(tries):
                    at_s = asked_s + before * (first_s - asked_s) if before else asked_s
                    if before and at_s >= next_s:
                        break
                    kept[samples] = (np.uint64(at_s * TICKS_PER_S) << _INTERVAL_BITS) | np.uint64(heartbeat_s)
                    samples += 1
                    if before:
                        asked_again[state] += 1
            served = end <= _AT_ONCE
            connected = end == _REFUSED or (served and asks.reuses)
            if not connected:
                if served:
                    gone_s = next_s
                elif end > _SILENT or (end == _SILENT and at_firewall):
                    gone_s = min(cut_s, next_s)
                elif shared.firewall_limit_s == np.inf:
                    gone_s = answer_s
                else:
                    lives_on = heartbeat_s < shared.firewall_limit_s
                    gone_s = (answer_s if lives_on else asked_s) + shared.firewall_limit_s
                forgotten_s[forgotten] = gone_s
                forgotten += 1
            if _SILENT <= end < _REFUSED and _uniform(key, number, _PAUSE) <= shared.waiting_share:
                pauses[state] += 1
                next_s = min(next_s + shared.wait_s, leaves_s)
            if first_s <= answer_s and not served:
                deaf_s = max(next_s - cut_s, 0.0)
                device.deaf_s += deaf_s
                if at_firewall and not refused:
                    device.deaf_at_firewall_s += deaf_s
            late = mail_s < next_s
            if late:
                late_mails += 1
                late_s += next_s - mail_s
            mail_waits = late or (refused and mail_waits)
            if late or end == _MAIL:
                place = _mail_from(device, place + 1, next_s, shared, hours)
            ends[end, state] += 1
            state, asked_s, number = asks.following[end], next_s, number + _ONE
        device.state, device.due_s, device.requests = state, asked_s, number
        device.connected, device.mail_waits, device.place = connected, mail_waits, place
        if not has_room:
            return index, samples, passed_over, opened, forgotten, late_mails, late_s
    return len(due), samples, passed_over, opened, forgotten, late_mails, late_s


@_compiled
def averages(
    samples: Words,
    last: Ints,
    unknown: int,
    begins: Ints,
    found: tuple[Ints, Ints, Ints, Ints],
    threshold_s: int,
    last_event_s: float,
    fired_s: Floats,
    fired_average_s: Ints,
) -> int:
    """Let a window take samples in order, and add its averages up in stretches of them.

    The window held the last intervals before, and has no average for the first samples, which are unknown. Returns
    how many events there are.
    """
    size, total, events = len(last), last.sum(), 0
    divisor = float(size)
    lowest_s, highest_s, sums_s, counts = found
    for stretch in range(len(begins)):
        low, high, whole = _MOST, np.int64(-1), np.int64(0)
        end = begins[stretch + 1] if stretch + 1 < len(begins) else len(samples)
        for number in range(begins[stretch], end):
            before = last[number] if number < size else np.int64(samples[number - size] & _INTERVAL)
            total += np.int64(samples[number] & _INTERVAL) - before
            if number < unknown:
                continue
            average_s = np.int64(total / divisor)  # exact: both are whole, and small
            low, high, whole = min(low, average_s), max(high, average_s), whole + average_s
            if average_s <= threshold_s:
                at_s = np.float64(samples[number] >> _INTERVAL_BITS) * TICK_S
                if at_s - last_event_s >= EVENT_PERIOD_S:
                    fired_s[events], fired_average_s[events], last_event_s = at_s, average_s, at_s
                    events += 1
        lowest_s[stretch], highest_s[stretch], sums_s[stretch] = low, high, whole
        counts[stretch] = max(0, end - max(begins[stretch], unknown))
    return events


@_compiled
def count_minutes(at_s: Floats, begin_s: float, counts: Ints) -> int:
    """Count times by the minute after a whole second, as far as there are minutes; return how many were before."""
    before = 0
    for one_s in at_s:
        minute = (one_s - begin_s) / 60.0
        if minute < 0:
            before += 1
        elif minute < len(counts):
            counts[np.int64(minute)] += 1
    return before
