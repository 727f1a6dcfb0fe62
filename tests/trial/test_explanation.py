from dataclasses import replace

import pytest

from hbprobe.manner import Aftermath, Manner
from hbprobe.trial.evidence import Ask, FarEndSaw, FarEndState, Observation, Question
from hbprobe.trial.explanation import explain, explained
from hbprobe.trial.outcome import Cause, Kind, Outcome

LOST, ON_NEXT, LATE = Cause.STATE_LOST_SILENTLY, Cause.STATE_LOST_RESET_ON_NEXT, Cause.ANSWERED_LATE
HELD, DOWN = Cause.HELD_BY_PROXY, Cause.PATH_DOWN
BY_PROXY, BY_SERVER = Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER
RST_BOX, RST_SERVER = Cause.RESET_BY_BOX, Cause.RESET_BY_SERVER
ALIVE = [
    FarEndState.WAITING,
    FarEndState.UNASKED,
    FarEndState.UNACKNOWLEDGED,
    FarEndState.ACKNOWLEDGED,
    FarEndState.ANSWERED,
    FarEndState.RESET,
    FarEndState.CLOSED,
    FarEndState.GAVE_UP,
    FarEndState.NEVER_ARRIVED,
]


def causes(seen):
    return explain(seen, tls=True).causes


@pytest.mark.parametrize(
    ("state", "because"),
    [
        (None, (LOST,)),
        (FarEndState.UNACKNOWLEDGED, (LOST,)),
        (FarEndState.WAITING, (LOST,)),
        (FarEndState.UNASKED, (LOST,)),
        (FarEndState.RESET, (LOST,)),
        (FarEndState.UNREACHABLE, (DOWN,)),
    ],
)
def test_nothing_is_acknowledged(facts, state, because):
    assert causes(facts.silent(Aftermath.NOTHING, state)) == because


@pytest.mark.parametrize(
    ("state", "because"),
    [
        (None, (ON_NEXT, RST_SERVER)),
        (FarEndState.UNACKNOWLEDGED, (ON_NEXT,)),
        (FarEndState.UNASKED, (ON_NEXT,)),
        (FarEndState.RESET, (ON_NEXT,)),
        (FarEndState.RESTARTED, (RST_SERVER,)),
        (FarEndState.UNREACHABLE, (RST_SERVER,)),
    ],
)
def test_rst_answers_the_next_packet(facts, state, because):
    assert causes(facts.silent(Aftermath.RESET, state)) == because


@pytest.mark.parametrize(
    ("saw", "because"),
    [
        (FarEndSaw(FarEndState.RESET, at_s=750.2, answered_s=750), (ON_NEXT,)),
        (FarEndSaw(FarEndState.RESET, at_s=754, answered_s=750), (ON_NEXT, RST_BOX)),
        (FarEndSaw(FarEndState.CLOSED, at_s=754, answered_s=750), (ON_NEXT, RST_BOX)),
        (FarEndSaw(FarEndState.ACKNOWLEDGED, answered_s=750), (ON_NEXT, RST_BOX)),
    ],
)
def test_who_took_the_answer_and_let_it_lie_still_had_the_connection(facts, saw, because):
    assert causes(replace(facts.silent(Aftermath.RESET), far_end=saw)) == because


@pytest.mark.parametrize(
    ("state", "because"),
    [
        (None, (LATE, HELD)),
        (FarEndState.WAITING, (LATE,)),
        (FarEndState.UNASKED, (HELD,)),
        (FarEndState.UNACKNOWLEDGED, (LOST, HELD)),
        (FarEndState.GAVE_UP, (LOST, HELD)),
        (FarEndState.ACKNOWLEDGED, (HELD,)),
        (FarEndState.ANSWERED, (HELD,)),
        (FarEndState.CLOSED, (HELD,)),
        (FarEndState.RESET, (HELD,)),
        (FarEndState.NEVER_ARRIVED, (HELD,)),
        (FarEndState.UNREACHABLE, (DOWN,)),
    ],
)
def test_the_packet_is_acknowledged(facts, state, because):
    assert causes(facts.silent(Aftermath.ACKNOWLEDGED, state)) == because


@pytest.mark.parametrize("state", [None, FarEndState.UNACKNOWLEDGED, FarEndState.ACKNOWLEDGED])
def test_a_packet_that_brings_the_connection_back(facts, state):
    assert causes(facts.silent(Aftermath.ACKNOWLEDGED, state, woke=True)) == (LOST,)


@pytest.mark.parametrize(
    ("state", "because"),
    [
        (None, (LOST, LATE)),
        (FarEndState.WAITING, (LATE,)),
        (FarEndState.UNASKED, (LOST, HELD)),
        (FarEndState.UNACKNOWLEDGED, (LOST,)),
        (FarEndState.RESET, (LOST,)),
        (FarEndState.ACKNOWLEDGED, (HELD, LOST)),
        (FarEndState.NEVER_ARRIVED, (HELD, LOST)),
        (FarEndState.UNREACHABLE, (DOWN,)),
    ],
)
def test_a_system_that_tells_nothing(facts, state, because):
    assert causes(facts.silent(None, state)) == because


