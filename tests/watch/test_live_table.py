"""A running watch on a terminal."""

import asyncio
import io

import pytest
from rich.console import Console
from support import watched

from hbprobe import warp
from hbprobe.watch.live_table import LiveWatch, sparkline

NOW = 1_795_528_800.0


@pytest.mark.parametrize(
    ("limits", "width", "line"),
    [
        ([], 5, ""),
        ([1, 2, 4, 8], 4, "▂▃▅█"),
        ([1, 2, 4, 8], 2, "▅█"),
        ([600, None, 600], 9, "█ █"),
        ([0, 0], 2, "▁▁"),
        ([None], 1, " "),
        ([5], 0, ""),
    ],
)
def test_a_sparkline(limits, width, line):
    assert sparkline(limits, width) == line
    assert len(sparkline(limits, width, plain=True)) == len(line) and sparkline(limits, width, plain=True).isascii()


def seen(path, width, *, number=29):
    out = io.StringIO()

    async def main():
        control = watched.of_days(path, NOW, number)
        live = LiveWatch(Console(file=io.StringIO(), width=width), lambda: NOW)
        live.happened(control, "")
        await asyncio.gather(*live._reading)
        live.happened(control, "branch office")
        assert not live._reading or not path.exists(), "a search that goes on has stored nothing new"
        await asyncio.gather(*live._reading)
        Console(file=out, width=width).print(live)

    warp.run(main(), warp.ScaledClock())
    return out.getvalue()


@pytest.fixture(scope="session")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("watch") / "watch.sqlite"
    watched.stored(path, NOW)
    return path


def test_all_targets_with_their_histories(found):
    head, branch, left, office, warehouse, *more = seen(found, 120).splitlines()
    assert head.split() == ["target", "limit", "history", "now"]
    assert "survives 899.5 s, cut at 900.5 s" in branch and "█" * 12 + "▅" * 12 in branch and "━" in branch
    assert left.split()[-1] == "left"
    assert "head office <b>" in office and "next in 25 min" in office
    assert "could not measure: TCP: no route to host" in " ".join((warehouse + " ".join(more)).split())


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_any_width(found, width):
    text = seen(found, width)
    assert max(map(len, text.splitlines())) <= width
    assert ("history" in text) == (width >= 72)


def test_a_database_that_is_not_there_yet(tmp_path):
    assert "not measured yet" in seen(tmp_path / "none.sqlite", 100)
