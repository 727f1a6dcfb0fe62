"""What goes in and out: documents, and the page that explains them."""

import dataclasses
import datetime
import re
from pathlib import Path

import pytest

from hbprobe.middlebox.events import FlowCounts
from hbprobe.middlebox.toxics import SETTINGS
from hbprobe.toxiproxy.api_documents import metrics_text
from hbprobe.toxiproxy.feed import Feed

PAGE = (Path(__file__).parent.parent.parent / "docs" / "toxiproxy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_page_has_every_toxic_with_every_attribute(kind):
    (row,) = re.findall(rf"^\| `{kind}` \|.*", PAGE, re.MULTILINE)
    for field in dataclasses.fields(SETTINGS[kind]):
        assert f"`{field.name}`" in row


def test_metrics_escape_what_a_name_may_have():
    labels = {"proxy": 'a"b\\c\nd', "listener": "x", "upstream": "y"}
    text = metrics_text([(labels, FlowCounts(bytes_from_client=3), 1, {})])
    assert r'{direction="upstream",proxy="a\"b\\c\nd",listener="x",upstream="y"} 3' in text


def feed(kept=3):
    made = Feed(lambda: datetime.datetime(2026, 11, 28, tzinfo=datetime.UTC), kept)
    for number in range(1, 6):
        made.tell("opened", "web", connection=number, toxic="")
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
