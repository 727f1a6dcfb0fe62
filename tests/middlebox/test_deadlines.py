"""Very many deadlines: order, cost and memory, and a naive model that they are compared with."""

import heapq
import math
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from hbprobe.middlebox import deadlines as module
from hbprobe.middlebox.deadlines import Deadlines


@dataclass(eq=False)
class Item:
    due_at: float
    watched_at: float = math.inf

    def due(self):
        return self.due_at


@pytest.fixture
def pushes(monkeypatch):
    """Count what goes into heaps."""
    pushed = []
    push = heapq.heappush

    def counted(heap, entry):
        pushed.append(entry)
        push(heap, entry)

    monkeypatch.setattr(heapq, "heappush", counted)
    return pushed


def watching(*dues):
    deadlines, items = Deadlines(), [Item(due) for due in dues]
    for item in items:
        deadlines.watch(item)
    return deadlines, items


def test_nothing_is_due_where_nothing_is_watched():
    deadlines = Deadlines()
    assert (len(deadlines), deadlines.earliest(), list(deadlines.take_due(math.inf))) == (0, None, [])


def test_hands_out_what_is_due_earliest_first():
    deadlines, (late, early, middle, twin) = watching(30.0, 10.0, 20.0, 20.0)
    assert deadlines.earliest() == 10
    assert list(deadlines.take_due(9.999)) == []
    assert list(deadlines.take_due(20.0)) == [early, middle, twin]
    assert (len(deadlines), deadlines.earliest()) == (1, 30)
    assert list(deadlines.take_due(99.0)) == [late]
    assert (len(deadlines), deadlines.earliest()) == (0, None)


def test_an_item_that_was_put_off_keeps_its_new_place():
    deadlines, (first, second) = watching(10.0, 20.0)
    first.due_at = 25.0
    assert list(deadlines.take_due(30.0)) == [second, first]


def test_an_item_that_was_handed_out_can_be_watched_again():
    deadlines, (item,) = watching(10.0)
    for due in (20.0, 30.0):
        assert list(deadlines.take_due(item.due_at)) == [item]
        item.due_at = due
        deadlines.watch(item)
    assert deadlines.earliest() == 30


def test_a_deadline_that_comes_nearer_is_met():
    deadlines, (item,) = watching(600.0)
    item.due_at = 5.0
    deadlines.watch(item)
    assert (len(deadlines), deadlines.earliest()) == (1, 5)
    assert list(deadlines.take_due(5.0)) == [item]
    assert list(deadlines.take_due(600.0)) == []


def test_what_is_forgotten_is_not_handed_out():
    deadlines, (first, second) = watching(10.0, 20.0)
    deadlines.forget(first)
    deadlines.forget(first)
    assert (len(deadlines), deadlines.earliest()) == (1, 20)
    assert list(deadlines.take_due(99.0)) == [second]
    deadlines.forget(second)
    assert len(deadlines) == 0


def test_what_is_never_due_costs_nothing(pushes):
    deadlines, (item,) = watching(math.inf)
    assert (len(deadlines), deadlines.earliest(), pushes) == (0, None, [])
    deadlines.forget(item)
    assert len(deadlines) == 0


def test_an_item_may_be_forgotten_while_others_are_handed_out():
    deadlines, (first, second, third) = watching(10.0, 20.0, 30.0)
    taken = deadlines.take_due(99.0)
    assert next(taken) is first
    deadlines.forget(second)
    assert list(taken) == [third]


def test_restarting_costs_nothing(pushes):
    deadlines, items = watching(*[600.0] * 10_000)
    assert len(pushes) == 10_000
    for now in range(1, 101):
        for item in items:
            item.due_at = now + 600.0
            deadlines.watch(item)
    assert len(pushes) == 10_000
    assert list(deadlines.take_due(600.0)) == []
    assert len(pushes) == 20_000, "each is looked at once a timer length, however often it was restarted"
    assert deadlines.earliest() == 700


def test_many_short_flows_leave_no_traces():
    deadlines, _ = watching(*[3600.0] * 100)
    for _ in range(10_000):
        item = Item(7200.0)
        deadlines.watch(item)
        deadlines.forget(item)
        assert len(deadlines._heap) <= 2 * 100 + module._FEW + 1
    assert len(deadlines) == 100


def test_one_flow_that_comes_and_goes_leaves_no_traces():
    deadlines, (item,) = watching(600.0)
    for _ in range(1000):
        deadlines.forget(item)
        deadlines.watch(item)
        assert len(deadlines._heap) <= 2 + module._FEW + 1
    assert list(deadlines.take_due(600.0)) == [item]
    assert (len(deadlines), deadlines.earliest()) == (0, None)


class AgainstANaiveModel(RuleBasedStateMachine):
    items = Bundle("items")

    def __init__(self):
        super().__init__()
        self._few, module._FEW = module._FEW, 2  # so that a few steps are enough for a clean-up
        self.deadlines = Deadlines()
        self.watched = []
        self.now = 0.0

    def teardown(self):
        module._FEW = self._few

    @rule(target=items, after=st.integers(0, 20))
    def watch(self, after):
        item = Item(self.now + after)
        self.deadlines.watch(item)
        self.watched.append(item)
        return item

    @rule(item=items, by=st.integers(0, 20))
    def put_off(self, item, by):
        item.due_at += by

    @rule(item=items, by=st.integers(0, 20))
    def draw_nearer(self, item, by):
        if item in self.watched:
            item.due_at = max(self.now, item.due_at - by)
            self.deadlines.watch(item)

    @rule(item=items)
    def forget(self, item):
        self.deadlines.forget(item)
        if item in self.watched:
            self.watched.remove(item)

    @rule(item=items)
    def watch_again(self, item):
        self.deadlines.watch(item)
        if item not in self.watched:
            self.watched.append(item)

    @rule(by=st.integers(0, 30))
    def pass_time(self, by):
        self.now += by
        due = [item for item in self.watched if item.due_at <= self.now]
        taken = list(self.deadlines.take_due(self.now))
        assert [item.due_at for item in taken] == sorted(item.due_at for item in due)
        assert set(taken) == set(due)
        self.watched = [item for item in self.watched if item not in due]

    @invariant()
    def agree(self):
        assert len(self.deadlines) == len(self.watched)
        assert len(self.deadlines._heap) <= 2 * len(self.watched) + module._FEW + 1
        earliest = self.deadlines.earliest()
        assert (earliest is None) == (not self.watched)
        assert earliest is None or earliest <= min(item.due_at for item in self.watched)


TestAgainstANaiveModel = AgainstANaiveModel.TestCase
TestAgainstANaiveModel.settings = settings(max_examples=40)
