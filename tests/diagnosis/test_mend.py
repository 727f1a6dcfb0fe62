import pytest

from hbprobe.diagnosis.mend import is_of_the_path, mend
from hbprobe.diagnosis.ranking import Match
from hbprobe.diagnosis.reasoning import Runs, reason
from hbprobe.exchange.settings import Settings
from hbprobe.exchange.verdict import judge
from hbprobe.manner import Aftermath, Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.trial.evidence import FarEndState, Question
from hbprobe.trial.methods.table import METHODS
from hbprobe.trial.outcome import Limit

TIMERS = (
    (
        "For the change ticket, 1740 s (29 min) or more: the least with which none of these devices loses "
        "a request; event 1040 goes on with Outlook app (540 s), Outlook app (180 s), which no timer changes."
    ),
    "A timer of 3600 s (1 h) carries the longest heartbeat of these settings.",
)


def mended(limit, seen, method="hold", fitting=()):
    verdict = judge(limit.survived_s, limit.cut_s, limit.manner, Settings())
    reasoning = reason(limit, seen, method, tls=True)
    return is_of_the_path(reasoning), mend(limit, seen, reasoning, verdict, fitting, method=method)


def fitting(*ids):
    return [Match(Catalogue().find(one), ()) for one in ids]


def test_how_it_is_set_on_the_product_that_fits_alone(facts):
    _, told = mended(facts.limit(), [facts.silent()], fitting=fitting("cisco-asa"))
    assert told == (*TIMERS, "On Cisco ASA: timeout conn 0:29:00")


def test_how_it_is_set_on_each_of_a_few(facts):
    few = fitting("cisco-asa", "aws-nat-gateway", "linux-netfilter-conntrack")
    _, told = mended(facts.limit(), [facts.silent()], fitting=few)
    assert told == (
        *TIMERS,
        "If it is Cisco ASA: timeout conn 0:29:00",
        (
            "If it is AWS NAT gateway: its timer goes up to 350 s (5 min 50 s): publish Exchange past this box, or "
            "set MaxHeartbeatInterval below 350 s and HeartbeatAlertThreshold below that, which saves the requests "
            "of clients that heed it, not those of Outlook's app."
        ),
        (
            "If it is Linux connection tracking, without NAT: "
            "sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=1740"
        ),
    )


def test_not_how_it_is_set_on_one_of_many_nor_where_the_timer_is_long_enough(facts):
    many = fitting("cisco-asa", "cisco-asa-idle-reset", "linux-netfilter-conntrack", "fortinet-fortigate")
    assert mended(facts.limit(), [facts.silent()], fitting=many)[1] == TIMERS
    enough = Limit(1799.5, 1800.5, Manner.SILENT)
    assert mended(enough, [facts.silent()], fitting=fitting("cisco-asa"))[1] == (
        "The timer is long enough for these devices.",
        TIMERS[1],
    )


def test_keep_alives_that_help(facts):
    seen = [facts.silent(), facts.asked(Question.KEEP_ALIVE, True, interval_s=199.0)]
    kept = (
        "Or TCP keep-alives every 199 s (3 min 19 s) from either end: from this one they were tried, and saved the "
        "request; any interval below 599.5 s should do."
    )
    line = (
        "Linux, for programs that ask for TCP keep-alives: sysctl -w net.ipv4.tcp_keepalive_time=199 "
        "net.ipv4.tcp_keepalive_intvl=199 (https://docs.kernel.org/networking/ip-sysctl.html)"
    )
    assert mended(facts.limit(), seen) == (True, (*TIMERS, kept, line))


def test_keep_alives_that_do_not_help(facts):
    seen = [facts.ended(Manner.CLOSED, FarEndState.CLOSED), facts.asked(Question.KEEP_ALIVE, False)]
    seen.append(facts.asked(Question.SERVER_DRIP, True))
    told = "TCP keep-alives do not help: only data counts."
    assert mended(facts.limit(Manner.CLOSED), seen)[1][-1] == told


@pytest.mark.parametrize(
    ("saved", "told"),
    [
        ((True, True, True), "bytes from either end save the request"),
        ((True, False, True), "only bytes from the server save it"),
        ((False, True, True), "only bytes from the client save it"),
        ((False, False, False), None),
    ],
)
def test_which_bytes_of_the_application_help(facts, saved, told):
    drips = (Question.SERVER_DRIP, Question.CLIENT_DRIP, Question.BOTH_DRIP)
    asked = [facts.asked(one, lives, interval_s=60.0) for one, lives in zip(drips, saved, strict=True)]
    said = [line for line in mended(facts.limit(), [facts.silent(), *asked])[1] if "application" in line]
    whole = f"In the application: {told}; every 60 s (1 min) was tried; any interval below 599.5 s should do."
    assert said == ([] if told is None else [whole])


