"""The event feed: what is heard, taken up again, and lost."""

import asyncio
import datetime
import json

import pytest
from aiohttp import ClientSession, web

from hbprobe import warp
from hbprobe.net.address import Address
from hbprobe.net.event_feed import EventFeed
from hbprobe.net.json_api import JsonApi

AT = "2026-11-28T00:00:00.000Z"


def told(number, kept=1000):
    feed = EventFeed(lambda: datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC).timestamp(), kept, "one")
    for count in range(1, number + 1):
        feed.tell("count", n=count, nothing=None, empty="")
    return feed


@pytest.mark.parametrize(
    ("count", "last", "heard"),
    [
        (0, 0, []),
        (3, 0, [1, 2, 3]),
        (3, 2, [3]),
        (3, 3, []),
        (3, 4, ["missed", 1, 2, 3]),
        (3, -1, ["missed", 1, 2, 3]),
        (5, 1, ["missed", 3, 4, 5]),
        (5, 2, [3, 4, 5]),
    ],
)
def test_what_came_after(count, last, heard):
    found = told(count, kept=3).since(last)
    assert [event.get("n", event["event"]) for event in found] == heard
    if "missed" in heard:
        assert found[0]["id"] == found[1]["id"] - 1, "from there it goes on"


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("one-2", 2),
        ("2", 2),
        ("0", 0),
        ("two-2", -1),
        ("a-b-2", -1),
        ("-2", 2),
        ("", None),
        ("one-", None),
        ("one-²", None),
        ("one-" + "9" * 5000, None),
        ("x", None),
    ],
)
def test_the_number_of_an_event(place, number):
    assert told(3).number(place) == number


def test_the_place_is_that_of_the_newest():
    feed = told(3)
    assert (feed.place, feed.since(feed.number(feed.place))) == ("one-3", [])


def read(text):
    """Return the events of a stream: id, kind and data of each."""
    events = []
    for block in text.split("\n\n"):
        lines = dict(line.partition(": ")[::2] for line in block.splitlines())
        if "event" in lines:
            events.append((lines["id"], lines["event"], json.loads(lines["data"])))
    return events


async def stream(session, until, path="/events", **headers):
    """Read the feed until something stands in it."""
    text = ""
    async with session.get(path, headers=headers) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        async for piece in response.content.iter_any():
            text += piece.decode()
            if until in text:
                return text
    raise AssertionError(text)


def followed(script, feed, rate=1.0):
    async def main():
        api = JsonApi([web.get("/events", feed.answer)])
        async with api.opened(Address("127.0.0.1", 0), "") as at, ClientSession(f"http://{at}") as session:
            return await asyncio.wait_for(script(session), 30 * rate)

    return warp.run(main(), warp.ScaledClock(rate))


def test_a_line_that_broke_is_taken_up_where_it_was():
    feed = told(2)

    async def script(session):
        first = await stream(session, '"n": 2')
        feed.tell("count", n=3)
        asyncio.get_running_loop().call_later(0.05, feed.tell, "count")
        second = await stream(session, '"id": 4', **{"Last-Event-ID": "one-2"})
        return read(first), read(second), read(await stream(session, '"id": 4', "/events?last_event_id=3"))

    first, second, third = followed(script, feed)
    assert first == [(f"one-{n}", "count", {"id": n, "at": AT, "event": "count", "n": n}) for n in (1, 2)]
    assert [(place, data.get("n")) for place, _, data in second] == [("one-3", 3), ("one-4", None)]
    assert [place for place, *_ in third] == ["one-4"]


def test_who_was_there_before_a_restart_is_told_so():
    async def script(session):
        return await stream(session, '"n": 3', **{"Last-Event-ID": "before-2"})

    first, *others = read(followed(script, told(3)))
    assert first == ("one-0", "missed", {"id": 0, "event": "missed"})
    assert [place for place, *_ in others] == ["one-1", "one-2", "one-3"]


def test_what_is_no_place_is_refused():
    async def script(session):
        async with session.get("/events", headers={"Last-Event-ID": "x"}) as answer:
            return answer.status, await answer.json()

    status, said = followed(script, told(3))
    assert (status, said["error"][:40]) == (400, "Last-Event-ID must be the id of an event")


def test_a_feed_is_never_quiet_for_long():
    async def script(session):
        return await stream(session, ": nothing happened")

    assert "retry: 2000" in followed(script, told(0), rate=200)


def test_no_more_than_so_many_listen():
    async def script(session):
        opened = [await session.get("/events") for _ in range(64)]
        async with session.get("/events") as refused:
            status = refused.status
        for response in opened:
            response.close()
        while await asks(session) == 503:  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.01)
        return status

    async def asks(session):
        async with session.get("/events") as response:
            return response.status

    assert followed(script, told(0)) == 503
