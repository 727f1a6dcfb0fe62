"""None"""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbprobe.exchange.algorithms import Device
from hbprobe.exchange.devices import CURRENT, DEVICES, Basis, DeviceKind
from hbprobe.exchange.predict import follow, read_window
from hbprobe.exchange.settings import Settings, parse_settings
from hbprobe.exchange.verdict import Finding, PathLimit, Severity, judge, judge_device, timer_above
from hbprobe.manner import Manner
from hbprobe.records.result_parts import VerdictPart

DEFAULTS = Settings()
BY_ID = {kind.id: kind for kind in DEVICES}


def codes(verdict):
    return [(finding.code, finding.device) for finding in verdict.findings]


def test_the_worked_example_a_provider_that_drops_after_ten_minutes():
    verdict = judge(599, 600, "silent", DEFAULTS)
    assert not verdict.healthy
    assert codes(verdict) == [
        ("limit-below-max", None),
        ("push-lost", "ios"),
        ("push-lost", "nacho-mail"),
        ("event-1040-by-device", "outlook-540"),
        ("event-1040-by-device", "outlook-180"),
    ]
    assert {device.id: device.settled_s for device in verdict.devices} == {
        "android-4.4": 480,
        "ios": 600,
        "nacho-mail": 600,
        "outlook-540": 540,
        "outlook-180": 180,
    }
    assert (verdict.recommended_s, verdict.carries_max_s) == (1740, 3600)


def test_older_devices_and_the_textbook_are_judged_on_request():
    verdict = judge(599, 600, "silent", DEFAULTS, DEVICES)
    assert [device for code, device in codes(verdict) if code == "event-1040"] == [
        "textbook",
        "android-4.0",
        "android-4.1",
    ]
    assert verdict.recommended_s == 1860


@pytest.mark.parametrize("how", list(Manner))
def test_with_the_recommended_timer_no_device_loses_a_request(how):
    verdict = judge(1859, 1860, how, DEFAULTS, DEVICES)
    assert {device.lost_share for device in verdict.devices} == {0.0}
    assert codes(verdict) == [
        ("limit-below-max", None),
        ("event-1040-by-device", "outlook-540"),
        ("event-1040-by-device", "outlook-180"),
    ]


def test_a_minute_less_than_recommended_is_not_enough():
    assert ("event-1040", "textbook") in codes(judge(719, 720, "silent", DEFAULTS, DEVICES))
    assert any(device.lost_share for device in judge(1679, 1680, "silent", DEFAULTS).devices)


def test_an_open_path_is_healthy():
    verdict = judge(3540, None, None, DEFAULTS)
    assert verdict.healthy
    assert codes(verdict) == [("event-1040-by-device", "outlook-540"), ("event-1040-by-device", "outlook-180")]


def test_a_path_that_carries_the_maximum_is_healthy():
    assert judge(3540, 3600, "reset", DEFAULTS).healthy
    assert not judge(3539.9, 3600, "reset", DEFAULTS).healthy


def test_what_lies_between_survived_and_cut_counts_as_lost():
    assert ("push-lost", "ios") in codes(judge(599, 700, "silent", DEFAULTS))
    assert ("push-lost", "ios") not in codes(judge(600, 700, "silent", DEFAULTS))


def test_how_may_be_the_probes_own_and_unknown_is_silent():
    assert judge(599, 600, Manner.RESET, DEFAULTS) == judge(599, 600, "reset", DEFAULTS)
    assert judge(599, 600, None, DEFAULTS) == judge(599, 600, "silent", DEFAULTS)


def only(code, *arguments, device=None):
    (finding,) = (f for f in judge(*arguments, DEVICES).findings if (f.code, f.device) == (code, device))
    return finding


