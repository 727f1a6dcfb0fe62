import random
from dataclasses import replace
from itertools import pairwise

import pytest
from matplotlib.patches import Rectangle

from hbprobe.manner import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, Manner
from hbprobe.report.plots import search_plot as drawing
from hbprobe.report.plots.curve_plot import curve_plot
from hbprobe.report.plots.search_plot import height_in, search_plot
from hbprobe.report.plots.style import save
from hbprobe.search.search import SearchSettings
from hbprobe.trial.outcome import Kind, Limit, Outcome


def bars(axes):
    return [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_gid() == "bar"]


def lines(axes, gid):
    return [line for line in axes.lines if line.get_gid() == gid]


def hex_color(patch):
    return "#" + "".join(f"{round(255 * channel):02X}" for channel in patch.get_facecolor()[:3])


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]


def title(figure):
    return [text.get_text() for text in figure.texts]


@pytest.fixture(scope="session")
def ten_minutes_drawn(ten_minutes):
    """The worked example as a picture, which these tests only look at."""
    return search_plot(ten_minutes)


def test_each_trial_is_a_bar_from_nothing_to_its_end(ten_minutes, ten_minutes_drawn):
    axes = ten_minutes_drawn.axes[0]
    assert [bar.get_x() for bar in bars(axes)] == [0] * 13
    assert [bar.get_width() for bar in bars(axes)] == [trial.outcome.elapsed_s for trial in ten_minutes.trials]
    assert [round(bar.get_y() + bar.get_height() / 2, 9) for bar in bars(axes)] == list(range(13))


def test_the_first_trial_is_on_top(ten_minutes_drawn):
    bottom, top = ten_minutes_drawn.axes[0].get_ylim()
    assert bottom > top


EVERY_OUTCOME = [
    (100, Outcome(Kind.SURVIVED, 100)),
    (900, Outcome(Kind.CUT, 903, Manner.SILENT)),
    (900, Outcome(Kind.CUT, 300, Manner.RESET, exact=True)),
    (900, Outcome(Kind.CUT, 301, Manner.CLOSED, exact=True)),
    (900, Outcome(Kind.CUT, 302, Manner.STATUS, exact=True, status=504)),
    (200, Outcome(Kind.FAILED, 0.1, reason="TLS")),
]


def test_colour_hatch_and_marker_say_the_outcome(tried):
    axes = search_plot(tried(EVERY_OUTCOME, Limit(100, 300, Manner.RESET, exact=True))).axes[0]
    assert [hex_color(bar) for bar in bars(axes)] == [BLUE, VERMILLION, PURPLE, ORANGE, GREEN, "#999999"]
    assert [bar.get_hatch() or "" for bar in bars(axes)] == ["", "////", "xxxx", "\\\\\\\\", "||||", ""]
    ends = [(line.get_marker(), line.get_xdata()[0]) for line in lines(axes, "end")]
    assert ends == [("o", 100), ("s", 903), ("X", 300), ("D", 301), ("^", 302), ("x", 0.1)]


def test_the_legend_says_what_occurred(tried, ten_minutes_drawn):
    def legend(figure):
        return [text.get_text() for text in figure.legends[0].get_texts()]

    assert legend(ten_minutes_drawn) == ["survived", "cut, silent", "bracket: the limit lies in here"]
    assert legend(search_plot(tried(EVERY_OUTCOME, Limit(100, 300)))) == [
        "survived",
        "cut, silent",
        "cut, reset (RST)",
        "cut, closed (FIN)",
        "cut, HTTP status",
        "failed, no evidence",
        "bracket: the limit lies in here",
    ]


def test_the_bracket_closes_in(ten_minutes_drawn):
    low, high = (line.get_xdata() for line in lines(ten_minutes_drawn.axes[0], "bracket-line"))
    assert list(low[::2]) == list(low[1::2]) == [*[0] * 3, *[495.5] * 3, 550.5, 577.5, 591.5, *[598.5] * 3, 599.5]
    assert list(high[::2]) == [3540, 1800.5, 930.5, 930.5, 713.5, *[604.5] * 5, 601.5, 600.5, 600.5]
    assert all(a <= b for a, b in pairwise(low))
    assert all(a >= b for a, b in pairwise(high))


def test_a_failed_trial_does_not_move_the_bracket(tried):
    axes = search_plot(tried([(200, Outcome(Kind.FAILED, 0.1))], Limit(None, None))).axes[0]
    low, high = (line.get_xdata() for line in lines(axes, "bracket-line"))
    assert list(low) == [0, 0]
    assert min(high) > axes.get_xlim()[1]


def test_what_exchange_goes_by_is_marked(ten_minutes_drawn):
    assert [line.get_xdata()[0] for line in lines(ten_minutes_drawn.axes[0], "threshold")] == [60, 540, 3540]
    assert texts(ten_minutes_drawn) == [
        "shortest heartbeat 60 s",
        "alert threshold 540 s",
        "longest heartbeat 3540 s",
        "limit 599.5 to 600.5 s",
        "survives 599.5 s",
        "cut at 600.5 s",
    ]


def test_what_lies_beyond_the_axis_is_named(measure, cutting_at):
    figure = search_plot(measure(cutting_at(5, Manner.RESET), SearchSettings(1, 20, 0.5, connections=8)))
    assert figure.axes[0].get_xlabel() == (
        "hold in seconds\nfurther right: shortest heartbeat 60 s, alert threshold 540 s, longest heartbeat 3540 s"
    )
    assert lines(figure.axes[0], "threshold") == []


