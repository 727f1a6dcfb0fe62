"""From many connections to timers: one age is one timer, and what casts doubt on it."""

import random

import pytest
from support.packets import RST, START_S, Talk, reset_after, written

from hbprobe.evidence.captures.answer import answer
from hbprobe.evidence.captures.capture import Capture
from hbprobe.manner import Manner


def test_a_timer_of_several_connections(tmp_path):
    talks = [reset_after(300 + number / 50, number, lived_s=280) for number in range(5)]
    record = Capture([written(tmp_path / "a.pcap", *talks)]).run()
    (timer,) = record.timers
    assert (timer.flows, timer.maker, timer.counts) == (5, "box", None)
    assert timer.limit.survived_s == pytest.approx(280)
    assert timer.limit.cut_s == pytest.approx(300, abs=0.01)
    assert timer.limit.manner is Manner.RESET
    assert timer.confidence > 0.9
    assert answer(record)[0] == (
        "5 of 5 connections died of idleness: a box on the path resets them 300.0 s after the last packet "
        "(300.0 to 300.1)."
    )
    assert record.exit_status == 1


def test_two_deaths_make_no_timer(tmp_path):
    record = Capture([written(tmp_path / "a.pcap", reset_after(300, 1), reset_after(300, 2))]).run()
    assert record.timers == ()
    assert "too few of one kind and age to make a timer" in answer(record)[0]


def test_a_timer_that_others_outlived_is_not_the_paths(tmp_path):
    talks = [reset_after(30, number, lived_s=200 + number) for number in range(6)]
    (timer,) = Capture([written(tmp_path / "a.pcap", *talks)]).run().timers
    assert (timer.limit.survived_s, timer.limit.cut_s, timer.products) == (None, pytest.approx(30, abs=0.01), ())
    assert timer.confidence < 0.5
    assert "were quiet for up to 205.0 s and lived, so it does not hold for every silence" in timer.doubts[-1]


def test_a_timer_that_counts_data_only(tmp_path):
    talks = [reset_after(300, number, every_s=45 + 7 * number) for number in range(5)]
    (timer,) = Capture([written(tmp_path / "a.pcap", *talks)]).run().timers
    assert timer.counts == "data"
    assert timer.age == pytest.approx(300, abs=0.1)


@pytest.mark.parametrize("seed", range(6))
def test_one_timer_stays_one_however_its_machine_is_held_up(tmp_path, seed):
    """A box that was held up strikes all that is overdue when it runs again; in the midst of that it may be again."""
    rng = random.Random(seed)
    looks = [3.0]
    while looks[-1] < 8:
        looks.append(looks[-1] + rng.choice((0.05, 0.05, 0.05, 0.3, 1.5)))
    all_begin_s = rng.choice((0.0, 1.0, 1.9, 1.9))  # who measures was held up, too
    first_late, delay_s = rng.randrange(3, 40), rng.uniform(1.1, 2.0)
    talks = []
    for number in range(50):
        start_s = max(number * 0.04, all_begin_s) + rng.random() / 100
        talk = Talk(client=("198.51.100.7", 50000 + number), at_s=START_S + start_s).open()
        due_s = talk.at_s - START_S + 3
        struck_s = next(look_s for look_s in looks if look_s >= due_s) + number / 10_000
        talks.append(talk.say("server", RST, at_s=struck_s + (number >= first_late) * delay_s, ttl=61))
    (timer,) = Capture([written(tmp_path / "a.pcap", *talks)]).run().timers
    assert (timer.flows, timer.maker) == (50, "box")
    assert 3 <= timer.earliest <= timer.limit.cut_s <= timer.latest


def test_strikes_that_a_held_up_timer_or_a_second_one_explains(tmp_path):
    talks = [reset_after(60, number) for number in range(5)]
    talks += [reset_after(63, 6, port=50010 + number) for number in range(3)]
    (timer,) = Capture([written(tmp_path / "a.pcap", *talks)]).run().timers
    assert timer.flows == 8
    (doubt,) = timer.doubts
    assert doubt.startswith(
        "3 of them died up to 3.0 s later than the others, and all but at once: the timer was held"
    )


def test_two_timers_that_strike_again_and_again_are_two(tmp_path):
    talks = [reset_after(60 + 3 * (number % 2), number) for number in range(10)]
    timers = Capture([written(tmp_path / "a.pcap", *talks)]).run().timers
    assert [(timer.flows, round(timer.age)) for timer in timers] == [(5, 60), (5, 63)]
    assert timers[0].doubts == ()
