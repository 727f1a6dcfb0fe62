import io
from dataclasses import replace

import pytest
from rich.console import Console

from hbprobe.exchange.device_verdict import DeviceVerdict
from hbprobe.exchange.devices import Basis
from hbprobe.exchange.settings import Settings, Severity
from hbprobe.exchange.verdict import Finding, Judgement
from hbprobe.manner import Aftermath, Manner
from hbprobe.records.result import Method, Verb
from hbprobe.report.terminal.tables import print_result, print_verdict
from hbprobe.trial.outcome import Cause, Limit


def device(name, settled_s, average_s, event, lost, push_s, event_s, **more):
    told = {
        "id": name,
        "name": name,
        "basis": Basis.EXAMPLE,
        "source": None,
        "note": "",
        "refused": False,
        "settled_s": settled_s,
        "lowest_s": settled_s,
        "highest_s": settled_s,
        "average_s": average_s,
        "event_1040": event,
        "first_sample": None,
        "event_1040_on_open_path": False,
        "lost_share": lost,
        "deaf_share": 0.0,
        "push_timer_s": push_s,
        "event_timer_s": event_s,
        "smallest_timer_s": None if event_s is None or push_s is None else max(push_s, event_s),
    }
    return DeviceVerdict(**(told | more))


VERDICT = Judgement(
    findings=(
        Finding(
            "event-1040",
            Severity.PROBLEM,
            "Event 1040 with Old Phone: it settles at 480 s, and the average of 480 s is not above 540 s. "
            "A timer of 780 s ends it.",
        ),
        Finding("settings-remark", Severity.NOTE, "line 3: HeartbeatSampleSize is small"),
    ),
    devices=(
        device("Old Phone", 480, 480, True, 0.125, 960, 780),
        device("New Phone", 780, 630, False, 0.5, 1740, 540),
        device("Fixed Client", 180, 180, True, 0.0, 240, None, event_1040_on_open_path=True),
        device("Stubborn Client", 5000, None, False, 1.0, None, 60, refused=True),
    ),
    recommended_s=1740,
    carries_max_s=3600,
    settings=Settings(),
)


def printed(draw, subject, width=100):
    file = io.StringIO()
    draw(subject, Console(file=file, width=width))
    assert all(len(line) <= width for line in file.getvalue().splitlines())
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def test_a_result_at_100_columns(ten_minutes):
    result = replace(
        ten_minutes,
        path=("example-nat", "example-proxy"),
        limit=Limit(599.4, 600.3, Manner.SILENT, aftermath=Aftermath.RESET),
        path_s=34560,
        cut_by="example-nat",
        verdict=VERDICT,
        contradictions=("a hold of 500 s was cut (silent)",),
        confirmed=False,
        notes=("the certificate was not verified",),
    )
    assert (
        printed(print_result, result)
        == """\
target  https://127.0.0.1:8443
path    client > example-nat > example-proxy > server
method  hold: the far end answers after the hold
limit   survives 599.4 s, cut at 600.3 s
dies    silent: nothing comes, and the client waits on
        one more packet was answered with RST: the state is lost, and the box says so when asked
cut by  example-nat
tried   13 trials, 9 h 36 min of path time in 0.125 s of wall time
but     some trials contradict the limit

problem  Event 1040 with Old Phone: it settles at 480 s, and the average of 480 s is not above 540
         s. A timer of 780 s ends it. [event-1040]
note     line 3: HeartbeatSampleSize is small [settings-remark]

device           settles at  average  event 1040   lost  push from  no event
────────────────────────────────────────────────────────────────────────────
Old Phone             480 s    480 s  yes           12%      960 s     780 s
New Phone             780 s    630 s  no            50%     1740 s     540 s
Fixed Client          180 s    180 s  on any path    0%      240 s         -
Stubborn Client     refused        -  no           100%          -      60 s

ticket    1740 s (29 min) or more: the least with which none of these devices loses a request; but
          Stubborn Client, which the server's settings refuse; event 1040 goes on with Fixed Client,
          which no timer changes.
          3600 s (1 h) carries the longest heartbeat, 3540 s.
columns   push from, no event: the timer from which on no request is lost, and event 1040 stays away
settings  MinHeartbeatInterval 60 s, MaxHeartbeatInterval 3540 s, HeartbeatSampleSize 200,
          HeartbeatAlertThreshold 540 s

Contradictions
  a hold of 500 s was cut (silent)

Notes
  the certificate was not verified"""
    )


def test_a_real_path_at_80_columns(ten_minutes):
    result = replace(
        ten_minutes,
        verb=Verb.PROBE,
        method=Method.IDLE,
        target="https://mail.example.org/",
        path=(),
        cut_by=None,
        limit=Limit(59.5, 60.0, Manner.STATUS, 504, exact=True),
        path_s=300.0,
        wall_s=300.0,
        verdict=None,
    )
    assert (
        printed(print_result, result, 80)
        == """\
target  https://mail.example.org/
method  idle: quiet between two requests, so a keep-alive timer of the server
        counts too
limit   survives 59.5 s, cut at 60 s
dies    HTTP status 504: an answer comes, and not the server's
tried   13 trials, 5 min of path time in 5 min of wall time
means   nothing for Exchange: no request was held, as Direct Push holds one;
        --method hold or ping gives a verdict"""
    )


