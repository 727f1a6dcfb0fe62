"""What answers to a Ping mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.eas.client import Step
from hbprobe.eas.commands import PingAnswer
from hbprobe.manner import Manner
from hbprobe.net.replies import Answer
from hbprobe.trial.outcome import Kind, Outcome
from hbprobe.trial.ping_answer import HeartbeatLimits, PingReading, read_ping

HOLD_S = 599


def reading(ping=None, elapsed_s=HOLD_S, *, status=200, body=None, hold_s=HOLD_S, **headers):
    body = ping.encode() if ping is not None else (body or b"")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_ping(Answer(status, body, 1000.0, named), hold_s, elapsed_s)


def failed(elapsed_s, reason, status=None, again=False, pause_s=0.0):
    return Outcome(Kind.FAILED, elapsed_s, status=status, reason=reason, again=again, pause_s=pause_s)


def test_a_ping_that_waited_to_the_end_survived():
    assert reading(PingAnswer(1)) == PingReading(Outcome(Kind.SURVIVED, HOLD_S))


@pytest.mark.parametrize("early_s", [0.2, 0.7, 11.9])
def test_servers_may_answer_a_little_early(early_s):
    assert reading(PingAnswer(1), HOLD_S - early_s).outcome.kind is Kind.SURVIVED


def test_status_1_much_too_early_is_no_evidence():
    text = (
        "status 1 after 300.000 s instead of 599 s: another Ping of this device took its place, "
        "or the server rounds heartbeats down"
    )
    assert reading(PingAnswer(1), 300) == PingReading(failed(300, text, again=True), held_s=300)


def test_mail_is_no_evidence_and_wants_a_sync():
    outcome = failed(44.5, "status 2 after 44.500 s: something came into the folder", again=True)
    assert reading(PingAnswer(2, ("9",)), 44.5) == PingReading(outcome, Step.SYNC)


@pytest.mark.parametrize("elapsed_s", [0.01, 540, HOLD_S])
def test_status_5_teaches_whenever_it_comes(elapsed_s):
    """SOGo waits as long as its longest heartbeat before it says that the one asked for was too long."""
    text = "status 5: the server does not take 599 s; 540 s is the most it takes"
    assert reading(PingAnswer(5, heartbeat_s=540), elapsed_s) == PingReading(
        failed(elapsed_s, text, again=True), bound_s=540
    )


def test_status_5_from_below():
    text = "status 5: the server does not take 599 s; 900 s is the least it takes"
    assert reading(PingAnswer(5, heartbeat_s=900), 0.01) == PingReading(failed(0.01, text, again=True), bound_s=900)


@pytest.mark.parametrize("heartbeat_s", [None, HOLD_S])
def test_status_5_that_teaches_nothing(heartbeat_s):
    outcome = failed(0.01, "the server answers the Ping with status 5")
    assert reading(PingAnswer(5, heartbeat_s=heartbeat_s), 0.01) == PingReading(outcome)


def test_folders_that_have_changed():
    outcome = failed(1, "status 7: the folders have changed", again=True)
    assert reading(PingAnswer(7), 1) == PingReading(outcome, Step.FOLDER_SYNC)


def test_a_server_that_failed_is_asked_again_later():
    assert reading(PingAnswer(8), 1) == PingReading(failed(1, "status 8: the server failed", again=True, pause_s=30))


@pytest.mark.parametrize("status", [3, 4, 6, 99])
def test_other_statuses_end_it(status):
    outcome = failed(1, f"the server answers the Ping with status {status}")
    assert reading(PingAnswer(status), 1) == PingReading(outcome)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (126, "command status 126: ActiveSync is switched off for this user"),
        (129, "command status 129: the device is blocked for this user"),
        (
            140,
            "command status 140: the server orders a remote wipe of this device: hbprobe does not go on",
        ),
        (177, "command status 177: the user has too many devices"),
    ],
)
@pytest.mark.parametrize("elapsed_s", [0.01, 300, HOLD_S])
def test_what_administrators_do_is_never_a_cut(status, reason, elapsed_s):
    assert reading(PingAnswer(status), elapsed_s) == PingReading(failed(elapsed_s, reason))


@pytest.mark.parametrize("status", [142, 143, 144])
def test_provisioning_again(status):
    found = reading(PingAnswer(status), 1)
    assert (found.back_to, found.outcome.kind, found.outcome.again) == (Step.PROVISION, Kind.FAILED, True)
    assert found.outcome.reason.startswith(f"command status {status}: the ")


def test_provisioning_again_before_14_0():
    outcome = failed(1, "status 449: the server wants the device to be provisioned first", 449, again=True)
    assert reading(status=449, elapsed_s=1) == PingReading(outcome, Step.PROVISION)


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (401, {}, "status 401: the server does not let this user in with this password or token"),
        (403, {}, "status 403: ActiveSync is forbidden to this user or device"),
        (407, {}, "status 407: a proxy wants a login"),
        (451, {"x_ms_location": "https://b/"}, "status 451: the mailbox is served at https://b/"),
        (507, {}, "status 507: the mailbox is full"),
        (500, {"x_diaginfo": "EX1"}, "status 500: the server failed"),
        (301, {"location": "/owa"}, "status 301: the server sends us to /owa"),
    ],
)
@pytest.mark.parametrize("elapsed_s", [0.01, 20, HOLD_S])
def test_http_statuses_of_the_server_end_it(status, headers, reason, elapsed_s):
    """However late they come: Exchange delays its errors."""
    assert reading(status=status, elapsed_s=elapsed_s, **headers) == PingReading(failed(elapsed_s, reason, status))


@pytest.mark.parametrize(
    ("headers", "reason", "pause_s"),
    [
        ({"retry_after": "90"}, "status 503: the server throttles: it asks for a pause of 90 s", 90),
        (
            {"x_ms_asthrottle": "CommandFrequency", "retry_after": "5"},
            "status 503: the server throttles (CommandFrequency): it asks for a pause of 5 s",
            5,
        ),
        ({"x_ms_backoffduration": "L/470"}, "status 503: the server throttles: it asks for a pause of 470 s", 470),
        (
            {"ms_server_activesync": "15.2"},
            "status 503: the server is too busy, or this user has too many requests open",
            60,
        ),
    ],
)
@pytest.mark.parametrize("elapsed_s", [0.01, 300])
def test_throttling(headers, reason, pause_s, elapsed_s):
    found = reading(status=503, elapsed_s=elapsed_s, **headers)
    if elapsed_s > 1 and not any(name.startswith(("x_ms", "ms_server")) for name in headers):
        assert (found.outcome.kind, found.outcome.status) == (Kind.CUT, 503)  # a proxy's own, at its timer
    else:
        assert found == PingReading(failed(elapsed_s, reason, 503, again=True, pause_s=pause_s))


@pytest.mark.parametrize(
    ("pings", "step_s"),
    [
        ([(21, 20)], 5),
        ([(21, 20), (29, 20)], 10),
        ([(59, 30)], 30),
        ([(599, 300)], None),
        ([(23, 21)], None),
        ([(119, 60)], 60),
        ([(1, 5)], 5),
        ([(21, 25)], 5),
        ([(1, 5), (6, 15)], 15),
        ([(1, 5), (6, 6)], None),
        ([(21, 20), (40, 40)], 5),
        ([(1, 7)], None),
    ],
)
def test_a_server_that_rounds_heartbeats(pings, step_s):
    limits = HeartbeatLimits(5, 3540)
    for asked_s, held_s in pings:
        limits.held(asked_s, held_s)
    assert limits.step_s == step_s
    assert str(limits) == "from 5 s to 3540 s" + (f" in steps of {step_s} s" if step_s else "")


@pytest.mark.parametrize(("told", "pause_s"), [("L/470", 470), ("L/-470", 0), ("nonsense", 0), ("/", 0)])
def test_a_pause_that_comes_with_a_good_answer(told, pause_s):
    outcome = reading(PingAnswer(1), x_ms_backoffduration=told).outcome
    assert outcome == Outcome(Kind.SURVIVED, HOLD_S, pause_s=pause_s)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 524, 529])
def test_a_proxys_status_is_a_cut(status):
    outcome = Outcome(Kind.CUT, 300, Manner.STATUS, True, status, reason=f"status {status} from a proxy")
    assert reading(status=status, elapsed_s=300) == PingReading(outcome)


def test_a_proxys_status_right_at_the_hold_is_not_exact():
    assert reading(status=504, elapsed_s=HOLD_S).outcome.exact is False


def test_a_proxys_status_at_once_is_no_timer():
    assert reading(status=502, elapsed_s=0.5).outcome == failed(
        0.5, "status 502: a proxy does not reach the server", 502
    )


@pytest.mark.parametrize("body", [b"", b"<html>please log in</html>", b"\x03\x01j\x00"])
@pytest.mark.parametrize("elapsed_s", [0.01, 300])
def test_what_is_not_activesync_is_no_evidence(body, elapsed_s):
    outcome = reading(body=body, elapsed_s=elapsed_s).outcome
    assert (outcome.kind, outcome.again) == (Kind.FAILED, False)
    assert outcome.reason.startswith("the answer to the Ping is not ActiveSync: ")


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=40) | st.integers(1, 200).map(lambda status: PingAnswer(status).encode()),
    elapsed_s=st.floats(0, 4000),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "date", "x-ms-asthrottle", "x-ms-backoffduration", "location", "via"]),
        st.text(),
    ),
)
def test_no_answer_breaks_it_and_only_proxies_cut(status, body, elapsed_s, headers):
    outcome = read_ping(Answer(status, body, 0.0, headers), HOLD_S, elapsed_s).outcome
    if outcome.kind is Kind.CUT:
        assert outcome.how is Manner.STATUS and outcome.status == status != 200
    assert outcome.kind is not Kind.SURVIVED or status == 200