def test_the_answer_came_after_all(facts):
    assert causes(facts.silent(Aftermath.ACKNOWLEDGED, FarEndState.WAITING, late_s=4)) == (LATE,)


def test_a_proxy_that_asks_again(facts):
    assert causes(facts.silent(Aftermath.ACKNOWLEDGED, FarEndState.WAITING, times=2)) == (HELD,)


@pytest.mark.parametrize("state", [None, *ALIVE])
def test_a_status(facts, state):
    assert causes(facts.ended(Manner.STATUS, state, status=504)) == (Cause.PROXY_STATUS,)


@pytest.mark.parametrize(("how", "box"), [(Manner.CLOSED, BY_PROXY), (Manner.RESET, RST_BOX)])
@pytest.mark.parametrize("state", ALIVE)
@pytest.mark.parametrize("signed", [False, True])
def test_an_end_that_the_far_end_did_not_make(facts, how, box, state, signed):
    assert causes(facts.ended(how, state, signed=signed)) == (box,)


@pytest.mark.parametrize(
    ("how", "box", "server"), [(Manner.CLOSED, BY_PROXY, BY_SERVER), (Manner.RESET, RST_BOX, RST_SERVER)]
)
def test_an_end_of_unknown_origin(facts, how, box, server):
    assert causes(facts.ended(how)) == (box, server)
    assert causes(facts.ended(how, signed=True)) == (server, box)
    assert causes(facts.ended(how, FarEndState.UNREACHABLE)) == (server, box)
    assert causes(facts.ended(how, FarEndState.RESTARTED)) == (server,)


def test_fin_answers_the_next_packet(facts):
    assert causes(facts.silent(Aftermath.CLOSED)) == (BY_PROXY, BY_SERVER)
    assert causes(facts.silent(Aftermath.CLOSED, FarEndState.WAITING)) == (BY_PROXY,)


def test_rst_answers_the_next_request_of_the_idle_method():
    seen = Observation(
        Ask(Question.POST_MORTEM, 750),
        Outcome(Kind.CUT, 750, Manner.RESET, aftermath=Aftermath.RESET),
        announced_s=75,
    )
    assert causes(seen) == (ON_NEXT, RST_SERVER)


def test_a_request_that_lived(facts):
    found = explain(facts.asked(Question.POST_MORTEM, True, hold_s=750), tls=False)
    assert found.causes == ()
    assert found.evidence == ("a request that was quiet for 12 min 30 s lived: the limit is not the same each time",)


# Evidence


def test_the_evidence_of_silence(facts):
    assert explain(facts.silent(Aftermath.NOTHING, FarEndState.WAITING, retransmits=2), tls=True).evidence == (
        "nothing came here, though the answer was due after 12 min 30 s",
        "one more packet from here was not acknowledged, though it was sent again and again",
        "the far end: it has not answered yet, and its connection stands",
    )


def test_the_evidence_of_an_end(facts):
    assert explain(facts.ended(Manner.CLOSED, FarEndState.RESET), tls=True).evidence == (
        "FIN came after 10 min",
        "no close_notify of TLS came before it, as from a box without the keys of the connection",
        "the far end: its connection was reset 10 min after the request came",
    )
    assert explain(facts.ended(Manner.RESET, signed=True), tls=True).evidence == (
        "RST came after 10 min",
        "TLS's close_notify came first: whoever ended it holds the keys of the connection",
    )
    assert explain(facts.ended(Manner.RESET), tls=False).evidence == ("RST came after 10 min",)


@pytest.mark.parametrize(
    ("how", "aftermath", "end"), [(Manner.RESET, Aftermath.RESET, "RST"), (Manner.CLOSED, Aftermath.CLOSED, "FIN")]
)
def test_the_evidence_of_an_end_in_answer_to_what_was_asked(facts, how, aftermath, end):
    seen = facts.ended(how)
    seen = replace(seen, outcome=replace(seen.outcome, exact=False, aftermath=aftermath))
    assert explain(seen, tls=False).evidence == (f"{end} came in answer to what was asked after 10 min",)


def test_the_evidence_of_a_status(facts):
    assert explain(facts.ended(Manner.STATUS, status=504, server="nginx\x1b"), tls=True).evidence == (
        "status 504 came after 10 min",
        "whoever answered calls itself 'nginx\\x1b'",
    )


def test_the_evidence_of_a_late_server(facts):
    seen = facts.silent(None, FarEndState.WAITING, late_s=4.04)
    assert explain(seen, tls=True).evidence[1:] == (
        "this system does not tell whether one more packet was acknowledged",
        "the far end: it has not answered yet, and its connection stands",
        "the answer came after all, 4.04 s late",
    )


