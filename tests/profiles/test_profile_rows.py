"""Profiles as rows of text."""

import pytest

from hbprobe.manner import Expiry, Layer
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.loader import parse_profile
from hbprobe.profiles.model import Ends
from hbprobe.profiles.profile_rows import UPGRADE_UNTOLD, has_inferred, list_row, notes, sources, timer_rows

BUSY = """\
id: busy
name: Busy
category: carrier
layer: packet
timers:
  idle:
    default: 10min
    population: [{exactly: 5min, weight: 3}, {above: 5min, up_to: 10min, weight: 2}, {above: 10min, weight: 1}]
    step: 60
    jitter: 30
    expiry: silent
    probes: {every: 15, count: 5}
    restarted_by: each-direction
    revived_by: client
    inferred: revived_by
    source: us
    note: A note.
  half_closed: {default: 80, expiry: silent, restarted_by: any-packet, revived_by: both, source: us}
sweep: {every: 10, passes: 3, source: us}
half_close: {allowed: true, source: us, note: So it says.}
sources:
  us: {grade: measured, says: Ten times.}
"""
HTTP = """\
id: web
name: Web
category: cdn
layer: http
timers:
  server_response:
    {default: 20, expiry: respond, status: 504, body: Too late., retries: 1, restarted_by: nothing, source: us}
  total: {default: 50, expiry: close, restarted_by: nothing, source: us}
http: {keeps_client: true, server_side: reset, via: true, forwarded_for: true, no_tunnel_timer: us}
sources:
  us: {grade: measured, says: Ten times.}
"""
TEXT = """\
id: box
name: Box
category: firewall
layer: packet
timers:
  half_open: {default: 30, expiry: reset, tells: client, restarted_by: nothing, source: us, inferred: restarted_by}
  idle: {default: 350, min: 60, max: 6000, expiry: silent, restarted_by: data, source: [us, web], note: A note.}
  lifetime: {default: 30d, expiry: close, inferred: expiry, restarted_by: nothing, source: us}
sweep: {every: 10, source: us, note: Slowly.}
sources:
  us: {grade: measured, says: Ten times.}
  web: {grade: vendor, url: https://example.com/}
"""
UNTOLD = "no source tells whether a PING sets a timer back, and in a simulated box it does not"
BOX = parse_profile(TEXT, "box.yaml")
BARE = parse_profile("{id: bare, name: Bare, category: nat, layer: tcp, timers: {}}", "bare.yaml")


def test_the_line_in_a_list_has_the_timer_that_strikes_first():
    assert list_row(BOX) == ("box", "packet", "350", "5 min 50 s", "silent", "data")
    assert list_row(BARE) == ("bare", "tcp", "-", "for ever", "-", "-")
    only_lifetime = BOX.model_copy(update={"timers": BOX.timers.model_copy(update={"idle": None})})
    assert list_row(only_lifetime) == ("box", "packet", "2592000", "30 d", "close*", "nothing")


def test_the_line_of_a_box_that_lets_a_silent_request_live():
    def row(**idle):
        made = parse_profile(BUSY, "busy.yaml")
        timer = made.timers.idle.model_copy(update={"probes": None, "revived_by": None} | idle)
        return list_row(made.model_copy(update={"timers": made.timers.model_copy(update={"idle": timer})}))

    assert list_row(parse_profile(BUSY, "busy.yaml")) == (
        "busy", "packet", "-", "for ever", "asks first", "each way",
    )  # fmt: skip
    assert row() == ("busy", "packet", "600", "10 min", "silent", "each way")
    assert row(revived_by=Ends.CLIENT) == ("busy", "packet", "600", "10 min", "silent", "each way")
    assert row(revived_by=Ends.SERVER)[2:5] == ("-", "for ever", "is revived")
    assert row(expiry=Expiry.REBALANCE)[2:5] == ("-", "for ever", "rebalance")


def test_the_line_of_an_http_box_has_the_limit_of_one_try():
    assert list_row(parse_profile(HTTP, "web.yaml")) == ("web", "http", "20", "20 s", "respond 504", "nothing")


