from dataclasses import replace

import pytest

from hbprobe.diagnosis.reasoning import BoxKind, Direction, Movement, Runs, Whose, reason
from hbprobe.manner import Aftermath, Manner
from hbprobe.trial.evidence import FarEndState, Question
from hbprobe.trial.methods.table import METHODS, may_be_http, server_timer_counts
from hbprobe.trial.outcome import Cause, Limit

Q = Question
PACKET, TCP, HTTP, SERVER = BoxKind.PACKET, BoxKind.TCP, BoxKind.HTTP, BoxKind.SERVER
BY_PROXY, BY_SERVER = Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER


def drips(facts, client, server, both, how=Manner.SILENT):
    asked = zip((Q.CLIENT_DRIP, Q.SERVER_DRIP, Q.BOTH_DRIP), (client, server, both), strict=True)
    return [facts.asked(question, survived, how=how) for question, survived in asked]


@pytest.mark.parametrize(
    ("saved", "runs", "direction"),
    [
        ((True, True, True), Runs.IDLE, Direction.EITHER),
        ((True, False, True), Runs.IDLE, Direction.CLIENT),
        ((False, True, True), Runs.IDLE, Direction.SERVER),
        ((False, False, True), Runs.IDLE, Direction.BOTH),
        ((False, False, False), Runs.TOTAL, None),
        ((None, None, None), None, None),
        ((None, True, None), Runs.IDLE, None),
        ((False, False, None), None, None),
    ],
)
def test_what_drips_tell(facts, saved, runs, direction):
    found = reason(
        facts.limit(), [facts.silent(state=FarEndState.UNACKNOWLEDGED), *drips(facts, *saved)], "hold", tls=True
    )
    assert (found.runs, found.direction) == (runs, direction)


@pytest.mark.parametrize(
    ("alive", "dripped", "counts", "kinds"),
    [
        (True, True, Movement.PACKETS, (PACKET,)),
        (False, True, Movement.DATA, (TCP, PACKET)),
        (False, False, None, (PACKET,)),
        (None, True, None, (PACKET,)),
    ],
)
def test_what_keep_alives_tell_of_silence(facts, alive, dripped, counts, kinds):
    seen = [facts.silent(), facts.asked(Q.KEEP_ALIVE, alive), *drips(facts, dripped, dripped, dripped)]
    found = reason(facts.limit(), seen, "hold", tls=True)
    assert (found.counts, found.kinds) == (counts, kinds)


def test_a_post_mortem_that_could_not_be_had_says_nothing(facts):
    """Neither that the request lived, nor what became of it."""
    unknown = facts.asked(Q.POST_MORTEM, None)
    drip = facts.asked(Q.CLIENT_DRIP, None)
    assert reason(facts.limit(), [unknown, drip], "hold", tls=True) == reason(facts.limit(), [drip], "hold", tls=True)


def test_a_drip_that_only_puts_the_end_of_the_request_off(facts):
    """A total time that begins when the request is whole is no idle timer, though a drip seems to set it back."""
    died = facts.ended(Manner.STATUS, FarEndState.CLOSED, status=504)
    seen = [died, *drips(facts, True, False, True), facts.asked(Q.KEEP_ALIVE, False)]
    found = reason(facts.limit(Manner.STATUS, status=504), seen, "hold", tls=True)
    assert (found.runs, found.direction, found.kinds) == (Runs.FROM_REQUEST, None, (HTTP,))
    silent = [facts.silent(state=FarEndState.UNACKNOWLEDGED), *drips(facts, True, False, True)]
    assert reason(facts.limit(), silent, "hold", tls=True).direction is Direction.CLIENT


def test_bytes_from_both_ends_that_do_not_save_what_either_does(facts):
    seen = [facts.silent(state=FarEndState.UNACKNOWLEDGED), *drips(facts, True, True, False)]
    assert reason(facts.limit(), seen, "hold", tls=True).direction is Direction.ALONE


def test_keep_alives_alone_show_an_idle_timer(facts):
    found = reason(facts.limit(), [facts.silent(), facts.asked(Q.KEEP_ALIVE, True)], "idle", tls=True)
    assert (found.runs, found.counts, found.kinds) == (Runs.IDLE, Movement.PACKETS, (PACKET,))


