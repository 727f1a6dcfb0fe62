import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.locate.finding import ALL, NONE, Code, Hop, Reached, Route, locate, reaches
from hbprobe.locate.hop_trials import HopQuestion, plan
from hbprobe.manner import Manner
from hbprobe.trial.outcome import Cause, Kind, Outcome

LIVED = Outcome(Kind.SURVIVED, 3.0)
CUT = Outcome(Kind.CUT, 4.0, Manner.SILENT)
FAILED = Outcome(Kind.FAILED, 0.0, reason="TCP: refused")
BRIDGE = "a box that is no hop of its own, such as a bridging firewall, is taken for the router behind it"


def route(distance=4, unknown=()):
    last = distance or 6
    hops = (Hop(ttl, None if ttl in unknown else f"192.0.2.{ttl}", 0.001 * ttl) for ttl in range(1, last))
    return Route(tuple(hops), distance)


def seen(*outcomes, without=CUT, all_the_way=LIVED):
    limited = [Reached(ttl, outcome) for ttl, outcome in enumerate(outcomes, 1)]
    return [Reached(NONE, without), *limited, Reached(ALL, all_the_way)]


@pytest.mark.parametrize("guilty", [2, 3])
def test_the_first_hop_that_must_see_keep_alives(guilty):
    outcomes = [CUT if ttl < guilty else LIVED for ttl in (1, 2, 3, 4)]
    found = locate(route(), seen(*outcomes), 3.0, 1)
    assert (found.code, found.hop, found.address) == (Code.HOP, guilty, f"192.0.2.{guilty}")
    assert found.text == (
        f"hop {guilty} (192.0.2.{guilty}) cuts: keep-alives that reach it save the request, shorter ones do not"
    )
    ahead = f"hop {guilty - 1} (192.0.2.{guilty - 1}) cuts, if it looks at the TTL before its state table"
    anew = f"a hop behind hop {guilty} (192.0.2.{guilty}) cuts, if that one sets the TTL anew"
    assert found.doubts == (BRIDGE, ahead, anew)


def test_the_first_hop_of_all():
    found = locate(route(), seen(LIVED, LIVED, LIVED, LIVED), 3.0, 1)
    assert (found.code, found.hop) == (Code.HOP, 1)
    assert found.text == "hop 1 (192.0.2.1) cuts, or what lies before it"
    assert found.doubts == (BRIDGE, "a hop behind hop 1 (192.0.2.1) cuts, if that one sets the TTL anew")


def test_a_hop_without_an_address():
    found = locate(route(unknown={2}), seen(CUT, LIVED, LIVED, LIVED), 3.0, 1)
    assert (found.hop, found.address) == (2, None)
    assert found.text.startswith("hop 2 (which does not tell its address) cuts: ")


def test_an_accident_behind_the_hop():
    found = locate(route(6), seen(CUT, LIVED, CUT, LIVED, CUT, LIVED), 3.0, 1)
    assert found.hop == 2
    assert found.doubts[-1] == "keep-alives up to hops 3, 5 did not help: an accident, or packets take several ways"


def test_a_reach_that_told_nothing():
    found = locate(route(), seen(CUT, FAILED, LIVED, LIVED), 3.0, 1)
    assert found.hop == 3
    assert found.doubts[-1] == "hop 2: the requests whose keep-alives reached so far told nothing"


def test_of_several_requests_one_that_lived_is_enough():
    several = seen(CUT, LIVED, LIVED, LIVED) + seen(CUT, CUT, LIVED, FAILED)
    assert locate(route(), several, 3.0, 1).hop == 2


def test_only_what_reaches_the_end_helps():
    found = locate(route(), seen(CUT, CUT, CUT, LIVED), 3.0, 1)
    assert (found.code, found.hop) == (Code.END, 4)
    assert found.text == (
        "whoever answers TCP at hop 4 cuts, or what stands right before it: it lies behind hop 3 (192.0.2.3)"
    )
    assert found.doubts == ()


def test_the_end_is_the_first_hop():
    found = locate(route(1), seen(LIVED), 3.0, 1)
    assert (found.code, found.hop) == (Code.END, 1)
    assert found.text.endswith("the first hop answers TCP itself")
    assert found.doubts == ("a box that sets the TTL anew looks like this, too: then the hop cannot be told",)


def test_the_end_is_too_far_away():
    found = locate(route(None), seen(CUT, CUT, CUT, CUT, CUT), 3.0, 1)
    assert (found.code, found.hop) == (Code.END, None)
    assert found.text.endswith("the box lies beyond the hops that were tried")


@pytest.mark.parametrize(("distance", "where"), [(2, " at or before hop 2, where TCP is answered"), (None, "")])
def test_keep_alives_that_help_nowhere(distance, where):
    found = locate(route(distance), seen(CUT, CUT, all_the_way=CUT), 3.0, 1)
    assert (found.code, found.hop, found.address) == (Code.NOT_BY_KEEP_ALIVE, distance, None)
    assert found.text == (
        f"keep-alives save the request at no hop: it is a proxy that ends TCP{where}; "
        "or a box that counts data only, or a lifetime"
    )
    assert found.doubts == ("a timer of less than the 1 s between two keep-alives looks like this, too",)


def died(*causes, evidence=()):
    return Outcome(Kind.CUT, 4.0, Manner.CLOSED, causes=causes, evidence=evidence)


