"""Which flows a toxic hits, and what it then does to their rules and stages."""

import random
import re
from dataclasses import fields, replace

import pytest

from hbprobe.manner import Act, Layer
from hbprobe.middlebox.faults.toxics import SETTINGS, HalfOpen, IdleDrop, MaxAge, ResetPeer, Toxic, Toxics
from hbprobe.middlebox.rules import Rules
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import TimerKind

CATALOGUE = Catalogue()
OPEN = Rules.of(CATALOGUE.find("open-path"))


def toxics(*put, seed="1"):
    made = Toxics(seed, random.Random, CATALOGUE.find)
    for toxic in put:
        made.put(toxic)
    return made


def toxic(kind, name="", stream="downstream", toxicity=1.0, since=0.0, connection=None, **settings):
    return Toxic(name or kind, kind, stream, toxicity, SETTINGS[kind](**settings), since, connection=connection)


def test_without_toxics_all_flows_have_the_rules_of_the_box():
    none = toxics()
    assert none.treatment(OPEN, 1, 0.0) is none.treatment(OPEN, 2, 5.0)
    assert none.treatment(OPEN, 1, 0.0).rules is OPEN


def test_a_share_of_the_flows_is_hit_and_raising_it_only_adds():
    few, many, again, others = (
        {number for number in range(1000) if each.hit(number)}
        for each in (
            toxics(toxic("noop", toxicity=0.2)),
            toxics(toxic("noop", toxicity=0.6)),
            toxics(toxic("noop", toxicity=0.2)),
            toxics(toxic("noop", toxicity=0.2), seed="2"),
        )
    )
    assert few < many
    assert 150 < len(few) < 250
    assert 550 < len(many) < 650
    assert few == again != others


def test_a_toxic_for_one_flow_hits_no_other():
    one = toxics(toxic("noop", connection=7))
    assert [number for number in range(20) if one.hit(number)] == [7]
    assert (one.only_for(7), one.only_for(8)) == (["noop"], [])


def test_stages_are_in_the_direction_that_was_asked_for():
    made = toxics(toxic("latency", "up", "UPSTREAM", latency=5), toxic("bandwidth", "down", rate=1))
    client, server = made.stages(made.hit(1), 1)
    assert ([plan.name for plan in client], [plan.name for plan in server]) == (["up"], ["down"])
    assert [each.name for each in made.all()] == ["up", "down"]


def test_of_two_timers_the_shorter_counts_and_it_is_known_whose_it_is():
    made = toxics(toxic("idle_drop", "long", timeout=9000), toxic("idle_drop", "short", timeout=3000))
    treated = made.treatment(OPEN, 1, 0.0)
    assert treated.rules.by_phase[2].length_s == 3
    assert treated.owners == {TimerKind.IDLE: "short"}


def test_what_counts_from_the_hit_reckons_with_when_the_flow_was_opened():
    made = toxics(toxic("reset_peer", since=100.0, timeout=2000))
    assert made.treatment(OPEN, 1, 40.0).rules.lifetime.length_s == 62
    assert made.treatment(OPEN, 1, 150.0).rules.lifetime.length_s == 2
    assert made.treatment(OPEN, 1, 150.0).rules.lifetime.acts == (Act.RESET, Act.RESET)


def test_a_total_of_the_box_itself_stays_where_it_is_shorter():
    made = toxics(toxic("max_age", timeout=1000), toxic("half_open", timeout=5000))
    treated = made.treatment(OPEN, 1, 0.0)
    assert (treated.rules.lifetime.length_s, treated.owners) == (1, {TimerKind.LIFETIME: "max_age"})


def test_a_product_brings_its_timers():
    profile = next(one for one in CATALOGUE.all() if one.layer is Layer.TCP and one.timers.get(TimerKind.IDLE))
    made = toxics(toxic("idle_drop", profile=profile.id))
    assert made.treatment(OPEN, 1, 0.0).rules.by_phase[2].length_s == profile.timers.get(TimerKind.IDLE).default


def test_all_flows_are_dark_only_with_a_black_hole_for_all():
    assert toxics(toxic("blackhole")).all_dark
    assert not toxics(toxic("blackhole", toxicity=0.5), toxic("blackhole", "one", connection=1)).all_dark
    assert toxics(toxic("blackhole", "pit")).treatment(OPEN, 1, 0.0).dark == "pit"


def test_what_is_put_removed_and_put_back():
    made = toxics(toxic("noop", "a"), toxic("noop", "b"))
    kept = made.in_order()
    made.remove("a")
    assert (len(made), "a" in made, made.names) == (1, False, ["b"])
    with pytest.raises(KeyError):
        made.remove("a")
    made.have(kept)
    assert made["a"].name == "a"


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [
        (kind, field.name)
        for kind in (IdleDrop, MaxAge, HalfOpen)
        for field in fields(kind)
        if field.name in ("manner", "restarted_by", "tells")
    ],
)
def test_each_word_that_a_refusal_names_is_taken(kind, attribute):
    with pytest.raises(ValueError, match=f"^{attribute} must be ") as refused:
        kind(**{"timeout": 5, attribute: "foo"}).timers()
    words = re.split(", | or ", str(refused.value).removeprefix(f"{attribute} must be "))
    assert len(words) > 1
    for word in words:
        assert kind(**{"timeout": 5, attribute: word}).timers()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (IdleDrop(), "idle_drop needs timeout, milliseconds above 0, or profile, the id of a product"),
        (
            IdleDrop(timeout=5, restarted_by="luck"),
            "restarted_by must be any-packet, data, client-data, server-data, each-direction or nothing",
        ),
        (MaxAge(), "max_age needs timeout, milliseconds above 0"),
        (MaxAge(5, "respond"), "manner must be silent, reset-on-next, reset or close"),
        (MaxAge(5, "loud"), "manner must be silent, reset-on-next, reset or close"),
        (MaxAge(5, "rebalance"), "manner must be silent, reset-on-next, reset or close"),
        (MaxAge(5, "silent", "nobody"), "tells must be both, client or server"),
        (HalfOpen(5, "silent", "nobody"), "tells must be client or server"),
        (MaxAge(10**15), "timeout is milliseconds, from 0 to ten years"),
        (HalfOpen(tells="both"), "tells must be client or server"),
        (ResetPeer(-1), "timeout is milliseconds, from 0 to ten years"),
    ],
)
def test_settings_that_make_no_timer(settings, told):
    with pytest.raises(ValueError, match=f"^{told}"):
        settings.timers()


def test_what_no_relay_of_bytes_can_do_is_refused():
    with pytest.raises(ValueError, match=r"^toxicity is the share of connections that are hit, from 0 to 1$"):
        toxics(toxic("noop", toxicity=1.5))
    web = next(one.id for one in CATALOGUE.all() if one.layer is Layer.HTTP)
    with pytest.raises(ValueError, match=f"^{web} ends TLS and reads requests"):
        toxics(toxic("idle_drop", profile=web))
    assert replace(toxic("noop"), stream="upstream").upstream