def test_the_protocols_own_ping_that_helps(facts):
    seen = [facts.silent(), facts.asked(Question.BOTH_DRIP, True, interval_s=60.0)]
    told = (
        "The protocol's own ping every 60 s (1 min): it was tried, and saved the connection; if one is lost, "
        "the next still comes in time."
    )
    lines = [line.sentence(60) for line in METHODS["websocket"].ping_lines]
    assert "connect(..., ping_interval=60)" in lines[0]
    assert mended(facts.limit(), seen, "websocket")[1] == (*TIMERS, told, *lines, UNTOLD)


def test_a_timer_for_a_heartbeat_that_is_too_seldom(facts):
    limit, few = Limit(59.5, 60, Manner.CLOSED), fitting("nginx-http-proxy", "haproxy-debian", "aws-alb")
    reasoning = reason(limit, [facts.silent()], "websocket", tls=True)

    def told(heartbeat_s, verdict=None):
        given = {"method": "websocket", "heartbeat_s": heartbeat_s}
        return mend(limit, [facts.silent()], reasoning, verdict, few, **given)

    assert told(90)[:3] == (
        "A timer of 180 s (3 min) is long enough for a heartbeat every 90 s (1 min 30 s).",
        "If it is nginx, HTTP proxy: proxy_read_timeout 180s;",
        "If it is HAProxy as Debian and Ubuntu package it: timeout tunnel 180s",
    )
    assert not any("long enough for a heartbeat" in text for text in (*told(None), *told(20)))


UNTOLD = (
    "From which end it must come cannot be told here: whatever hbprobe may say in this protocol is answered, so both "
    "ends spoke. With hbprobe serve at the far end it can be told (--method hold)."
)
TRIED = "as often, were tried, and"
SERVER_UNTOLD = "Whether bytes from the server alone do, --method hold tells, with hbprobe serve at the far end."


@pytest.mark.parametrize(
    ("survived", "told"),
    [
        (True, "It may come from the client alone: bytes that the server does not answer saved it, too."),
        (
            False,
            f"It must be answered, or come from the server: bytes from the client alone, {TRIED} did not save it.",
        ),
    ],
)
def test_from_which_end_as_far_as_that_can_be_told(facts, survived, told):
    pinged = facts.asked(Question.BOTH_DRIP, True, interval_s=60.0)
    seen = [facts.silent(), facts.asked(Question.CLIENT_DRIP, survived, interval_s=60.0), pinged]
    assert mended(facts.limit(), seen, "websocket")[1][-2:] == (told, SERVER_UNTOLD)


def test_nothing_is_said_of_ends_where_the_ping_does_not_help_either(facts):
    drips = [facts.asked(one, False, interval_s=60.0) for one in (Question.CLIENT_DRIP, Question.BOTH_DRIP)]
    assert SERVER_UNTOLD not in mended(facts.limit(), [facts.silent(), *drips], "websocket")[1]


def test_a_ping_that_does_not_help_leaves_two_causes_open(facts):
    seen = [facts.silent(), facts.asked(Question.BOTH_DRIP, False, interval_s=60.0)]
    assert mended(facts.limit(), seen, "websocket")[1][-1] == (
        "The protocol's own ping every 60 s (1 min) was tried, and did not save the connection, which fell silent: "
        "the timer counts from the start, or a ping does not count as data. Let the application send data of its own "
        "as often, or have the timer raised."
    )
    assert reason(facts.limit(), seen, "websocket", tls=True).runs is None
    assert reason(facts.limit(), seen, "hold", tls=True).runs is Runs.TOTAL


def test_a_lifetime(facts):
    seen = [facts.ended(Manner.CLOSED, FarEndState.CLOSED), facts.asked(Question.BOTH_DRIP, False)]
    told = "Neither keep-alives nor data help: the timer counts from the start, whatever moves."
    assert mended(facts.limit(Manner.CLOSED), seen)[1][-1] == told


def test_a_timer_that_is_long_enough(facts):
    limit = Limit(3599.5, 3600.5, Manner.SILENT)
    told = ("The timer is long enough for Direct Push with these settings.",)
    assert mended(limit, [facts.silent()]) == (True, told)


