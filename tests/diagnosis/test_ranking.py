import math
from dataclasses import replace
from itertools import cycle

import pytest

from hbprobe.diagnosis.prediction import predictions
from hbprobe.diagnosis.ranking import Argument, Match, best, rank
from hbprobe.diagnosis.reasoning import reason
from hbprobe.manner import Aftermath, Layer, Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Category
from hbprobe.profiles.vocabulary import QuietPhase
from hbprobe.trial.evidence import Ask, FarEndSaw, FarEndState, Observation, Question, page_words
from hbprobe.trial.outcome import Kind, Limit, Outcome

CATALOGUE = Catalogue()
ALL = CATALOGUE.all()
Q = Question


def ranked(limit, seen, method="hold"):
    return rank(ALL, limit, seen, reason(limit, seen, method, tls=True))


def names(matches):
    return {match.profile.id for match in best([*matches])}


def test_a_firewall_of_an_hour(facts):
    limit = facts.limit(low_s=3599.5, high_s=3600.5, aftermath=Aftermath.NOTHING)
    matches = ranked(limit, [facts.silent(), facts.asked(Q.KEEP_ALIVE, True)])
    assert {"fortinet-fortigate", "paloalto-pan-os", "cisco-asa"} <= names(matches)
    assert matches[0].reasons == ("its timer is 1 h", "silent", "a black hole afterwards", "keep-alives help")
    assert matches[0].doubts == ()


def test_a_timer_that_was_changed(facts):
    limit = facts.limit(Manner.SILENT, low_s=1299.5, high_s=1300.5, aftermath=Aftermath.NOTHING)
    matches = {match.profile.id: match for match in ranked(limit, [facts.silent()])}
    changed = matches["fortinet-fortigate"]
    assert changed.points[0] == Argument(0, "its timer can be set to that (1 h as shipped)")
    assert not changed.as_shipped
    assert "fortinet-fortigate" in names(matches.values())


def test_a_status_its_time_and_what_the_server_sees(facts):
    limit = facts.limit(Manner.STATUS, low_s=59.5, high_s=60, status=504)
    matches = ranked(limit, [facts.ended(Manner.STATUS, FarEndState.CLOSED, status=504)])
    assert "nginx-http-proxy" in names(matches)
    assert all(match.profile.layer is Layer.HTTP for match in best(matches))


def test_a_name_counts(facts):
    limit = facts.limit(Manner.STATUS, low_s=2.5, high_s=3, status=504)
    seen = [facts.ended(Manner.STATUS, FarEndState.CLOSED, status=504, server="nginx/1.22.1")]
    assert names(ranked(limit, seen)) == {
        "nginx-http-proxy",
        "kubernetes-ingress-nginx",
        "gcore-cdn",
        "synology-reverse-proxy",
    }


CUTTING = [profile for profile in ALL if profile.category is not Category.EXAMPLE and predictions(profile)]


def test_a_changed_timer_names_the_product_among_those_that_can_be_set_to_it_and_no_other(facts):
    """No product is named whose timer is known not to go there, or that cuts in another manner."""
    for profile, share in zip(CUTTING, cycle((0.1, 0.5, 0.9)), strict=False):
        names_it_and_no_other(profile, share, facts)


def names_it_and_no_other(profile, share, facts):
    foretold = predictions(profile)[0]
    least_s, most_s = foretold.settable_s or (foretold.timer.default / 3, foretold.timer.default * 3)
    cut_s = max(2.0, min(least_s + share * (most_s - least_s), 86_400.0))
    limit = facts.limit(foretold.cut.manner, low_s=cut_s - 0.5, high_s=cut_s, status=foretold.status)
    died = (
        facts.silent(foretold.aftermath) if foretold.cut.manner is Manner.SILENT else facts.ended(foretold.cut.manner)
    )
    matches = ranked(limit, [died])
    if foretold.settable_s is None or least_s < most_s:
        assert profile in [match.profile for match in matches], profile.id
    for match in matches:
        assert not any("cannot be set" in doubt or "cuts otherwise" in doubt for doubt in match.doubts), profile.id
        assert any(
            foretold.cut.manner in other.manners
            and (
                other.settable_s is None
                or match.as_shipped
                or other.settable_s[0] - 1 - 0.01 * cut_s <= cut_s <= other.settable_s[1] + 1.5 + 0.01 * cut_s
            )
            for other in predictions(match.profile)
        ), profile.id