@pytest.mark.parametrize(
    ("finding", "arguments"),
    [
        (
            Finding(
                "limit-below-max",
                Severity.PROBLEM,
                "The path carries 599 s and cuts 600 s, below MaxHeartbeatInterval 3540 s: "
                "a timer of 3600 s would carry it.",
            ),
            (599, 600, "silent", DEFAULTS),
        ),
        (
            Finding(
                "limit-below-min",
                Severity.PROBLEM,
                "The path cuts 30 s, below MinHeartbeatInterval 60 s: no Ping can ever be answered in time.",
            ),
            (None, 30, "silent", DEFAULTS),
        ),
        (
            Finding(
                "limit-not-reached",
                Severity.NOTE,
                "Nothing was cut up to 1200 s: longer heartbeats are taken to survive too.",
            ),
            (1200, None, None, DEFAULTS),
        ),
        (
            Finding(
                "event-1040",
                Severity.PROBLEM,
                "Event 1040 with Android 4.0: it settles at 470 s, and the window's average comes to 540 s or less, "
                "first on sample 201. A timer of 660 s ends it.",
                "android-4.0",
            ),
            (599, 600, "silent", DEFAULTS),
        ),
        (
            Finding(
                "event-1040-by-device",
                Severity.NOTE,
                "Event 1040 with Outlook app (180 s) on every path, however long its timers: "
                "set HeartbeatAlertThreshold below 180 s, or change the client.",
                "outlook-180",
            ),
            (599, 600, "silent", DEFAULTS),
        ),
        (
            Finding(
                "push-lost",
                Severity.PROBLEM,
                "iOS asks for 600 s and loses every request, and no event says so: "
                "mail that comes after the cut waits until the device gives up. "
                "A timer of 660 s gives it its push back.",
                "ios",
            ),
            (599, 600, "silent", DEFAULTS),
        ),
        (
            Finding(
                "push-lost",
                Severity.PROBLEM,
                "iOS asks for 600 s and loses every request, and no event says so: "
                "it is told at once, and has to ask again each time. A timer of 660 s gives it its push back.",
                "ios",
            ),
            (599, 600, "status", DEFAULTS),
        ),
        (
            Finding(
                "push-lost",
                Severity.PROBLEM,
                "Android 4.4 and later asks for 480 s and loses every request: "
                "mail that comes after the cut waits until the device gives up. "
                "A timer of 1740 s gives it its push back.",
                "android-4.4",
            ),
            (399, 400, "silent", DEFAULTS),
        ),
        (
            Finding(
                "push-lost",
                Severity.PROBLEM,
                "No push for Outlook app (180 s): it asks for 180 s, Exchange admits 300 to 3540 s, "
                "and it does not give way.",
                "outlook-180",
            ),
            (3540, None, None, Settings(min_heartbeat_s=300)),
        ),
    ],
)
def test_findings_in_full(finding, arguments):
    assert only(finding.code, *arguments, device=finding.device) == finding


def test_settings_that_exchange_replaces_are_problems_and_remarks_are_notes():
    settings = parse_settings(
        b'<configuration><appSettings>\n<add key="MinHeartbeatInterval" value="0"/>\n'
        b'<add key="HeartbeatSampleSize" value="0"/>\n<add key="HeartbeatAlertThreshold" value="0"/>\n'
        b"</appSettings></configuration>",
        "web.config",
    )
    verdict = judge(3540, None, None, settings)
    assert not verdict.healthy
    assert [finding for finding in verdict.findings if finding.code.startswith("settings")] == [
        Finding(
            "settings-invalid",
            Severity.PROBLEM,
            "line 2: MinHeartbeatInterval 0 is below 1: Exchange uses 60 and 3540 instead of the two (event 1011)",
        ),
        Finding(
            "settings-invalid",
            Severity.PROBLEM,
            "line 3: HeartbeatSampleSize 0 passes Exchange's check but leaves no room for a sample: "
            "set 1 or more (taken as 200 here)",
        ),
        Finding(
            "settings-remark",
            Severity.NOTE,
            "line 4: HeartbeatAlertThreshold 0 is below MinHeartbeatInterval 60: event 1040 can never come",
        ),
    ]


