"""The search as a picture: every trial a bar from 0 to its end, and the bracket closing in on the limit."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hbprobe.records.result import Result
from hbprobe.report.plots.axis import Scale, scale_seconds
from hbprobe.report.plots.flags import Flag, fly
from hbprobe.report.plots.page import MARGIN_IN, WIDTH_IN, Page
from hbprobe.report.plots.search_rows import brackets, draw_rows, height_in, label_rows, legend
from hbprobe.report.plots.style import FAINT, INK, in_style
from hbprobe.report.terminal.words import effort_words, limit_words, path_words, thresholds
from hbprobe.text import counted, seconds
from hbprobe.trial.outcome import Limit

_MOST_DRAWN = 300
"""More rows cannot be told apart on a page."""
_LEFT_IN = 1.3
_RIGHT_IN = WIDTH_IN - MARGIN_IN
_CLOSE_IN = 2.3
"""Width of the second axes, which show the limit from close by."""
_BETWEEN_IN = 0.45
_NARROW = 0.04
"""A bracket that takes less than this share of the axis is shown from close by as well."""
_AROUND = 4.4
"""What is then shown to either side, in widths of the bracket."""


def search_plot(result: Result) -> Figure:
    """Draw the search of one result."""
    trials = sorted(result.trials, key=lambda trial: trial.number)[:_MOST_DRAWN]
    known = brackets(result.search, trials)
    end_s = _end_s(result)
    close = _close_range(result.limit, end_s)
    middle_in = _RIGHT_IN - (_CLOSE_IN + _BETWEEN_IN if close else 0)
    with in_style():
        page = Page()
        axes = page.add_axes(_LEFT_IN, middle_in)
        scale_seconds(axes, 0, end_s, _scale(result.limit, end_s), middle_in - _LEFT_IN)
        draw_rows(axes, trials, known)
        label_rows(axes, trials)
        _name_what_lies_beyond(axes, result)
        rows = fly(axes, [*_threshold_flags(axes, result), *_limit_flags(axes, result.limit)], MARGIN_IN, middle_in)
        if close:
            beside = page.add_axes(_RIGHT_IN - _CLOSE_IN, _RIGHT_IN, beside=axes)
            scale_seconds(beside, *close, Scale.LINEAR, _CLOSE_IN)
            draw_rows(beside, trials, known)
            beside.set_xlabel("the limit, from close by")
            beside.tick_params(axis="y", length=0, labelleft=False)
            flags = [*_threshold_flags(beside, result), *_end_flags(beside, result.limit)]
            rows = max(rows, fly(beside, flags, middle_in, WIDTH_IN))
        return page.finish(_title(result), _subtitle(result), rows, height_in(len(trials)), legend(trials))


def _title(result: Result) -> str:
    words = limit_words(result.limit, with_how=True)
    stopped = "" if result.complete else " (stopped before its end)"
    return f"{words[0].upper()}{words[1:]}{stopped}"


def _subtitle(result: Result) -> str:
    contradicted = f", {counted(len(result.contradictions), 'contradiction')}" if result.contradictions else ""
    drawn = f"; the first {_MOST_DRAWN} drawn" if len(result.trials) > _MOST_DRAWN else ""
    return f"{path_words(result)}: {effort_words(result)}{contradicted}{drawn}"


def _end_s(result: Result) -> float:
    """Return where the axis ends: a little beyond all that was tried, asked for, or found.

    A label far outside of the axes would be more than the fonts' renderer can place.
    """
    ends_s = [max(trial.hold_s, trial.outcome.elapsed_s) for trial in result.trials]
    found_s = [end_s for end_s in (result.limit.survived_s, result.limit.cut_s) if end_s is not None]
    return 1.015 * max([result.search.max_s, *ends_s, *found_s])


def _scale(limit: Limit, end_s: float) -> Scale:
    at_s = limit.cut_s or limit.survived_s or end_s
    return Scale.LINEAR if at_s > end_s / 9 else Scale.ROOT


def _close_range(limit: Limit, end_s: float) -> tuple[float, float] | None:
    """Return what to show from close by; None where there is no narrow bracket."""
    if limit.survived_s is None or limit.cut_s is None:
        return None
    width_s = limit.cut_s - limit.survived_s
    if not 0 < width_s < _NARROW * end_s:
        return None
    return max(0.0, limit.survived_s - _AROUND * width_s), limit.cut_s + _AROUND * width_s


def _threshold_flags(axes: Axes, result: Result) -> list[Flag]:
    """Draw what Exchange goes by as lines, as far as the axes reach, and return the labels."""
    low_s, high_s = axes.get_xlim()
    flags = [Flag(at_s, words) for words, at_s in thresholds(result.verdict).items() if low_s <= at_s <= high_s]
    for flag in flags:
        axes.axvline(flag.at_s, color=FAINT, linewidth=0.9, linestyle="dotted", zorder=1, gid="threshold")
    return flags


def _name_what_lies_beyond(axes: Axes, result: Result) -> None:
    beyond = [words for words, at_s in thresholds(result.verdict).items() if at_s > axes.get_xlim()[1]]
    if beyond:
        axes.set_xlabel(f"{axes.get_xlabel()}\nfurther right: {', '.join(beyond)}")


def _limit_flags(axes: Axes, limit: Limit) -> list[Flag]:
    """Draw the final bracket as one label; none where nothing was cut."""
    if limit.cut_s is None:
        return []
    if limit.survived_s is None:
        return _end_flags(axes, limit)
    _end_flags(axes, limit)
    words = f"limit {seconds(limit.survived_s)} to {seconds(limit.cut_s)} s"
    return [Flag((limit.survived_s + limit.cut_s) / 2, words, INK, bold=True)]


def _end_flags(axes: Axes, limit: Limit) -> list[Flag]:
    """Draw both ends of the final bracket as lines, and return their labels."""
    ends = [("survives", limit.survived_s), ("cut at", limit.cut_s)]
    flags = [Flag(at_s, f"{word} {seconds(at_s)} s", INK, bold=True) for word, at_s in ends if at_s is not None]
    for flag in flags:
        axes.axvline(flag.at_s, color=INK, linewidth=0.7, linestyle="dashed", zorder=3, gid="limit")
    return flags
