import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.errors import UserError
from hbprobe.exchange.settings import Settings, SettingsProblem, Severity, parse_settings
from hbprobe.exchange.settings_files import (
    LARGEST_FILE_BYTES,
    Elsewhere,
    Entry,
    is_export,
    read_app_settings,
    read_export,
)


def entries(inside, head="", around=("", "")):
    text = f"{head}<configuration>{around[0]}<appSettings>{inside}</appSettings>{around[1]}</configuration>"
    return read_app_settings(text.encode(), "web.config").entries


def values(inside, **where):
    return {key: entry.value for key, entry in entries(inside, **where).items()}


def test_keys_are_found_whatever_their_case_and_order():
    assert values('<add value="1" key="AbC"/><add key="d" value="2"/>') == {"abc": "1", "d": "2"}


def test_each_value_knows_its_line():
    assert entries('\n<add key="a" value="1"/>\n\n<add\n key="b"\n value="2"/>') == {
        "a": Entry("1", 2, 2, "a"),
        "b": Entry("2", 4, 4, "b"),
    }


def test_the_last_value_of_a_key_counts():
    assert entries('<add key="a" value="1"/>\n<add key="A" value="2"/>') == {"a": Entry("2", 2, 1, "A")}


def test_remove_and_clear_take_away_what_came_before():
    assert values('<add key="a" value="1"/><add key="b" value="2"/><remove key="A"/>') == {"b": "2"}
    assert values('<add key="a" value="1"/><clear/><add key="b" value="2"/>') == {"b": "2"}
    assert entries('<add key="a" value="1"/>\n<remove key="a"/>\n<add key="a" value="2"/>') == {
        "a": Entry("2", 3, 3, "a")
    }


def test_a_missing_value_is_an_empty_one():
    assert values('<add key="a"/><add value="x"/>') == {"a": "", "": "x"}