def test_with_a_threshold_that_nothing_reaches_a_timer_still_gives_push():
    verdict = judge(599, 600, "silent", Settings(alert_threshold_s=3540), DEVICES)
    assert {device.smallest_timer_s for device in verdict.devices} == {None}
    assert {device.event_timer_s for device in verdict.devices} == {None}
    assert verdict.recommended_s == max(device.push_timer_s for device in verdict.devices) == 1860
    assert verdict.ticket.endswith(", which no timer changes.")


@pytest.mark.parametrize("how", list(Manner))
@pytest.mark.parametrize("cut_s", [85, 300, 900])
@pytest.mark.parametrize("threshold_s", [0, 180, 540, 900, 3540])
def test_push_and_the_event_are_two_questions(how, cut_s, threshold_s):
    settings = Settings(alert_threshold_s=threshold_s)
    for device in judge(cut_s - 1, cut_s, how, settings, DEVICES).devices:
        kind = BY_ID[device.id]
        assert device.push_timer_s is not None, "no client here loses its push on an open path"
        for timer_s, question in ((device.push_timer_s, "lost"), (device.event_timer_s, "event")):
            for longer_s in () if timer_s is None else (timer_s, timer_s + 60, 3600):
                course = follow(kind.new(), longer_s - 1, how, settings)
                lacks = course.lost_share if question == "lost" else read_window(course, settings).first_event
                assert not lacks
        assert (device.event_timer_s is None) == device.event_1040_on_open_path


def test_a_device_that_loses_every_request_is_not_told_that_no_timer_helps():
    outlook = [BY_ID["outlook-540"], BY_ID["outlook-180"]]
    verdict = judge(84, 85, "status", DEFAULTS, outlook)
    assert [(one.lost_share, one.push_timer_s, one.event_timer_s) for one in verdict.devices] == [
        (1.0, 600, None),
        (1.0, 240, None),
    ]
    assert verdict.recommended_s == 600
    assert verdict.ticket == (
        "600 s (10 min) or more: the least with which none of these devices loses a request; "
        "event 1040 goes on with Outlook app (540 s), Outlook app (180 s), which no timer changes."
    )
    lost = [finding.text for finding in verdict.findings if finding.code == "push-lost"]
    assert [text.rpartition(": ")[2].partition(". ")[2] for text in lost] == [
        "A timer of 600 s gives it its push back.",
        "A timer of 240 s gives it its push back.",
    ]


@pytest.mark.parametrize(("cut_s", "changes"), [(1680, True), (1740, False), (3540, False), (None, False)])
def test_where_no_device_suffers_the_ticket_asks_for_no_change(cut_s, changes):
    verdict = judge(3540 if cut_s is None else cut_s - 1, cut_s, None, DEFAULTS)
    assert verdict.recommended_s == 1740
    assert verdict.ticket.startswith("1740 s (29 min) or more: the least" if changes else "no change: ")
    assert "1740 s (29 min) or more" in verdict.ticket and "event 1040 goes on with" in verdict.ticket


def test_a_device_that_the_settings_refuse_needs_no_timer():
    verdict = judge(599, 600, "reset", Settings(min_heartbeat_s=300), [BY_ID["outlook-180"]])
    assert (verdict.devices[0].push_timer_s, verdict.devices[0].refused) == (None, True)
    assert "A timer" not in next(one.text for one in verdict.findings if one.code == "push-lost")


def test_advice_rests_on_current_products():
    assert [kind.id for kind in CURRENT] == ["android-4.4", "ios", "nacho-mail", "outlook-540", "outlook-180"]
    assert judge(599, 600, "reset", DEFAULTS) == judge(599, 600, "reset", DEFAULTS, CURRENT)


def test_without_the_event_a_timer_is_still_needed_for_push():
    verdict = judge(3540, None, None, Settings(alert_threshold_s=0), DEVICES)
    assert [device.smallest_timer_s for device in verdict.devices] == [120, 540, 300, 300, 540, 660, 660, 600, 240]


def test_the_event_comes_later_with_a_larger_window():
    verdict = judge(599, 600, "silent", Settings(sample_size=10_000), [BY_ID["android-4.0"]])
    assert [device.first_sample for device in verdict.devices] == [10_001]


