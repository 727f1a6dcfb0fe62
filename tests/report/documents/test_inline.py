import re

from matplotlib.figure import Figure

from hbprobe.report.documents.inline import inline_svg
from hbprobe.report.plots.search_plot import search_plot


def test_colors_follow_the_page_and_hatches_keep_theirs(ten_minutes):
    svg = inline_svg(search_plot(ten_minutes), "what it shows", "a-")
    assert svg.startswith('<svg viewBox="0 0 720 ')
    assert svg.count('aria-label="what it shows"') == 1
    assert "var(--ink)" in svg and "var(--paper)" in svg and "var(--faint)" in svg and "var(--shade)" in svg
    assert not re.search("#222222|#767676|#ffffff|#dddddd", svg)
    assert 'fill="#d55e00"' in svg, "the ground of the hatch"
    assert "#0072b2" in svg


def test_what_is_left_out(ten_minutes):
    svg = inline_svg(search_plot(ten_minutes), "x", "a-")
    for text in ("<style", "<metadata", "<?xml", "DOCTYPE", "xlink", "Matplotlib", 'id="figure_1"'):
        assert text not in svg
    assert set(re.findall(r'id="(..)', svg)) == {"a-"}


def test_text_and_label_are_escaped():
    figure = Figure()
    figure.text(0, 0, "<b>&</b>")
    svg = inline_svg(figure, '"<i>\x1b', "a-")
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in svg and 'aria-label="&quot;&lt;i&gt;\\x1b"' in svg
    assert "<b>" not in svg