def test_causes_and_evidence(ten_minutes):
    causes = (Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER)
    limit = Limit(
        4.75, 5.003, Manner.CLOSED, exact=True, causes=causes, evidence=("FIN came after 5 s", "the far end: x")
    )
    out = printed(print_result, replace(ten_minutes, limit=limit))
    assert (
        """\
dies    closed (FIN): the connection is closed with FIN, in good order and too early
cause   a proxy closed the connection; or the server closed the connection
        - FIN came after 5 s
        - the far end: x
tried   13 trials"""
        in out
    )


def test_nothing_cut(measure, cutting_at):
    out = printed(print_result, measure(cutting_at(9999)))
    assert "limit   survives 3540 s; nothing beyond 59 min was tried\ntried   1 trial, 59 min of path time" in out
    assert "dies" not in out


def test_stopped_early(ten_minutes):
    out = printed(print_result, replace(ten_minutes, complete=False, confirmed=False))
    assert "but     the search was stopped before its end; the bracket is as wide as it was then" in out
    assert "not confirmed" not in out


def test_not_confirmed(ten_minutes):
    out = printed(print_result, replace(ten_minutes, confirmed=False))
    assert "but     not confirmed: too few trials agree at one of the limit's ends" in out


def noisy(result, confidence, noise=0.1, **fields):
    search = replace(result.search, noise=noise)
    return replace(result, search=search, confidence=confidence, noise=0.1, contradictions=("a hold",), **fields)


def test_noise_that_was_foretold(ten_minutes):
    out = printed(print_result, noisy(ten_minutes, 0.9876))
    assert "sure    to 98.7 % at least, if 10 % of the trials die for other reasons than the timer" in out
    assert "but " not in out


def test_noise_that_was_not_foretold(ten_minutes):
    out = printed(print_result, noisy(ten_minutes, 0.9876, noise=0.0, confirmed=False))
    assert "sure    to 98.7 % at least" in out
    assert "but     some trials contradict the limit" in out


def test_noise_that_is_too_much(ten_minutes):
    out = printed(print_result, noisy(ten_minutes, 0.62, confirmed=False))
    assert "but     the trials do not agree well enough; try again, or with --confirm 3" in out


def test_a_healthy_verdict():
    verdict = replace(VERDICT, findings=(), devices=VERDICT.devices[:2])
    out = printed(print_verdict, verdict)
    assert out.startswith("healthy  Nothing was found that stands in the way of Direct Push.\n")
    assert "ticket    1740 s (29 min) or more: the least with which none of these devices loses a request.\n" in out


def test_no_timer_helps():
    verdict = replace(VERDICT, recommended_s=None, devices=VERDICT.devices[2:])
    assert "ticket    No timer: none of these devices needs one, or is helped by one.\n" in printed(
        print_verdict, verdict
    )


def test_no_devices():
    verdict = replace(VERDICT, recommended_s=None, devices=())
    assert "push from  no event" not in printed(print_verdict, verdict)


def test_a_long_list_is_cut_short(ten_minutes):
    out = printed(print_result, replace(ten_minutes, contradictions=tuple(f"number {n}" for n in range(79))))
    assert "  number 9\n  and 69 more" in out
    assert "number 10" not in out


HOSTILE = "\x1b]0;owned\x07[bold red]:smile:[/]\r\n\u202e"
HARMLESS = r"\x1b]0;owned\x07[bold red]:smile:[/]\x0d\x0a\u202e"


@pytest.mark.parametrize("field", ["target", "notes", "contradictions", "cut_by"])
def test_text_from_outside_is_shown_as_it_is_and_does_nothing(field, ten_minutes):
    value = HOSTILE if field in ("target", "cut_by") else (HOSTILE,)
    out = printed(print_result, replace(ten_minutes, path=("one", "two"), **{field: value}))
    assert HARMLESS in out
    assert "\x1b" not in out


def test_a_verdict_from_a_file_does_nothing_either():
    findings = (Finding(HOSTILE, Severity.PROBLEM, HOSTILE),)
    verdict = replace(VERDICT, findings=findings, devices=(device(HOSTILE, 1, 1, True, 0, None, None),))
    out = printed(print_verdict, verdict, 300)
    assert out.count(HARMLESS) == 5, "its name stands in the finding twice, in the table, and twice in the ticket"
    assert "\x1b" not in out


def test_what_a_terminal_shows_needs_no_colour(ten_minutes, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    file = io.StringIO()
    print_result(ten_minutes, Console(file=file, width=100, force_terminal=True))
    assert "\x1b[3" not in file.getvalue()


def test_a_terminal_that_knows_ascii_alone(ten_minutes):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    print_result(ten_minutes, Console(file=file, width=100))
    assert raw.getvalue().isascii()
