"""Durations, read and written."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.duration import LONGEST_S, format_duration, format_precisely, parse_duration_s

HOW = "write seconds (600) or a number and a unit (10min)"
LARGER_FIRST = "write the larger unit first, each once, as in 1h30m"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("600", 600.0),
        ("0", 0.0),
        ("007", 7.0),
        ("600s", 600.0),
        ("1.5h", 5400.0),
        (".5", 0.5),
        ("250ms", 0.25),
        ("1.1min", 66.0),
        ("10 min", 600.0),
        ("10m", 600.0),
        ("90 sec", 90.0),
        ("  5d  ", 432000.0),
        ("1H", 3600.0),
        ("36500d", float(LONGEST_S)),
        ("0:05:00", 300.0),  # Cisco, `show run | include timeout`
        ("1:00:00", 3600.0),
        ("24:00:00.5", 86400.5),
        ("1d 02:00:00", 93600.0),
        ("5m0s", 300.0),  # Go, as Traefik, Envoy and Kubernetes print it
        ("1h30m", 5400.0),
        ("1h0m0.5s", 3600.5),
        ("5 minutes", 300.0),
        ("1 minute", 60.0),
        ("2 hours, 30 minutes, 5 seconds", 9005.0),
        ("1 hr 5 mins", 3900.0),
        ("1day", 86400.0),
        ("1m500ms", 60.5),
    ],
)
def test_reads(text, seconds):
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"'' is not a duration: {HOW}"),
        ("soon", f"'soon' is not a duration: {HOW}"),
        ("nan", f"'nan' is not a duration: {HOW}"),
        ("inf", f"'inf' is not a duration: {HOW}"),
        ("+5", f"'+5' is not a duration: {HOW}"),
        ("-5", f"'-5' is below 0: {HOW}"),
        ("1e3", f"'1e3' is not a duration: {HOW}"),
        ("1_000", f"'1_000' is not a duration: {HOW}"),
        ("1,5", f"'1,5' is not a duration: {HOW}"),
        ("5.", f"'5.' is not a duration: {HOW}"),
        ("30m1h", f"'30m1h' is not a duration: {LARGER_FIRST}"),
        ("1h1h", f"'1h1h' is not a duration: {LARGER_FIRST}"),
        ("1h30", f"'1h30' is not a duration: {HOW}"),
        ("5 minutes,", f"'5 minutes,' is not a duration: {HOW}"),
        ("5:00", f"'5:00' is not a duration: {HOW}"),
        ("0:60:00", f"'0:60:00' is not a duration: {HOW}"),
        ("1:00:00:00", f"'1:00:00:00' is not a duration: {HOW}"),
        ("5 mss", "'5 mss' has an unknown unit 'mss': use ms, s, sec, m, min, h, d"),
        ("5 ds", "'5 ds' has an unknown unit 'ds': use ms, s, sec, m, min, h, d"),
        ("0x10", f"'0x10' is not a duration: {HOW}"),
        ("٣", f"'٣' is not a duration: {HOW}"),
        ("5\n6", f"'5\\n6' is not a duration: {HOW}"),
        ("5 weeks", "'5 weeks' has an unknown unit 'weeks': use ms, s, sec, m, min, h, d"),
        ("36501d", "'36501d' is more than a hundred years"),
        ("9" * 49, f"'{'9' * 32}...' is too long for a duration: {HOW}"),
    ],
)
def test_refuses(text, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        parse_duration_s(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0005, "0.0005 s"),
        (0.25, "0.25 s"),
        (3.5, "3.5 s"),
        (45, "45 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (60, "1 min"),
        (350, "5 min 50 s"),
        (600.4, "10 min"),
        (3600, "1 h"),
        (7440, "2 h 4 min"),
        (34560, "9 h 36 min"),
        (3661, "1 h 1 min 1 s"),
        (86399.6, "1 d"),
        (86400 + 29, "1 d"),
        (86400 + 31, "1 d 1 min"),
        (432000, "5 d"),
        (4294800, "49 d 17 h"),
        (-90, "-1 min 30 s"),
    ],
)
def test_writes(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf])
def test_does_not_write_what_is_not_finite(seconds):
    with pytest.raises(ValueError, match="is not a duration"):
        format_duration(seconds)


SIZES = {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


@given(st.integers(0, 36500), st.sampled_from(sorted(SIZES)), st.sampled_from(["", " ", "  "]))
def test_a_number_and_a_unit_multiply(number, unit, gap):
    assert parse_duration_s(f"{number}{gap}{unit}") == pytest.approx(number * SIZES[unit], rel=1e-15)


@given(st.text())
def test_any_text_is_a_duration_within_bounds_or_a_value_error(text):
    seconds, told = 0.0, ""
    try:
        seconds = parse_duration_s(text)
    except ValueError as error:
        told = str(error)
    assert told.isprintable()
    assert 0 <= seconds <= LONGEST_S


@given(st.floats(0, LONGEST_S))
def test_what_is_written_is_near_what_was_meant(seconds):
    parts = format_duration(seconds).split()
    written = sum(float(number) * SIZES[unit] for number, unit in zip(parts[::2], parts[1::2], strict=True))
    allowed = 30 if seconds >= 86370 else 0.5 if seconds >= 59.95 else seconds * 0.005 + 1e-9
    assert abs(written - seconds) <= allowed


@pytest.mark.parametrize(
    ("value_s", "text"),
    [
        (0.0004, "0.4 ms"),
        (0.0021, "2.1 ms"),
        (0.25, "250 ms"),
        (12.34, "12.3 s"),
        (59.96, "1 min"),
        (629.95, "630.0 s"),
        (3600.04, "3600.0 s"),
    ],
)
def test_a_length_that_tells_a_timer_is_written_to_the_tenth_of_a_second(value_s, text):
    assert format_precisely(value_s) == text