def of_session(after_s, how=Manner.CLOSED, **more):
    outcome = Outcome(Kind.CUT, after_s, how, exact=True)
    return Observation(Ask(Question.POST_MORTEM, 2000), outcome, own_limit="a limit", own_limit_s=1800, **more)


MAY_END = "a server of this protocol may end it by itself"


@pytest.mark.parametrize("how", [Manner.CLOSED, Manner.RESET])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    ("after_s", "early"), [(4, True), (359, True), (361, False), (1799, False), (1801, False), (3600, False)]
)
def test_what_comes_far_below_a_servers_own_limit_is_rather_anothers(how, signed, after_s, early):
    """It may still be set so, and both are named."""
    box, server = (BY_PROXY, BY_SERVER) if how is Manner.CLOSED else (RST_BOX, RST_SERVER)
    found = explain(of_session(after_s, how, signed=signed), tls=True)
    assert found.causes == ((box, server) if early else (server, box))
    usual = " so early only where it is set far below the usual" if early else ""
    assert found.evidence[-1] == f"{MAY_END}{usual}: a limit"


def test_a_limit_whose_usual_length_nobody_says_is_told_as_it_is():
    found = explain(replace(of_session(4), own_limit_s=None), tls=True)
    assert (found.causes, found.evidence[-1]) == ((BY_SERVER, BY_PROXY), f"{MAY_END}: a limit")


def test_words_before_the_end_say_more_than_its_time():
    clear = of_session(4, signed=True, disconnect_notice="'421 timeout' in the clear, in the middle of TLS")
    assert causes(clear) == (BY_SERVER, BY_PROXY)
    assert causes(of_session(4, disconnect_notice="BYE", by_server=True)) == (BY_SERVER,)


def test_the_evidence_of_what_came_back_and_came_twice(facts):
    seen = facts.silent(Aftermath.ACKNOWLEDGED, FarEndState.WAITING, woke=True, times=2)
    woken, again = explain(seen, tls=True).evidence[2:]
    assert woken == "that packet brought the connection back: what had been held up came after it"
    assert again.endswith("its connection stands; the request came 2 times, as from a proxy that asks again")


def test_the_evidence_of_an_answer_and_of_an_announcement():
    seen = Observation(
        Ask(Question.POST_MORTEM, 100),
        Outcome(Kind.CUT, 75, Manner.CLOSED, exact=True),
        announced_s=75,
        far_end=FarEndSaw(FarEndState.UNACKNOWLEDGED, answered_s=100),
    )
    assert explain(seen, tls=False).evidence == (
        "FIN came after 1 min 15 s",
        "the server announces that it keeps a quiet connection for 1 min 15 s",
        "the far end: it has answered, and nobody acknowledges the answer (it answered after 1 min 40 s)",
    )


# While nothing is asked


def quiet(after_s, *, server="", signed=False, announced_s=None, how=Manner.CLOSED):
    outcome = Outcome(Kind.CUT, after_s, how, exact=True)
    ask = Ask(Question.POST_MORTEM, 900)
    return Observation(ask, outcome, quiet=True, signed=signed, server=server, announced_s=announced_s)


@pytest.mark.parametrize(
    ("seen", "tls", "because"),
    [
        (quiet(61, announced_s=60), True, (BY_SERVER,)),
        (quiet(75, server="nginx/1.22.1"), True, (BY_SERVER,)),
        (quiet(75), True, (BY_SERVER, BY_PROXY)),
        (quiet(200, signed=True), True, (BY_SERVER, BY_PROXY)),
        (quiet(200), False, (BY_SERVER, BY_PROXY)),
        (quiet(200, announced_s=600), True, (BY_PROXY, BY_SERVER)),
    ],
)
def test_who_closes_a_connection_on_which_nothing_is_asked(seen, tls, because):
    assert explain(seen, tls=tls).causes == because


def test_what_servers_ship_and_announce_is_told_with_the_end():
    told = explain(quiet(75, announced_s=75), tls=True).evidence
    assert told[2:] == (
        "the server announces that it keeps a quiet connection for 1 min 15 s",
        "so long does a quiet connection live, as shipped, at nginx (keepalive_timeout)",
    )
    assert not any("as shipped" in one for one in explain(quiet(1234.5), tls=True).evidence)


def test_an_outcome_gets_causes_and_aftermath_where_it_is_a_cut_and_only_there(facts):
    seen = facts.silent(Aftermath.RESET, FarEndState.UNACKNOWLEDGED)
    outcome = explained(seen, tls=True)
    assert (outcome.causes, outcome.aftermath) == ((ON_NEXT,), Aftermath.RESET)
    assert outcome.evidence == explain(seen, tls=True).evidence
    lived = Observation(Ask(Question.POST_MORTEM, 900), Outcome(Kind.SURVIVED, 900))
    assert explained(lived, tls=True) is lived.outcome
