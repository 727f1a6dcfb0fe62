"""The fleet over sockets and the fleet in arrays are the same fleet."""

import asyncio
import random
from dataclasses import replace

import pytest
from support.kinds import kind_of

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
from hbprobe.profiles.running import draw
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
    world, until_s = fleet(profile, len(DEVICES), Settings(sample_size=15), mails), 6_000.0
    seen, model = live(world, profile, until_s), reference.simulate(world, until_s)
    assert len(seen.samples) > 60 and seen.events
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


def certain(profile):
    """Return one box of a product, without what the box and the model draw each from luck of its own."""
    box, _ = draw(profile, random.Random(1))
    timers = {kind: timer.model_copy(update={"jitter": None, "step": None}) for kind, timer in box.each_timer()}
    return box.model_copy(update={"sweep": None, "timers": box.timers.model_copy(update=timers)})


ALONE = fleet(CATALOGUE.find("open-path"), 1, mails=0)


def longest_s(kind):
    """Return what a device asks for at the most."""
    world = replace(ALONE, kinds=(kind,), counts=(1,))
    return max(sample.heartbeat_s for sample in reference.simulate(world, 50_000.0).samples)


CLIMBER = max(DEVICES, key=longest_s)
"""It notices every timer that any device notices."""
LONGEST_S = longest_s(CLIMBER)


def what_a_fleet_meets(box):
    """Return all of a box that a fleet can tell: products that are alike in it make the same fleet."""
    (span,) = spans_of(box)
    return (*kind_of(box), span.cut if span.cut.limit_s <= LONGEST_S else None)


MET = {what_a_fleet_meets(box): box for box in map(certain, CATALOGUE.all())}


def test_what_a_fleet_meets_is_all_that_the_model_knows_of_a_product():
    for box in map(certain, CATALOGUE.all()):
        met = what_a_fleet_meets(box)
        (span,), (other,) = spans_of(box), spans_of(MET[met])
        assert span.cut == other.cut or min(span.cut.limit_s, other.cut.limit_s) > LONGEST_S
    assert len(MET) < len(CATALOGUE.all()) / 2
    assert sum(cut is not None and cut.tries > 1 for *_, cut in MET) >= 2, "boxes that ask another server, too"


@pytest.mark.parametrize(("met", "box"), MET.items(), ids=[box.id for box in MET.values()])
def test_every_product_makes_the_same_fleet(met, box):
    path, habits = FleetPath("path", 1.0, spans_of(box)), replace(ALONE.habits, start_s=0.0)
    world = replace(ALONE, kinds=(CLIMBER,), counts=(1,), habits=habits, paths=(path,))
    model = reference.simulate(world, 60_000.0)
    lost_once_s = 0.0 if met[-1] is None else model.opened_s[1]
    until_s = max(model.samples[2].at_s, lost_once_s) + 1
    same, modelled = agreement(world, seen := live(world, box, until_s), until_s)
    assert same == modelled == len(seen.samples) >= 3


def test_a_server_that_admits_other_heartbeats():
    profile = CATALOGUE.find("open-path")
    world = fleet(profile, len(DEVICES), Settings(min_heartbeat_s=300, max_heartbeat_s=700, sample_size=20))
    seen, model = live(world, profile, 5000.0), reference.simulate(world, 5000.0)
    assert [(sample.device, sample.heartbeat_s) for sample in seen.samples] == [
        (asked.device, asked.heartbeat_s) for asked in model.samples
    ]
    refused = next(number for number in range(9) if world.kinds[world.kind_of(number)].id == "outlook-180")
    assert refused not in {sample.device for sample in seen.samples}
    assert model.corrections > 0


def test_a_difference_would_be_seen():
    profile = CATALOGUE.find("ten-minute-provider")
    world, until_s = fleet(profile, 4), 4000.0
    seen = live(world, CATALOGUE.find("azure-load-balancer"), until_s)
    same, modelled = agreement(world, seen, until_s)
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
    seen = live(world, CATALOGUE.find("ten-minute-provider"), 6_000.0)
    assert seen.connections > 10
    assert most <= 2 * 3, "a Ping's, and while it shakes hands again the one for that"
    assert not open_wires
