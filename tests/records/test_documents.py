"""Values as parts of documents about real paths, and back."""

import pytest

from hbprobe.locate.finding import ALL, Hop, Reached
from hbprobe.manner import Manner
from hbprobe.records.documents import AnswerPart, HeldPart, HopPart
from hbprobe.trial.evidence import Ask, Observation, Question
from hbprobe.trial.outcome import Kind, Outcome

CUT = Outcome(Kind.CUT, 300.25, Manner.RESET, exact=True, reason="RST")


@pytest.mark.parametrize("hop", [Hop(1, "192.0.2.1", 0.004, refuses=False), Hop(2, None, None, refuses=False)])
def test_a_hop_comes_back_as_it_was(hop):
    assert HopPart.model_validate(HopPart.of(hop).to_dict()).value() == hop


@pytest.mark.parametrize(("ttl", "written"), [(3, 3), (0, 0), (ALL, None)])
def test_a_held_request_comes_back_and_all_the_way_is_null(ttl, written):
    reached = Reached(ttl, CUT)
    document = HeldPart.of(reached).to_dict()
    assert (document["ttl"], document["outcome"], document["elapsed"]) == (written, "cut", 300.25)
    assert HeldPart.model_validate(document).value() == reached


def test_an_answer_is_what_was_asked_and_what_it_showed_and_empty_text_is_null():
    asked = Ask(Question.KEEP_ALIVE, 600, 60)
    document = AnswerPart.of(Observation(asked, CUT, signed=True, via="1.1 proxy")).to_dict()
    told = {name: document[name] for name in ("question", "hold", "interval", "how", "signed", "via", "server")}
    assert told == {
        "question": "keep-alive",
        "hold": 600,
        "interval": 60,
        "how": "reset",
        "signed": True,
        "via": "1.1 proxy",
        "server": None,
    }
