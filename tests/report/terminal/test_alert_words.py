"""What an event 1040 or 3033 says of a path in sentences."""

import pytest

from hbprobe.exchange.event_reading import AlertEvent, AskingDevice, Paths
from hbprobe.exchange.window import Command
from hbprobe.records.verdict import EventSaid
from hbprobe.report.terminal.alert_words import event_words

ALWAYS = AskingDevice("a", "App", (Paths(0, None),))
CUTTING = AskingDevice("t", "Textbook", (Paths(0, 300), Paths(480, 900)))


def words(*explanations, average_s=207, command=Command.PING, times=1, answer_alone=True):
    event = AlertEvent(average_s, 540, command, times)
    return event_words(EventSaid(event, explanations), answer_alone=answer_alone)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, "clients asked for 207 s on average with Ping; 540 s or less raise the event"),
        (
            {"command": None, "times": 3},
            "clients asked for 207 s on average; 540 s or less raise the event, logged 3 times",
        ),
        (
            {"average_s": None},
            "clients asked for 540 s or less on average with Ping; it does not tell how much",
        ),
    ],
)
def test_the_event_itself(how, said):
    assert words(**how)[0] == ("event", said)


@pytest.mark.parametrize(
    ("explanations", "follows"),
    [
        ((), "no device that is known does that on any path"),
        ((ALWAYS, CUTTING), "App would on any path, so nothing is certain of the path"),
        ((CUTTING,), "of the known devices only those that lose longer requests, so suspect the path"),
    ],
)
def test_what_follows_for_the_path(explanations, follows):
    assert words(*explanations)[1] == ("means", f"at least one client asked for 207 s or less: {follows}")


def test_of_sync_nothing_follows_and_no_path_is_measured():
    _, (_, means), (_, do) = words(command=Command.SYNC)
    assert "nothing follows for the path" in means
    assert "hbprobe probe" not in do


def test_who_asks_so_and_what_cannot_be_told_come_behind_the_answer():
    lines = words(ALWAYS, CUTTING, answer_alone=False)
    assert lines[:3] == words(ALWAYS, CUTTING)
    assert lines[3:5] == [
        ("who", "App: on any path"),
        ("", "Textbook: on a path that cuts 300 s or on a path that carries 480 s and cuts 900 s"),
    ]
    assert lines[5][0] == "untold"
