"""The event feed: what is heard, taken up again, and lost."""

import asyncio
import json

import pytest
from aiohttp import ClientSession, web

from hbprobe import warp
from hbprobe.net.address import Address
from hbprobe.net.json_api import JsonApi
from hbprobe.web.event_stream import EventStream


def told(number, life="one"):
    feed = EventStream(life)
    for count in range(1, number + 1):
        feed.tell("count", {"n": count})
    return feed


@pytest.mark.parametrize(
    ("number", "place", "heard"),
    [
        (0, "one-0", []),
        (3, "one-0", [1, 2, 3]),
        (3, "one-2", [3]),
        (3, "one-3", []),
        (3, "one-4", None),
        (3, "one-", None),
        (3, "one--1", None),
        (3, "two-2", None),
        (3, "2", None),
        (3, "", None),
        (3, "one-" + "9" * 5000, None),
        (3, "one-²", None),
        (1005, "one-4", None),
        (1005, "one-1004", [1005]),
    ],
)
def test_what_came_after(number, place, heard):
    after = told(number).after(place)
    assert (None if after is None else [event.number for event in after]) == heard


def test_all_that_is_kept_can_be_taken_up():
    feed = told(1005)
    assert [event.number for event in feed.after("one-5")] == list(range(6, 1006))
    assert feed.after(feed.place) == []


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
        first = await stream(session, '"n": 2', "/events?after=one-0")
        feed.tell("count", {"n": 3})
        asyncio.get_running_loop().call_later(0.05, feed.tell, "count", {"n": 4})
        return read(first), read(await stream(session, '"n": 4', **{"Last-Event-ID": "one-2"}))

    first, second = followed(script, feed)
    assert first == [("one-1", "count", {"n": 1}), ("one-2", "count", {"n": 2})]
    assert second == [("one-3", "count", {"n": 3}), ("one-4", "count", {"n": 4})]


def test_who_has_missed_too_much_asks_for_everything():
    async def script(session):
        return await stream(session, "anew", **{"Last-Event-ID": "before-7"})

    assert read(followed(script, told(3))) == [("one-3", "anew", {})]


def test_a_feed_is_never_quiet_for_long():
    async def script(session):
        return await stream(session, ": nothing new", "/events?after=one-0")

    assert "retry: 2000" in followed(script, told(0), rate=200)


def test_no_more_than_so_many_look_on():
    async def script(session):
        opened = [await session.get("/events?after=one-0") for _ in range(64)]
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
