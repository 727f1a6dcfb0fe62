"""Some of the devices of a fleet, as arrays; all that are due make a request at a time.

Where numba is installed they do it one device after another, in `hbprobe.fleet.compiled`, which is faster.
`hbprobe.fleet.reference` does the same with one object a device, and is the one to read first.
"""

from typing import NamedTuple

import numpy as np

from hbprobe.fleet.chance import (
    Floats,
    OfRequest,
    OfVisit,
    Words,
    exponentials,
    keys,
    uniforms,
    visit_keys,
)
from hbprobe.fleet.compiled import (
    DEVICE,
    IS_FAST,
    MAILS,
    NETWORK,
    SHARED,
    STATE,
    Done,
    make_requests,
    records,
    settle_all,
)
from hbprobe.fleet.mail import Mailboxes
from hbprobe.fleet.merge import packed, times_s
from hbprobe.fleet.paths import PathTable, forgotten_at_all
from hbprobe.fleet.states import LOSSES, Flags, Ints, RequestEnd
from hbprobe.fleet.ticks import all_on_grid, on_grid
from hbprobe.fleet.world import World

_ONE = np.uint64(1)
_ROOM = 50_000
"""For samples, before they are handed on."""

# As plain numbers: beside an array, NumPy takes long to see that a member of an enumeration is one.
_MAIL, _AT_ONCE, _LEFT, _SILENT = map(int, (RequestEnd.MAIL, RequestEnd.AT_ONCE, RequestEnd.LEFT, RequestEnd.SILENT))
_REFUSED, _ARRIVED = int(RequestEnd.REFUSED), int(RequestEnd.ARRIVED)


class Slice:
    """What happened in a stretch of time, in no order."""

    __slots__ = ("asked", "forgotten_s", "from_s", "is_shown", "opened_s", "remembered", "samples")

    def __init__(self, from_s: float, until_s: float) -> None:
        self.from_s = from_s
        """What was before is only counted."""
        self.is_shown = from_s < until_s
        """Whether samples are kept, for Exchange to see them."""
        self.asked = 0
        """How many there were."""
        self.samples: list[Words] = []
        self.opened_s: list[Floats] = []
        """When connections were opened."""
        self.forgotten_s: list[Floats] = []
        """When connections went out of the firewall's table."""
        self.remembered = 0
        """How many were opened and not forgotten, of what is only counted."""

    def take(self, samples: Words) -> None:
        """Take samples in; what is given may change afterwards."""
        self.asked += len(samples)
        if self.is_shown:
            self.samples.append(samples.copy())

    def open(self, at_s: Floats) -> None:
        """Take in when connections were opened; what is given may change afterwards."""
        kept_s = at_s.copy() if self.is_shown else at_s[at_s >= self.from_s]
        self.remembered += len(at_s) - len(kept_s)
        self.opened_s.append(kept_s)

    def forget(self, at_s: Floats) -> None:
        """Take in when connections went out of the firewall's table; what is given may change afterwards."""
        kept_s = at_s.copy() if self.is_shown else at_s[at_s >= self.from_s]
        self.remembered -= len(at_s) - len(kept_s)
        self.forgotten_s.append(kept_s)


class _Ask(NamedTuple):
    """One request of each of some devices."""

    due: Ints
    state: Ints
    at_s: Floats
    heartbeat_s: Floats
    first_s: Floats
    """When the path's timer runs out, if it takes so long: for the first server, where several are tried."""
    cut_s: Floats
    """When it does for the last one, and the request is lost."""
    gives_up_s: Floats
    """When the device no longer waits."""
    mail_s: Floats
    """When mail comes next."""
    mail_waited: Flags
    """Mail has come before it."""


