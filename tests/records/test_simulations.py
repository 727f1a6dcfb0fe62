"""Simulated fleets as documents."""

import json

import pytest
from support.fleets import world

from hbprobe.fleet.simulation import simulate
from hbprobe.profiles.silent_request import Cut
from hbprobe.records.simulations import FleetPart, TruthPart


def test_a_fleet_is_written_with_its_world_and_read_again():
    result = simulate(world(["ios"], count=2, cut=Cut(300)), 1)
    document = json.loads(FleetPart.of(result, mix="two.yaml").to_json())
    assert (document["schema"], document["mix"], document["devices"]) == ("hbprobe.fleet/1", "two.yaml", 2)
    (kind,) = document["devices_by_kind"]
    assert (kind["id"], kind["devices"]) == ("ios", 2)
    assert FleetPart.read(document).to_dict() == document


def test_another_document_is_none():
    with pytest.raises(ValueError, match=r"^schema: is "):
        TruthPart.read({"schema": "hbprobe.fleet/1"})