BYE = ("FIN came after 4 s", "before that came BYE Autologout")
LIKELY = ("FIN came after 4 s", "a server of this protocol may end it by itself: LoginGraceTime")
ELSEWHERE = "keep-alives save the request at no hop: it is {}; or a box that counts data only, or a lifetime"
PROXY = "a proxy that ends TCP at or before hop 2, where TCP is answered"


@pytest.mark.parametrize("cause", [Cause.CLOSED_BY_SERVER, Cause.RESET_BY_SERVER])
@pytest.mark.parametrize("distance", [2, None])
def test_a_server_that_says_so_is_named_alone(cause, distance):
    said = died(cause, evidence=BYE)
    found = locate(route(distance), seen(said, said, without=died(cause), all_the_way=said), 3.0, 1)
    assert (found.code, found.hop, found.address, found.doubts) == (Code.SERVER, None, None, ())
    assert found.text == (
        "the server itself ends the request, with keep-alives and without: "
        "FIN came after 4 s; before that came BYE Autologout"
    )


@pytest.mark.parametrize(
    ("causes", "where"),
    [
        ((Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY), f"the server itself, or {PROXY}"),
        ((Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER), f"{PROXY}, or the server itself"),
        ((Cause.STATE_LOST_RESET_ON_NEXT, Cause.RESET_BY_SERVER), f"{PROXY}, or the server itself"),
    ],
)
def test_a_server_that_it_may_be_is_named_beside_the_others(causes, where):
    one = died(*causes, evidence=LIKELY)
    found = locate(route(2), seen(one, one, without=one, all_the_way=one), 3.0, 1)
    assert (found.code, found.hop) == (Code.NOT_BY_KEEP_ALIVE, 2)
    assert found.text == f"{ELSEWHERE.format(where)} ({'; '.join(LIKELY)})"


@pytest.mark.parametrize("other", [CUT, died(Cause.CLOSED_BY_PROXY), died(Cause.STATE_LOST_SILENTLY)])
def test_a_server_that_ended_only_some_of_them_is_not_named_alone(other):
    said = died(Cause.CLOSED_BY_SERVER, evidence=BYE)
    found = locate(route(2), seen(said, said, without=other, all_the_way=said), 3.0, 1)
    assert (found.code, found.text) == (
        Code.NOT_BY_KEEP_ALIVE,
        f"{ELSEWHERE.format(f'the server itself, or {PROXY}')} ({'; '.join(BYE)})",
    )


@pytest.mark.parametrize("cause", [Cause.CLOSED_BY_PROXY, Cause.PROXY_STATUS, Cause.STATE_LOST_SILENTLY])
def test_a_server_that_it_cannot_be_is_not_named(cause):
    one = died(cause, evidence=LIKELY)
    found = locate(route(2), seen(one, one, without=one, all_the_way=one), 3.0, 1)
    assert (found.code, found.text) == (Code.NOT_BY_KEEP_ALIVE, ELSEWHERE.format(PROXY))


def test_nothing_cuts():
    found = locate(route(), seen(LIVED, LIVED, LIVED, LIVED, without=LIVED), 309.0, 100)
    assert found.code is Code.OPEN
    assert found.text == "a request that is silent for 309 s lives: nothing on this path cuts it"


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        (seen(CUT, without=FAILED), "no request without keep-alives told anything: TCP: refused"),
        (seen(CUT, all_the_way=FAILED), "no request with keep-alives told anything: TCP: refused"),
        ([Reached(NONE, CUT)], "no request with keep-alives told anything: it was not tried"),
    ],
)
def test_trials_that_do_not_tell(trials, reason):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        locate(route(), trials, 3.0, 1)
    assert str(error.value) == reason


@given(st.integers(1, 40), st.data())
def test_every_position_is_found_whatever_is_known_of_the_hops(distance, data):
    guilty = data.draw(st.integers(1, distance))
    unknown = data.draw(st.sets(st.integers(1, distance)))
    trials = seen(*(CUT if ttl < guilty else LIVED for ttl in range(1, distance + 1)))
    found = locate(route(distance, unknown), data.draw(st.permutations(trials)), 3.0, 1)
    assert found.hop == guilty
    assert found.code is (Code.END if guilty == distance else Code.HOP)


def test_how_far_keep_alives_are_to_reach():
    assert reaches(route(3), 30) == (NONE, 1, 2, 3, ALL)
    assert reaches(route(3), 2) == (NONE, 1, 2, ALL)
    assert reaches(Route((), None), 4) == (NONE, 1, 2, 3, 4, ALL)


# The plan


@pytest.mark.parametrize(
    ("limit_s", "hold_s", "every_s"), [(1.5, 2.0, 1), (2.5, 3.0, 1), (300, 309, 100), (3540, 3646.2, 1180)]
)
def test_the_hold_is_a_little_longer_and_the_interval_shorter(limit_s, hold_s, every_s):
    asked = plan(limit_s, "idle", requests=2)
    assert asked == HopQuestion("idle", pytest.approx(hold_s), every_s, 3.0, 30, 2)
    assert asked.every_s < limit_s < asked.hold_s < 127 * asked.every_s


def test_a_limit_that_is_too_short():
    with pytest.raises(ValueError, match=r"^keep-alives go out once a second at most: a limit below 1.5 s cannot be"):
        plan(1.4)