def test_a_line_for_each_timer():
    assert timer_rows(BOX) == [
        ("half_open", "30 s", "-", "reset (client only)", "nothing*", "us"),
        ("idle", "5 min 50 s", "1 min to 1 h 40 min", "silent", "data", "us, web"),
        ("lifetime", "30 d", "-", "close*", "nothing", "us"),
    ]
    assert timer_rows(BARE) == []


def test_notes():
    assert notes(BOX) == [
        ("idle", "A note."),
        ("sweep", "looks over its table every 10 s, and flows live until then (us). Slowly."),
    ]
    assert notes(BARE) == []


def test_what_a_busy_box_does_is_told_in_words():
    about_idle = (
        "A box draws its own by weight: 5 min (3), 5 min to 10 min (2), above 10 min (1). "
        "It counts in steps of 1 min, and runs out with the next one. "
        "Each flow gets a random share of 30 s on top. "
        "Each direction has a timer of its own, and the first to run out ends the flow. "
        "The box asks both ends first, 5 times, and waits each time 15 s; an answer starts the timer again. "
        "A packet of the client brings the flow back*. A note."
    )
    assert notes(parse_profile(BUSY, "busy.yaml")) == [
        ("idle", about_idle),
        ("half_closed", "A packet of either end brings the flow back."),
        ("sweep", "looks over its table every 10 s, and flows live until 3 looks have found them overdue (us)."),
        ("half_close", "after one end's FIN the other goes on (us). So it says."),
    ]


def test_what_an_http_box_does_is_told_in_words():
    about_response = (
        "The request is sent once more before that, so the client hears after 2 times the timer. "
        "The answer's body: 'Too late.'."
    )
    about_http = (
        "after a status of its own the client's connection stays open; the server sees RST; "
        "adds Via and X-Forwarded-For; nothing ends a tunnel that is quiet (us)"
    )
    assert notes(parse_profile(HTTP, "web.yaml")) == [
        ("server_response", about_response),
        ("http", about_http),
        ("HTTP/2", "no source tells; a simulated box speaks it, and a PING sets no timer back"),
        ("event streams", "no source tells more than the timers do"),
    ]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("{source: us}", f"spoken with clients; {UNTOLD} (us)."),
        ("{pings_count: false, source: us}", "spoken with clients; a PING sets no timer back (us)."),
        (
            "{pings_count: true, source: us}",
            "spoken with clients; a PING sets the timer of a connection without a request back (us).",
        ),
        ("{spoken: false, source: us, note: Ever.}", "not spoken with clients (us). Ever."),
    ],
)
def test_what_is_known_of_http2_is_told_in_words(told, words):
    profile = parse_profile(HTTP.replace("http: {", f"http: {{http2: {told}, "), "web.yaml")
    assert dict(notes(profile))["HTTP/2"] == words


def test_what_is_known_of_event_streams_is_told():
    told = "http: {event_streams: {source: us, note: They are gathered.}, "
    assert dict(notes(parse_profile(HTTP.replace("http: {", told), "web.yaml")))["event streams"] == (
        "They are gathered. (us)"
    )


def test_what_is_known_of_upgraded_connections_is_told_before_what_is_not():
    told = "http: {upgrades: {source: us, note: They are refused.}, "
    known = HTTP.replace("http: {", told)
    assert dict(notes(parse_profile(known, "web.yaml")))["WebSocket"] == "They are refused. (us)"
    untold = known.replace(", no_tunnel_timer: us", "")
    assert dict(notes(parse_profile(untold, "web.yaml")))["WebSocket"].startswith(
        f"They are refused. (us) {UPGRADE_UNTOLD}"
    )


def test_sources():
    assert sources(BOX) == [("us (measured)", "Ten times."), ("web (vendor) https://example.com/", "")]


def test_whether_anything_is_inferred():
    assert has_inferred(BOX)
    assert not has_inferred(BARE)


def test_what_no_source_says_of_upgraded_connections_is_said_to_be_unknown():
    """Each profile of layer http has a timer for them, or a source for having none, or says that none is known."""
    for profile in Catalogue().all():
        told = dict(notes(profile)).get("WebSocket")
        is_known = profile.timers.tunnel_idle is not None or bool(profile.http and profile.http.no_tunnel_timer)
        assert (UPGRADE_UNTOLD in (told or "")) is (profile.layer is Layer.HTTP and not is_known), profile.id