@pytest.mark.parametrize(("alive", "kinds"), [(True, (PACKET,)), (False, (TCP, HTTP)), (None, (PACKET, TCP, HTTP))])
def test_what_keep_alives_tell_of_rst(facts, alive, kinds):
    limit, died = facts.limit(Manner.RESET), facts.ended(Manner.RESET, FarEndState.RESET)
    seen = [died, facts.asked(Q.KEEP_ALIVE, alive, how=Manner.RESET), *drips(facts, True, True, True)]
    assert reason(limit, seen, "hold", tls=True).kinds == kinds


@pytest.mark.parametrize(
    ("tls", "signed", "between", "kinds"),
    [
        (True, False, None, (TCP,)),
        (True, True, None, (HTTP,)),
        (False, False, None, (TCP, HTTP)),
        (False, False, False, (TCP,)),
        (False, False, True, (HTTP,)),
        (True, False, True, (HTTP,)),
    ],
)
def test_who_sends_fin(facts, tls, signed, between, kinds):
    seen = [facts.ended(Manner.CLOSED, FarEndState.CLOSED, signed=signed)]
    if between is not None:
        seen.append(facts.asked(Q.BETWEEN_REQUESTS, between, how=Manner.CLOSED))
    assert reason(facts.limit(Manner.CLOSED), seen, "hold", tls=tls).kinds == kinds


@pytest.mark.parametrize(("at_s", "kind"), [(600, TCP), (650, TCP), (900, HTTP), (75, HTTP)])
def test_another_timer_between_requests_is_one_that_knows_requests(facts, at_s, kind):
    between = facts.asked(Q.BETWEEN_REQUESTS, False, at_s=at_s, how=Manner.CLOSED)
    seen = [facts.ended(Manner.CLOSED, FarEndState.CLOSED), between]
    assert reason(facts.limit(Manner.CLOSED), seen, "hold", tls=False).kinds == (kind,)


def test_a_request_may_bring_back_what_a_silent_box_forgot(facts):
    between = facts.asked(Q.BETWEEN_REQUESTS, True)
    assert reason(facts.limit(), [facts.silent(), between], "hold", tls=True).kinds == (PACKET,)


def test_a_request_that_came_twice_is_an_http_proxys(facts):
    seen = [facts.silent(Aftermath.ACKNOWLEDGED, FarEndState.WAITING, times=2)]
    assert reason(facts.limit(), seen, "hold", tls=True).kinds == (HTTP,)


def test_a_status_is_an_http_proxy(facts):
    seen = [facts.ended(Manner.STATUS, FarEndState.RESET, status=504)]
    assert reason(facts.limit(Manner.STATUS, status=504), seen, "hold", tls=False).kinds == (HTTP,)


def test_a_request_that_a_proxy_still_holds(facts):
    seen = [facts.silent(Aftermath.ACKNOWLEDGED, FarEndState.CLOSED)]
    assert reason(facts.limit(), seen, "hold", tls=False).kinds == (HTTP, TCP)


@pytest.mark.parametrize(
    ("limit", "kinds"),
    [
        (Limit(599, 600, Manner.SILENT), (PACKET,)),
        (Limit(599, 600, Manner.RESET), (PACKET, TCP, HTTP)),
        (Limit(599, 600, Manner.STATUS), (HTTP,)),
        (Limit(599, 600, Manner.CLOSED), (TCP,)),
    ],
)
def test_without_a_post_mortem_the_manner_must_do(limit, kinds):
    assert reason(limit, [], "hold", tls=True).kinds == kinds


# No box at all


def test_an_open_path():
    found = reason(Limit(3540, None), [], "hold", tls=True)
    assert (found.kinds, found.whose, found.is_a_box) == ((BoxKind.NONE,), None, False)


def test_a_late_server_is_no_timer_whatever_the_drips_say(facts):
    seen = [facts.silent(Aftermath.ACKNOWLEDGED, FarEndState.WAITING, late_s=4), *drips(facts, False, False, False)]
    found = reason(facts.limit(), seen, "hold", tls=True)
    assert (found.kinds, found.runs, found.whose, found.is_a_box) == ((BoxKind.LATE_SERVER,), None, None, False)


def test_a_path_that_is_down(facts):
    found = reason(facts.limit(), [facts.silent(state=FarEndState.UNREACHABLE)], "hold", tls=True)
    assert found.kinds == (BoxKind.DOWN,)


@pytest.mark.parametrize("how", [Manner.CLOSED, Manner.RESET])
@pytest.mark.parametrize("state", [FarEndState.RESTARTED, FarEndState.UNREACHABLE])
def test_a_far_end_that_was_restarted_or_is_gone(facts, how, state):
    found = reason(facts.limit(how), [facts.ended(how, state)], "hold", tls=True)
    assert found.kinds == (BoxKind.DOWN,)


