"""What every stage does unless it does otherwise: it hands on what it is fed, at once and in order."""

import math
import random

from hbprobe.middlebox.stages.stage import Nothing, Stage, StreamEnd


def test_it_hands_on_bytes_and_the_end_when_they_came():
    stage = Stage(Nothing(), random.Random(1), 0.0)
    stage.feed(b"abc", 1.0)
    stage.feed(StreamEnd.FIN, 2.0)
    assert (stage.held, stage.due(), stage.empty) == (3, 1.0, False)
    assert (stage.advance(1.0), stage.due(), stage.held) == (b"abc", 2.0, 0)
    assert not stage.empty, "an end is still in it"
    assert (stage.advance(2.0), stage.due(), stage.empty) == (StreamEnd.FIN, math.inf, True)
    assert not stage.acted


def test_it_is_full_with_as_much_as_it_may_hold():
    stage = Stage(Nothing(), random.Random(1), 0.0)
    stage.feed(bytes(stage.most_held - 1), 0.0)
    assert not stage.full
    stage.feed(b"x", 0.0)
    assert stage.full


def test_what_it_holds_is_not_lost_when_it_is_taken_away():
    stage = Stage(Nothing(), random.Random(1), 0.0)
    stage.feed(b"abc", 0.0)
    stage.feed(StreamEnd.RESET, 0.0)
    assert stage.left() == [b"abc", StreamEnd.RESET]
    assert (stage.held, stage.empty) == (0, True)