def test_the_dictionary_in_full():
    data = b'<configuration><appSettings><add key="MaxHeartbeatInterval" value="1e3"/></appSettings></configuration>'
    settings = parse_settings(data, "web.config")
    kind = BY_ID["windows-mobile"]
    problem = {
        "text": "MaxHeartbeatInterval '1e3' is not a whole number: Exchange uses 3540",
        "key": "MaxHeartbeatInterval",
        "line": 1,
        "found": "1e3",
        "event_id": 1119,
        "severity": "problem",
    }
    below_max = only("limit-below-max", 599, 600, "silent", DEFAULTS).text
    assert VerdictPart.of(judge(599.0, 600.0, "silent", settings, [kind])).to_dict() == {
        "healthy": False,
        "findings": [
            {"code": "limit-below-max", "severity": "problem", "text": below_max, "device": None},
            {
                "code": "settings-invalid",
                "severity": "problem",
                "text": f"line 1: {problem['text']} (event 1119)",
                "device": None,
            },
        ],
        "devices": [
            {
                "id": "windows-mobile",
                "name": "Windows Mobile 5/6",
                "basis": "documented",
                "source": kind.source,
                "note": kind.note,
                "refused": False,
                "settled_s": 480,
                "lowest_s": 480,
                "highest_s": 780,
                "average_s": 630,
                "event_1040": False,
                "first_sample": None,
                "event_1040_on_open_path": False,
                "lost_share": 0.5,
                "deaf_share": 0.1496,
                "push_timer_s": 1860,
                "event_timer_s": 540,
                "smallest_timer_s": 540,
            }
        ],
        "recommended_s": 1860,
        "carries_max_s": 3600,
        "settings": {
            "min_heartbeat_s": 60,
            "max_heartbeat_s": 3540,
            "sample_size": 200,
            "alert_threshold_s": 540,
            "problems": [problem],
        },
    }


def leaves(data):
    if isinstance(data, dict):
        data = list(data.values())
    return [leaf for item in data for leaf in leaves(item)] if isinstance(data, list) else [data]


@pytest.mark.parametrize("how", list(Manner))
def test_the_dictionary_is_plain_json_with_whole_numbers_whole(how):
    data = VerdictPart.of(judge(599.0, 600.0, how, DEFAULTS)).to_dict()
    assert json.loads(json.dumps(data)) == data
    assert {type(leaf) for leaf in leaves(data)} <= {str, int, float, bool, type(None)}
    assert not [leaf for leaf in leaves(data) if isinstance(leaf, float) and leaf.is_integer()]


def judged(id_, timer_s, how=Manner.SILENT, settings=DEFAULTS):
    return judge_device(BY_ID[id_], PathLimit(timer_s - 1, timer_s, how), settings)


@pytest.mark.parametrize(("heartbeat_s", "timer_s"), [(480, 540), (470, 480), (3540, 3600), (59, 60), (60, 120)])
def test_a_timer_is_the_next_full_minute_strictly_above(heartbeat_s, timer_s):
    assert timer_above(heartbeat_s) == timer_s


@pytest.mark.parametrize(
    ("bracket", "limit", "words"),
    [
        ((599.0, 600.0, "reset"), PathLimit(599.0, 600.0, Manner.RESET), "The path carries 599 s and cuts 600 s"),
        ((599.0, 600.0, None), PathLimit(599.0, 600.0, Manner.SILENT), "The path carries 599 s and cuts 600 s"),
        ((None, 60.0, "closed"), PathLimit(0.0, 60.0, Manner.CLOSED), "The path cuts 60 s"),
    ],
)
def test_a_limit_is_taken_from_its_bracket(bracket, limit, words):
    found = PathLimit.from_bracket(*bracket)
    assert (found, str(found)) == (limit, words)


def test_where_nothing_was_cut_everything_survives():
    assert PathLimit.from_bracket(3540.0, None, None) == PathLimit(math.inf, math.inf, Manner.SILENT)