# Whose timer


def elsewhere(facts, low, high, how=Manner.CLOSED):
    return [facts.asked(Q.ELSEWHERE, low, hold_s=599.5, how=how), facts.asked(Q.ELSEWHERE, high, hold_s=750, how=how)]


ANY_SERVERS = [name for name in METHODS if server_timer_counts(name)]


@pytest.mark.parametrize(
    ("low", "high", "how", "held", "others"),
    [
        (True, True, Manner.CLOSED, Whose.ADDRESS, Whose.SERVER),
        (True, False, Manner.CLOSED, Whose.PATH, Whose.SHARED),
        (True, False, Manner.RESET, Whose.PATH, Whose.UNTOLD),
        (True, False, Manner.SILENT, Whose.PATH, Whose.UNTOLD),
        (False, False, Manner.CLOSED, Whose.ADDRESS, Whose.UNTOLD),
        (True, None, Manner.CLOSED, Whose.PATH, None),
    ],
)
def test_the_other_address(facts, low, high, how, held, others):
    """A server that both addresses lead to ends it at both: only our own far end, which never does, leaves a box."""
    limit, seen = facts.limit(Manner.CLOSED), [facts.ended(Manner.CLOSED), *elsewhere(facts, low, high, how)]
    assert reason(limit, seen, "hold", tls=False).whose is held
    found = [reason(limit, seen, method, tls=False) for method in ANY_SERVERS]
    assert {one.whose for one in found} == {others}
    assert all(SERVER in one.kinds for one in found), "it stays open whatever the other address does"


@pytest.mark.parametrize(
    ("died", "whose"),
    [
        ((Manner.CLOSED, {}), Whose.SHARED),
        ((Manner.RESET, {}), Whose.SHARED),
        ((Manner.CLOSED, {"disconnect_notice": "BYE", "by_server": True}), Whose.SERVER),
        ((Manner.CLOSED, {"announced_s": 600}), Whose.SERVER),
    ],
)
def test_what_both_addresses_do_is_the_servers_where_it_says_so(facts, died, whose):
    how, words = died
    ends = facts.asked(Q.POST_MORTEM, False, how=how, **words)
    there = [replace(one, disconnect_notice=ends.disconnect_notice) for one in elsewhere(facts, True, False, how)]
    assert reason(facts.limit(how), [ends, *there], "imap", tls=False).whose is whose


def test_a_box_that_is_silent_at_both_addresses_is_no_server(facts):
    there = elsewhere(facts, True, False, Manner.SILENT)
    assert reason(facts.limit(), [facts.silent(), *there], "imap", tls=False).whose is Whose.PATH
    late = reason(facts.limit(), [facts.silent(Aftermath.ACKNOWLEDGED), *there], "imap", tls=False)
    assert (late.whose, late.explanation.causes[0]) == (Whose.SHARED, Cause.ANSWERED_LATE)


def test_a_server_that_would_have_to_be_set_far_below_the_usual_does_not_come_first(facts):
    early = facts.asked(Q.POST_MORTEM, False, how=Manner.CLOSED, own_limit="a limit", own_limit_s=3600)
    usual = replace(early, own_limit_s=600)
    for died, causes in ((early, (BY_PROXY, BY_SERVER)), (usual, (BY_SERVER, BY_PROXY))):
        for there in ([], elsewhere(facts, True, True), elsewhere(facts, True, False)):
            found = reason(facts.limit(Manner.CLOSED), [died, *there], "imap", tls=False)
            assert (found.explanation.causes, set(found.kinds)) == (causes, {TCP, SERVER})


# What can be for the protocol


@pytest.mark.parametrize("method", ANY_SERVERS)
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("how", [Manner.CLOSED, Manner.RESET, Manner.SILENT])
def test_no_http_proxy_relays_another_protocol(facts, method, signed, how):
    died = facts.silent(Aftermath.ACKNOWLEDGED) if how is Manner.SILENT else facts.ended(how, signed=signed)
    kinds = reason(facts.limit(how), [died], method, tls=signed).kinds
    is_http = method in ("idle", "ping", "websocket", "sse", "http2", "raw")
    assert may_be_http(method) is is_http
    assert (HTTP in kinds) is is_http
    assert (BoxKind.TLS in kinds) is (signed and how is not Manner.SILENT and not is_http)


