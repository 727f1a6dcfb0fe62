"""Devices, numbered kind by kind and shared out among kinds."""

from dataclasses import replace

import numpy as np
import pytest
from support.fleets import world

from hbprobe.fleet.world import apportion


@pytest.mark.parametrize(
    ("devices", "shares", "counts"),
    [(10, (1, 1), (5, 5)), (10, (50, 20, 20, 10), (5, 2, 2, 1)), (1, (1, 2), (0, 1)), (7, (1, 1, 0), (4, 3, 0))],
)
def test_devices_are_shared_out(devices, shares, counts):
    assert apportion(devices, shares) == counts


def test_devices_are_numbered_kind_by_kind():
    several = replace(world(["ios", "android-4.0", "textbook"], count=1), counts=(2, 0, 3))
    kinds = [several.kind_of(number) for number in range(several.devices)]
    assert kinds == several.kinds_of(np.arange(5)).tolist() == [0, 0, 2, 2, 2]
