"""What an event says by its inserts and by its text, and which of several say the same."""

import pytest

from hbprobe.evidence.events.entry import RECYCLES, AverageTooLow, EventEntry, average_too_low, distinct
from hbprobe.exchange.window import Command


def entry(
    id_=1040, inserts=(), message="", *, source="MSExchange ActiveSync", at_s=100.0, is_utc=True, computer="EX1"
):
    return EventEntry(id_, source, at_s, is_utc, computer, tuple(inserts), message)


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (entry(inserts=("513", "Ping", "540")), AverageTooLow(513, 540, Command.PING)),
        (entry(inserts=("513", "540")), AverageTooLow(513, 540, None)),
        (entry(message="[207] for [Sync], [540]"), AverageTooLow(207, 540, Command.SYNC)),
        (entry(inserts=("1", "2"), message="[207] [540]"), AverageTooLow(1, 2, None)),
        (entry(3033, inserts=("200", "540")), AverageTooLow(None, 540, None)),
        (entry(inserts=("Ping",)), AverageTooLow(None, None, Command.PING)),
        (entry(inserts=("\u0665", "-3", "540")), AverageTooLow(540, None, None)),
        (entry(1008, inserts=("513", "540")), None),
    ],
)
def test_what_it_says(of, said):
    assert average_too_low(of) == said


@pytest.mark.parametrize(
    ("of", "is_of_interest"),
    [
        (entry(), True),
        (entry(1008), True),
        (entry(min(RECYCLES), source="Microsoft-Windows-WAS"), True),
        (entry(1, source="Microsoft-Windows-WAS"), False),
        (entry(min(RECYCLES), source="Was it you?"), False),
    ],
)
def test_what_is_of_interest(of, is_of_interest):
    assert of.is_of_interest is is_of_interest


def test_the_same_event_in_two_forms_is_one_and_the_clock_in_utc_counts():
    local = entry(message="[513] for [Ping], [540]", at_s=100.9, is_utc=False, computer="ex1.example.test")
    exact = entry(inserts=("513", "Ping", "540"), at_s=100.2)
    assert distinct([local, exact]) == [exact]
    assert distinct([exact, local]) == [exact]


@pytest.mark.parametrize(
    "other",
    [
        entry(inserts=("512", "Ping", "540")),
        entry(inserts=("513", "Ping", "540"), at_s=101.0),
        entry(inserts=("513", "Ping", "540"), computer="EX2"),
    ],
)
def test_events_that_differ_are_kept(other):
    one = entry(inserts=("513", "Ping", "540"))
    assert distinct([one, other]) == [one, other]


def test_without_a_time_each_stands_for_itself():
    timeless = entry(inserts=("513", "Ping", "540"), at_s=None)
    assert len(distinct([timeless, timeless])) == 2
