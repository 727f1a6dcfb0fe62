from dataclasses import replace

import pytest

from hbprobe.manner import Aftermath, Manner
from hbprobe.net.replies import Answer, Broken, End, EndKind
from hbprobe.trial.classify import classify, excuse_of, excused, in_answer, unless_by_far_end, unless_excused
from hbprobe.trial.evidence import Ask, FarEndSaw, FarEndState, Observation, Question
from hbprobe.trial.outcome import Kind, Outcome

TOKEN = b"0123456789abcdef\n"
STARTED_S = 1000.0


def judge(reply, hold_s=600.0, expected=TOKEN, now_s=STARTED_S + 603):
    return classify(reply, hold_s=hold_s, started_s=STARTED_S, now_s=now_s, expected=expected)


def answer(status=200, at_s=600.0, body=TOKEN, **headers):
    return Answer(status, body, STARTED_S + at_s, {name.replace("_", "-"): text for name, text in headers.items()})


def end(kind, at_s, signed=False, detail=""):
    return End(kind, STARTED_S + at_s, signed, detail)


def failed(reason, elapsed_s, status=None, **may_pass):
    return Outcome(Kind.FAILED, elapsed_s, status=status, reason=reason, **may_pass)


OUTAGE = {"again": True, "outage": True}


# The right answer


@pytest.mark.parametrize("at_s", [600.0, 600.001, 602.9])
def test_the_right_answer_survives(at_s):
    assert judge(answer(at_s=at_s)) == Outcome(Kind.SURVIVED, pytest.approx(at_s))


@pytest.mark.parametrize(("hold_s", "at_s"), [(600, 599.3), (600, 588.1), (20, 19.01), (1, 0.3)])
def test_the_right_answer_may_come_a_little_early(hold_s, at_s):
    assert judge(answer(at_s=at_s), hold_s) == Outcome(Kind.SURVIVED, pytest.approx(at_s))


@pytest.mark.parametrize(("hold_s", "at_s"), [(600, 587.9), (20, 18.9), (600, 0.01)])
def test_the_right_answer_much_too_early_means_another_clock(hold_s, at_s):
    text = f"the far end answered after {at_s:.3f} s instead of {hold_s} s: is its clock another?"
    assert judge(answer(at_s=at_s), hold_s) == failed(text, pytest.approx(at_s))


# Ends


each_end = pytest.mark.parametrize(
    ("kind", "signed", "how", "reason"),
    [
        (EndKind.RST, False, Manner.RESET, "RST"),
        (EndKind.RST, True, Manner.RESET, "RST after TLS's close_notify"),
        (EndKind.FIN, False, Manner.CLOSED, "FIN"),
        (EndKind.FIN, True, Manner.CLOSED, "FIN after TLS's close_notify"),
    ],
)


@each_end
@pytest.mark.parametrize(
    ("at_s", "exact"), [(1.0, True), (350.0, True), (599.9, True), (599.96, False), (600.0, False), (602.0, False)]
)
def test_an_end_is_a_cut_whose_time_is_known_if_it_came_before_the_answer_was_due(
    kind, signed, how, reason, at_s, exact
):
    assert judge(end(kind, at_s, signed)) == Outcome(Kind.CUT, pytest.approx(at_s), how, exact, reason=reason)


@each_end
def test_an_end_at_once_is_a_refusal(kind, signed, how, reason):
    text = f"{reason} at once: a server that went down, a proxy that cannot reach it, or another protocol"
    assert judge(end(kind, 0.25, signed)) == failed(text, 0.25, **OUTAGE)
    assert judge(end(kind, 0.25, signed), expected=None) == Outcome(Kind.CUT, 0.25, how, True, reason=reason)


@each_end
def test_an_end_at_the_end_of_a_short_hold_is_a_cut(kind, signed, how, reason):
    assert judge(end(kind, 0.25, signed), hold_s=0.25) == Outcome(Kind.CUT, 0.25, how, reason=reason)


def test_a_connection_that_the_system_gave_up_is_no_evidence():
    outcome = judge(end(EndKind.UNREACHABLE, 12.5, detail="[Errno 113] No route to host"))
    assert outcome == failed("the connection broke: [Errno 113] No route to host", 12.5, **OUTAGE)


@pytest.mark.parametrize("at_s", [5.0, 599.0, 601.0])
def test_bytes_that_are_never_acknowledged_meet_with_silence(at_s):
    """The system gives a dripping connection up after a quarter of an hour: the path was dead at some time before."""
    outcome = judge(end(EndKind.TIMED_OUT, at_s, detail="[Errno 110] Connection timed out"))
    text = "nothing was acknowledged, until the system gave up"
    assert outcome == Outcome(Kind.CUT, at_s, Manner.SILENT, exact=False, reason=text)