@pytest.mark.parametrize(
    "inside",
    [
        '<!-- <add key="a" value="1"/> -->',
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
    assert read_app_settings(text, "web.config").entries == {"a": Entry("1", 1, 1, "a")}


@pytest.mark.parametrize(
    ("attribute", "builder"), [("file", False), ("configSource", False), ("configBuilders", True)]
)
def test_a_section_that_lies_elsewhere_is_told(attribute, builder):
    text = f'<configuration>\n<appSettings {attribute}="other"/>\n</configuration>'
    assert read_app_settings(text.encode(), "web.config").elsewhere == {"other": Elsewhere(2, builder)}


def refusal(text):
    with pytest.raises(UserError) as caught:
        read_app_settings(text if isinstance(text, bytes) else text.encode(), "web.config")
    return str(caught.value)


@pytest.mark.parametrize(
    ("attributes", "inside", "how"),
    [
        ('configProtectionProvider="Rsa"', "<EncryptedData/>", " (Rsa)"),
        ('configProtectionProvider="Rsa"', "", " (Rsa)"),
        ("", '<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"/>', ""),
        ("", '<e:EncryptedData xmlns:e="http://www.w3.org/2001/04/xmlenc#"/>', ""),
        ("", '<add key="a" value="1"/><EncryptedData/>', ""),
    ],
)
def test_an_encrypted_section_is_refused_with_the_way_to_decrypt_a_copy(attributes, inside, how):
    assert refusal(f"<configuration>\n<appSettings {attributes}>{inside}</appSettings></configuration>") == (
        f"web.config:2: appSettings is encrypted{how}, and cannot be read here: on that server, copy the file into a "
        "folder, run aspnet_regiis -pdf appSettings FOLDER, and give the copy"
    )


def test_another_section_may_be_encrypted():
    around = ('<connectionStrings configProtectionProvider="Rsa"><EncryptedData/></connectionStrings>', "")
    assert values('<add key="a" value="1"/>', around=around) == {"a": "1"}


@pytest.mark.parametrize("where", ["configuration", "appSettings", "add", "system.web"])
@pytest.mark.parametrize("what", ["Transform", "Locator"])
@pytest.mark.parametrize("prefix", ["xdt", "t"])
def test_a_transform_is_refused_wherever_it_says_so(where, what, prefix):
    said = {where: f' {prefix}:{what}="Remove"'}
    text = (
        f'<configuration xmlns:{prefix}="http://schemas.microsoft.com/XML-Document-Transform"'
        f"{said.get('configuration', '')}><appSettings{said.get('appSettings', '')}>"
        f'<add key="MaxHeartbeatInterval" value="300"{said.get("add", "")}/></appSettings>'
        f"<system.web{said.get('system.web', '')}/></configuration>"
    )
    assert refusal(text) == (
        f"web.config:1: has {prefix}:{what}, so it is a transform, which says how to change a configuration and is "
        "none: give the web.config that came of it"
    )


def test_the_namespace_of_transforms_alone_makes_none():
    text = '<configuration xmlns:xdt="http://schemas.microsoft.com/XML-Document-Transform"/>'
    assert read_app_settings(text.encode(), "web.config").entries == {}


@pytest.mark.parametrize("around", [("", ""), ("<appSettings>", "</appSettings>")])
def test_a_copy_of_a_page_that_shows_a_file_is_refused(around):
    inside = '&lt;add key="MaxHeartbeatInterval" value="900"/&gt;'
    text = "web.config:1: has its tags as text (&lt;): copy the file, not a page that shows it"
    assert refusal(f"<configuration>{around[0]}{inside}{around[1]}</configuration>") == text
    assert refusal(f"<configuration>{around[0]}<![CDATA[<add/>]]>{around[1]}</configuration>") == text


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be"])
def test_an_encoding_that_the_parser_lacks_is_named(encoding):
    assert refusal("<configuration/>".encode(encoding)) == "web.config:1: is UTF-32: save it as UTF-8"


def test_what_is_not_utf_8_and_does_not_say_so_is_named():
    text = '<configuration>\n<add key="\u00e4"/></configuration>'.encode("cp1252")
    assert refusal(text).startswith("web.config:2:")
    assert refusal(text).endswith(": save it as UTF-8")


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
        (b"", "web.config: is empty: {file}"),
        (b" \n", "web.config: is empty: {file}"),
        (
            b"<!-- a -->",
            "web.config:1:11: is not well-formed XML (no element found): the file ends too early: copy all of it",
        ),
        (
            b'<?xml version="1.1"?><configuration/>',
            "web.config:1: declares XML 1.1, which .NET does not read: write 1.0",
        ),
        (
            "<configuration>\n<add key=\u201ca\u201d/></configuration>".encode(),
            (
                "web.config:2:10: is not well-formed XML (not well-formed (invalid token)): "
                'its quotation marks are typographic: put " instead'
            ),
        ),
        (
            b'<add key="a" value="1"/><add key="b" value="2"/>',
            (
                "web.config:1: is a part of a configuration, which begins with <add>: "
                "put it into <configuration><appSettings>, or {file}"
            ),
        ),
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
        (
            b"\n<appSettings/>",
            (
                "web.config:2: is a part of a configuration, which begins with <appSettings>: "
                "put it into <configuration>, or {file}"
            ),
        ),
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


def assert_read_or_refused_in_a_line(read, data):
    try:
        read(data, "x")
    except UserError as error:
        message = str(error)
    else:
        message = "x: was read"
    assert message.startswith("x:")
    assert "\n" not in message
    assert message.isprintable()


@given(st.binary(max_size=300))
def test_garbage_is_refused_in_one_line_or_read(data):
    assert_read_or_refused_in_a_line(read_app_settings, data)


@given(st.integers(0, 10_000))
def test_a_truncated_file_is_never_taken_for_a_whole_one(cut):
    data = ('<?xml version="1.0"?>\n' + TEXT).encode()
    with pytest.raises(UserError, match=r"^x:\d+:\d+: is not well-formed XML"):
        read_app_settings(data[: 1 + cut % (len(data) - 1)], "x")


def test_deep_nesting_is_read_without_deep_recursion():
    deep = b"<a>" * 100_000 + b"</a>" * 100_000
    assert read_app_settings(b"<configuration>" + deep + b"</configuration>", "x").entries == {}


KEY = r"[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\MasSync\Parameters]"
MEND = r"export HKLM\SYSTEM\CurrentControlSet\Services\MasSync\Parameters of the Exchange 2003 server"
NO_DWORD = f"is no DWORD, such as dword:0000003c: {MEND}"


def export(*lines, first="Windows Registry Editor Version 5.00", key=KEY, encoding="utf-16"):
    return "\r\n".join((first, "", key, *lines, "")).encode(encoding)


def parse(*lines, **form):
    return parse_settings(export(*lines, **form), "a.reg")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("first", ["Windows Registry Editor Version 5.00", "REGEDIT4"])
def test_the_four_values_are_read(first, encoding):
    lines = (
        '"MinHeartbeatInterval"=dword:00000078',
        '"maxheartbeatinterval"=DWORD:00000A8C',
        '"HbiSampleSize"=dword:64',
        '"HbiAlertThreshold"=dword:000001e0',
        '"SomethingElse"=dword:00000001',
    )
    assert parse(*lines, first=first, encoding=encoding) == Settings(120, 2700, 100, 480)


def test_what_is_missing_is_as_exchange_2003_ships_it():
    assert parse('"HbiSampleSize"=dword:000000c8') == Settings(60, 2700, 200, 540)


def test_only_the_right_key_counts_and_its_last_value():
    other = r"[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\MasSync]"
    lines = ('"MaxHeartbeatInterval"=dword:384', '"MaxHeartbeatInterval"=dword:258', other)
    assert parse(*lines, '"MaxHeartbeatInterval"=dword:1').max_heartbeat_s == 600
    assert parse(*lines[:1], key=KEY.replace("CurrentControlSet", "ControlSet001")).max_heartbeat_s == 900


def test_a_key_without_a_heartbeat_setting_is_remarked_on():
    note = SettingsProblem("all defaults: the key has no heartbeat setting", severity=Severity.NOTE)
    assert parse().problems == (note,)


def test_a_minimum_above_the_maximum_is_event_3016():
    settings = parse('"MinHeartbeatInterval"=dword:00000384', '"MaxHeartbeatInterval"=dword:00000258')
    text = "MinHeartbeatInterval 900 is above MaxHeartbeatInterval 600: Exchange uses 60 and 2700 instead of the two"
    problem = SettingsProblem(text, "MinHeartbeatInterval", 4, "900", 3016)
    assert settings == Settings(60, 2700, 200, 540, (problem,))


@pytest.mark.parametrize(("name", "taken"), [("HbiSampleSize", 200), ("MinHeartbeatInterval", 60)])
def test_a_zero_that_cannot_be_is_a_problem(name, taken):
    (problem,) = parse(f'"{name}"=dword:00000000').problems
    assert problem.text == f"{name} 0 makes no sense (taken as {taken} here): set 1 or more"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (export('"MaxHeartbeatInterval"="900"'), f"a.reg:4: MaxHeartbeatInterval {NO_DWORD}"),
        (export('"HbiSampleSize"=hex:00,11'), f"a.reg:4: HbiSampleSize {NO_DWORD}"),
        (export(key=r"[HKEY_LOCAL_MACHINE\SOFTWARE]"), rf"a.reg: has no key MasSync\Parameters: {MEND}"),
    ],
)
def test_what_is_no_such_export_is_refused_in_one_line(data, message):
    with pytest.raises(UserError) as caught:
        parse_settings(data, "a.reg")
    assert str(caught.value) == message


@given(st.binary(max_size=200), st.sampled_from(["utf-16", "utf-8"]))
def test_garbage_for_an_export_is_refused_in_one_line_or_read(garbage, encoding):
    data = export(encoding=encoding) + garbage
    assert is_export(data)
    assert_read_or_refused_in_a_line(read_export, data)


@given(st.integers(0, 1000))
def test_a_truncated_export_is_refused_or_read(cut):
    data = export('"MinHeartbeatInterval"=dword:00000078')
    try:
        message = str(parse_settings(data[: cut % len(data)], "x"))
    except UserError as error:
        message = str(error)
    assert "\n" not in message
