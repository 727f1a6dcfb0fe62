import numpy as np
import pytest

from hbprobe.exchange.algorithms import FixedInterval
from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet import states
from hbprobe.fleet.states import RequestEnd, settle, tabulate, tell
from hbprobe.manner import Manner

KINDS = {kind.id: kind for kind in DEVICES}


def walk(kind, ends, settings=None):
    """Return what a device of the table asks for, one request after another."""
    table = tabulate((KINDS[kind],), settings or Settings())
    state, asked = table.first[0], []
    for end in ends:
        asked.append(int(table.heartbeat_s[state]))
        state = table.following[end, state]
    return [*asked, int(table.heartbeat_s[state])]


@pytest.mark.parametrize(
    ("kind", "ends", "asked"),
    [
        (
            "textbook",
            [RequestEnd.SILENT, RequestEnd.ANSWERED, RequestEnd.SILENT, RequestEnd.ANSWERED],
            [900, 480, 720, 480, 480],
        ),
        (
            "windows-mobile",
            [RequestEnd.ANSWERED, RequestEnd.MAIL, RequestEnd.RESET, RequestEnd.SILENT],
            [480, 780, 780, 480, 480],
        ),
        ("android-4.0", [RequestEnd.ANSWERED, RequestEnd.SILENT, RequestEnd.ANSWERED], [470, 650, 470, 470]),
        (
            "android-4.0",
            [RequestEnd.ANSWERED, RequestEnd.SILENT, RequestEnd.ARRIVED, RequestEnd.ANSWERED],
            [470, 650, 470, 470, 650],
        ),
        ("android-4.0", [RequestEnd.SILENT, RequestEnd.CLOSED], [470, 290, 470]),
        ("android-4.0", [RequestEnd.SILENT, RequestEnd.STATUS], [470, 290, 290]),
        (
            "android-4.4",
            [RequestEnd.ANSWERED, RequestEnd.AT_ONCE, RequestEnd.ARRIVED, RequestEnd.CLOSED],
            [480, 780, 780, 780, 480],
        ),
        ("ios", list(RequestEnd), [600] * 11),
    ],
)
def test_the_table_knows_what_follows(kind, ends, asked):
    assert walk(kind, ends) == asked


def test_the_table_has_the_states_of_every_kind():
    table = tabulate(DEVICES, Settings())
    assert len(table) < 200
    assert set(table.kind.tolist()) == set(range(len(DEVICES)))
    assert (table.kind[table.following] == table.kind).all(), "a device stays what it is"
    assert not table.refused.any() and not table.corrections.any()
    never_reuse = {DEVICES[number].id for number in table.kind[~table.reuses]}
    assert never_reuse == {"android-4.0", "android-4.1"}


def test_status_5_is_dealt_with_in_the_table():
    table = tabulate((KINDS["textbook"], KINDS["outlook-180"]), Settings(min_heartbeat_s=300, max_heartbeat_s=600))
    assert table.heartbeat_s[table.first].tolist() == [600, 180]
    assert table.refused[table.first].tolist() == [False, True]
    assert table.timeout_s[table.first].tolist() == [610, 190]
    assert table.corrections[RequestEnd.REFUSED, table.first[1]] == 1, "it asks, and is told again each time"


def test_settling():
    assert settle(FixedInterval(600), Settings()) == (0, False)
    device = FixedInterval(30)
    assert settle(device, Settings()) == (1, False) and device.heartbeat_s == 60
    assert settle(FixedInterval(30, heeds_server=False), Settings()) == (1, True)


@pytest.mark.parametrize("end", [RequestEnd.MAIL, RequestEnd.AT_ONCE, RequestEnd.LEFT, RequestEnd.REFUSED])
def test_a_device_learns_nothing_from_these(end):
    device = KINDS["android-4.4"].new()
    device.answered()
    tell(device, end)
    assert device.heartbeat_s == 780


def test_losses_are_told_apart():
    class Listening(FixedInterval):
        def lost(self, how):
            self.interval_s = how

    heard = []
    for end in (RequestEnd.SILENT, RequestEnd.RESET, RequestEnd.CLOSED, RequestEnd.STATUS):
        device = Listening(600)
        tell(device, end)
        heard.append(device.interval_s)
    assert heard == list(Manner)


def test_a_device_without_end_is_refused(monkeypatch):
    class Endless(FixedInterval):
        def answered(self):
            self.interval_s += 1

    kind = KINDS["ios"]
    monkeypatch.setattr(states, "_MOST_STATES", 3000)
    with pytest.raises(ValueError, match="a device has more than 3000 states"):
        tabulate((type(kind)("x", "X", lambda: Endless(600), kind.basis, None, ""),), Settings())


def test_numbers_are_what_numpy_needs():
    table = tabulate(DEVICES, Settings())
    assert table.heartbeat_s.dtype == table.timeout_s.dtype == np.float64
