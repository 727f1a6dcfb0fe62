import io
from dataclasses import replace
from functools import partial

import pytest
from rich.console import Console

from hbprobe.exchange.devices import Basis
from hbprobe.exchange.settings import Settings, Severity
from hbprobe.exchange.verdict import DeviceVerdict, Finding, Judgement
from hbprobe.manner import Aftermath, Manner
from hbprobe.records.record import Verb
from hbprobe.report.terminal.answer import Detail
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
limit  survives 599.4 s, cut at 600.3 s: silent, by example-nat
but    some trials contradict the limit
means  a session that is idle for longer dies: nothing comes, and the client waits on
       Direct Push: 3 of 4 kinds of devices lose requests; event 1040: 1 by this path, 1 on any
do     on example-nat: an idle timeout of 1740 s (29 min) or more
       in the application: a ping or a keep-alive more often than every 599.4 s, if this is an idle
       timeout (hbprobe diagnose tells)

problem  Event 1040: yes with Old Phone; no with New Phone, Stubborn Client; on any path with Fixed
         Client (HeartbeatAlertThreshold below 180 s, or another client, ends it)
problem  Requests lost: all refused with Stubborn Client (asks for 5000 s); some with Old Phone
         (asks for 480 s, loses 12%), New Phone (asks for 780 s, loses 50%); none with Fixed Client
         (asks for 180 s)
note     line 3: HeartbeatSampleSize is small [settings-remark]

ticket  1740 s (29 min) or more: the least with which none of these devices loses a request; but
        Stubborn Client, which the server's settings refuse; event 1040 goes on with Fixed Client,
        which no timer changes.

target  https://127.0.0.1:8443
path    client > example-nat > example-proxy > server
tried   13 trials, 9 h 36 min of path time in 0.125 s of wall time

Contradictions
  a hold of 500 s was cut (silent)

Notes
  the certificate was not verified"""
    )


def test_all_details(ten_minutes):
    out = printed(partial(print_result, detail=Detail.ALL), replace(ten_minutes, verdict=VERDICT))
    assert out.startswith(printed(partial(print_result, detail=Detail.ANSWER), replace(ten_minutes, verdict=VERDICT)))
    for told in (
        "method  hold: the far end answers after the hold",
        "dies    silent: nothing comes, and the client waits on",
        "problem  Event 1040 with Old Phone: it settles at 480 s",
        """\
device           settles at  average  event 1040   lost  push from  no event
────────────────────────────────────────────────────────────────────────────
Old Phone             480 s    480 s  yes           12%      960 s     780 s
New Phone             780 s    630 s  no            50%     1740 s     540 s
Fixed Client          180 s    180 s  on any path    0%      240 s         -
Stubborn Client     refused        -  no           100%          -      60 s
""",
        """\
          3600 s (1 h) carries the longest heartbeat, 3540 s.
columns   push from, no event: the timer from which on no request is lost, and event 1040 stays away
settings  MinHeartbeatInterval 60 s, MaxHeartbeatInterval 3540 s, HeartbeatSampleSize 200,
          HeartbeatAlertThreshold 540 s
""",
    ):
        assert told in out


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_the_answer_stands_first_and_alone_where_that_is_asked_for(ten_minutes, width):
    whole = printed(print_result, ten_minutes, width)
    short = printed(partial(print_result, detail=Detail.ANSWER), ten_minutes, width)
    assert whole.startswith(f"{short}\n\n")
    assert len(short.splitlines()) <= 6 or width < 100


def test_a_ping_shows_its_devices(ten_minutes):
    ping = replace(ten_minutes, method="ping", verdict=VERDICT)
    assert "push from  no event" in printed(print_result, ping)
    assert "push from  no event" not in printed(print_result, replace(ping, method="hold"))


def test_a_real_path_at_80_columns(ten_minutes):
    result = replace(
        ten_minutes,
        verb=Verb.PROBE,
        method="idle",
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
limit  survives 59.5 s, cut at 60 s: HTTP status 504 (13 trials, no
       contradiction)
means  a session that is idle for longer dies: an answer comes, and not the
       server's
do     in the application: a ping or a keep-alive more often than every 59.5 s
       (29 s lets one be lost), if this is an idle timeout (hbprobe diagnose
       tells)

target   https://mail.example.org/
method   idle: quiet between two requests, so a keep-alive timer of the server
         counts too
tried    13 trials, 5 min of path time in 5 min of wall time
verdict  none on Exchange: no request was held, as Direct Push holds one;
         --method hold or ping gives one"""
    )


def test_causes_and_evidence(ten_minutes):
    causes = (Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER)
    limit = Limit(
        4.75, 5.003, Manner.CLOSED, exact=True, causes=causes, evidence=("FIN came after 5 s", "the far end: x")
    )
    out = printed(print_result, replace(ten_minutes, limit=limit))
    assert (
        """\
cause   a proxy closed the connection; or the server closed the connection
        - FIN came after 5 s
        - the far end: x
tried   13 trials"""
        in out
    )


def test_nothing_cut(measure, cutting_at):
    out = printed(print_result, measure(cutting_at(9999)))
    assert out.startswith(
        "limit  survives 3540 s; nothing beyond 59 min was tried (1 trial, no contradiction)\nmeans  Direct"
    )
    assert "do     nothing: no timer on this path cuts what was tried\n" in out
    assert "dies" not in out and "ticket" not in out


def test_stopped_early(ten_minutes):
    out = printed(print_result, replace(ten_minutes, complete=False, confirmed=False))
    assert "but    the search was stopped before its end; the bracket is as wide as it was then" in out
    assert "not confirmed" not in out


def test_not_confirmed(ten_minutes):
    out = printed(print_result, replace(ten_minutes, confirmed=False))
    assert "but    not confirmed: too few trials agree at one of the limit's ends" in out


def noisy(result, confidence, noise=0.1, **fields):
    search = replace(result.search, noise=noise)
    return replace(result, search=search, confidence=confidence, noise=0.1, contradictions=("a hold",), **fields)


def test_noise_that_was_foretold(ten_minutes):
    out = printed(print_result, noisy(ten_minutes, 0.9876))
    sure = "; sure to 98.7 % at least, if 10 % of the trials die for other reasons than the timer"
    assert sure in " ".join(out.split())
    assert "but " not in out


def test_noise_that_was_not_foretold(ten_minutes):
    out = printed(print_result, noisy(ten_minutes, 0.9876, noise=0.0, confirmed=False))
    assert "; sure to 98.7 % at least" in out
    assert "but    some trials contradict the limit" in out


def test_noise_that_is_too_much(ten_minutes):
    out = printed(print_result, noisy(ten_minutes, 0.62, confirmed=False))
    assert "but    the trials do not agree well enough; try again, or with --confirm 3" in out


def test_a_healthy_verdict():
    verdict = replace(VERDICT, findings=(), devices=VERDICT.devices[:2])
    out = printed(print_verdict, verdict)
    assert "\nhealthy  Nothing was found that stands in the way of Direct Push.\n" in out
    assert "ticket  1740 s (29 min) or more: the least with which none of these devices loses a request.\n" in out


def test_no_timer_helps():
    verdict = replace(VERDICT, recommended_s=None, devices=VERDICT.devices[2:])
    assert "ticket  No timer: none of these devices needs one, or is helped by one.\n" in printed(
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
    told = "in the finding twice, in the lines for all, in the table, and in the ticket"
    assert out.count(HARMLESS) == 7, f"its name stands {told}"
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
