"""The fleet over sockets and the fleet in arrays are the same fleet."""

import asyncio
from dataclasses import replace

import pytest
from support.kinds import one_of_each_kind

from hbprobe import warp
from hbprobe.errors import CannotMeasureError
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet import reference
from hbprobe.fleet.mix import SHIPPED, load_mix
from hbprobe.fleet.paths import FleetPath, spans_of
from hbprobe.lab.fleet_sockets import agreement, on_one_path, run
from hbprobe.net.wire import Dialer, DialError, Wire
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.silent_request import Cut

CATALOGUE = Catalogue()
OFFICE = load_mix(SHIPPED, CATALOGUE)


def fleet(profile, devices, settings=None, mails=40.0, seed=1):
    """Return a fleet with devices of every kind on one path."""
    habits = replace(OFFICE.habits, mail=OFFICE.habits.mail.scaled(mails))
    paths = (FleetPath("path", 1.0, spans_of(profile)),)
    mix = replace(OFFICE, shares=(1.0,) * len(DEVICES), paths=paths, firewall=Cut(), habits=habits)
    return on_one_path(mix.world(devices, settings or Settings(), seed))


def live(world, profile, until_s):
    return warp.run(run(world, [profile], until_s), warp.WarpClock())


@pytest.mark.parametrize(
    ("box", "mails"),
    [
        ("ten-minute-provider", 0),
        ("ten-minute-provider", 40),
        ("f5-bigip-fastl4", 40),
        ("nginx-stream-proxy", 40),
        ("azure-nat-gateway", 40),
        ("open-path", 40),
    ],
)
def test_the_stand_in_sees_what_the_model_says(box, mails):
    profile = CATALOGUE.find(box)
    world, until_s = fleet(profile, len(DEVICES), Settings(sample_size=30), mails), 12_000.0
    seen, model = live(world, profile, until_s), reference.simulate(world, until_s)
    assert len(seen.samples) > 100
    assert [(sample.device, sample.heartbeat_s) for sample in seen.samples] == [
        (asked.device, asked.heartbeat_s) for asked in model.samples
    ]
    assert [sample.at_s for sample in seen.samples] == pytest.approx(
        [asked.at_s for asked in model.samples], abs=1e-3
    )
    assert [event.average_s for event in seen.events] == [event.average_s for event in model.events]
    assert [event.at_s for event in seen.events] == pytest.approx([e.at_s for e in model.events], abs=1e-3)
    assert seen.connections == len(model.opened_s)
    assert agreement(world, seen, until_s) == (len(model.samples), len(model.samples))


def is_left_to_chance(profile):
    """Say whether the box draws what the model draws, too, each from luck of its own."""
    spans = spans_of(profile)
    return len(spans) > 1 or any(span.low_s != span.high_s or span.cut.spread_s for span in spans)


CERTAIN = [profile for profile in CATALOGUE.all() if not is_left_to_chance(profile)]


def test_nearly_every_product_is_certain():
    assert len(CERTAIN) > 0.9 * len(CATALOGUE.all())
    assert sum(spans_of(profile)[0].cut.tries > 1 for profile in CERTAIN) >= 3


@pytest.mark.parametrize("profile", one_of_each_kind(CERTAIN), ids=lambda profile: profile.id)
def test_every_kind_of_product_makes_the_same_fleet(profile):
    world, until_s = fleet(profile, len(DEVICES), Settings(sample_size=30), 40), 4_000.0
    seen = live(world, profile, until_s)
    same, modelled = agreement(world, seen, until_s)
    assert same == modelled == len(seen.samples) > 20


def test_a_server_that_admits_other_heartbeats():
    profile = CATALOGUE.find("open-path")
    world = fleet(profile, len(DEVICES), Settings(min_heartbeat_s=300, max_heartbeat_s=700, sample_size=20))
    seen, model = live(world, profile, 8000.0), reference.simulate(world, 8000.0)
    assert [(sample.device, sample.heartbeat_s) for sample in seen.samples] == [
        (asked.device, asked.heartbeat_s) for asked in model.samples
    ]
    refused = next(number for number in range(9) if world.kinds[world.kind_of(number)].id == "outlook-180")
    assert refused not in {sample.device for sample in seen.samples}
    assert model.corrections > 0


def test_a_difference_would_be_seen():
    profile = CATALOGUE.find("ten-minute-provider")
    world = fleet(profile, 4)
    seen = live(world, CATALOGUE.find("azure-load-balancer"), 9000.0)
    same, modelled = agreement(world, seen, 9000.0)
    assert same < modelled and same < len(seen.samples)


def test_a_device_that_comes_no_further(monkeypatch):
    async def open_nothing(self):
        raise DialError("TCP: no way")

    monkeypatch.setattr(Dialer, "open", open_nothing)
    profile = CATALOGUE.find("open-path")
    with pytest.raises(CannotMeasureError, match=r"^a device comes no further: TCP: no way$"):
        live(fleet(profile, 2), profile, 4000.0)


def test_a_syn_that_fell_is_sent_again(monkeypatch):
    opened = Dialer.open
    fell = []

    async def open_late(self):
        if type(self) is Dialer and len(fell) < 2:
            fell.append(self)
            await asyncio.sleep(20)
        return await opened(self)

    monkeypatch.setattr(Dialer, "open", open_late)
    profile = CATALOGUE.find("open-path")
    world = fleet(profile, 2)
    seen = live(world, profile, 9000.0)
    assert len(fell) == 2
    assert agreement(world, seen, 9000.0)[0] == len(seen.samples) > 10


def test_a_device_has_one_connection_open_at_a_time(monkeypatch):
    world = fleet(CATALOGUE.find("ten-minute-provider"), 3, mails=400.0)
    open_wires, most = set(), 0
    opened, closed = Dialer.open, Wire.close

    async def open_and_count(dialer):
        nonlocal most
        wire = await opened(dialer)
        open_wires.add(wire)
        most = max(most, len(open_wires))
        return wire

    def close_and_count(wire):
        open_wires.discard(wire)
        closed(wire)

    monkeypatch.setattr(Dialer, "open", open_and_count)
    monkeypatch.setattr(Wire, "close", close_and_count)
    seen = live(world, CATALOGUE.find("ten-minute-provider"), 20_000.0)
    assert seen.connections > 10
    assert most <= 2 * 3, "a Ping's, and while it shakes hands again the one for that"
    assert not open_wires
