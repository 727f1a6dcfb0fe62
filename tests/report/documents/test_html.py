import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from hbprobe.manner import Manner
from hbprobe.report.documents.html import Markup, element, inline_svg, joined, to_html
from hbprobe.report.plots.search_plot import search_plot

_VOID = {"meta"}
_FETCHING = {"script", "img", "link", "iframe", "object", "embed", "form", "a", "base", "audio", "video", "source"}


class Page(HTMLParser):
    """A page, taken apart; every element must be closed in its order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    def all(self, name):
        return [value for key, value in self.attributes if key == name]


def test_the_page_of_one_measurement(composed, ten_minutes):
    text = to_html(composed(ten_minutes))
    page = Page(text)
    nothing_is_fetched_and_no_script_runs(page)
    the_style_sheet_fetches_nothing(text)
    every_name_is_there_once_and_every_reference_meets_one(page)
    headings_tables_and_pictures_have_names(page)


def nothing_is_fetched_and_no_script_runs(page):
    assert set(page.tags) & _FETCHING == set()
    assert all(value.startswith("#") for value in page.all("href"))
    assert page.all("src") == [] and not any(name.startswith("on") for name, _ in page.attributes)
    assert page.all("content")[0].startswith("default-src 'none'; style-src 'unsafe-inline';")


def the_style_sheet_fetches_nothing(text):
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "@import" not in style and "url(" not in style and "prefers-color-scheme: dark" in style


def every_name_is_there_once_and_every_reference_meets_one(page):
    names = page.all("id")
    assert len(names) == len(set(names)) > 0
    values = " ".join(value or "" for _, value in page.attributes)
    referred = set(re.findall(r"url\(#([^)]+)\)", values)) | {value[1:] for value in page.all("href")}
    assert referred == set(names)


def headings_tables_and_pictures_have_names(page):
    assert page.tags.count("h1") == 1
    assert page.tags.count("caption") == page.tags.count("table") == 2
    assert page.all("scope") == ["col"] * page.tags.count("th")
    assert page.tags.count("svg") == page.all("role").count("img") == 3
    assert page.all("lang") == ["en"]
    assert [tag for tag in page.tags if tag in ("h1", "h2")] == ["h1"] + ["h2"] * 7


def test_text_from_outside_stays_text(composed, hostile):
    page = Page(to_html(composed(hostile)))
    assert "script" not in page.tags
    assert page.texts.count("<script>alert(1)</script>\\x1b[2J\\u202e`|*_[x](http://x/)&lt;") >= 4
    assert "\x1b" not in "".join(page.texts) and "\u202e" not in "".join(page.texts)


def test_several_results(composed, ten_minutes, measure, cutting_at):
    five = measure(cutting_at(300, Manner.STATUS, 504), path=("other",))
    page = Page(to_html(composed(ten_minutes, five)))
    assert page.tags.count("h1") == 1 and page.tags.count("article") == 2
    assert page.texts[1] == "2 measurements"
    names = page.all("id")
    assert len(names) == len(set(names))
    assert "survives 299.5 s, cut at 300 s: HTTP status 504" in page.texts


class Reader(HTMLParser):
    """Reads one element as a browser does."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], {}, ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data):
        self.text += data


def test_an_element():
    inner = element("b", "5 < 6")
    assert element("p", inner, " & more", class_="x", aria_label='"y"') == (
        '<p class="x" aria-label="&quot;y&quot;"><b>5 &lt; 6</b> &amp; more</p>'
    )
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'
    assert joined(["a<", Markup("<br>")]) == "a&lt;<br>"


def test_what_does_not_print_is_written_out():
    assert element("p", "a\x1b[31m\u202eb\n") == "<p>a\\x1b[31m\\u202eb\\x0a</p>"


@given(st.text())
def test_no_text_becomes_markup(text):
    read = Reader(element("p", text, title=text))
    assert read.tags == ["p"]
    assert set(read.attributes) == {"title"}
    assert read.text == read.attributes["title"]
    assert read.text.isprintable()
    if text.isprintable():
        assert read.text == text


@pytest.mark.parametrize("name", ["p onload", "P", "", "1a", 'a"', "a>"])
def test_a_name_is_a_name(name):
    with pytest.raises(ValueError, match="is no name of an element or attribute"):
        element(name)
    with pytest.raises(ValueError, match="is no name of an element or attribute"):
        element("p", **{name: "x"})


def test_colors_follow_the_page_and_hatches_keep_theirs_and_what_no_page_needs_is_left_out(ten_minutes):
    svg = inline_svg(search_plot(ten_minutes), "what it shows", "a-")
    assert svg.startswith('<svg viewBox="0 0 720 ')
    assert svg.count('aria-label="what it shows"') == 1
    assert "var(--ink)" in svg and "var(--paper)" in svg and "var(--faint)" in svg and "var(--shade)" in svg
    assert not re.search("#222222|#767676|#ffffff|#dddddd", svg)
    assert 'fill="#d55e00"' in svg, "the ground of the hatch"
    assert "#0072b2" in svg
    for text in ("<style", "<metadata", "<?xml", "DOCTYPE", "xlink", "Matplotlib", 'id="figure_1"'):
        assert text not in svg
    assert set(re.findall(r'id="(..)', svg)) == {"a-"}


def test_text_and_label_are_escaped():
    figure = Figure()
    figure.text(0, 0, "<b>&</b>")
    svg = inline_svg(figure, '"<i>\x1b', "a-")
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in svg and 'aria-label="&quot;&lt;i&gt;\\x1b"' in svg
    assert "<b>" not in svg
