"""What a profile foretells for the questions of a diagnosis."""

import pytest

from hbprobe.diagnosis.prediction import predictions, settable, survives
from hbprobe.manner import Aftermath, Expiry, Layer, Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Ends, Http, Http2, Restart
from hbprobe.profiles.silent_request import deciding_timer
from hbprobe.trial.evidence import Ask, FarEndState, Question

CATALOGUE = Catalogue()
Q = Question


@pytest.mark.parametrize(
    ("name", "manners", "aftermath", "status", "far_end"),
    [
        ("fortinet-fortigate", (Manner.SILENT,), Aftermath.NOTHING, None, None),
        ("aws-nlb-tcp", (Manner.SILENT,), Aftermath.RESET, None, None),
        ("nginx-http-proxy", (Manner.STATUS,), None, 504, FarEndState.CLOSED),
        ("haproxy-sample-edge", (Manner.STATUS,), None, 504, FarEndState.RESET),
        (
            "azure-application-gateway-v2",
            (Manner.STATUS, Manner.SILENT),
            Aftermath.ACKNOWLEDGED,
            504,
            FarEndState.CLOSED,
        ),
        ("nginx-stream-proxy", (Manner.CLOSED,), None, None, None),
        ("gcp-vpc-firewall-conntrack", (Manner.SILENT,), Aftermath.ACKNOWLEDGED, None, None),
    ],
)
def test_how_a_product_cuts(name, manners, aftermath, status, far_end):
    foretold = predictions(CATALOGUE.find(name))[0]
    assert (foretold.manners, foretold.aftermath, foretold.status, foretold.far_end) == (
        manners,
        aftermath,
        status,
        far_end,
    )


def test_a_product_that_asks_other_servers_takes_its_time():
    foretold = predictions(CATALOGUE.find("azure-application-gateway-v2"))[0]
    assert (foretold.cut.limit_s, foretold.cut.tries) == (20, 2)


def test_a_product_that_lets_requests_live():
    assert predictions(CATALOGUE.find("open-path")) == ()


ASK = {question: Ask(question, 900, 60) for question in Question}


@pytest.mark.parametrize(
    ("restart", "layer", "client", "server", "both", "alive"),
    [
        (Restart.ANY_PACKET, Layer.PACKET, True, True, True, True),
        (Restart.DATA, Layer.PACKET, True, True, True, False),
        (Restart.CLIENT_DATA, Layer.TCP, True, False, True, False),
        (Restart.SERVER_DATA, Layer.TCP, False, True, True, False),
        (Restart.EACH_DIRECTION, Layer.TCP, False, False, True, False),
        (Restart.EACH_DIRECTION, Layer.PACKET, True, True, True, True),
        (Restart.NOTHING, Layer.PACKET, False, False, False, False),
    ],
)
def test_what_saves_a_flow(restart, layer, client, server, both, alive):
    profile = CATALOGUE.find("fortinet-fortigate").model_copy(update={"layer": layer})
    timer = deciding_timer(profile).model_copy(update={"restarted_by": restart})
    questions = (Q.CLIENT_DRIP, Q.SERVER_DRIP, Q.BOTH_DRIP, Q.KEEP_ALIVE)
    assert [survives(profile, timer, ASK[question]) for question in questions] == [client, server, both, alive]
    assert survives(profile, timer, ASK[Q.BETWEEN_REQUESTS]) is False
    assert survives(profile, timer, ASK[Q.POST_MORTEM]) is None


@pytest.mark.parametrize(("hold_s", "lives"), [(74, True), (76, False)])
def test_between_requests_another_timer_runs(hold_s, lives):
    nginx = CATALOGUE.find("nginx-http-proxy")
    assert survives(nginx, deciding_timer(nginx), Ask(Q.BETWEEN_REQUESTS, hold_s)) is lives


def test_a_drip_that_is_slower_than_the_timer_between_bytes():
    nginx = CATALOGUE.find("nginx-http-proxy")
    timer = deciding_timer(nginx)
    assert survives(nginx, timer, Ask(Q.SERVER_DRIP, 900, 59)) is True
    assert survives(nginx, timer, Ask(Q.SERVER_DRIP, 900, 60)) is False
    assert survives(nginx, timer, Ask(Q.CLIENT_DRIP, 900, 60)) is True


def test_a_total_timer_says_nothing_of_what_puts_off_its_beginning():
    nginx = CATALOGUE.find("nginx-http-proxy")
    timer = deciding_timer(nginx)
    of_all = nginx.model_copy(
        update={"timers": nginx.timers.model_copy(update={"server_response": None, "total": timer})}
    )
    assert survives(of_all, timer, ASK[Q.CLIENT_DRIP]) is None
    assert survives(of_all, timer, ASK[Q.BOTH_DRIP]) is None
    assert survives(of_all, timer, ASK[Q.SERVER_DRIP]) is not None


@pytest.mark.parametrize(("least_s", "most_s", "found"), [(None, None, None), (60, None, (60, float("inf")))])
def test_what_a_timer_can_be_set_to(least_s, most_s, found):
    timer = deciding_timer(CATALOGUE.find("fortinet-fortigate"))
    assert settable(timer.model_copy(update={"min": least_s, "max": most_s})) == found


@pytest.mark.parametrize(("pings", "saved"), [(True, True), (False, False), (None, None)])
def test_where_no_request_waits_only_frames_of_http2_can_save_the_connection(pings, saved):
    """What moves there is PINGs, which one product counts and another does not."""
    nginx = CATALOGUE.find("nginx-http-proxy")
    http2 = None if pings is None else Http2(pings_count=pings, source="rfc")
    nginx = nginx.model_copy(update={"http": (nginx.http or Http()).model_copy(update={"http2": http2})})
    assert survives(nginx, nginx.timers.client_idle, ASK[Q.BOTH_DRIP]) is saved


def test_a_far_end_that_is_told_nothing_sees_nothing():
    firewall = CATALOGUE.find("aws-nlb-tcp")
    timer = deciding_timer(firewall).model_copy(update={"tells": Ends.CLIENT})
    assert _far_end_of(firewall, timer) is None
    assert _far_end_of(firewall, timer.model_copy(update={"tells": Ends.BOTH, "expiry": Expiry.RESET})) == "reset"


def _far_end_of(profile, timer):
    kind = next(kind for kind, one in profile.each_timer() if one is deciding_timer(profile))
    timers = profile.timers.model_copy(update={kind.value.replace("-", "_"): timer})
    return predictions(profile.model_copy(update={"timers": timers}))[0].far_end
