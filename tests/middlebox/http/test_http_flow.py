"""Which timer of an http box runs when, and what it does: without a socket, and without a clock."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.manner import Act
from hbprobe.middlebox.flow import Side
from hbprobe.middlebox.http.http_flow import HttpFlow, HttpPhase, HttpRules
from hbprobe.profiles.model import Profile, Sweep

KINDS = {
    "client_header": 10,
    "client_idle": 20,
    "server_connect": 5,
    "server_response": 30,
    "between_bytes": 7,
    "tunnel_idle": 60,
    "total": 100,
    "lifetime": 1000,
}
RESTARTED_BY = {"client_idle": "client-data", "between_bytes": "server-data", "tunnel_idle": "data"}


def box(http=None, **timers):
    written = {
        kind: {
            "default": 1,
            "expiry": "close",
            "restarted_by": RESTARTED_BY.get(kind, "nothing"),
            "source": "us",
        }
        | (timer if isinstance(timer, dict) else {"default": timer})
        for kind, timer in timers.items()
    }
    return Profile.model_validate(
        {
            "id": "box",
            "name": "Box",
            "category": "example",
            "layer": "http",
            "timers": written,
            "http": http,
            "sources": {"us": {"grade": "example", "says": "made up"}},
        }
    )


ALL = HttpRules.of(box(**KINDS))


def test_a_box_that_sweeps_notices_at_the_next_look():
    swept = box(server_response=180).model_copy(update={"sweep": Sweep(every=120, source=("us",))})
    flow = HttpFlow(HttpRules.of(swept), 0.0)
    flow.request_began(10)
    flow.head(10, connected=True)
    flow.request_ended(10)
    assert flow.due() == 240
    rule = flow.next_rule()
    assert rule is not None
    assert rule.kind == "server_response"


def flow(**timers):
    return HttpFlow(HttpRules.of(box(**timers)), 0.0)


class TestRules:
    @pytest.mark.parametrize(
        ("expiry", "server_side", "acts"),
        [
            ("close", "close", (Act.CLOSE, Act.CLOSE)),
            ("close", "reset", (Act.CLOSE, Act.RESET)),
            ("reset", "close", (Act.RESET, Act.CLOSE)),
            ("silent", "reset", (Act.MUTE, Act.MUTE)),
        ],
    )
    def test_what_is_done_to_each_end(self, expiry, server_side, acts):
        rules = HttpRules.of(box({"server_side": server_side}, server_response={"default": 3, "expiry": expiry}))
        rule = rules.by_phase[HttpPhase.AWAITING]
        assert (rule.kind, rule.length_s, rule.expiry, rule.acts) == ("server_response", 3, expiry, acts)
        assert (rule.status, rule.body, rule.retries) == (None, "", 0)

    @pytest.mark.parametrize("kind", ["client_header", "client_idle"])
    def test_a_server_that_owes_nothing_sees_fin(self, kind):
        rules = HttpRules.of(box({"server_side": "reset"}, **{kind: {"expiry": "reset"}}))
        rule, *_ = filter(None, rules.by_phase)
        assert rule.acts == (Act.RESET, Act.CLOSE)

    def test_a_status_comes_with_its_body_and_retries(self):
        timer = {"expiry": "respond", "status": 504, "body": "late", "retries": 2}
        rule = HttpRules.of(box({"keeps_client": True}, server_response=timer)).by_phase[HttpPhase.AWAITING]
        assert (rule.status, rule.body, rule.retries, rule.acts) == (504, "late", 2, (Act.CLOSE, Act.CLOSE))

    def test_without_a_block_of_its_own_a_box_closes_and_keeps_nobody(self):
        rules = HttpRules.of(box())
        assert (rules.server_act, rules.keeps_client) == (Act.CLOSE, False)
        assert (rules.by_phase, rules.total, rules.lifetime) == ((None,) * len(HttpPhase), None, None)


class TestLife:
    def test_each_phase_has_its_timer(self):
        one = HttpFlow(ALL, 0)
        story = [
            (lambda _: None, "client_header", 10),
            (lambda now: one.head(now, connected=False), "server_connect", 6),
            (one.connected, "total", 101),
            (one.request_ended, "server_response", 33),
            (one.answer_began, "between_bytes", 11),
            (one.answer_ended, "client_idle", 25),
            (one.request_began, "client_header", 16),
            (lambda now: one.head(now, connected=True), "total", 107),
            (one.upgraded, "tunnel_idle", 68),
        ]
        for now, (happens, kind, due) in enumerate(story):
            happens(now)
            assert (one.next_rule().kind, one.due()) == (kind, due), now

    def test_the_first_header_runs_from_the_accept(self):
        one = flow(client_header=10)
        one.request_began(8)
        assert one.due() == 10

    def test_without_timers_nothing_is_due(self):
        one = flow()
        one.head(0, connected=False)
        assert (one.due(), one.next_rule()) == (math.inf, None)

    def test_a_request_that_is_answered_too_early_is_answered(self):
        one = flow(between_bytes=7, server_response=30)
        one.head(0, connected=True)
        one.answer_began(1)
        one.request_ended(2)
        assert (one.phase, one.due()) == (HttpPhase.ANSWERING, 8)

    def test_a_request_may_be_sent_again(self):
        one = flow(server_connect=5, server_response=30, total=40)
        one.head(0, connected=True)
        one.request_ended(0)
        one.connecting(30)
        assert one.due() == 35
        one.connected(31)
        one.request_ended(31)
        assert (one.next_rule().kind, one.due()) == ("total", 40)

    def test_the_lifetime_goes_on(self):
        one = flow(lifetime=50, client_idle=20)
        one.head(5, connected=True)
        one.answer_began(35)
        one.answer_ended(40)
        assert (one.next_rule().kind, one.due()) == ("lifetime", 50)
        assert one.running_since(one.next_rule()) == 0


class TestRestarts:
    @pytest.mark.parametrize(
        ("restarted_by", "client", "server"),
        [("data", 64, 65), ("client-data", 64, 60), ("server-data", 60, 65)],
    )
    def test_a_tunnel_listens_to_whom_it_is_told(self, restarted_by, client, server):
        for side, due, now in ((Side.CLIENT, client, 4), (Side.SERVER, server, 5)):
            one = flow(tunnel_idle={"default": 60, "restarted_by": restarted_by})
            one.upgraded(0)
            one.moved(side, now)
            assert one.due() == due
            assert one.running_since(one.next_rule()) == due - 60

    @pytest.mark.parametrize(
        ("timers", "kind"),
        [
            ({"tunnel_idle": 60, "between_bytes": 7, "server_response": 30, "client_idle": 20}, "tunnel_idle"),
            ({"between_bytes": 7, "server_response": 30, "client_idle": 20}, "between_bytes"),
            (
                {"server_response": {"default": 30, "expiry": "respond", "status": 504}, "client_idle": 20},
                "server_response",
            ),
            ({"client_idle": 20, "client_header": 5}, "client_idle"),
        ],
    )
    def test_a_tunnel_without_a_timer_of_its_own_has_the_one_of_waiting(self, timers, kind):
        one, timer = flow(**timers), timers[kind]
        length_s = timer["default"] if isinstance(timer, dict) else timer
        one.upgraded(0)
        for at_s, side in ((1, Side.CLIENT), (3, Side.SERVER)):
            one.moved(side, at_s)
            assert one.due() == at_s + length_s, "data from either end sets it back"
        rule = one.next_rule()
        assert (rule.kind, rule.status, rule.expiry, rule.retries) == (kind, None, "close", 0)

    @pytest.mark.parametrize("timers", [{"client_header": 5}, {"no": "us", "between_bytes": 7, "client_idle": 20}])
    def test_a_tunnel_that_nothing_ends(self, timers):
        one = HttpFlow(HttpRules.of(box({"no_tunnel_timer": timers.pop("no", None)}, **timers)), 0.0)
        one.upgraded(0)
        assert one.next_rule() is None

    def test_between_bytes_hears_the_server_only(self):
        one = flow(between_bytes=7, server_response=30)
        one.head(0, connected=True)
        one.answer_began(0)
        one.moved(Side.CLIENT, 3)
        assert one.due() == 7
        one.moved(Side.SERVER, 4)
        assert one.due() == 11

    @given(st.lists(st.tuples(st.sampled_from(Side), st.floats(0, 1)), max_size=20))
    def test_totals_hear_nobody(self, moves):
        for enter in (
            lambda _: None,
            lambda one: one.head(0, connected=False),
            lambda one: (one.head(0, connected=True), one.request_ended(0)),
        ):
            one = HttpFlow(HttpRules.of(box(client_header=9, server_connect=9, server_response=9, total=9)), 0)
            enter(one)
            now = 0.0
            for side, later in moves:
                now += later
                one.moved(side, now)
            assert one.due() == 9


class TestHolding:
    def test_a_client_that_takes_nothing_stops_the_clock(self):
        one = flow(between_bytes=7)
        one.head(0, connected=True)
        one.answer_began(0)
        one.hold(True, 5)
        assert one.due() == math.inf
        one.hold(True, 6)
        one.hold(False, 100)
        assert one.due() == 107
        one.hold(False, 105)
        assert one.due() == 107

    def test_but_not_that_of_a_tunnel_or_of_the_whole(self):
        one = flow(tunnel_idle=60, between_bytes=7, total=70)
        one.head(0, connected=True)
        one.hold(True, 5)
        one.answer_began(6)
        assert one.due() == 70
        one.upgraded(8)
        assert one.due() == 68
        one.hold(False, 20)
        assert one.due() == 68