def test_a_limit_of_which_nothing_is_known_is_refused():
    with pytest.raises(ValueError, match=r"^a limit needs the longest hold that survived, or the shortest that was"):
        PathLimit.from_bracket(None, None, None)


def test_all_that_is_said_of_a_device():
    found = judged("android-4.0", 600)
    assert (found.id, found.name, found.basis) == ("android-4.0", "Android 4.0", Basis.SOURCE_CODE)
    assert (found.settled_s, found.lowest_s, found.highest_s, found.average_s) == (470, 470, 470, 470)
    assert (found.event_1040, found.first_sample, found.event_1040_on_open_path) == (True, 201, False)
    assert (found.refused, found.lost_share, found.deaf_share, found.smallest_timer_s) == (False, 0.0, 0.0, 660)


@pytest.mark.parametrize(
    ("how", "timers_s"),
    [
        (Manner.SILENT, (780, 540, 660, 660, 540, 660, 660, None, None)),
        (Manner.RESET, (780, 540, 660, 660, 540, 660, 660, None, None)),
        (Manner.CLOSED, (780, 540, 480, 480, 540, 660, 660, None, None)),
        # After a status some devices never go back: only a timer above their maximum will do.
        (Manner.STATUS, (780, 540, 1020, 1800, 1740, 660, 660, None, None)),
    ],
)
def test_the_smallest_timer_of_each_device(how, timers_s):
    found = tuple(judge_device(kind, PathLimit(599, 600, how), DEFAULTS).smallest_timer_s for kind in DEVICES)
    assert found == timers_s


def test_the_manner_of_a_loss_can_decide():
    assert [judged("android-4.0", 600, how).event_1040 for how in Manner] == [True, True, False, False]


def is_well(kind, longest_s, how, settings):
    course = follow(kind.new(), longest_s, how, settings)
    return course.lost_share < 1 and read_window(course, settings).first_event is None


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(DEVICES), st.sampled_from(Manner), st.integers(1, 12), st.integers(1, 1800))
def test_no_smaller_timer_of_full_minutes_would_do(kind, how, sample_size, threshold_s):
    chosen = Settings(sample_size=sample_size, alert_threshold_s=threshold_s)
    timer_s = judge_device(kind, PathLimit(0, 60, how), chosen).smallest_timer_s
    # A timer carries what is shorter than it. Every device here asks for less than half an hour.
    well = {minutes * 60: is_well(kind, minutes * 60 - 1, how, chosen) for minutes in range(1, 32)}
    for candidate_s, is_enough in well.items():
        if timer_s is not None and candidate_s >= timer_s:
            assert is_enough
    assert timer_s is not None or not well[1860]
    # A minute less is not enough, or would not be with every longer timer.
    if timer_s is not None and timer_s > 60:
        between = (is_well(kind, longest_s, how, chosen) for longest_s in range(timer_s - 61, timer_s))
        assert not all(between)


class Contrary(Device):
    """Is well up to 600 s and from 900 s on, but not in between."""

    def __init__(self):
        self.heartbeat_s = 600

    def answered(self):
        self.heartbeat_s = {600: 700, 700: 800, 800: 900, 900: 900, 300: 300}[self.heartbeat_s]

    def lost(self, how):
        self.heartbeat_s = {600: 600, 700: 600, 800: 300, 900: 300}[self.heartbeat_s]

    def corrected(self, bound_s):
        self.heartbeat_s = bound_s


def test_a_longer_timer_can_be_worse(monkeypatch):
    monkeypatch.setattr("hbprobe.exchange.predict.astuple", lambda device: (device.heartbeat_s,))
    kind = DeviceKind("contrary", "Contrary", Contrary, Basis.EXAMPLE, None, "made up")
    events = {
        longest_s: judge_device(kind, PathLimit(longest_s, longest_s + 1, Manner.SILENT), DEFAULTS).event_1040
        for longest_s in (600, 700, 800, 900)
    }
    assert events == {600: False, 700: True, 800: True, 900: False}
    assert judge_device(kind, PathLimit(600, 601, Manner.SILENT), DEFAULTS).smallest_timer_s == 960
