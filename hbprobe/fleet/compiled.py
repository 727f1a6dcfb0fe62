"""The requests, mails and networks of many devices, one device after another, as loops that numba compiles.

They do what `hbprobe.fleet.cohort`, `mail`, `merge` and `tally` do in arrays. Without numba (https://numba.pydata.org) it is plain Python: slow,
and held against the other two models by the tests.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

import numpy as np

from hbprobe.fleet.chance import ARTANH, LN2_HIGH, LN2_LOW, SQRT_HALF, Floats, OfRequest, OfVisit, Words
from hbprobe.fleet.merge import INTERVAL_BITS
from hbprobe.fleet.states import Flags, Ints, RequestEnd
from hbprobe.fleet.ticks import TICK_S, TICKS_PER_S

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
    compiled: Callable[P, T] = _njit(nogil=True, cache=True)(function)
    return compiled


def _inlined(function: Callable[P, T]) -> Callable[P, T]:
    """Compile into whoever calls: a call that hands over tuples of arrays takes longer than a request."""
    if _njit is None:
        return function
    compiled: Callable[P, T] = _njit(inline="always", cache=True)(function)
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
_ONE, _INTERVAL_BITS = np.uint64(1), np.uint64(INTERVAL_BITS)
_MANTISSA_BITS, _SQRT_HALF_BITS = np.int64(52), np.float64(SQRT_HALF).view(np.int64)


class Devices(NamedTuple):
    """What changes with each request."""

    state: Ints
    due_s: Floats
    requests: Words
    keys: Words
    connected: Flags
    mail_waits: Flags
    deaf_s: Floats
    deaf_at_firewall_s: Floats


class SharedTables(NamedTuple):
    """What is the same for all."""

    heartbeat_s: Floats
    timeout_s: Floats
    refused: Flags
    reuses: Flags
    following: Ints
    wait_s: float
    waiting_share: float


class Tallies(NamedTuple):
    """What came of requests: counts by state, and room for as many samples and times."""

    ends: Ints
    pauses: Ints
    asked_again: Ints
    samples: Words
    opened_s: Floats
    forgotten_s: Floats


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


class Rates(NamedTuple):
    """How mail is spread over a day, as `hbprobe.fleet.mail.MailDay` has it: a row for each hour with mail."""

    per_day: float
    before: Floats
    """How many mails come in the day before it."""
    begins_s: Floats
    per_s: Floats
    day_s: float
    parts: float


class Mails(NamedTuple):
    """The mails of devices."""

    expected: Ints
    """How many are to be expected until the last that is drawn, in parts of one."""
    drawn: Words
    times_s: Floats
    """A block of them each, one row a device."""
    place: Ints
    """The next of them; beyond the last where more have to be drawn."""


@_inlined
def _draw_mails(one: int, key: np.uint64, of: Mails, rates: Rates) -> None:
    """Draw a device's next block of mails."""
    times_s, number, expected, hour = of.times_s[one], of.drawn[one], of.expected[one], 0
    block, hours, last_s = len(times_s), len(rates.before), times_s[-1]
    for column in range(block):
        times_s[column] = _minus_log(_uniform(key, number + np.uint64(column), _DRAW_MAIL))
    for column in range(block):
        expected += np.int64(times_s[column] * rates.parts)
        count = expected * (1 / rates.parts)
        day = np.floor(count / rates.per_day)
        rest = count - day * rates.per_day
        if rates.before[hour] > rest:
            hour = 0
        while hour + 1 < hours and rates.before[hour + 1] <= rest:
            hour += 1
        when_s = day * rates.day_s + rates.begins_s[hour] + (rest - rates.before[hour]) / rates.per_s[hour]
        last_s = max(np.floor(when_s * TICKS_PER_S) * TICK_S, last_s)
        times_s[column] = last_s
    of.expected[one], of.drawn[one] = expected, number + np.uint64(block)


@_inlined
def _mail_from(one: int, key: np.uint64, place: int, at_s: float, of: Mails, rates: Rates) -> int:
    """Return the place of a device's first mail that does not come before a time."""
    block = of.times_s.shape[1]
    while True:
        if place == block:
            _draw_mails(one, key, of, rates)
            place = 0
        if of.times_s[one, place] >= at_s:
            return place
        place += 1


class Networks(NamedTuple):
    """The networks that devices come to: a row for each span, as `hbprobe.fleet.paths.PathTable` has them."""

    ends: Floats
    low_s: Floats
    high_s: Floats
    spread_s: Floats
    tries: Floats
    how: Ints
    stay_s: float
    """How long devices stay on one, on average."""


class Firewall(NamedTuple):
    """The box before the server."""

    limit_s: float
    spread_s: float
    tries: float
    how: int


class Visits(NamedTuple):
    """The networks that devices are on, one after another."""

    keys: Words
    number: Words
    limit_s: Floats
    spread_s: Floats
    tries: Floats
    how: Ints
    at_firewall: Flags
    leaves_s: Floats