class Cohort:
    """The state of a number of devices in a row, and what they have come to so far."""

    def __init__(self, world: World, paths: PathTable, first: int, end: int, *, compiled: bool = IS_FAST) -> None:
        devices, count = np.arange(first, end, dtype=np.int64), end - first
        self._world, self._table, self._paths, self._first = world, world.table, paths, first
        self._keys = keys(world.seed, devices)
        self._visit_keys = visit_keys(self._keys)
        self._state: Ints = world.table.first[world.kinds_of(devices)]
        self._wait_s = on_grid(world.habits.wait_s)
        self._any_spread = bool(paths.spread_s.any() or world.firewall.spread_s)
        self._any_refused = bool(world.table.refused.any())
        self._any_tries = bool((paths.tries > 1).any() or world.firewall.tries > 1)
        self._early: Words = np.zeros(0, np.uint64)
        self.ends: Ints = np.zeros(world.table.following.size, np.intp)
        """How often requests in each state ended in each way; by end and state, flat."""
        self.pauses: Ints = np.zeros(len(world.table), np.intp)
        """How often devices paused after a loss; by the state that the lost request was in."""
        self.deaf_s, self.deaf_at_firewall_s = np.zeros(count), np.zeros(count)
        """How long each device was without push: in all, and through the firewall's timer."""
        self.late_mails, self.late_s = 0, 0.0
        """How often mail came while there was no push, and how late it was in all."""
        self.asked_again: Ints = np.zeros(len(world.table), np.intp)
        """How often a box made a request again at another server, by the state that asked; each is a sample."""
        self._visits: Words = np.zeros(count, np.uint64)
        start_s = world.habits.start_s * uniforms(self._visit_keys, self._visits, OfVisit.START)
        self._due_s = all_on_grid(start_s)
        self._compiled = compiled
        if compiled:
            self._begin_in_records()
        else:
            self._begin_in_arrays(count)

    def _begin_in_arrays(self, count: int) -> None:
        self._requests: Words = np.zeros(count, np.uint64)
        self._limit_s, self._spread_s, self._leaves_s = np.empty(count), np.empty(count), np.empty(count)
        self._tries = np.ones(count)
        self._how, self._at_firewall = np.empty(count, np.intp), np.empty(count, np.bool_)
        self._connected, self._mail_waits = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        self._following = self._table.following.ravel()
        self._visit(np.arange(count))
        self._mail = Mailboxes(self._world.habits.mail, self._keys, self._due_s)

    def _begin_in_records(self) -> None:
        """Put all into records for the loop, and keep an eye on what is looked at here."""
        table, paths, habits, box = self._table, self._paths, self._world.habits, self._world.firewall
        has_mail, self._hours = habits.mail.whole_day > 0, np.array(habits.mail.hours())
        self._states = records(
            STATE, len(table), heartbeat_s=table.heartbeat_s, timeout_s=table.timeout_s, refused=table.refused,
            reuses=table.reuses, following=table.following.T,
        )  # fmt: skip
        self._networks = records(
            NETWORK, len(paths.low_s), end=np.append(paths.ends, np.inf), low_s=paths.low_s, high_s=paths.high_s,
            spread_s=paths.spread_s, tries=paths.tries, how=paths.manner,
        )  # fmt: skip
        (self._shared,) = records(
            SHARED, 1, wait_s=self._wait_s, waiting_share=habits.waiting_share, stay_s=habits.stay_s,
            firewall_limit_s=box.limit_s, firewall_spread_s=box.spread_s, firewall_tries=box.tries,
            firewall_how=LOSSES.index(box.manner), mails_per_day=habits.mail.whole_day,
        )  # fmt: skip
        self._devices = each = records(
            DEVICE, len(self._due_s), key=self._keys, visit_key=self._visit_keys, state=self._state,
            due_s=self._due_s, expected=habits.mail.expected(self._due_s),
            place=MAILS if has_mail else 0, mails_s=0.0 if has_mail else np.inf,
        )  # fmt: skip
        with np.errstate(over="ignore"):  # where it is not compiled: whole numbers that wrap around are meant to
            settle_all(each, self._shared, self._networks)
        self._state, self._due_s, self.deaf_s, self.deaf_at_firewall_s = (
            each.state, each.due_s, each.deaf_s, each.deaf_at_firewall_s,
        )  # fmt: skip

    def advance(self, until_s: float, from_s: float = 0.0) -> Slice:
        """Let every device make the requests that it begins before a time; say what happened from another on."""
        done = Slice(from_s, until_s)
        self._note(self._early, until_s, done)
        due = np.flatnonzero(self._due_s < until_s)
        if self._compiled:
            self._run(due, until_s, done)
            return done
        while len(due):
            self._arrive(due)
            self._step(due, until_s, done)
            due = due[self._due_s[due] < until_s]
        return done

    def _note(self, samples: Words, until_s: float, done: Slice) -> None:
        """Hand out the samples before a time, and keep the later ones for the next slice."""
        early = times_s(samples) >= until_s
        done.take(samples[~early])
        self._early = samples[early]

    @property
    def asks_s(self) -> Floats:
        """What each device asks for now."""
        return self._table.heartbeat_s[self._state]

    def forget(self) -> None:
        """Count anew from now on; the devices stay as they are."""
        for counts in (self.ends, self.pauses, self.asked_again, self.deaf_s, self.deaf_at_firewall_s):
            counts.fill(0)
        self.late_mails, self.late_s = 0, 0.0

    def _visit(self, those: Ints) -> None:
        """Bring devices to the network where they stay next."""
        firewall, of, visit = self._world.firewall, self._visit_keys[those], self._visits[those]
        leaves_s = self._due_s[those] + self._world.habits.stay_s * exponentials(of, visit, OfVisit.STAY)
        rows = self._paths.rows(uniforms(of, visit, OfVisit.PATH))
        limit_s = self._paths.limits_s(rows, uniforms(of, visit, OfVisit.VALUE))
        at_firewall = firewall.limit_s <= limit_s
        self._limit_s[those] = all_on_grid(np.where(at_firewall, firewall.limit_s, limit_s))
        self._spread_s[those] = np.where(at_firewall, firewall.spread_s, self._paths.spread_s[rows])
        self._how[those] = np.where(at_firewall, LOSSES.index(firewall.manner), self._paths.manner[rows])
        self._tries[those] = np.where(at_firewall, firewall.tries, self._paths.tries[rows])
        self._at_firewall[those] = at_firewall
        self._leaves_s[those] = all_on_grid(leaves_s)

    def _arrive(self, due: Ints) -> None:
        """Move those that have left their network."""
        moving = due[self._leaves_s[due] <= self._due_s[due]]
        if len(moving):
            self._end(moving, _ARRIVED)
            self._connected[moving] = False
            self._visits[moving] += _ONE
            self._visit(moving)

    def _end(self, those: Ints, end: Ints | int) -> None:
        """Count how requests ended, and go to the states that follow."""
        place = end * len(self._table) + self._state[those]
        self.ends += np.bincount(place, minlength=len(self.ends))
        self._state[those] = self._following[place]

    def _run(self, due: Ints, until_s: float, done: Slice) -> None:
        """Make the requests of one device after another."""
        ends = self.ends.reshape(self._table.following.shape)
        room, opened_s, forgotten_s = np.empty(_ROOM, np.uint64), np.empty(_ROOM), np.empty(_ROOM)
        while len(due):
            with np.errstate(over="ignore"):  # where it is not compiled: whole numbers that wrap around are meant to
                found = make_requests(
                    due, until_s, done.is_shown, self._devices, self._states, self._networks, self._hours,
                    self._shared, (ends, self.pauses, self.asked_again, room, opened_s, forgotten_s),
                )  # fmt: skip
            came = Done(*found)
            samples = room[: came.samples]
            if self._any_tries:
                self._note(np.concatenate((self._early, samples)), until_s, done)
            else:
                done.take(samples)
            done.asked += came.passed_over
            done.open(opened_s[: came.opened])
            done.forget(forgotten_s[: came.forgotten])
            self.late_mails += came.late_mails
            self.late_s += came.late_s
            due = due[came.devices :]

    def _step(self, due: Ints, until_s: float, done: Slice) -> None:
        """Make one request of each device that is due."""
        ask = self._ask(due, done)
        answer_s = ask.at_s + ask.heartbeat_s
        lives_s = np.where(ask.first_s > answer_s, answer_s, np.minimum(ask.cut_s, ask.gives_up_s))
        mailed = ask.mail_s < lives_s
        end, next_s = mailed.astype(np.intp), np.where(mailed, ask.mail_s, answer_s)
        waited = np.flatnonzero(ask.mail_waited)
        if len(waited):
            if self._any_refused:
                waited = waited[~self._table.refused[ask.state[waited]]]
            mailed[waited], end[waited], next_s[waited] = True, _AT_ONCE, ask.at_s[waited]
        dead = np.flatnonzero((ask.first_s <= answer_s) & ~mailed)
        self._lose(ask, dead, end, next_s)
        self._leave(ask, end, next_s)
        if self._any_tries:
            self._ask_again(ask, next_s, until_s, done)
        self._close(ask, end, next_s, done)
        self._pause(ask, dead, end, next_s)
        self._go_deaf(ask, dead, next_s)
        self._mail.take(due[end == _MAIL])
        self._mail.leave_until(due, next_s)
        self._end(due, end)
        self._due_s[due] = next_s
        self._requests[due] += _ONE

    def _ask(self, due: Ints, done: Slice) -> _Ask:
        """Send the requests, on new connections where there are none."""
        state, at_s = self._state[due], self._due_s[due]
        heartbeat_s = self._table.heartbeat_s[state]
        done.open(at_s[~self._connected[due]])
        first_s = at_s + self._limit_s[due]
        if self._any_spread:
            drawn = uniforms(self._keys[due], self._requests[due], OfRequest.SPREAD)
            first_s += all_on_grid(self._spread_s[due] * drawn)
        if self._any_refused:
            refused = self._table.refused[state]
            first_s[refused] = at_s[refused]
            done.take(packed(at_s[~refused], heartbeat_s[~refused]))
        else:
            done.take(packed(at_s, heartbeat_s))
        return _Ask(
            due=due,
            state=state,
            at_s=at_s,
            heartbeat_s=heartbeat_s,
            first_s=first_s,
            cut_s=at_s + (first_s - at_s) * self._tries[due] if self._any_tries else first_s,
            gives_up_s=at_s + self._table.timeout_s[state],
            mail_s=self._mail.next_s(due),
            mail_waited=self._mail_waits[due],
        )

    def _lose(self, ask: _Ask, dead: Ints, end: Ints, next_s: Floats) -> None:
        """Let devices notice that their requests are dead, or refused."""
        how, state, gives_up_s = self._how[ask.due[dead]], ask.state[dead], ask.gives_up_s[dead]
        unheard = (how == 0) | (gives_up_s < ask.cut_s[dead])
        end[dead] = _SILENT + np.where(unheard, 0, how)
        next_s[dead] = np.where(unheard, gives_up_s, ask.cut_s[dead])
        if self._any_refused:
            refused = dead[self._table.refused[state]]
            end[refused] = _REFUSED
            next_s[refused] = ask.at_s[refused] + self._wait_s

    def _leave(self, ask: _Ask, end: Ints, next_s: Floats) -> None:
        """Take those away that leave their network before the request has ended."""
        leaves_s = self._leaves_s[ask.due]
        leaving = leaves_s < next_s
        end[leaving] = _LEFT
        np.copyto(next_s, leaves_s, where=leaving)

    def _ask_again(self, ask: _Ask, next_s: Floats, until_s: float, done: Slice) -> None:
        """Let boxes make requests again at another server for as long as the device waits: Exchange counts each."""
        tries, of_each_s = self._tries[ask.due], ask.first_s - ask.at_s
        early = [self._early]
        for before in range(1, int(tries.max(initial=1))):
            at_s = ask.at_s + before * of_each_s
            again = np.flatnonzero((tries > before) & (at_s < next_s) & ~self._table.refused[ask.state])
            early.append(packed(at_s[again], ask.heartbeat_s[again]))
            self.asked_again += np.bincount(ask.state[again], minlength=len(self.asked_again))
        self._note(np.concatenate(early), until_s, done)

    def _pause(self, ask: _Ask, dead: Ints, end: Ints, next_s: Floats) -> None:
        """Let some of those that lost a request wait before the next; a new network ends the wait."""
        lost = dead[(end[dead] >= _SILENT) & (end[dead] < _REFUSED)]
        devices, habits = ask.due[lost], self._world.habits
        pausing = uniforms(self._keys[devices], self._requests[devices], OfRequest.PAUSE) <= habits.waiting_share
        lost, devices = lost[pausing], devices[pausing]
        self.pauses += np.bincount(ask.state[lost], minlength=len(self.pauses))
        next_s[lost] = np.minimum(next_s[lost] + self._wait_s, self._leaves_s[devices])

    def _close(self, ask: _Ask, end: Ints, next_s: Floats, done: Slice) -> None:
        """Close connections, and say when the firewall forgets them."""
        served = (end <= _AT_ONCE) & self._table.reuses[ask.state]
        served |= end == _REFUSED
        self._connected[ask.due] = served
        gone = np.flatnonzero(~served)
        device, how = ask.due[gone], end[gone]
        at_s, heartbeat_s, cut_s = ask.at_s[gone], ask.heartbeat_s[gone], ask.cut_s[gone]
        forgotten_s = forgotten_at_all(at_s, heartbeat_s, self._world.firewall.limit_s)
        noticed = (how > _SILENT) | ((how == _SILENT) & self._at_firewall[device])
        np.copyto(forgotten_s, np.minimum(cut_s, next_s[gone]), where=noticed)
        np.copyto(forgotten_s, next_s[gone], where=how <= _AT_ONCE)
        done.forget(forgotten_s)

    def _go_deaf(self, ask: _Ask, dead: Ints, next_s: Floats) -> None:
        """Count how long devices are without push, and keep the mail that comes meanwhile."""
        devices = ask.due[dead]
        deaf_s = np.maximum(next_s[dead] - ask.cut_s[dead], 0.0)
        self.deaf_s[devices] += deaf_s
        at_firewall = self._at_firewall[devices] & ~self._table.refused[ask.state[dead]]
        self.deaf_at_firewall_s[devices] += deaf_s * at_firewall
        waits = ask.mail_s < next_s
        self.late_mails += int(np.count_nonzero(waits))
        self.late_s += float(np.sum(next_s[waits] - ask.mail_s[waits]))
        if self._any_refused:
            waits |= ask.mail_waited & self._table.refused[ask.state]
        self._mail_waits[ask.due] = waits
