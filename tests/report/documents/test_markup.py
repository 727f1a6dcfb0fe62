from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.report.documents.markup import Markup, element, joined


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
