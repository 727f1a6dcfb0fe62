"""Profiles as rows of text."""

from hbprobe.profiles.loader import parse_profile
from hbprobe.profiles.table import has_inferred, list_row, notes, sources, timer_rows

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
BOX = parse_profile(TEXT, "box.yaml")
BARE = parse_profile("{id: bare, name: Bare, category: nat, layer: tcp, timers: {}}", "bare.yaml")


def test_the_line_in_a_list_has_the_timer_that_strikes_first():
    assert list_row(BOX) == ("box", "packet", "350", "5 min 50 s", "silent", "data")
    assert list_row(BARE) == ("bare", "tcp", "-", "for ever", "-", "-")
    only_lifetime = BOX.model_copy(update={"timers": BOX.timers.model_copy(update={"idle": None})})
    assert list_row(only_lifetime) == ("box", "packet", "2592000", "30 d", "close*", "nothing")


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


def test_sources():
    assert sources(BOX) == [("us (measured)", "Ten times."), ("web (vendor) https://example.com/", "")]


def test_whether_anything_is_inferred():
    assert has_inferred(BOX)
    assert not has_inferred(BARE)