@_inlined
def _settle_down(
    one: int, number: np.uint64, at_s: float, of: Visits, networks: Networks, firewall: Firewall
) -> None:
    """Bring a device to the network of this number."""
    key = of.keys[one]
    drawn, path = _uniform(key, number, _PATH), 0
    while path < len(networks.ends) and networks.ends[path] < drawn:
        path += 1
    limit_s, high_s = networks.low_s[path], networks.high_s[path]
    if limit_s != high_s:
        limit_s += _uniform(key, number, _VALUE) * (high_s - limit_s)
    at_firewall = firewall.limit_s <= limit_s
    of.number[one], of.at_firewall[one] = number, at_firewall
    of.limit_s[one] = np.floor((firewall.limit_s if at_firewall else limit_s) * TICKS_PER_S) * TICK_S
    of.spread_s[one] = firewall.spread_s if at_firewall else networks.spread_s[path]
    of.tries[one] = firewall.tries if at_firewall else networks.tries[path]
    of.how[one] = firewall.how if at_firewall else networks.how[path]
    stay_s = networks.stay_s * _minus_log(_uniform(key, number, _STAY))
    of.leaves_s[one] = np.floor((at_s + stay_s) * TICKS_PER_S) * TICK_S


@_compiled
def settle_all(at_s: Floats, of: Visits, networks: Networks, firewall: Firewall) -> None:
    """Bring all devices to their first networks."""
    for one in range(len(at_s)):
        _settle_down(one, np.uint64(0), at_s[one], of, networks, firewall)


@_compiled
def run(
    due: Ints,
    until_s: float,
    of: Devices,
    mails: Mails,
    on: Visits,
    rules: SharedTables,
    rates: Rates,
    networks: Networks,
    firewall: Firewall,
    seen: Tallies,
    is_shown: bool,
) -> tuple[int, int, int, int, int, int, float]:
    """Let devices make all requests that they begin before a time, until there is no room for more; return `Done`.

    Where nothing is shown, only samples that may be later than that time are kept.
    """
    states = len(rules.heartbeat_s)
    samples = passed_over = opened = forgotten = late_mails = 0
    late_s = 0.0
    for index in range(len(due)):
        one = due[index]
        key, leaves_s, limit_s, spread_s = of.keys[one], on.leaves_s[one], on.limit_s[one], on.spread_s[one]
        tries, how, at_firewall = int(on.tries[one]), on.how[one], on.at_firewall[one]
        state, asked_s, number = of.state[one], of.due_s[one], of.requests[one]
        connected, mail_waits = of.connected[one], of.mail_waits[one]
        place = _mail_from(one, key, mails.place[one], asked_s, mails, rates)
        has_room = True
        while asked_s < until_s:
            if leaves_s <= asked_s:
                _settle_down(one, on.number[one] + _ONE, asked_s, on, networks, firewall)
                leaves_s, limit_s, spread_s = on.leaves_s[one], on.limit_s[one], on.spread_s[one]
                tries, how, at_firewall = int(on.tries[one]), on.how[one], on.at_firewall[one]
                seen.ends[_ARRIVED * states + state] += 1
                state, connected = rules.following[_ARRIVED * states + state], False
            has_room = samples + tries <= len(seen.samples) and opened < len(seen.opened_s)
            has_room = has_room and forgotten < len(seen.forgotten_s)
            if not has_room:
                break
            heartbeat_s, refused, mail_s = rules.heartbeat_s[state], rules.refused[state], mails.times_s[one, place]
            if not connected:
                seen.opened_s[opened] = asked_s
                opened += 1
            first_s = asked_s + limit_s
            if spread_s > 0:
                first_s += np.floor(spread_s * _uniform(key, number, _SPREAD) * TICKS_PER_S) * TICK_S
            if refused:
                first_s = asked_s
            cut_s = asked_s + (first_s - asked_s) * tries
            answer_s, gives_up_s = asked_s + heartbeat_s, asked_s + rules.timeout_s[state]
            # How it ends if the device stays where it is, and when that is noticed.
            if refused:
                end, next_s = _REFUSED, asked_s + rules.wait_s
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
                    seen.samples[samples] = (np.uint64(at_s * TICKS_PER_S) << _INTERVAL_BITS) | np.uint64(heartbeat_s)
                    samples += 1
                    if before:
                        seen.asked_again[state] += 1
            served = end <= _AT_ONCE
            connected = end == _REFUSED or (served and rules.reuses[state])
            if not connected:
                if served:
                    forgotten_s = next_s
                elif end > _SILENT or (end == _SILENT and at_firewall):
                    forgotten_s = min(cut_s, next_s)
                elif firewall.limit_s == np.inf:
                    forgotten_s = answer_s
                else:
                    forgotten_s = (answer_s if heartbeat_s < firewall.limit_s else asked_s) + firewall.limit_s
                seen.forgotten_s[forgotten] = forgotten_s
                forgotten += 1
            if _SILENT <= end < _REFUSED and _uniform(key, number, _PAUSE) <= rules.waiting_share:
                seen.pauses[state] += 1
                next_s = min(next_s + rules.wait_s, leaves_s)
            if first_s <= answer_s and not served:
                deaf_s = max(next_s - cut_s, 0.0)
                of.deaf_s[one] += deaf_s
                if at_firewall and not refused:
                    of.deaf_at_firewall_s[one] += deaf_s
            late = mail_s < next_s
            if late:
                late_mails += 1
                late_s += next_s - mail_s
            mail_waits = late or (refused and mail_waits)
            place = _mail_from(one, key, place + (end == _MAIL), next_s, mails, rates)
            seen.ends[end * states + state] += 1
            state, asked_s, number = rules.following[end * states + state], next_s, number + _ONE
        of.state[one], of.due_s[one], of.requests[one] = state, asked_s, number
        of.connected[one], of.mail_waits[one], mails.place[one] = connected, mail_waits, place
        if not has_room:
            return index, samples, passed_over, opened, forgotten, late_mails, late_s
    return len(due), samples, passed_over, opened, forgotten, late_mails, late_s
