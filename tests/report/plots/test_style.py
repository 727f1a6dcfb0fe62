import re

import matplotlib
import pytest
from matplotlib.figure import Figure

from hbprobe.errors import UserError
from hbprobe.manner import Manner
from hbprobe.report.looks import LOOKS, look_of
from hbprobe.report.plots.curve_plot import curve_plot
from hbprobe.report.plots.search_plot import search_plot
from hbprobe.report.plots.style import LINES, drawable, save
from hbprobe.trial.outcome import Kind, Outcome


def luminance(color):
    """How bright a colour is, 0 to 1 (https://www.w3.org/TR/WCAG21/#dfn-relative-luminance)."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_no_outcome_is_told_by_colour_alone():
    looks = list(LOOKS.values())
    for sign in ("label", "color", "marker"):
        assert len({getattr(look, sign) for look in looks}) == len(looks)
    hatched = [look.hatch for kind, look in LOOKS.items() if kind not in (Kind.SURVIVED, Kind.FAILED)]
    assert len(set(hatched)) == len(hatched)
    assert "" not in hatched
    assert len({marker for _, marker in LINES}) == len({color for color, _ in LINES}) == len(LINES)


def test_survived_and_failed_are_far_apart_in_grey():
    one, other = (luminance(LOOKS[kind].color) for kind in (Kind.SURVIVED, Kind.FAILED))
    assert (max(one, other) + 0.05) / (min(one, other) + 0.05) > 1.5


@pytest.mark.parametrize(
    ("outcome", "label"),
    [
        (Outcome(Kind.SURVIVED, 1), "survived"),
        (Outcome(Kind.CUT, 1, Manner.SILENT), "cut, silent"),
        (Outcome(Kind.CUT, 1, Manner.RESET), "cut, reset (RST)"),
        (Outcome(Kind.CUT, 1, Manner.CLOSED), "cut, closed (FIN)"),
        (Outcome(Kind.CUT, 1, Manner.STATUS), "cut, HTTP status"),
        (Outcome(Kind.CUT, 1), "cut"),
        (Outcome(Kind.FAILED, 1, Manner.STATUS), "failed, no evidence"),
    ],
)
def test_look(outcome, label):
    assert look_of(outcome).label == label


def test_drawable():
    assert drawable("Grüße $1$ \x1b[0m") == r"Grüße $1$ \x1b[0m"
    assert drawable("邮件") == r"\u90ae\u4ef6"
    assert drawable("abcdefghij", 8) == "abcde..."


def drawn_twice(draw, result, folder, suffix):
    """Return the file that a result becomes, whenever it is drawn."""
    for name in "ab":
        save(draw(result), folder / f"{name}.{suffix}")
    found = (folder / f"a.{suffix}").read_bytes()
    assert (folder / f"b.{suffix}").read_bytes() == found
    return found


def test_the_same_result_is_the_same_png(ten_minutes, tmp_path):
    assert drawn_twice(lambda result: curve_plot([result], []), ten_minutes, tmp_path, "PNG").startswith(
        b"\x89PNG\r\n\x1a\n"
    )


def test_svg_is_the_same_and_holds_text_as_text_and_no_date(ten_minutes, tmp_path):
    svg = drawn_twice(search_plot, ten_minutes, tmp_path, "svg").decode()
    assert "Survives 599.5 s, cut at 600.5 s: silent</text>" in svg
    assert "dc:date" not in svg
    assert not re.search(r"20[0-9][0-9]-[01][0-9]-", svg)


def test_settings_of_others_are_left_alone(ten_minutes, tmp_path):
    before = dict(matplotlib.rcParams)
    save(search_plot(ten_minutes), tmp_path / "search.svg")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", ["plot", "plot.pdf", "plot.svgz"])
def test_a_suffix_that_says_nothing(name, tmp_path):
    with pytest.raises(UserError) as error:
        save(Figure(), tmp_path / name)
    assert str(error.value) == f"{tmp_path}/{name}: has no suffix that says how to draw: call it .png or .svg"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UserError) as error:
        save(Figure(), tmp_path / "none" / "plot.png")
    assert str(error.value) == f"{tmp_path}/none/plot.png: cannot be written: No such file or directory"