def test_an_open_path():
    told = ("Nothing needs mending within the longest hold that was tried.",)
    assert mended(Limit(3540, None), []) == (True, told)


def test_a_late_server(facts):
    told = ("No timer is to blame: look at the server, which answers later than it was asked to.",)
    assert mended(facts.limit(), [facts.silent(Aftermath.ACKNOWLEDGED, FarEndState.WAITING)]) == (False, told)


def test_a_path_that_is_down(facts):
    told = ("No timer is to blame: the server, or the path to it, went down. Try again when it stays up.",)
    assert mended(facts.limit(), [facts.silent(state=FarEndState.UNREACHABLE)]) == (False, told)


MEASURE = "To measure the path beyond that: hbprobe serve at the far end, with --method hold."
PROXYS = "If it is a proxy's or a balancer's before the server: raise its timer for idle connections."
ANOTHER = "Another address behind the same proxy tells whether it is the proxy's (--compare, --other-port)."
IN_VAIN = "TCP keep-alives every 60 s (1 min) were tried, and did not save the connection."


def test_the_servers_own_timer(facts):
    seen = [facts.asked(Question.POST_MORTEM, False, how=Manner.CLOSED, announced_s=600)]
    between = "The server's own timer runs between requests: it cuts no request that is held."
    assert mended(facts.limit(Manner.CLOSED), seen, "idle") == (False, (between, MEASURE))


def test_a_session_that_the_server_ends_is_not_told_of_requests(facts):
    """Nothing is held and asked between in a protocol of sessions, and what was tried is told there, too."""
    words = {"disconnect_notice": "BYE", "by_server": True, "own_limit": "a limit"}
    died = facts.asked(Question.POST_MORTEM, False, how=Manner.CLOSED, **words)
    seen = [died, facts.asked(Question.KEEP_ALIVE, False, how=Manner.CLOSED)]
    raised = "It is the server's own timer (a limit): raise it there, if idle sessions are to live longer."
    assert mended(facts.limit(Manner.CLOSED), seen, "imap") == (False, (IN_VAIN, raised, MEASURE))


@pytest.mark.parametrize("method", ["idle", "redis", "ssh"])
def test_a_timer_that_may_be_the_servers_or_a_proxys(facts, method):
    """The likelier of two causes is no fact: what to do is told for either, with what was tried."""
    limit = facts.limit(Manner.CLOSED)
    for signed in (True, False):
        seen = [facts.ended(Manner.CLOSED, signed=signed), facts.asked(Question.KEEP_ALIVE, False)]
        reasoning = reason(limit, seen, method, tls=True)
        told = mend(limit, seen, reasoning, None, method=method)
        harmless = "; it cuts no request that is held" if method == "idle" else ""
        raised = f"If the timer is the server's own: raise it there, if idle sessions are to live longer{harmless}."
        assert told[0] == IN_VAIN
        assert told[-3:] == (raised, PROXYS, ANOTHER)
        assert is_of_the_path(reasoning)


def test_the_other_address_may_lead_past_a_proxy(facts):
    there = [facts.asked(Question.ELSEWHERE, True, hold_s=hold_s) for hold_s in (599.5, 750)]
    told = mended(facts.limit(Manner.CLOSED), [facts.ended(Manner.CLOSED), *there], "redis")[1]
    assert told[-2:] == (PROXYS, "Where the other address leads to the same server past a proxy, it is that proxy's.")


def test_another_address_is_not_told_of_as_if_none_had_been_given(facts):
    there = [facts.asked(Question.ELSEWHERE, None, hold_s=hold_s) for hold_s in (599.5, 750)]
    told = mended(facts.limit(Manner.CLOSED), [facts.ended(Manner.CLOSED), *there], "redis")[1]
    other = "A third address behind the same proxy may tell whether it is the proxy's: the other one did not."
    assert told[-2:] == (PROXYS, other)


def test_what_both_addresses_lose_may_be_the_servers(facts):
    there = [
        facts.asked(Question.ELSEWHERE, survived, hold_s=hold_s, how=Manner.CLOSED)
        for survived, hold_s in ((True, 599.5), (False, 750))
    ]
    told = mended(facts.limit(Manner.CLOSED), [facts.ended(Manner.CLOSED), *there], "redis")[1]
    server = "Where one of the two addresses leads to the same server past every proxy, it is the server's own."
    assert told[-2:] == (PROXYS, server)


