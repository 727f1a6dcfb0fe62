import asyncio
import contextlib
import io

import pytest
from rich.console import Console

from hbprobe import warp
from hbprobe.manner import Manner
from hbprobe.measure.run import Run
from hbprobe.report.terminal.live import LiveLine, bracket_bar, describe, status, time_left_s
from hbprobe.search.search import Search, SearchSettings
from hbprobe.trial.outcome import Kind, Outcome, Trial


def told(**outcome):
    return describe(Trial(3, 599.5, 0.0, Outcome(**outcome)))


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        ({"kind": Kind.SURVIVED, "elapsed_s": 599.5}, "trial 3: hold 599.5 s survived"),
        ({"kind": Kind.CUT, "elapsed_s": 602.5, "how": Manner.SILENT}, "trial 3: hold 599.5 s cut: silent"),
        (
            {"kind": Kind.CUT, "elapsed_s": 350.004, "how": Manner.RESET, "exact": True},
            "trial 3: hold 599.5 s cut: reset at 350.00 s",
        ),
        ({"kind": Kind.CUT, "elapsed_s": 600, "how": Manner.CLOSED}, "trial 3: hold 599.5 s cut: closed"),
        (
            {"kind": Kind.CUT, "elapsed_s": 60.5, "how": Manner.STATUS, "exact": True, "status": 504},
            "trial 3: hold 599.5 s cut: status 504 at 60.50 s",
        ),
    ],
)
def test_a_trial_in_a_line(outcome, text):
    assert told(**outcome) == text


class TenMinutes:
    name = "hold"

    def told(self):
        return None

    async def prove(self):
        return None

    async def trial(self, hold_s):
        outcome = Outcome(Kind.SURVIVED, hold_s) if hold_s < 600 else Outcome(Kind.CUT, hold_s + 3, Manner.SILENT)
        await asyncio.sleep(outcome.elapsed_s)
        return outcome


def lines_while(settings, seconds, see, watch=None):
    """Search for so long, and return what `see(run)` says then."""

    async def main():
        run = Run(Search(settings), TenMinutes(), watch=watch)
        searching = asyncio.ensure_future(run.to_the_end())
        await asyncio.sleep(seconds)
        seen = see(run)
        searching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await searching
        return seen

    return warp.run(main(), warp.WarpClock())


@pytest.mark.parametrize(
    ("connections", "seconds", "line"),
    [
        (1, 0, "limit between ? and ? s; trying 3540; at most 12 h 47 min 39 s left"),
        (1, 43, "limit between ? and ? s; trying 3540; at most 12 h 46 min 56 s left"),
        (1, 4543, "limit between ? and 3540 s; trying 1799.5; at most 11 h 31 min 56 s left"),
        (1, 9999, "limit between 587.5 and 601.5 s; trying 594.5; at most 36 min 57 s left"),
        (4, 932, "limit between ? and 928.5 s; trying 232.5 406.5 580.5 754.5; at most 1 h 17 min 37 s left"),
        (
            9,
            1,
            (
                "limit between ? and ? s; trying 444.5 831.5 1218.5 1605.5 1992.5 2379.5 +3; "
                "at most 3 h 56 min 11 s left"
            ),
        ),
    ],
)
def test_a_running_search_in_a_line(connections, seconds, line):
    assert lines_while(SearchSettings(min_s=60, connections=connections), seconds, status) == line


def test_the_time_left_never_grows_while_nothing_contradicts():
    left = []
    settings = SearchSettings(min_s=60, confirm=2)

    async def main():
        run = Run(Search(settings), TenMinutes(), watch=lambda run: left.append(time_left_s(run)))
        await run.to_the_end()

    warp.run(main(), warp.WarpClock())
    assert left[0] <= settings.worst_case_s
    assert left == sorted(left, reverse=True)


def test_between_two_rounds_nothing_is_tried():
    async def main():
        return status(Run(Search(SearchSettings(min_s=60)), TenMinutes()))

    assert warp.run(main(), warp.WarpClock()).startswith("limit between ? and ? s; trying nothing; ")


@pytest.mark.parametrize("terminal", [False, True])
def test_each_trial_leaves_a_line(terminal):
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=40)
    with LiveLine(console) as line:
        line.says("probing a path whose name is longer than [bold]forty[/] columns")
        lines_while(SearchSettings(min_s=60), 9999, lambda _: None, line.search)
    for text in (
        "probing a path whose name is longer than [bold]forty[/] columns\n",
        "trial 1: hold 3540 s cut: silent\n",
        "trial 4: hold 493.5 s survived\n",
    ):
        assert out.getvalue().count(text) == 1
    assert ("trying" in out.getvalue()) is terminal


def drawn(width, *, plain=False, seconds=932, connections=4):
    draw = lambda run: bracket_bar(run, width, plain=plain)  # noqa: E731  the width is the test's
    return lines_while(SearchSettings(connections=connections), seconds, draw)


def test_the_bracket_closes():
    assert drawn(60, plain=True, seconds=1) == "0 ............|............|............|...........| 59 min"
    early, late = (drawn(60, plain=True, seconds=seconds) for seconds in (932, 3000))
    assert "=" not in early and early.count("x") > 30 and early.count("|") == 4
    assert late.count("=") > 5 and late.count("x") > early.count("x") and late.index("=") < late.index("x")
    assert drawn(60, seconds=3000) == late.translate(str.maketrans("=.x|", "━·░│"))


@pytest.mark.parametrize("width", [*range(1, 30), 40, 80, 200])
def test_the_bracket_fits_any_width(width):
    bar = drawn(width)
    assert len(bar) == (width if bar else 0) and (bar or width < 19)


def test_what_is_waited_for_stands_instead_of_the_search():
    out = io.StringIO()

    async def main():
        line = LiveLine(Console(file=out, width=80))
        line.search(Run(Search(SearchSettings()), TenMinutes()))
        line.waits("6 requests held side by side", 100.4)
        await asyncio.sleep(40)
        return line.__rich__().plain

    assert warp.run(main(), warp.WarpClock()) == "6 requests held side by side; at most 1 min 1 s left"
