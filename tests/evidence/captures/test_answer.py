"""What a record of captures says in a few sentences."""

import pytest

from hbprobe.evidence.captures.answer import answer, timer_words
from hbprobe.manner import Aftermath, Manner
from hbprobe.records.capture import CaptureRecord, CaptureTimerPart


def record(connections=10, timers=(), **endings):
    named = {name.replace("_", "-"): count for name, count in endings.items()}
    return CaptureRecord(
        sources=(), connections=connections, judged=connections, endings=named, timers=timers, flows=()
    )


def timer(manner=Manner.SILENT, aftermath=None, exact=False, survived_s=None, cut_s=None, **more):
    limit = {
        "survived": survived_s,
        "cut": cut_s,
        "how": manner,
        "status": None,
        "exact": exact,
        "aftermath": aftermath,
        "causes": [],
        "evidence": [],
    }
    told = {"limit": limit, "confidence": 0.9, "flows": 4, "earliest": 300, "latest": 301, "age": 300.4}
    told |= {"maker": "box", "in_name_of": "server", "counts": None, "between_captures": False, "servers": ()}
    return CaptureTimerPart.model_validate(told | more)


@pytest.mark.parametrize(
    ("of", "sentences"),
    [
        (record(0), ["The capture holds no TCP connection, so there is nothing to report."]),
        (record(alive=10), ["None of 10 connections died of idleness."]),
        (record(ended_idle=2), ["None of 10 connections is known to have died of idleness; 2 ended while idle."]),
        (
            record(idle_death=2),
            ["2 of 10 connections died of idleness; too few of one kind and age to make a timer."],
        ),
        (
            record(1, late_answer=1),
            [
                "None of 1 connection died of idleness.",
                "1 answer came after the client had hung up: the server was late, not the path.",
            ],
        ),
        (
            record(cannot_tell=3),
            ["None of 10 connections died of idleness.", "For 3 connections the capture cannot tell."],
        ),
    ],
)
def test_what_is_said_without_a_timer(of, sentences):
    assert answer(of) == sentences


def test_deaths_that_no_timer_explains_are_counted_behind_it():
    said = answer(record(timers=(timer(cut_s=300),), idle_death=5, ended_idle=1))
    assert said[0].startswith("4 of 10 connections died of idleness: a box on the path forgets them")
    assert said[1:] == ["2 more ended while idle, too few of one kind and age to make a timer."]


def test_at_most_four_products_are_named():
    products = [{"id": str(number), "name": f"Box {number}", "reasons": []} for number in range(6)]
    said = answer(record(timers=(timer(cut_s=300, products=products),), idle_death=4))
    assert said[1:] == ["Products that ship with such a timer: Box 0, Box 1, Box 2, Box 3."]


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (
            timer(cut_s=300.0),
            "died of idleness: a box on the path forgets them at or before 300.0 s after the last packet",
        ),
        (
            timer(survived_s=280.0, cut_s=300.0),
            (
                "died of idleness: a box on the path forgets them at or before 300.0 s after the last packet, and "
                "above 280.0 s, which others came through"
            ),
        ),
        (
            timer(Manner.RESET, exact=True, counts="data"),
            (
                "died of idleness: a box on the path resets them 300.4 s after the last payload (300.0 to 301.0); it "
                "counts data only, keep-alives do not help"
            ),
        ),
        (
            timer(Manner.CLOSED, exact=True, counts="packets", between_captures=True),
            (
                "died of idleness: a box between the two captures closes them 300.4 s after the last packet (300.0 "
                "to 301.0); it counts every packet, keep-alives help"
            ),
        ),
        (
            timer(Manner.CLOSED, exact=True, maker="unknown"),
            (
                "ended while idle: the server, or a box in its name, closes them 300.4 s after the last packet "
                "(300.0 to 301.0)"
            ),
        ),
        (
            timer(Manner.RESET, exact=True, maker="client"),
            "ended while idle: the client resets them 300.4 s after the last packet (300.0 to 301.0)",
        ),
        (
            timer(maker="unknown"),
            "died of idleness: something on the path forgets them at or before 300.0 s after the last packet",
        ),
        (
            timer(aftermath=Aftermath.RESET, cut_s=300.0),
            (
                "died of idleness: a box on the path forgets them, and answers the next packet with RST, at or "
                "before 300.0 s after the last packet"
            ),
        ),
        (
            timer(aftermath=Aftermath.CLOSED, cut_s=300.0),
            (
                "died of idleness: a box on the path forgets them, and answers the next packet with FIN, at or "
                "before 300.0 s after the last packet"
            ),
        ),
    ],
)
def test_what_a_timer_does_and_when(of, words):
    assert timer_words(of) == words