@pytest.mark.parametrize(
    ("kind", "how", "name"), [(EndKind.RST, Manner.RESET, "RST"), (EndKind.FIN, Manner.CLOSED, "FIN")]
)
@pytest.mark.parametrize(("at_s", "exact"), [(300.0, True), (600.0, False)])
def test_an_answer_that_is_cut_short(kind, how, name, at_s, exact):
    detail = "the answer was cut short after 5 bytes of its body"
    outcome = judge(Broken(end(kind, at_s), detail, STARTED_S + at_s))
    assert outcome == Outcome(Kind.CUT, at_s, how, exact, reason=f"{detail}: {name}")


def test_an_answer_that_breaks_off_in_damaged_tls_is_no_evidence():
    broken = Broken(end(EndKind.UNREACHABLE, 3, detail="TLS: bad record mac"), "the answer was cut short", 0)
    assert judge(broken) == failed(
        "the answer was cut short: the connection broke: TLS: bad record mac", 3, again=True
    )


def test_what_is_not_http_is_no_evidence():
    text = "the answer is not HTTP: illegal status line"
    assert judge(Broken(None, text, STARTED_S + 0.5)) == failed(text, 0.5)


# Silence


def test_nothing_at_all_is_a_cut_at_or_below_the_hold():
    assert judge(None) == Outcome(Kind.CUT, 603, Manner.SILENT, reason="nothing came")


# Other answers


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 524])
@pytest.mark.parametrize(("at_s", "exact"), [(1.0, True), (60.0, True), (599.96, False), (601.0, False)])
def test_a_proxys_timer_answers_with_a_status(status, at_s, exact):
    assert judge(answer(status, at_s, b"<h1>error</h1>")) == Outcome(
        Kind.CUT, pytest.approx(at_s), Manner.STATUS, exact, status, reason=f"status {status} from a proxy"
    )


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_status_at_once_is_a_proxy_without_a_server(status):
    reason = f"status {status} at once: a proxy that cannot reach the server"
    assert judge(answer(status, 0.2, b"")) == failed(reason, pytest.approx(0.2), status, **OUTAGE)


@pytest.mark.parametrize("body", [b"", TOKEN[:4]])
def test_a_clean_200_cut_short_is_a_proxys_timer(body):
    assert judge(answer(200, 60, body)) == Outcome(
        Kind.CUT, 60, Manner.STATUS, True, 200, reason="status 200 from a proxy"
    )


def test_a_captive_portal_is_no_evidence():
    reason = "the answer is not from hbprobe serve; --method idle can probe any web server"
    assert judge(answer(200, 0.1, b"<h1>Welcome</h1>")) == failed(reason, pytest.approx(0.1), 200)


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (400, "the server refuses the request"),
        (401, "the server wants a login"),
        (403, "the server forbids it"),
        (404, "there is no hbprobe serve at this address; --method idle can probe any web server"),
        (405, "there is no hbprobe serve at this address; --method idle can probe any web server"),
        (407, "a proxy wants a login"),
        (449, "the server wants the device to be provisioned first"),
    ],
)
@pytest.mark.parametrize("at_s", [0.1, 60.0, 601.0])
def test_a_refusal_is_no_evidence_whenever_it_comes(status, what, at_s):
    assert judge(answer(status, at_s, b"")) == failed(f"status {status}: {what}", pytest.approx(at_s), status)


@pytest.mark.parametrize("at_s", [0.1, 60.0])
def test_a_throttle_is_no_evidence(at_s):
    reason = "status 503: the server throttles (120)"
    assert judge(answer(503, at_s, b"", x_ms_asthrottle="120")) == failed(reason, pytest.approx(at_s), 503)


@pytest.mark.parametrize(("headers", "pause_s"), [({}, 30), ({"retry_after": "7"}, 7)])
def test_a_proxy_that_throttles_is_left_alone_for_a_while(headers, pause_s):
    outcome = judge(answer(429, 60, b"", **headers))
    assert outcome == failed("status 429: a proxy throttles", 60, 429, again=True, pause_s=pause_s)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxys_timer_may_ask_to_come_back_later(status):
    """A caching proxy sends Retry-After with its 503; hbprobe serve throttles nobody."""
    outcome = judge(answer(status, 60, b"", retry_after="5"))
    assert outcome == Outcome(Kind.CUT, 60, Manner.STATUS, True, status, reason=f"status {status} from a proxy")


def test_exchange_says_why_it_throttles():
    reply = answer(503, 5, b"", x_ms_asthrottle="RecentSyncs", retry_after="30")
    assert judge(reply) == failed("status 503: the server throttles (RecentSyncs)", 5, 503)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_no_evidence(status):
    text = f"status {status}: the server sends us to https://other.example/"
    assert judge(answer(status, 0.1, b"", location="https://other.example/")) == failed(
        text, pytest.approx(0.1), status
    )
    assert judge(answer(status, 90, b"")).reason == f"status {status}: the server sends us to another place"