@pytest.mark.parametrize(("least_s", "usual"), [(1800, ""), (None, ""), (3600, ", set far below the usual")])
def test_a_limit_of_the_servers_own_is_told_with_what_is_usual(facts, least_s, usual):
    limits = {"own_limit": "a limit", "own_limit_s": least_s}
    died = facts.asked(Question.POST_MORTEM, False, how=Manner.CLOSED, **limits)
    raised = (
        f"If the timer is the server's own{usual} (a limit): raise it there, if idle sessions are to live longer."
    )
    assert raised in mended(facts.limit(Manner.CLOSED), [died], "imap")[1]


def test_a_server_that_may_be_late_is_not_told_as_one_that_is(facts):
    told = mended(facts.limit(), [facts.silent(Aftermath.ACKNOWLEDGED)], "redis")[1]
    assert told[-1] == "If it is the server that answers late, no timer is to blame: look at the server."
    assert len(told) > 1


# Another end, after the limit


def test_a_ping_that_saved_it_from_this_timer_before_another_end_came(facts):
    ended = {"how": Manner.CLOSED, "at_s": 700, "disconnect_notice": "GOAWAY NO_ERROR"}
    seen = [facts.silent(), facts.asked(Question.BOTH_DRIP, False, interval_s=60.0, **ended)]
    told = mended(facts.limit(), seen, "websocket")[1]
    assert told[2] == (
        "The protocol's own ping every 60 s (1 min): it was tried, and saved the connection from the timer that "
        "strikes by 600.5 s (10 min)."
    )
    assert told[-1] == (
        "What outlived this limit met another end later, as of a second timer: it ended with GOAWAY NO_ERROR and FIN "
        "after 700 s (11 min 40 s)."
    )
    assert not any("counts from the start" in line for line in told)


def test_a_ping_that_is_refused(facts):
    words = "GOAWAY ENHANCE_YOUR_CALM (too_many_pings)"
    tried = facts.asked(
        Question.BOTH_DRIP, False, interval_s=60.0, how=Manner.CLOSED, at_s=130, disconnect_notice=words
    )
    told = mended(facts.limit(), [facts.silent(), tried], "http2")[1]
    assert told[2].startswith(
        "The protocol's own ping every 60 s (1 min) was tried, and refused: the connection ended with "
        f"{words} and FIN after 130 s (2 min 10 s)."
    )


def test_what_set_the_timer_back_shows_that_it_does_not_count_from_the_start(facts):
    seen = [facts.silent(), facts.asked(Question.BOTH_DRIP, False), facts.asked(Question.CLIENT_DRIP, True)]
    (told,) = [line for line in mended(facts.limit(), seen, "http2")[1] if "own ping" in line]
    assert "which fell silent: a ping does not count as data." in told


@pytest.mark.parametrize("method", ["idle", "sse", "raw", "ssh", "postgresql"])
def test_where_no_ping_can_be_tried_the_interval_is_told_all_the_same(facts, method):
    reasoning = reason(facts.limit(), [facts.silent()], method, tls=True)
    (told,) = mend(facts.limit(), [facts.silent()], reasoning, None, method=method)
    assert told.startswith("If it is an idle timer, data or TCP keep-alives every 299 s (4 min 59 s) will do")
    assert told.endswith("It was not tried: there is no ping to try it with.")


def test_what_was_tried_in_vain_is_not_told_as_untried(facts):
    seen = [facts.silent(), facts.asked(Question.KEEP_ALIVE, False)]
    tried, data = mend(facts.limit(), seen, reason(facts.limit(), seen, "sse", tls=True), None, method="sse")
    assert tried == "TCP keep-alives every 60 s (1 min) were tried, and did not save the connection."
    assert data.startswith("If it is an idle timer, data every 299 s (4 min 59 s) will do")


def test_what_was_saved_needs_no_guess(facts):
    seen = [facts.silent(), facts.asked(Question.KEEP_ALIVE, True)]
    told = mend(facts.limit(), seen, reason(facts.limit(), seen, "sse", tls=True), None, method="sse")
    assert not any("idle timer" in line for line in told)


@pytest.mark.parametrize("method", ["hold", "ping", "idle", "sse", "imap"])
def test_what_keep_alives_did_is_told_by_every_method(facts, method):
    seen = [facts.silent(), facts.asked(Question.KEEP_ALIVE, False)]
    told = mend(facts.limit(), seen, reason(facts.limit(), seen, method, tls=True), None, method=method)
    assert "TCP keep-alives every 60 s (1 min) were tried, and did not save the connection." in told
