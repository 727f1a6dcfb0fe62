import pytest

from hbprobe.diagnosis.heartbeat import safe_interval_s
from hbprobe.diagnosis.plan import Means, expected_s, in_heartbeats, left_out, plan
from hbprobe.manner import Manner
from hbprobe.trial.evidence import Ask, Question
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Limit

ALL = Means(far_end=True, elsewhere=True)


def test_everything_at_once():
    assert plan(Limit(600.0, 601.0, Manner.SILENT), ALL) == (
        Ask(Question.POST_MORTEM, 752.25),
        Ask(Question.KEEP_ALIVE, 903.5, 200),
        Ask(Question.SERVER_DRIP, 903.5, 60),
        Ask(Question.CLIENT_DRIP, 903.5, 60),
        Ask(Question.BOTH_DRIP, 903.5, 60),
        Ask(Question.BETWEEN_REQUESTS, 903.5),
        Ask(Question.ELSEWHERE, 600),
        Ask(Question.ELSEWHERE, 752.25),
    )


def test_a_server_that_neither_holds_nor_drips():
    asked = plan(Limit(600, 601, Manner.CLOSED), Means(far_end=False))
    assert [ask.question for ask in asked] == [Question.POST_MORTEM, Question.KEEP_ALIVE]


def test_on_the_warp_clock_there_are_no_keep_alives():
    asked = plan(Limit(600, 601, Manner.SILENT), Means(far_end=True, keep_alives=False))
    assert Question.KEEP_ALIVE not in [ask.question for ask in asked]


@pytest.mark.parametrize(("survived_s", "every_s"), [(1.0, None), (1.1, 1), (5.9, 1), (6.0, 2), (None, 1)])
def test_keep_alives_are_whole_seconds_below_the_limit(survived_s, every_s):
    asked = {ask.question: ask.interval_s for ask in plan(Limit(survived_s, 6.5, Manner.SILENT), Means(False))}
    assert asked.get(Question.KEEP_ALIVE) == every_s


def test_where_nothing_survived_there_is_no_shorter_hold_to_compare():
    asked = plan(Limit(None, 60, Manner.SILENT), ALL)
    assert [ask.hold_s for ask in asked if ask.question is Question.ELSEWHERE] == [76]
    assert {ask.interval_s for ask in asked if ask.question is Question.BOTH_DRIP} == {3}


def test_nothing_is_asked_of_an_open_path():
    assert plan(Limit(3540, None), ALL) == ()


@pytest.mark.parametrize("cut_s", [1.0, 3.0, 60.0, 3600.0])
@pytest.mark.parametrize("survived_s", [None, 0.5])
def test_what_is_to_be_saved_outlives_what_is_to_die(cut_s, survived_s):
    asks = plan(Limit(survived_s, cut_s, Manner.SILENT), ALL)
    holds = {ask.question: ask.hold_s for ask in asks}
    assert cut_s < holds[Question.POST_MORTEM] < holds[Question.BOTH_DRIP]
    assert all(0 < ask.interval_s < cut_s for ask in asks if ask.interval_s and ask.question.value != "keep-alive")


def test_how_long_it_takes():
    assert expected_s((), 3) == 0
    assert expected_s((Ask(Question.POST_MORTEM, 10), Ask(Question.BOTH_DRIP, 15)), 3) == 23


@pytest.mark.parametrize(
    ("longest_s", "step_s", "holds"),
    [
        (None, 1, [753, 904, 600, 753]),
        (700, 1, [700, 700, 600, 700]),
        (None, 60, [780, 960, 600, 780]),
        (601, 1, [600]),
    ],
)
def test_a_heartbeat_is_what_the_server_takes(longest_s, step_s, holds):
    limit = Limit(600.0, 601.0, Manner.SILENT)
    asks = [ask for ask in plan(limit, ALL) if ask.question in METHODS["ping"].asks]
    assert [ask.hold_s for ask in in_heartbeats(tuple(asks), limit, longest_s, step_s)] == holds


def test_a_ping_is_tried_as_often_as_it_is_recommended():
    limit = Limit(600.0, 601.0, Manner.SILENT)
    asked = {ask.question: ask.interval_s for ask in plan(limit, Means(far_end=True, pings=True))}
    assert asked[Question.BOTH_DRIP] == safe_interval_s(limit) == 300
    assert asked[Question.CLIENT_DRIP] == 300
    assert asked[Question.SERVER_DRIP] == 60


def test_what_is_not_asked_is_said():
    beginning = "not asked, for only --method hold, with hbprobe serve at the far end, lets us: "
    assert left_out(METHODS["hold"].asks) == ""
    assert left_out(METHODS["websocket"].asks) == f"{beginning}whether bytes from one end alone save it"
    assert left_out(METHODS["ping"].asks) == f"{beginning}whether bytes save it, and from which end"