# The idle method, where any answer of the server's will do


@pytest.mark.parametrize("status", [200, 302, 401, 404, 503])
def test_any_answer_after_the_silence_survives(status):
    assert judge(answer(status, 600.4, b"anything"), expected=None) == Outcome(Kind.SURVIVED, pytest.approx(600.4))


# What the far end says of itself

SILENT = Outcome(Kind.CUT, 603, Manner.SILENT, reason="nothing came")


@pytest.mark.parametrize("state", FarEndState)
def test_a_silence_beside_a_stall_of_the_far_end_is_no_evidence(state):
    outcome = unless_by_far_end(SILENT, FarEndSaw(state, stalled_s=1.6), grace_s=3)
    text = "the far end stood still for 1.6 s meanwhile, which says nothing of the path"
    assert outcome == Outcome(Kind.FAILED, 603, reason=text, again=True)


def test_a_request_that_a_full_far_end_never_saw_is_no_evidence():
    outcome = unless_by_far_end(SILENT, FarEndSaw(FarEndState.NEVER_ARRIVED, was_full=True), grace_s=3)
    assert (outcome.kind, outcome.again) == (Kind.FAILED, True)
    assert outcome.reason.startswith("the far end turned connections away meanwhile: it had no descriptors left")


@pytest.mark.parametrize(
    "saw",
    [
        None,
        FarEndSaw(FarEndState.UNACKNOWLEDGED),
        FarEndSaw(FarEndState.UNACKNOWLEDGED, stalled_s=1.4),
        FarEndSaw(FarEndState.UNACKNOWLEDGED, was_full=True),
        FarEndSaw(FarEndState.NEVER_ARRIVED),
    ],
)
def test_a_silence_that_the_far_end_has_no_part_in(saw):
    assert unless_by_far_end(SILENT, saw, grace_s=3) == SILENT


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(Kind.SURVIVED, 600),
        Outcome(Kind.FAILED, 0, reason="x"),
        Outcome(Kind.CUT, 300, Manner.RESET, exact=True),
        Outcome(Kind.CUT, 300, Manner.STATUS, status=504),
    ],
)
def test_what_came_from_the_path_stays_what_it_is_whatever_the_far_end_did(outcome):
    saw = FarEndSaw(FarEndState.NEVER_ARRIVED, stalled_s=60, was_full=True)
    assert unless_by_far_end(outcome, saw, grace_s=3) == outcome


ACTING = [Question.KEEP_ALIVE, Question.SERVER_DRIP, Question.CLIENT_DRIP, Question.BOTH_DRIP]


@pytest.mark.parametrize("question", ACTING)
@pytest.mark.parametrize("how", [Manner.SILENT, Manner.RESET, Manner.CLOSED, Manner.STATUS])
def test_whoever_must_keep_the_path_awake_and_stood_still_may_have_let_it_die(question, how):
    outcome, saw = Outcome(Kind.CUT, 5, how), FarEndSaw(FarEndState.CLOSED, stalled_s=1.2)
    assert unless_by_far_end(outcome, saw, 3, Ask(question, 6.0, 1.0)).again
    assert unless_by_far_end(outcome, saw, 3, Ask(question, 60.0, 20.0)) == outcome
    assert unless_by_far_end(outcome, replace(saw, stalled_s=1.6), 3, Ask(question, 60.0, 20.0)).again


@pytest.mark.parametrize("question", sorted(set(Question) - set(ACTING)))
def test_what_came_from_the_path_while_nobody_had_to_act_stays(question):
    outcome = Outcome(Kind.CUT, 5, Manner.RESET)
    assert unless_by_far_end(outcome, FarEndSaw(FarEndState.CLOSED, stalled_s=9), 3, Ask(question, 6.0)) == outcome


@pytest.mark.parametrize("question", Question)
def test_any_question_is_void_where_the_far_end_was_not_there(question):
    seen = Observation(Ask(question, 6.0, 1.0), RESET, far_end=FarEndSaw(FarEndState.RESTARTED))
    found = unless_excused(seen, 3.0)
    assert (found.survived, found.outcome.again) == (None, True)
    assert found.outcome.reason == "the far end was restarted meanwhile"


@pytest.mark.parametrize("question", [Question.CLIENT_DRIP, Question.BOTH_DRIP])
def test_a_far_end_that_waits_for_the_end_of_a_request_is_not_late(question):
    seen = Observation(Ask(question, 6.0, 1.0), CUT_IN_SILENCE, far_end=FarEndSaw(FarEndState.WAITING))
    assert unless_excused(seen, 3.0) == replace(seen, far_end=None)