def test_an_address_that_lives_leaves_the_server_and_a_box_that_stands_before_it(facts):
    seen = [facts.ended(Manner.CLOSED), *elsewhere(facts, True, True)]
    found = reason(facts.limit(Manner.CLOSED), seen, "idle", tls=False)
    assert (found.kinds, found.alone, found.is_a_box) == ((SERVER, HTTP, TCP), None, True)
    assert found.explanation.causes == (Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY)
    silent = reason(facts.limit(), [facts.silent(), *elsewhere(facts, True, True)], "redis", tls=False)
    assert (silent.whose, silent.kinds) == (Whose.SERVER, (PACKET,))


def test_a_server_that_says_so_is_alone(facts):
    died = facts.asked(Q.POST_MORTEM, False, how=Manner.CLOSED, disconnect_notice="BYE", by_server=True)
    found = reason(facts.limit(Manner.CLOSED), [died, *elsewhere(facts, True, True)], "imap", tls=True)
    assert (found.kinds, found.alone, found.is_a_box) == ((SERVER,), SERVER, False)


@pytest.mark.parametrize(
    ("announced_s", "whose"), [(600, Whose.SERVER), (545, Whose.SERVER), (75, None), (900, None), (None, None)]
)
def test_a_server_that_announces_its_timer(facts, announced_s, whose):
    died = facts.asked(Q.POST_MORTEM, False, how=Manner.CLOSED, announced_s=announced_s)
    assert reason(facts.limit(Manner.CLOSED), [died], "idle", tls=False).whose is whose


def test_an_end_that_may_be_the_servers(facts):
    signed = reason(facts.limit(Manner.CLOSED), [facts.ended(Manner.CLOSED, signed=True)], "idle", tls=True)
    plain = reason(facts.limit(Manner.CLOSED), [facts.ended(Manner.CLOSED)], "idle", tls=False)
    assert signed.kinds == (SERVER, HTTP)
    assert plain.kinds == (TCP, HTTP, SERVER)


@pytest.mark.parametrize(
    ("method", "kinds"),
    [("redis", (PACKET, TCP, SERVER)), ("idle", (PACKET, TCP, HTTP, SERVER)), ("hold", (PACKET, TCP, HTTP))],
)
def test_rst_may_be_the_servers_where_it_has_a_timer_of_its_own(facts, method, kinds):
    assert reason(facts.limit(Manner.RESET), [facts.ended(Manner.RESET)], method, tls=False).kinds == kinds


def test_silence_that_is_acknowledged_may_be_a_late_server_or_a_proxy_that_waits(facts):
    found = reason(facts.limit(), [facts.silent(Aftermath.ACKNOWLEDGED)], "redis", tls=False)
    assert found.explanation.causes == (Cause.ANSWERED_LATE, Cause.HELD_BY_PROXY)
    assert (found.kinds, found.alone) == ((BoxKind.LATE_SERVER, TCP), None)
    untold = reason(facts.limit(), [facts.silent(None)], "redis", tls=False)
    assert untold.explanation.causes == (Cause.STATE_LOST_SILENTLY, Cause.ANSWERED_LATE)
    assert untold.kinds == (PACKET, BoxKind.LATE_SERVER)


def test_an_end_that_the_search_saw_otherwise_is_told_with_its_causes(facts):
    limit = replace(facts.limit(Manner.CLOSED), causes=(Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY))
    found = reason(limit, [facts.ended(Manner.RESET, signed=True)], "websocket", tls=True).explanation
    assert found.causes == (
        Cause.RESET_BY_SERVER,
        Cause.RESET_BY_BOX,
        Cause.CLOSED_BY_SERVER,
        Cause.CLOSED_BY_PROXY,
    )
    assert found.evidence[-1] == "in the search it ended otherwise: closed, and not reset"


def test_another_end_that_comes_later_is_none_of_this_timer(facts):
    """A ping that carried a connection past the limit set the timer back, whatever became of it then."""
    later = {"at_s": 700, "how": Manner.CLOSED}
    seen = [facts.silent(), facts.asked(Q.BOTH_DRIP, False, **later), facts.asked(Q.KEEP_ALIVE, False)]
    found = reason(facts.limit(), seen, "http2", tls=True)
    assert (found.runs, found.counts, found.kinds) == (Runs.IDLE, Movement.DATA, (TCP, PACKET))
    kept = [facts.silent(), facts.asked(Q.KEEP_ALIVE, False, **later)]
    assert reason(facts.limit(), kept, "http2", tls=True).counts is Movement.PACKETS
