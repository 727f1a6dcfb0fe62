"""Who stands on a path, and who is guilty."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.diagnosis.reasoning import Whose
from hbprobe.locate.finding import Code, Hop, HopFinding, Route
from hbprobe.manner import Manner
from hbprobe.records.documents import TimerPart
from hbprobe.records.location import Location
from hbprobe.records.record import Verb
from hbprobe.report.drawn_path import drawn_words, hops_of, path_of
from hbprobe.report.plots.path_plot import path_plot
from hbprobe.trial.outcome import Cause, Limit


def location(finding, hops=3, limit_s=300.0):
    route = Route(tuple(Hop(ttl, None if ttl == 2 else f"192.0.2.{ttl}") for ttl in range(1, hops + 1)), hops + 1)
    return Location("https://h/", None, limit_s, True, route, (), finding, 1.0)


def real(result, *causes, method="hold", cut_s=600.0):
    limit = Limit(599.0, cut_s, None if cut_s is None else Manner.CLOSED, causes=causes)
    return replace(result, verb=Verb.PROBE, path=(), cut_by=None, method=method, limit=limit)


def test_a_lab(ten_minutes):
    stations = path_of(replace(ten_minutes, path=("a-box", "other"), cut_by="a-box"))
    assert [one.name for one in stations] == ["client", "a-box", "other", "server"]
    assert [one.guilty for one in stations] == ["", "cuts here at 600.5 s, silent", "", ""]


@pytest.mark.parametrize(
    ("causes", "method", "cut_s", "words"),
    [
        ((Cause.CLOSED_BY_PROXY,), "hold", 600.0, "client > [a box on the path: cuts here] > server"),
        ((), "hold", 600.0, "client > [a box on the path: cuts here] > server"),
        ((), "hold", None, "client > the path > server"),
        ((Cause.ANSWERED_LATE,), "hold", 600.0, "client > the path > server"),
        ((Cause.PATH_DOWN,), "hold", 600.0, "client > the path > server"),
        ((Cause.CLOSED_BY_PROXY, Cause.CLOSED_BY_SERVER), "ssh", 600.0, "client > the path > server"),
        ((Cause.RESET_BY_BOX, Cause.RESET_BY_SERVER), "websocket", 600.0, "client > the path > server"),
        ((Cause.STATE_LOST_SILENTLY,), "ssh", 600.0, "client > [a box on the path: cuts here] > server"),
        (
            (Cause.CLOSED_BY_SERVER,),
            "idle",
            600.0,
            "client > the path, not measured further > [server: cuts here]",
        ),
        (
            (Cause.CLOSED_BY_SERVER, Cause.CLOSED_BY_PROXY),
            "idle",
            600.0,
            "client > the path, not measured further > [server, or a proxy before it: cuts here]",
        ),
    ],
)
def test_a_real_path_accuses_nobody_without_evidence(ten_minutes, causes, method, cut_s, words):
    assert drawn_words(path_of(real(ten_minutes, *causes, method=method, cut_s=cut_s))) == words


@pytest.mark.parametrize(
    ("whose", "boxes", "words"),
    [
        (Whose.PATH, (), "client > [a box on the path: cuts here] > server"),
        (Whose.ADDRESS, (), "client > [a box on the path: cuts here] > server"),
        (Whose.SERVER, (), "client > the path > [server: cuts here]"),
        (None, (), "client > the path > server"),
        (Whose.SHARED, (), "client > the path > server"),
        (Whose.UNTOLD, (), "client > the path > server"),
        (Whose.PATH, ("a-box",), "client > [a-box: cuts here] > server"),
        (Whose.SERVER, ("a-box",), "client > a-box > [server: cuts here]"),
        (Whose.PATH, ("a-box", "other"), "client > a-box > other > server"),
        (None, ("a-box",), "client > a-box > server"),
    ],
)
def test_a_diagnosis_is_drawn_as_it_reads(ten_minutes, whose, boxes, words):
    timer = TimerPart(runs=None, counts=None, direction=None, whose=whose)
    assert drawn_words(path_of(replace(real(ten_minutes), path=boxes), timer)) == words


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (HopFinding(Code.HOP, "", 2), "client > 192.0.2.1 > [hop 2: cuts here] > 192.0.2.3 > server"),
        (HopFinding(Code.HOP, "", 5), "client > 192.0.2.1 > hop 2 > 192.0.2.3 > hop 4 > [hop 5: cuts here] > server"),
        (HopFinding(Code.END, ""), "client > 192.0.2.1 > hop 2 > 192.0.2.3 > [server: cuts here]"),
        (HopFinding(Code.SERVER, ""), "client > 192.0.2.1 > hop 2 > 192.0.2.3 > [server: cuts here]"),
        (HopFinding(Code.NOT_BY_KEEP_ALIVE, "", 2), "client > 192.0.2.1 > hop 2 > 192.0.2.3 > server"),
        (HopFinding(Code.OPEN, ""), "client > 192.0.2.1 > hop 2 > 192.0.2.3 > server"),
    ],
)
def test_hops(finding, words):
    assert drawn_words(hops_of(location(finding))) == words


@given(hops=st.integers(1, 40), guilty=st.integers(0, 45))
def test_however_long_the_path_is_the_guilty_one_is_drawn_and_all_are_counted(hops, guilty):
    finding = HopFinding(Code.HOP, "", guilty) if guilty else HopFinding(Code.END, "")
    stations = hops_of(location(finding, hops))
    assert len(stations) <= 8 and [bool(one.guilty) for one in stations].count(True) == 1
    more = sum(int(one.name.split()[0]) for one in stations if one.is_gap)
    assert more + sum(not one.is_gap for one in stations) == max(hops, guilty) + 2


def test_the_picture():
    figure = path_plot(hops_of(location(HopFinding(Code.HOP, "", 20), 30)))
    axes = figure.axes[0]
    gids = [one.get_gid() for one in axes.get_children()]
    assert [gids.count(gid) for gid in ("station", "guilty", "name")] == [4, 1, 7]
    assert len({one.get_linestyle() for one in axes.lines}) == 2, "behind the one that cuts the line is broken"
    (verdict,) = [one for one in axes.texts if one.get_gid() == "verdict"]
    assert verdict.get_text() == "cuts here at 300 s"


def test_a_strange_name_stays_on_two_lines():
    hops = replace(location(HopFinding(Code.HOP, "", 1)), route=Route((Hop(1, "\x1b[2J " + "x" * 500),), 2))
    texts = [one.get_text() for one in path_plot(hops_of(hops)).axes[0].texts]
    assert all(text.count("\n") <= 1 and "\x1b" not in text for text in texts)