def test_a_timer_that_is_seen_only_where_a_shorter_one_is_off(facts):
    """Envoy's stream ends after 5 min, once the 15 s of its route are off, as they must be for a long poll."""
    limit = facts.limit(Manner.STATUS, low_s=299.5, high_s=300, status=504)
    seen = [facts.ended(Manner.STATUS, FarEndState.CLOSED, status=504), facts.asked(Q.SERVER_DRIP, True)]
    (envoy,) = (match for match in ranked(limit, seen) if match.profile.id == "envoy-http")
    assert "its timer is 5 min, where its shorter ones are off" in envoy.reasons
    assert not envoy.as_shipped and not envoy.contradictions


def test_one_whose_shorter_timer_cannot_be_set_to_more_is_not_named(facts):
    for profile in CUTTING:
        shipped, *others = predictions(profile)
        most_s = (shipped.settable_s or (0.0, math.inf))[1]
        for other in others:
            cut_s = min(other.timer.default, 86_400.0)
            if most_s < cut_s - 100:
                limit = facts.limit(other.cut.manner, low_s=cut_s - 0.5, high_s=cut_s, status=other.status)
                assert profile not in [match.profile for match in ranked(limit, [facts.ended(other.cut.manner)])]


@pytest.mark.parametrize("how", [Manner.CLOSED, Manner.RESET])
def test_a_product_that_cannot_be_set_to_the_limit_is_not_named(how, facts):
    """AWS API Gateway ends a WebSocket after two hours with FIN, and nobody can change that."""
    for cut_s, is_named in ((300, False), (7200, how is Manner.CLOSED)):
        limit = facts.limit(how, low_s=cut_s - 0.5, high_s=cut_s)
        matches = ranked(limit, [facts.ended(how), facts.asked(Q.BOTH_DRIP, False)])
        assert ("aws-api-gateway-websocket" in {match.profile.id for match in matches}) is is_named


def test_who_has_changed_one_timer_may_have_changed_the_one_between_requests(facts):
    limit = facts.limit(Manner.STATUS, low_s=776.5, high_s=777, status=504)
    died = facts.ended(Manner.STATUS, FarEndState.CLOSED, status=504)
    for lives in (True, False):
        seen = [died, facts.asked(Q.BETWEEN_REQUESTS, lives, hold_s=1167)]
        assert "nginx-http-proxy" in names(ranked(limit, seen))


def test_rst_to_the_next_request_of_the_idle_method_is_a_silent_box(facts):
    limit = Limit(349.5, 350.5, Manner.RESET, aftermath=Aftermath.RESET)
    seen = [facts.asked(Q.KEEP_ALIVE, True)]
    assert "aws-nlb-tcp" in names(ranked(limit, seen, "idle"))


@pytest.mark.parametrize("limit", [Limit(3540, None), Limit(None, None)])
def test_without_a_cut_there_is_nothing_to_rank(limit):
    assert ranked(limit, []) == ()


def test_a_late_server_is_no_product(facts):
    assert ranked(facts.limit(), [facts.silent(Aftermath.ACKNOWLEDGED, FarEndState.WAITING)]) == ()


def test_examples_are_no_products(facts):
    assert all(match.profile.category.value != "example" for match in ranked(facts.limit(), [facts.silent()]))


def test_equals_stand_in_the_order_of_their_ids(facts):
    matches = ranked(facts.limit(), [facts.silent()])
    assert [*matches] == sorted(matches, key=lambda match: (-match.score, match.profile.id))


def test_the_best_must_have_something_that_speaks_for_it():
    profile = ALL[0]
    good, bad = (
        Match(profile, (Argument(1, "a"), Argument(-3, "b"), Argument(3, "c"))),
        Match(profile, (Argument(-1, "d"),)),
    )
    assert (good.score, good.reasons, good.doubts) == (1, ("a", "c"), ("b",))
    assert best([good, bad]) == (good,)
    assert best([bad]) == ()
    assert best([]) == ()


def test_what_the_far_end_saw_twice_speaks_for_a_box_that_tries_again(facts):
    limit = facts.limit(low_s=19.5, high_s=20.5, aftermath=Aftermath.ACKNOWLEDGED)
    seen = [facts.silent(Aftermath.ACKNOWLEDGED, FarEndState.WAITING, times=2)]
    assert FarEndSaw(FarEndState.WAITING, times=2) == seen[0].far_end
    assert names(ranked(limit, seen)) == {"azure-application-gateway-v2"}


