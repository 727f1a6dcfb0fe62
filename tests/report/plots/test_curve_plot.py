from dataclasses import replace

import pytest

from hbprobe.manner import Manner
from hbprobe.profiles.model import Profile
from hbprobe.report.plots.curve_plot import curve_plot
from hbprobe.search.search import SearchSettings
from hbprobe.trial.outcome import Kind, Limit, Outcome


def profile(number, default_s):
    return Profile.model_validate(
        {
            "id": f"box-{number}",
            "name": f"Box {number}, a product with a name",
            "category": "nat",
            "layer": "packet",
            "timers": {
                "idle": {"default": default_s, "expiry": "silent", "restarted_by": "any-packet", "source": "made-up"}
            },
            "sources": {"made-up": {"grade": "example", "says": "made up"}},
        }
    )


def lines(figure, gid):
    return [line for line in figure.axes[0].lines if line.get_gid() == gid]


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_one_result(ten_minutes):
    figure = curve_plot([ten_minutes], [])
    (curve,) = lines(figure, "curve")
    assert list(curve.get_xdata()) == [0, 599.5, 600.5, 3540]
    assert list(curve.get_ydata()) == [1, 1, 0, 0]
    assert curve.get_linestyle() == "-"
    (dots,) = lines(figure, "tried")
    assert list(dots.get_xdata()) == sorted(trial.hold_s for trial in ten_minutes.trials)
    assert figure.texts[0].get_text() == "How long a quiet request survives on a-box"
    assert "599.5 to 600.5 s" in texts(figure)
    assert legend(figure) == ["measured"]


def test_the_times_that_matter_are_marked(ten_minutes):
    figure = curve_plot([ten_minutes], [])
    assert [line.get_xdata()[0] for line in lines(figure, "threshold")] == [540, 900, 1800, 3540]
    labels = ["540 s: alert threshold", "900 s", "1800 s", "3540 s: longest heartbeat"]
    assert [text for text in texts(figure) if text in labels] == labels


def test_profiles_are_dashed_and_go_on_to_the_edge():
    figure = curve_plot([], [profile(1, 600)])
    (curve,) = lines(figure, "curve")
    assert curve.get_linestyle() == "--"
    assert list(curve.get_ydata()) == [1, 1, 0, 0]
    assert curve.get_xdata()[1] == curve.get_xdata()[2] == 600
    assert curve.get_xdata()[3] == figure.axes[0].get_xlim()[1]
    assert legend(figure) == ["from a profile's timers"]


def test_where_nobody_looked_further_the_line_ends():
    kind = profile(1, 600).model_dump(mode="json", exclude_none=True)
    kind["timers"]["idle"]["population"] = [{"exactly": 300, "weight": 1}, {"above": 600, "weight": 3}]
    (curve,) = lines(curve_plot([], [Profile.model_validate(kind)]), "curve")
    assert list(curve.get_xdata()) == [0, 300, 300]
    assert list(curve.get_ydata()) == [1, 1, 0.75]


def test_lines_are_labelled_where_they_fall(ten_minutes):
    figure = curve_plot([ten_minutes], [profile(1, 300)])
    labels = {text.get_text(): text.get_position()[0] for text in figure.axes[0].texts if text.get_text()}
    assert labels["a-box: 599.5 to 600.5 s"] == 600.5
    assert labels["Box 1, a product with a name: timer 300 s"] == 300
    assert legend(figure) == ["measured", "from a profile's timers"]


def test_lines_are_told_apart_by_more_than_colour(measure, cutting_at):
    results = [measure(cutting_at(limit_s)) for limit_s in (300, 600, 900, 1200)]
    curves, dots = lines(curve_plot(results, []), "curve"), lines(curve_plot(results, []), "tried")
    assert len({line.get_color() for line in curves}) == 4
    assert len({line.get_marker() for line in dots}) == 4


def test_a_line_below_another_is_wider(ten_minutes):
    below, above = lines(curve_plot([ten_minutes, replace(ten_minutes, path=("another",))], []), "curve")
    assert below.get_linewidth() > above.get_linewidth() + 1


def test_many_lines_carry_numbers():
    figure = curve_plot([], [profile(number, 60 * number) for number in (1, 2, 2, 5, 10, 30, 59)])
    assert [text for text in texts(figure) if text[0].isdigit() and " s" not in text] == [
        "7",
        "5-6",
        "4",
        "3",
        "2",
        "1",
    ]
    assert legend(figure)[1] == "1  Box 59, a product with a name: timer 3540 s"
    assert len(legend(figure)) == 8


def test_names_without_room_become_numbers():
    figure = curve_plot([], [profile(number, 200 * 2**number) for number in range(6)])
    assert [text for text in texts(figure) if text[0].isdigit() and " s" not in text] == [
        "6",
        "5",
        "4",
        "3",
        "2",
        "1",
    ]
    assert legend(figure)[6] == "6  Box 0, a product with a name: timer 200 s"


def test_contradictions_make_a_grey_zone(tried):
    trials = [(hold_s, Outcome(Kind.SURVIVED, hold_s)) for hold_s in (500, 590, 610)]
    trials += [(hold_s, Outcome(Kind.CUT, hold_s + 3, Manner.SILENT)) for hold_s in (590, 600, 700)]
    figure = curve_plot([tried(trials, Limit(590, 600, Manner.SILENT))], [])
    (zone,) = [patch for patch in figure.axes[0].patches if patch.get_gid() == "grey-zone"]
    assert (zone.get_x(), zone.get_x() + zone.get_width()) == (590, 610)
    assert "grey zone: trials contradict each other" in legend(figure)


@pytest.mark.parametrize(
    ("timers_s", "scale"), [((600, 3600), "linear"), ((60, 3600), "log"), ((5, 432_000), "log"), ((300,), "linear")]
)
def test_the_scale_fits(timers_s, scale):
    figure = curve_plot([], [profile(number, timer_s) for number, timer_s in enumerate(timers_s)])
    assert figure.axes[0].get_xscale() == scale


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="nothing to draw: give a result or a profile"):
        curve_plot([], [])


@pytest.mark.parametrize(
    ("limit_s", "timers_s"),
    [(limit_s, ()) for limit_s in (5, 540, 3539, 9999)] + [(limit_s, (600, 432_000)) for limit_s in (60, 600, 3539)],
)
def test_any_limit_reads_well(limit_s, timers_s, measure, cutting_at, misplaced):
    result = measure(cutting_at(limit_s), SearchSettings(1, 3540))
    profiles = [profile(number, timer_s) for number, timer_s in enumerate(timers_s)]
    assert misplaced(curve_plot([result], profiles)) == []


@pytest.mark.parametrize("count", [2, 6, 7, 40])
def test_any_number_of_profiles_reads_well(count, ten_minutes, misplaced):
    profiles = [profile(number, 60 * (1 + number % 9)) for number in range(count)]
    assert misplaced(curve_plot([ten_minutes], profiles)) == []


def test_nothing_known_reads_well(measure, cutting_at, misplaced):
    assert misplaced(curve_plot([measure(cutting_at(600), limit=Limit(None, None), trials=())], [])) == []


def test_long_names_are_cut_so_that_the_limit_shows(ten_minutes, misplaced):
    figure = curve_plot([replace(ten_minutes, path=("n" * 200,)), ten_minutes], [])
    assert f"{'n' * 41}...: 599.5 to 600.5 s" in texts(figure)
    assert misplaced(figure) == []
