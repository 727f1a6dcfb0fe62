"""The picture of the catalogue."""

import pytest

from hbprobe.profiles.catalogue import Catalogue
from hbprobe.profiles.model import Category, Profile
from hbprobe.profiles.silent_request import timer_s
from hbprobe.report.plots.catalogue_plot import catalogue_plot
from hbprobe.report.plots.style import extent, save

SHIPPED = [one for one in Catalogue().all() if one.category is not Category.EXAMPLE]


def box(number, *, category="nat", default=600, expiry="silent", **timer):
    idle = {"default": default, "expiry": expiry, "restarted_by": "any-packet", "source": "us"} | timer
    return Profile.model_validate(
        {
            "id": f"box-{number}",
            "name": "Box",
            "category": category,
            "layer": "packet",
            "timers": {"idle": idle} if default else {},
            "sources": {"us": {"grade": "example", "says": "made up"}},
        }
    )


@pytest.fixture(scope="session")
def shipped():
    return catalogue_plot(SHIPPED)


def dots(figure, axes=0):
    return {line.get_gid(): line for line in figure.axes[axes].lines if line.get_gid() != "threshold"}


def names(figure):
    return [text for text in figure.axes[0].texts if text.get_gid() == "name"]


def flags(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_gid() == "flag"]


def categories(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_every_product_is_a_dot_at_its_limit(shipped):
    ending, endless = dots(shipped), dots(shipped, 1)
    for profile in SHIPPED:
        limit_s = timer_s(profile)
        if limit_s is None:
            assert profile.id in endless
        else:
            assert list(ending[profile.id].get_xdata()) == [limit_s]
    assert len(ending) + len(endless) == len(SHIPPED)


def test_names_overlap_neither_each_other_nor_another_dot(shipped):
    shown = names(shipped)
    assert len(shown) >= 25
    assert len({text.get_text() for text in shown}) == len(shown)
    boxes = [extent(text) for text in shown]
    for number, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[:number]), shown[number].get_text()
        for name, line in dots(shipped).items():
            x, y = shipped.axes[0].transData.transform((line.get_xdata()[0], line.get_ydata()[0]))
            inside = one.x0 < x < one.x1 and one.y0 < y < one.y1
            assert not inside, (shown[number].get_text(), name)


def test_what_it_says(shipped):
    cut = sum((timer_s(one) or 1e9) <= 540 for one in SHIPPED)
    assert shipped.texts[0].get_text() == f"Of {len(SHIPPED)} boxes, {cut} cut a silent request within 540 s"
    assert f"540 s, alert threshold: {cut} have cut" in flags(shipped)
    assert [line.get_xdata()[0] for line in shipped.axes[0].lines if line.get_gid() == "threshold"] == [
        540, 900, 1800, 3540,
    ]  # fmt: skip
    assert sum(int(label.split()[-1]) for label in categories(shipped)) == len(SHIPPED)
    assert "CDN  6" in categories(shipped)
    assert legend(shipped) == [
        "cut, silent",
        "cut, RST on the next packet",
        "cut, reset (RST)",
        "cut, closed (FIN)",
        "cut, HTTP status",
        "lives for ever",
    ]


def test_the_category_that_cuts_soonest_stands_at_the_top():
    profiles = [box(1, category="nat", default=7200), box(2, category="firewall", default=60), box(3, default=3600)]
    assert categories(catalogue_plot(profiles)) == ["firewall  1", "NAT  2"]


def test_few_profiles_are_all_named():
    figure = catalogue_plot([box(number, default=10**number) for number in range(1, 6)])
    assert sorted(text.get_text() for text in names(figure)) == [f"box-{number}" for number in range(1, 6)]


def test_what_ends_no_request_lives_for_ever():
    figure = catalogue_plot([box(1, expiry="rebalance"), box(2, probes={"every": 15}), box(3, default=None)])
    assert dots(figure) == {}
    assert sorted(dots(figure, 1)) == ["box-1", "box-2", "box-3"]
    assert legend(figure) == ["lives for ever"]
    assert figure.texts[0].get_text() == "Of 3 boxes, 0 cut a silent request within 540 s"


def test_examples_are_no_products():
    assert list(dots(catalogue_plot([box(1), box(2, category="example")]))) == ["box-1"]
    assert list(dots(catalogue_plot([box(2, category="example")]))) == ["box-2"]


def test_the_shortest_and_the_longest_timer_fit_in():
    figure = catalogue_plot([box(1, default=0.001), box(2, default="30000d")])
    low, high = figure.axes[0].get_xlim()
    assert low < 0.001
    assert high > 30000 * 86400


def test_two_profiles_of_one_id_are_two_dots():
    figure = catalogue_plot([box(1), box(1, default=60)])
    assert sorted(line.get_xdata()[0] for line in figure.axes[0].lines if line.get_gid() == "box-1") == [60, 600]


def test_nothing_to_draw():
    with pytest.raises(ValueError, match=r"^nothing to draw: give a profile$"):
        catalogue_plot([])


def test_the_same_profiles_give_the_same_file(tmp_path):
    for name in ("one.svg", "other.svg"):
        save(catalogue_plot(SHIPPED[:30]), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()
