import asyncio
import math

from hbprobe.middlebox.alarm import Alarm


class Item:
    def __init__(self, due_s: float) -> None:
        self.due_s = due_s
        self.watched_at = math.inf

    def due(self) -> float:
        return self.due_s


class Bell:
    """An alarm that writes down who was due, and when it rang."""

    def __init__(self) -> None:
        self.rung: list[tuple[Item, float]] = []
        self.alarm: Alarm[Item] = Alarm(lambda item, now: self.rung.append((item, now)))


async def test_rings_at_the_deadline_and_not_again() -> None:
    bell, item = Bell(), Item(600)
    bell.alarm.watch(item)
    await asyncio.sleep(599.9)
    assert bell.rung == []
    await asyncio.sleep(1000)
    assert bell.rung == [(item, 600)]
    assert len(bell.alarm) == 0


async def test_an_item_that_was_put_off_rings_later() -> None:
    bell, item = Bell(), Item(600)
    bell.alarm.watch(item)
    await asyncio.sleep(500)
    item.due_s = 1100
    await asyncio.sleep(500)
    assert bell.rung == []
    await asyncio.sleep(500)
    assert bell.rung == [(item, 1100)]


async def test_one_that_comes_nearer_rings_earlier() -> None:
    bell, late, early = Bell(), Item(600), Item(300)
    bell.alarm.watch(late)
    bell.alarm.watch(early)
    late.due_s = 100
    bell.alarm.watch(late)
    await asyncio.sleep(1000)
    assert bell.rung == [(late, 100), (early, 300)]


async def test_what_is_forgotten_or_closed_does_not_ring() -> None:
    bell, gone, kept = Bell(), Item(100), Item(200)
    bell.alarm.watch(gone)
    bell.alarm.watch(kept)
    bell.alarm.forget(gone)
    await asyncio.sleep(150)
    bell.alarm.close()
    await asyncio.sleep(1000)
    assert bell.rung == []


async def test_an_item_may_be_watched_again_while_it_rings() -> None:
    rung: list[float] = []

    def ring(item: Item, now: float) -> None:
        rung.append(now)
        item.due_s = now + 100 if len(rung) < 3 else math.inf
        alarm.watch(item)

    alarm = Alarm(ring)
    alarm.watch(Item(50))
    await asyncio.sleep(1000)
    assert rung == [50, 150, 250]