# What products say of themselves


def test_a_product_without_a_timer_is_named_where_its_answer_names_it(facts):
    limit = facts.limit(Manner.STATUS, low_s=29.5, high_s=30, status=504)
    caddy = facts.ended(Manner.STATUS, FarEndState.CLOSED, status=504, server="Caddy")
    assert "caddy" in {match.profile.id for match in ranked(limit, [caddy])}
    assert names(ranked(limit, [caddy])) != names(ranked(limit, [facts.ended(Manner.STATUS, status=504)]))


def test_an_error_page_tells_programs_apart(facts):
    limit = facts.limit(Manner.STATUS, low_s=2.5, high_s=3, status=504)
    page = page_words("<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>")
    seen = [replace(facts.ended(Manner.STATUS, status=504), page=page)]
    assert {CATALOGUE.find(name).built_on for name in names(ranked(limit, seen))} == {"HAProxy"}


def test_versions_in_pages_do_not_count(facts):
    limit = facts.limit(Manner.STATUS, low_s=2.5, high_s=3, status=504)
    body = CATALOGUE.find("nginx-http-proxy").timers.server_response.body.replace("1.22.1", "1.27.0")
    seen = [replace(facts.ended(Manner.STATUS, status=504), page=page_words(body))]
    assert "nginx-http-proxy" in names(ranked(limit, seen))


@pytest.mark.parametrize(
    ("after_s", "server", "found"),
    [
        (75, "", {"nginx-http-proxy", "kubernetes-ingress-nginx", "azure-application-gateway-v2"}),
        (75, "nginx/1.22.1", {"nginx-http-proxy", "kubernetes-ingress-nginx"}),
        (3, "nginx/1.22.1", {"nginx-http-proxy", "kubernetes-ingress-nginx"}),
    ],
)
def test_between_requests_another_timer_is_compared(facts, after_s, server, found):
    limit = facts.limit(Manner.CLOSED, low_s=after_s - 0.5, high_s=after_s)
    seen = [replace(facts.ended(Manner.CLOSED, server=server), quiet=True)]
    matches = rank(ALL, limit, seen, reason(limit, seen, "idle", tls=False), QuietPhase.BETWEEN)
    assert names(matches) >= found
    assert all("nginx" in name for name in names(matches)) or not server


def test_a_server_that_is_tried_again_makes_no_range_of_limits(facts):
    """Two servers with 20 s each end a request after 20 or 40 s, and not after 34."""
    limit = facts.limit(Manner.STATUS, low_s=33.5, high_s=34, status=504)
    matches = ranked(limit, [facts.ended(Manner.STATUS, FarEndState.CLOSED, status=504)])
    (gateway,) = [match for match in matches if match.profile.id == "azure-application-gateway-v2"]
    assert not gateway.as_shipped


@pytest.mark.parametrize(
    ("part", "how", "first"),
    [
        (QuietPhase.TUNNEL, Manner.CLOSED, {"nginx-http-proxy", "kubernetes-ingress-nginx", "aws-alb", "aws-clb"}),
        (QuietPhase.REQUEST, Manner.STATUS, {"nginx-http-proxy", "aws-alb"}),
    ],
)
def test_a_websocket_dies_of_another_timer_and_in_another_way(part, how, first):
    limit = Limit(59.5, 60.0, how, 504 if how is Manner.STATUS else None, exact=True)
    seen = [Observation(Ask(Question.POST_MORTEM, 76), Outcome(Kind.CUT, 60.0, how, True, limit.status))]
    matches = rank(ALL, limit, seen, reason(limit, seen, "websocket", tls=True), part)
    assert first <= {match.profile.id for match in matches if match.as_shipped}


def test_no_box_that_knows_http_lets_another_protocol_through():
    limit = Limit(59.5, 60.0, Manner.CLOSED, exact=True)
    seen = [Observation(Ask(Question.POST_MORTEM, 76), Outcome(Kind.CUT, 60.0, Manner.CLOSED, True))]
    matches = rank(ALL, limit, seen, reason(limit, seen, "redis", tls=False), QuietPhase.FOREIGN)
    assert matches
    assert Layer.HTTP not in {match.profile.layer for match in matches}
