import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.errors import UserError
from hbprobe.exchange.webconfig import LARGEST_FILE_BYTES, Entry, read_app_settings


def entries(inside, head="", around=("", "")):
    text = f"{head}<configuration>{around[0]}<appSettings>{inside}</appSettings>{around[1]}</configuration>"
    return read_app_settings(text.encode(), "web.config").entries


def values(inside, **where):
    return {key: entry.value for key, entry in entries(inside, **where).items()}


def test_keys_are_found_whatever_their_case_and_order():
    assert values('<add value="1" key="AbC"/><add key="d" value="2"/>') == {"abc": "1", "d": "2"}


def test_each_value_knows_its_line():
    assert entries('\n<add key="a" value="1"/>\n\n<add\n key="b"\n value="2"/>') == {
        "a": Entry("1", 2, 2),
        "b": Entry("2", 4, 4),
    }


def test_the_last_value_of_a_key_counts():
    assert entries('<add key="a" value="1"/>\n<add key="A" value="2"/>') == {"a": Entry("2", 2, 1)}


def test_remove_and_clear_take_away_what_came_before():
    assert values('<add key="a" value="1"/><add key="b" value="2"/><remove key="A"/>') == {"b": "2"}
    assert values('<add key="a" value="1"/><clear/><add key="b" value="2"/>') == {"b": "2"}
    assert entries('<add key="a" value="1"/>\n<remove key="a"/>\n<add key="a" value="2"/>') == {"a": Entry("2", 3, 3)}


def test_a_missing_value_is_an_empty_one():
    assert values('<add key="a"/><add value="x"/>') == {"a": "", "": "x"}


@pytest.mark.parametrize(
    "inside",
    [
        '<!-- <add key="a" value="1"/> -->',
        '<![CDATA[<add key="a" value="1"/>]]>',
        '<deeper><add key="a" value="1"/></deeper>',
        '<other key="a" value="1"/>',
    ],
)
def test_what_is_no_child_of_the_section_does_not_count(inside):
    assert values(inside) == {}


@pytest.mark.parametrize("section", ["connectionStrings", "AppSettings", "location", "system.web"])
def test_other_sections_do_not_count(section):
    around = (f'<{section}><add key="a" value="1"/></{section}>', "")
    assert values('<add key="b" value="2"/>', around=around) == {"b": "2"}


def test_a_section_inside_another_does_not_count():
    assert values('<add key="a" value="1"/>', around=('<location path="x">', "</location>")) == {}


def test_an_old_namespace_does_not_matter():
    text = (
        b'<configuration xmlns="http://schemas.microsoft.com/.NetConfiguration/v2.0"><appSettings>'
        b'<add key="a" value="1"/></appSettings></configuration>'
    )
    assert read_app_settings(text, "web.config").entries == {"a": Entry("1", 1, 1)}


@pytest.mark.parametrize("attribute", ["file", "configSource"])
def test_a_section_that_lies_elsewhere_is_told(attribute):
    text = f'<configuration>\n<appSettings {attribute}="other.config"/>\n</configuration>'
    assert read_app_settings(text.encode(), "web.config").elsewhere == {"other.config": 2}


TEXT = '<configuration><appSettings><add key="ä" value="1"/></appSettings></configuration>'


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        ('<?xml version="1.0" encoding="utf-16"?>' + TEXT).encode("utf-16"),
        ('<?xml version="1.0" encoding="windows-1252"?>\r\n' + TEXT).encode("cp1252"),
    ],
)
def test_the_usual_encodings_are_read(data):
    assert {key: entry.value for key, entry in read_app_settings(data, "web.config").entries.items()} == {"ä": "1"}


BOMB = b'<?xml version="1.0"?>\n<!DOCTYPE c [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><configuration>&b;</configuration>'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "web.config:1:1: is not well-formed XML (no element found): mend it there"),
        (b"hello", "web.config:1:1: is not well-formed XML (syntax error): mend it there"),
        (
            b"<configuration>\n  <appSettings>\n  </appSetings>\n</configuration>",
            "web.config:3:5: is not well-formed XML (mismatched tag): mend it there",
        ),
        (
            b'<configuration>\n<add key="a" key="b"/></configuration>',
            "web.config:2:14: is not well-formed XML (duplicate attribute): mend it there",
        ),
        (
            b"<configuration>&nbsp;</configuration>",
            "web.config:1:16: is not well-formed XML (undefined entity): mend it there",
        ),
        (
            b"<configuration/>\n<configuration/>",
            "web.config:2:1: is not well-formed XML (junk after document element): mend it there",
        ),
        (b"\n<appSettings/>", r"web.config:2: begins with <appSettings>, not <configuration>: " + "{file}"),
        (b"<html><configuration/></html>", r"web.config:1: begins with <html>, not <configuration>: " + "{file}"),
        (BOMB, "web.config:2: has a DOCTYPE, which a web.config does not need: remove it"),
        (
            b'<!DOCTYPE c SYSTEM "file:///etc/passwd"><configuration/>',
            "web.config:1: has a DOCTYPE, which a web.config does not need: remove it",
        ),
        (
            b'<?xml version="1.0" encoding="klingon"?><configuration/>',
            "web.config:1: declares an encoding unknown here: save it as UTF-8",
        ),
        (
            b'<?xml version="1.0" encoding="shift_jis"?><configuration/>',
            "web.config:1: declares an encoding unknown here: save it as UTF-8",
        ),
        (b" " * (LARGEST_FILE_BYTES + 1), "web.config: is larger than 16 MB, so no web.config: {file}"),
    ],
)
def test_what_is_no_configuration_file_is_refused_in_one_line(data, message):
    with pytest.raises(UserError) as caught:
        read_app_settings(data, "web.config")
    assert str(caught.value) == message.replace("{file}", r"give the back end's ClientAccess\Sync\web.config")


@given(st.binary(max_size=300))
def test_garbage_is_refused_in_one_line_or_read(data):
    try:
        read_app_settings(data, "x")
    except UserError as error:
        message = str(error)
    else:
        message = "x: was read"
    assert message.startswith("x:")
    assert "\n" not in message


@given(st.integers(0, 10_000))
def test_a_truncated_file_is_never_taken_for_a_whole_one(cut):
    data = ('<?xml version="1.0"?>\n' + TEXT).encode()
    with pytest.raises(UserError, match=r"^x:\d+:\d+: is not well-formed XML"):
        read_app_settings(data[: cut % len(data)], "x")


def test_deep_nesting_is_read_without_deep_recursion():
    deep = b"<a>" * 100_000 + b"</a>" * 100_000
    assert read_app_settings(b"<configuration>" + deep + b"</configuration>", "x").entries == {}
