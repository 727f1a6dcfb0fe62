"""Making a profile ready to run."""

import random

import pytest

from hbprobe.errors import UserError
from hbprobe.profiles.loader import parse_profile
from hbprobe.profiles.model import Profile
from hbprobe.profiles.running import draw, draw_all, format_range, parse_settings, with_overrides

UNITS = "use ms, s, sec, m, min, h, d"
TIMERS = (
    "(allowed: half_open, first_data, idle, unacknowledged, half_closed, client_header, client_idle, server_connect, "
    "server_response, between_bytes, tunnel_idle, total, lifetime)"
)
TEXT = """\
id: box
name: Box
category: firewall
layer: packet
timers:
  half_open: {default: 30, expiry: silent, restarted_by: nothing, source: us}
  idle: {default: 1h, min: 5min, max: 7d, expiry: silent, restarted_by: any-packet, source: us, note: As shipped.}
sources:
  us: {grade: example, says: made up}
"""


@pytest.fixture
def box():
    return parse_profile(TEXT, "box.yaml")


def complaint(function, *arguments):
    with pytest.raises(UserError) as caught:
        function(*arguments)
    return str(caught.value)


POPULATION = """
    population:
      - {exactly: 5min, weight: 3}
      - {above: 5min, up_to: 10min, weight: 2}
      - {above: 10min, weight: 1}
"""
CROWD = TEXT.replace("  idle: {default: 1h, min: 5min, max: 7d, expiry", "  idle: {default: 10min, expiry").replace(
    "note: As shipped.", f"population: [{', '.join(line[8:] for line in POPULATION.splitlines()[2:])}]"
)


def test_a_box_is_drawn_by_weight():
    crowd = parse_profile(CROWD, "box.yaml")
    drawn = [draw(crowd, random.Random(seed))[0].timers.idle for seed in range(600)]
    exact = [timer for timer in drawn if timer is not None and timer.default == 300]
    between = [timer for timer in drawn if timer is not None and timer.default != 300]
    endless = [timer for timer in drawn if timer is None]
    assert all(300 < timer.default <= 600 for timer in between)
    assert [round(len(some) / 100) for some in (exact, between, endless)] == [3, 2, 1]
    assert {timer.population for timer in (*exact, *between)} == {None}


def test_the_same_seed_draws_the_same_box():
    crowd = parse_profile(CROWD, "box.yaml")
    for seed in range(20):
        assert draw(crowd, random.Random(seed)) == draw(crowd, random.Random(seed))


def test_what_is_drawn_is_told():
    crowd = parse_profile(CROWD, "box.yaml")
    told = {draw(crowd, random.Random(seed))[1][0] for seed in range(50)}
    assert "idle of box is drawn for this run: 5 min" in told
    assert "idle of box is drawn for this run: off (above 10 min)" in told


def test_a_box_that_is_no_crowd_stays_as_it_is(box):
    assert draw(box, random.Random(0)) == (box, ())
    assert draw_all([box, box], random.Random(0)) == ((box, box), ())


def test_boxes_of_a_path_draw_one_after_the_other():
    crowd = parse_profile(CROWD, "box.yaml")
    chance = random.Random(3)
    one, other = draw(crowd, chance), draw(crowd, chance)
    assert draw_all([crowd, crowd], random.Random(3)) == ((one[0], other[0]), (*one[1], *other[1]))


def test_a_value_for_one_run_takes_the_place_of_the_crowd():
    other, _ = with_overrides(parse_profile(CROWD, "box.yaml"), {"idle": "5"})
    assert draw(other, random.Random(0)) == (other, ())
    assert other.timers.idle.default == 5


def test_settings():
    assert parse_settings([]) == {}
    assert parse_settings(["idle=5", " half-open = 10 min ", "lifetime=off"]) == {
        "idle": "5",
        "half_open": "10 min",
        "lifetime": "off",
    }


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["idle"], "--set 'idle': write TIMER=SECONDS, as in idle=5 or idle=off"),
        (["idle="], "--set 'idle=': write TIMER=SECONDS, as in idle=5 or idle=off"),
        ([""], "--set '': write TIMER=SECONDS, as in idle=5 or idle=off"),
        (["idel=5"], f"--set 'idel=5': no such timer; did you mean idle? {TIMERS}"),
        (["=5"], f"--set '=5': no such timer {TIMERS}"),
        (["idle=5", "idle=6"], "--set 'idle=6': idle is set twice"),
    ],
)
def test_settings_that_cannot_be_read(texts, message):
    assert complaint(parse_settings, texts) == message


def test_nothing_set_changes_nothing(box):
    assert with_overrides(box, {}) == (box, ())


def test_a_value_within_the_range(box):
    other, remarks = with_overrides(box, {"idle": "10min", "half_open": "5"})
    assert remarks == ()
    assert (other.timers.idle.default, other.timers.half_open.default) == (600, 5)
    assert (other.timers.idle.min, other.timers.idle.max) == (300, 604800)
    assert other.timers.idle.note == "Set to 10 min for this run; the source says 1 h. As shipped."
    assert other.timers.half_open.note == "Set to 5 s for this run; the source says 30 s."
    assert box.timers.idle.default == 3600


@pytest.mark.parametrize("text", ["5", "8d"])
def test_a_value_outside_the_range_gets_a_remark(box, text):
    other, remarks = with_overrides(box, {"idle": text})
    assert remarks == (f"idle={text} is outside what box can be set to (5 min to 7 d)",)
    assert (other.timers.idle.min, other.timers.idle.max) == (None, None)


def test_a_timer_that_is_switched_off(box):
    other, remarks = with_overrides(box, {"idle": "off"})
    assert other.timers.idle is None
    assert other.timers.half_open == box.timers.half_open
    assert remarks == ("idle of box is off in this run; the profile has 1 h",)


@pytest.mark.parametrize("settings", [{"idle": "5"}, {"idle": "off"}, {"idle": "1h", "half_open": "100d"}])
def test_what_comes_out_is_a_profile(box, settings):
    other, _ = with_overrides(box, settings)
    assert Profile.model_validate(other.model_dump(mode="json")) == other


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lifetime": "5"}, "box has no timer lifetime: it has half_open, idle"),
        ({"lifetime": "off"}, "box has no timer lifetime: it has half_open, idle"),
        ({"idle": "0"}, "idle=0: must be above 0; idle=off switches the timer off"),
        ({"idle": "5 moons"}, f"idle=5 moons: '5 moons' has an unknown unit 'moons': {UNITS}, or off"),
        ({"idle": "-5"}, "idle=-5: '-5' is below 0: write seconds (600) or a number and a unit (10min), or off"),
    ],
)
def test_overrides_that_cannot_be(box, settings, message):
    assert complaint(with_overrides, box, settings) == message


def test_a_profile_without_timers():
    bare = parse_profile("{id: bare, name: Bare, category: nat, layer: tcp, timers: {}}", "bare.yaml")
    assert complaint(with_overrides, bare, {"idle": "5"}) == "bare has no timer idle: it has none"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (None, None, ""),
        (300, None, "from 5 min"),
        (None, 7200, "up to 2 h"),
        (60, 3600, "1 min to 1 h"),
        (350, 350, "fixed"),
    ],
)
def test_ranges(box, low, high, text):
    assert format_range(box.timers.idle.model_copy(update={"min": low, "max": high})) == text
