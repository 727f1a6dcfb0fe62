import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.errors import UserError
from hbprobe.exchange.registry import is_export, read_export
from hbprobe.exchange.settings import Settings, SettingsProblem, Severity, parse_settings

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
def test_garbage_is_refused_in_one_line_or_read(garbage, encoding):
    data = export(encoding=encoding) + garbage
    assert is_export(data)
    try:
        read_export(data, "x")
    except UserError as error:
        message = str(error)
    else:
        message = "x: was read"
    assert message.startswith("x:")
    assert message.isprintable()


@given(st.integers(0, 1000))
def test_a_truncated_export_is_refused_or_read(cut):
    data = export('"MinHeartbeatInterval"=dword:00000078')
    try:
        message = str(parse_settings(data[: cut % len(data)], "x"))
    except UserError as error:
        message = str(error)
    assert "\n" not in message