def test_what_the_far_end_saw_stands_in_the_post_mortem():
    seen = Observation(Ask(Question.POST_MORTEM, 6.0), RESET, far_end=FarEndSaw(FarEndState.CLOSED))
    assert unless_excused(seen, 3.0) == seen


CUT_IN_SILENCE = Outcome(Kind.CUT, 9, Manner.SILENT)
RESET = Outcome(Kind.CUT, 4, Manner.RESET, exact=True)
STATUS = Outcome(Kind.CUT, 4, Manner.STATUS, exact=True, status=504)
CUTS = [CUT_IN_SILENCE, RESET, STATUS]


def excuse(outcome, saw, *, witnessed=True):
    seen = Observation(Ask(Question.POST_MORTEM, 6.0), outcome, far_end=saw)
    return excuse_of(seen, 3.0, witnessed=witnessed)


@pytest.mark.parametrize("outcome", CUTS)
@pytest.mark.parametrize("state", [FarEndState.RESTARTED, FarEndState.UNREACHABLE])
def test_a_far_end_that_was_not_there(outcome, state):
    assert excuse(outcome, FarEndSaw(state))


@pytest.mark.parametrize("outcome", CUTS)
def test_a_witness_that_falls_silent(outcome):
    assert excuse(outcome, None)
    assert excuse(outcome, None, witnessed=False) is None


def test_a_far_end_that_is_late():
    assert excuse(CUT_IN_SILENCE, FarEndSaw(FarEndState.WAITING)) == (
        "the far end is late: it has not answered yet, though that was due after 6 s"
    )
    assert excuse(CUT_IN_SILENCE, FarEndSaw(FarEndState.ACKNOWLEDGED, answered_s=10.1)) == (
        "the far end was late: it answered after 10.1 s instead of 6 s"
    )


@pytest.mark.parametrize("outcome", [RESET, STATUS])
def test_who_cuts_early_need_not_wait_for_the_far_end(outcome):
    assert excuse(outcome, FarEndSaw(FarEndState.WAITING)) is None


def test_a_proxy_that_asks_twice_is_not_the_far_ends_doing():
    assert excuse(CUT_IN_SILENCE, FarEndSaw(FarEndState.WAITING, times=2)) is None


@pytest.mark.parametrize("answered_s", [6.0, 6.4, 7.4])
@pytest.mark.parametrize(
    "state", [FarEndState.ACKNOWLEDGED, FarEndState.UNACKNOWLEDGED, FarEndState.ANSWERED, FarEndState.GAVE_UP]
)
def test_an_answer_in_time_that_did_not_arrive_is_the_paths_doing(state, answered_s):
    assert excuse(CUT_IN_SILENCE, FarEndSaw(state, answered_s=answered_s)) is None


def test_what_survived_needs_no_excuse():
    assert excuse(Outcome(Kind.SURVIVED, 6), FarEndSaw(FarEndState.RESTARTED)) is None


def test_an_excused_cut_is_no_evidence_and_is_made_again():
    outcome = excused(replace(STATUS, evidence=("a",)), "the far end was restarted meanwhile")
    assert (outcome.kind, outcome.how, outcome.exact, outcome.again, outcome.outage) == (
        Kind.FAILED, None, False, True, True,
    )  # fmt: skip
    assert (outcome.status, outcome.evidence) == (504, ("a",))


@pytest.mark.parametrize(
    ("saw", "is_outage"),
    [
        (FarEndSaw(FarEndState.RESTARTED), True),
        (FarEndSaw(FarEndState.UNREACHABLE), True),
        (FarEndSaw(FarEndState.WAITING), False),
        (FarEndSaw(FarEndState.ACKNOWLEDGED, answered_s=10.1), False),
    ],
)
def test_a_far_end_that_is_late_is_no_outage(saw, is_outage):
    """It is there: it is asked a few times more, and not waited for as one that went away."""
    outcome = excused(CUT_IN_SILENCE, excuse(CUT_IN_SILENCE, saw))
    assert (outcome.kind, outcome.again, outcome.outage) == (Kind.FAILED, True, is_outage)


@pytest.mark.parametrize(
    ("kind", "how", "aftermath", "reason"),
    [
        (EndKind.RST, Manner.RESET, Aftermath.RESET, "RST in answer to the next packet"),
        (EndKind.FIN, Manner.CLOSED, Aftermath.CLOSED, "FIN in answer to the next packet"),
        (EndKind.TIMED_OUT, Manner.SILENT, None, "nothing was acknowledged, until the system gave up"),
    ],
)
def test_an_end_in_answer_to_what_was_asked_did_not_come_by_itself(kind, how, aftermath, reason):
    end = End(kind, 61.0)
    outcome = classify(end, hold_s=60, started_s=0, now_s=61, expected=None)
    found = in_answer(outcome, end, "the next packet")
    assert (found.how, found.aftermath, found.exact, found.reason) == (how, aftermath, False, reason)
