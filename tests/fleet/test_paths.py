import math

import numpy as np
import pytest

from hbprobe.fleet.paths import FleetPath, PathTable, fixed, forgotten_at, forgotten_at_all, spans_of
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.silent_request import Cut, cut_of


@pytest.mark.parametrize(
    ("profile", "cut"),
    [
        ("open-path", Cut()),
        ("cisco-asa", Cut(3600, Manner.SILENT)),
        ("cisco-asa-idle-reset", Cut(3600, Manner.RESET)),
        ("cisco-asa-dcd", Cut()),
        ("azure-nat-gateway", Cut(240, Manner.SILENT)),
        ("nginx-stream-proxy", Cut(600, Manner.CLOSED)),
        ("nginx-http-proxy", Cut(60, Manner.STATUS)),
        ("azure-application-gateway-v2", Cut(20, Manner.STATUS, tries=2)),
        ("openbsd-pf-normal", Cut(86_400, Manner.SILENT, 10)),
    ],
)
def test_a_profile_is_what_a_device_meets(profile, cut):
    assert cut_of(Catalogue().find(profile)) == cut


def test_a_distribution_is_drawn_from():
    spans = spans_of(Catalogue().find("cellular-carriers-2011"))
    assert [(span.weight, span.low_s, span.high_s) for span in spans] == [
        (1, 255, 255),
        (3, 255, 300),
        (7, 300, 600),
        (62, math.inf, math.inf),
    ]
    table = PathTable([FleetPath("mobile", 5, spans), FleetPath("wifi", 15, fixed(Cut()))])
    drawn = (np.arange(100_000) + 0.5) / 100_000
    rows = table.rows(drawn)
    assert np.bincount(rows).tolist() == pytest.approx([342, 1027, 2397, 21233, 75000], abs=1)
    assert table.path[rows[0]] == 0 and table.path[rows[-1]] == 1
    assert table.limits_s(np.array([0, 1, 2, 3]), np.full(4, 0.5)).tolist() == [255, 277.5, 450, math.inf]


def test_a_path_without_a_share_is_never_drawn():
    shares = {"a": 0, "b": 1, "c": 0}
    table = PathTable([FleetPath(name, share, fixed(Cut())) for name, share in shares.items()])
    assert set(table.rows(np.array([2.0**-53, 0.3, 1.0])).tolist()) == {1}


@pytest.mark.parametrize(
    ("heartbeat_s", "timer_s", "gone_s"),
    [(600, 3600, 4300), (600, 600, 700), (600, 300, 400), (600, math.inf, 700)],
)
def test_a_firewall_forgets_after_its_timer_from_the_last_packet(heartbeat_s, timer_s, gone_s):
    assert forgotten_at(100, heartbeat_s, timer_s) == gone_s
    assert forgotten_at_all(np.array([100.0]), np.array([float(heartbeat_s)]), timer_s).tolist() == [gone_s]
