"""What the pictures of fleet, size and staircase show."""

import math
from dataclasses import replace

import numpy as np
import pytest

from hbprobe.exchange.devices import DEVICES
from hbprobe.exchange.settings import Settings
from hbprobe.fleet.mix import SHIPPED, load_mix
from hbprobe.fleet.simulation import simulate
from hbprobe.fleet.size import AtShare, AtTimer, ShareSweep, Sizing
from hbprobe.manner import Manner
from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.silent_request import Cut
from hbprobe.report.plots.fleet_plot import average_plot, sweep_plot
from hbprobe.report.plots.size_plot import size_plot
from hbprobe.report.plots.staircase_plot import Stair, staircase, staircase_plot
from hbprobe.report.plots.style import save

KINDS = {kind.id: kind for kind in DEVICES}


def drawn(axes, gid):
    return [line for line in axes.lines if line.get_gid() == gid]


def words(figure):
    return [text.get_text() for text in figure.texts]


@pytest.fixture(scope="session")
def tripped():
    mix = replace(load_mix(SHIPPED, Catalogue()), firewall=Cut(290))
    return simulate(mix.world(60, Settings(), 0), 0.5)


def test_a_staircase_on_a_path_of_ten_minutes():
    course = staircase(KINDS["textbook"].new(), 600, Manner.SILENT, Settings(), 3000)
    assert course == [
        Stair(0, 910, 900, True),
        Stair(910, 1390, 480, False),
        Stair(1390, 2120, 720, True),
        Stair(2120, 2600, 480, False),
        Stair(2600, 3080, 480, False),
    ]


def test_a_loss_that_is_told_is_known_at_the_limit():
    assert staircase(KINDS["ios"].new(), 300, Manner.RESET, Settings(), 500) == [
        Stair(0, 300, 600, True),
        Stair(300, 600, 600, True),
    ]


def test_a_device_that_is_refused_has_no_staircase():
    assert staircase(KINDS["outlook-180"].new(), 600, Manner.SILENT, Settings(min_heartbeat_s=300), 500) == []


def test_the_staircases_of_several_devices(tmp_path):
    figure = staircase_plot([KINDS["textbook"], KINDS["ios"]], 600, Manner.SILENT, Settings(), hours=1)
    first, second = figure.axes
    assert [line.get_ydata()[0] for line in drawn(first, "limit")] == [600]
    (lost,) = drawn(first, "lost")
    assert np.array(lost.get_xdata()).tolist() == pytest.approx([910 / 3600, 2120 / 3600])
    assert list(lost.get_ydata()) == [900, 720]
    assert set(drawn(second, "lost")[0].get_ydata()) == {600}
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["Textbook client", "iOS"]
    assert words(figure)[0] == "What devices ask for on a path that cuts at 600 s"
    save(figure, tmp_path / "stairs.png")


def test_a_path_without_a_limit_has_no_line():
    figure = staircase_plot([KINDS["android-4.4"]], math.inf, Manner.SILENT, Settings(), hours=1)
    assert drawn(figure.axes[0], "limit") == [] and list(drawn(figure.axes[0], "lost")[0].get_xdata()) == []
    assert words(figure) == [
        "What devices ask for on a path without timers",
        "No mail comes, and every request is answered at its interval.",
    ]


def test_the_average_with_its_events(tripped, tmp_path):
    figure = average_plot(tripped, "office")
    (axes,) = figure.axes
    (events,) = drawn(axes, "event")
    assert len(events.get_xdata()) == len(tripped.events) > 10
    assert [line.get_ydata()[0] for line in drawn(axes, "threshold")] == [540]
    (average,) = drawn(axes, "average")
    assert list(average.get_ydata()) == [point.mean_s for point in tripped.curve]
    assert words(figure)[0].startswith(f"Event 1040 fires {len(tripped.events)} times (")
    assert words(figure)[1] == "60 devices, 12 h, mix office; the newest 200 intervals that devices asked for"
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "event 1040"
    save(figure, tmp_path / "average.svg")
    assert "Event 1040" in (tmp_path / "average.svg").read_text()


def test_a_sweep():
    tried = tuple(AtShare(share, events, lowest, 700, 800) for share, events, lowest in ((0, 0, 600), (0.5, 3, 530)))
    figure = sweep_plot(ShareSweep("train", tried), "office", Settings())
    assert words(figure)[0] == "50% of the devices on the path train are enough for event 1040"
    assert list(drawn(figure.axes[0], "lowest")[0].get_ydata()) == [600, 530]
    (event,) = drawn(figure.axes[0], "event")
    assert (list(event.get_xdata()), list(event.get_ydata())) == ([50], [530])
    none = sweep_plot(ShareSweep("train", tried[:1]), "office", Settings())
    assert words(none)[0] == "No share of devices on the path train raises event 1040"


def at(timer_s, events, well):
    return AtTimer(timer_s, events, 500, 100, 2, 300, 400, 5, well)


def test_size_curves(tmp_path):
    figure = size_plot(Sizing((at(300, 9, 0.2), at(600, 0, 0.9), at(900, 0, 1.0), at(1200, 0, 1.0))), "a fleet")
    assert words(figure) == ["A timer of 900 s is enough for every device", "a fleet"]
    assert [list(line.get_xdata()) for axes in figure.axes for line in drawn(axes, "enough")] == [[15, 15]] * 5
    assert list(figure.axes[0].lines[0].get_ydata()) == [9, 0, 0, 0]
    save(figure, tmp_path / "size.png")


def test_size_curves_where_nothing_is_enough():
    never = size_plot(Sizing((at(300, 9, 1.0), at(600, 9, 1.0))), "a fleet")
    assert words(never)[0] == "Event 1040 comes with every timer"
    too_short = size_plot(Sizing((at(300, 0, 0.1), at(600, 0, 0.2))), "")
    assert words(too_short)[0] == "No timer tried is enough for every device"