def test_a_narrow_bracket_is_shown_from_close_by(ten_minutes_drawn):
    low_s, high_s = ten_minutes_drawn.axes[1].get_xlim()
    assert (low_s, high_s) == pytest.approx((595.1, 604.9))
    assert len(bars(ten_minutes_drawn.axes[1])) == 13


def test_a_wide_bracket_is_not(measure, cutting_at):
    wide = measure(cutting_at(600), SearchSettings(60, 3540, precision_s=500))
    assert len(search_plot(wide).axes) == 1


def test_the_scale_fits_the_limit(measure, cutting_at):
    assert search_plot(measure(cutting_at(600))).axes[0].get_xscale() == "linear"
    assert search_plot(measure(cutting_at(5), SearchSettings(1, 3540))).axes[0].get_xscale() == "function"


def test_titles(measure, cutting_at):
    figure = search_plot(measure(cutting_at(600), path_s=34560, contradictions=("a hold of 3 s was cut",)))
    assert title(figure) == [
        "Survives 599.5 s, cut at 600.5 s: silent",
        "a-box: 13 trials, 9 h 36 min of path time in 0.125 s of wall time, 1 contradiction",
    ]
    stopped = search_plot(measure(cutting_at(600), limit=Limit(None, None), trials=(), complete=False, verdict=None))
    assert title(stopped)[0] == "Unknown: no trial told anything (stopped before its end)"


def test_text_from_outside_is_harmless(measure, cutting_at):
    figure = search_plot(measure(cutting_at(600), path=(), target="https://$x$/\x1b[31m邮" + "z" * 300))
    assert title(figure)[1].startswith(r"https://$x$/\x1b[31m\u90aezzz")
    assert title(figure)[1].endswith("...")


def noisy(count):
    """Trials on a path whose timer is somewhere between 560 and 640 s, each time anew."""
    chance = random.Random(5)
    holds_s = [3540.0, 1800.0, 900.0] + [round(chance.uniform(540, 660), 1) for _ in range(count - 3)]
    return [
        (hold_s, Outcome(Kind.SURVIVED, hold_s))
        if hold_s < chance.uniform(560, 640)
        else (hold_s, Outcome(Kind.CUT, hold_s + 3, Manner.SILENT))
        for hold_s in holds_s
    ]


@pytest.mark.parametrize("count", [5, 40, 120])
def test_any_number_of_trials_reads_well(count, tried, misplaced):
    assert misplaced(search_plot(tried(noisy(count), Limit(590, 600, Manner.SILENT)))) == []


@pytest.mark.parametrize(
    ("limit_s", "how"),
    [
        (5, Manner.RESET),
        (60, Manner.STATUS),
        (540, Manner.CLOSED),
        (600, Manner.SILENT),
        (3539, Manner.STATUS),
        (9999, Manner.SILENT),
    ],
)
def test_any_limit_reads_well(limit_s, how, measure, cutting_at, misplaced):
    result = measure(cutting_at(limit_s, how, 504), SearchSettings(1, 3540, connections=3))
    assert misplaced(search_plot(result)) == []


@pytest.mark.parametrize("limit", [Limit(None, None), Limit(None, 60, Manner.RESET, exact=True), Limit(3540, None)])
def test_half_a_bracket_reads_well(limit, measure, cutting_at, misplaced):
    assert misplaced(search_plot(measure(cutting_at(600), limit=limit))) == []


def test_a_long_path_reads_well(measure, cutting_at, misplaced):
    path = tuple(f"a-box-with-a-long-name-{number}" for number in range(20))
    assert misplaced(search_plot(measure(cutting_at(600), path=path))) == []


@pytest.mark.parametrize(("count", "inches"), [(1, 1.3), (5, 1.3), (20, 5.2), (30, 5.2), (60, 7.8), (500, 9)])
def test_the_page_does_not_grow_without_end(count, inches):
    assert height_in(count) == pytest.approx(inches)


def test_trials_come_in_the_order_of_their_numbers(ten_minutes):
    turned = replace(ten_minutes, trials=ten_minutes.trials[::-1])
    figure = search_plot(turned)
    assert [bar.get_width() for bar in bars(figure.axes[0])] == [
        trial.outcome.elapsed_s for trial in ten_minutes.trials
    ]


def test_the_final_bracket_is_marked(ten_minutes_drawn):
    for axes in ten_minutes_drawn.axes:
        assert [line.get_xdata()[0] for line in lines(axes, "limit")] == [599.5, 600.5]


def test_many_trials_are_drawn_in_part(ten_minutes, monkeypatch):
    monkeypatch.setattr(drawing, "_MOST_DRAWN", 30)
    trials = tuple(replace(ten_minutes.trials[number % 13], number=number + 1) for number in range(50_000))
    figure = search_plot(replace(ten_minutes, trials=trials))
    assert len(bars(figure.axes[0])) == 30
    assert title(figure)[1].endswith("; the first 30 drawn")


def test_an_odd_number_hangs_nothing(ten_minutes, tmp_path):
    limit = replace(ten_minutes.limit, cut_s=1e9)
    outcome = replace(ten_minutes.trials[0].outcome, elapsed_s=1e9)
    trials = (replace(ten_minutes.trials[0], outcome=outcome), *ten_minutes.trials[1:])
    odd, odder = replace(ten_minutes, limit=limit), replace(ten_minutes, limit=limit, trials=trials)
    for figure in (search_plot(odd), search_plot(odder), curve_plot([odd, odder], [])):
        save(figure, tmp_path / "odd.png")
        assert (tmp_path / "odd.png").stat().st_size < 1_000_000
