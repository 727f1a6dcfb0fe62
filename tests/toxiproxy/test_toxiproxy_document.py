"""docs/toxiproxy.md, and the feed of events that it describes."""

import dataclasses
import datetime
import json
import re
from pathlib import Path

import pytest

from hbprobe.middlebox.faults.feed import Feed
from hbprobe.middlebox.faults.toxics import SETTINGS
from hbprobe.toxiproxy.api_reading import read_proxy

PAGE = (Path(__file__).parent.parent.parent / "docs" / "toxiproxy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_page_has_every_toxic_with_every_attribute(kind):
    (row,) = re.findall(rf"^\| `{kind}` \|.*", PAGE, re.MULTILINE)
    for field in dataclasses.fields(SETTINGS[kind]):
        assert f"`{field.name}`" in row


def feed(kept=3):
    made = Feed(lambda: datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC), kept)
    for number in range(1, 6):
        made.tell("opened", proxy="web", connection=number, toxic="")
    return made


def test_a_feed_goes_on_where_one_left():
    assert feed().since(4) == [
        {"id": 5, "at": "2026-11-28T00:00:00.000Z", "event": "opened", "proxy": "web", "connection": 5}
    ]
    assert feed().since(5) == []


def test_a_feed_says_what_is_kept_no_more():
    assert [(event["id"], event["event"]) for event in feed().since(0)] == [
        (2, "missed"),
        (3, "opened"),
        (4, "opened"),
        (5, "opened"),
    ]


def test_a_number_of_another_life_of_the_feed_gets_all_that_is_kept():
    told = feed(kept=9).since(77)
    assert [event["event"] for event in told] == ["missed", *["opened"] * 5]
    assert told[0]["id"] == 0


def test_its_configurations_are_read_as_they_stand():
    found = [json.loads(block) for block in re.findall(r"^    \[\{.*(?:\n     +.*)*", PAGE, re.MULTILINE)]
    proxies = [read_proxy(proxy) for configuration in found for proxy in configuration]
    assert [(proxy.name, len(proxy.toxics), proxy.tls is None) for proxy in proxies] == [
        ("web", 1, True),
        ("web", 0, False),
    ]
