import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbprobe.errors import UserError
from hbprobe.exchange.settings import Settings, SettingsProblem, Severity, load_settings, parse_settings

MIN, MAX = "MinHeartbeatInterval", "MaxHeartbeatInterval"
SAMPLES, THRESHOLD = "HeartbeatSampleSize", "HeartbeatAlertThreshold"
ALL_DEFAULTS = SettingsProblem(
    r"all defaults: is this the back end's file, ClientAccess\Sync\web.config?", severity=Severity.NOTE
)


def config(**values):
    lines = [f'    <add key="{key}" value="{value}" />' for key, value in values.items()]
    return "\n".join(["<configuration>", "  <appSettings>", *lines, "  </appSettings>", "</configuration>"]).encode()


def parse(**values):
    return parse_settings(config(**values), "web.config")


def numbers(settings):
    return settings.min_heartbeat_s, settings.max_heartbeat_s, settings.sample_size, settings.alert_threshold_s


def test_the_defaults_are_exchanges():
    assert numbers(Settings()) == (60, 3540, 200, 540)


def test_good_values_are_taken():
    assert parse(**{MIN: 300, MAX: 1800, SAMPLES: 50, THRESHOLD: 480}) == Settings(300, 1800, 50, 480)


def test_the_shape_that_the_file_really_has():
    data = rb"""<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <configSections><section name="x" type="y" /></configSections>
  <appSettings>
    <!-- <add key="MaxHeartbeatInterval" value="600" /> -->
    <add key="SchemaDirectory" value="X:\synthetic\Sync\XML\" />
    <add key="minHEARTBEATinterval" value="120" />
    <add key="HeartBeatAlertThreshold" value=" 300 " />
    <add key="ProxyHandlerLongTimeout" value="3600" />
  </appSettings>
  <system.web><httpRuntime maxRequestLength="10240" /></system.web>
</configuration>"""
    assert parse_settings(data, "web.config") == Settings(120, 3540, 200, 300)


@pytest.mark.parametrize("value", ["", "540", " 540 ", "+540", "00540", "\t540"])
def test_values_that_are_the_default_silently(value):
    assert parse(**{THRESHOLD: value, MIN: 60}) == Settings()


def test_a_file_without_a_heartbeat_key_is_remarked_on():
    assert parse(MaxDocumentDataSize=10240000) == Settings(problems=(ALL_DEFAULTS,))
    assert parse_settings(b"<configuration/>", "x") == Settings(problems=(ALL_DEFAULTS,))


@pytest.mark.parametrize(
    ("values", "event_id", "key", "line", "complaint"),
    [
        ({MIN: 900, MAX: 600}, 1009, MIN, 3, f"{MIN} 900 is above {MAX} 600"),
        ({MAX: 30}, 1009, MAX, 3, f"{MIN} 60 is above {MAX} 30"),
        ({MIN: 3541}, 1009, MIN, 3, f"{MIN} 3541 is above {MAX} 3540"),
        ({MIN: 3600, MAX: 3541}, 1009, MIN, 3, f"{MIN} 3600 is above {MAX} 3541"),
        ({MIN: 0, MAX: -1}, 1009, MIN, 3, f"{MIN} 0 is above {MAX} -1"),
        ({MIN: 300, MAX: 3541}, 1010, MAX, 4, f"{MAX} 3541 is above 3540"),
        ({MIN: 0, MAX: 3600}, 1010, MAX, 4, f"{MAX} 3600 is above 3540"),
        ({MAX: 2**31 - 1}, 1010, MAX, 3, f"{MAX} 2147483647 is above 3540"),
        ({MIN: 0, MAX: 1800}, 1011, MIN, 3, f"{MIN} 0 is below 1"),
        ({MIN: -5}, 1011, MIN, 3, f"{MIN} -5 is below 1"),
    ],
)
def test_limits_that_do_not_fit_are_both_replaced(values, event_id, key, line, complaint):
    problem = SettingsProblem(
        f"{complaint}: Exchange uses 60 and 3540 instead of the two", key, line, str(values[key]), event_id
    )
    assert parse(**values) == Settings(problems=(problem,))


@pytest.mark.parametrize(
    ("key", "value", "event_id", "complaint"),
    [
        (SAMPLES, "-1", 1118, "-1 is outside 0..10000: Exchange uses 200"),
        (SAMPLES, "10001", 1118, "10001 is outside 0..10000: Exchange uses 200"),
        (THRESHOLD, "-1", 1118, "-1 is outside 0..3540: Exchange uses 540"),
        (THRESHOLD, "3541", 1118, "3541 is outside 0..3540: Exchange uses 540"),
        (MIN, "5 min", 1119, "'5 min' is not a whole number: Exchange uses 60"),
        (MAX, "1e3", 1119, "'1e3' is not a whole number: Exchange uses 3540"),
        (MAX, "2147483648", 1119, "'2147483648' is not a whole number: Exchange uses 3540"),
        (SAMPLES, "2_0", 1119, "'2_0' is not a whole number: Exchange uses 200"),
        (THRESHOLD, "9.0", 1119, "'9.0' is not a whole number: Exchange uses 540"),
        (THRESHOLD, "٥٤٠", 1119, "'٥٤٠' is not a whole number: Exchange uses 540"),
        (THRESHOLD, " ", 1119, "' ' is not a whole number: Exchange uses 540"),
    ],
)
def test_a_bad_value_of_another_kind_is_replaced_alone(key, value, event_id, complaint):
    others = {MIN: 120, MAX: 1800, SAMPLES: 50, THRESHOLD: 300}
    problem = SettingsProblem(f"{key} {complaint}", key, list(others).index(key) + 3, value, event_id)
    used = {**others, key: {MIN: 60, MAX: 3540, SAMPLES: 200, THRESHOLD: 540}[key]}
    assert parse(**{**others, key: value}) == Settings(*used.values(), problems=(problem,))


def test_a_value_of_thousands_of_digits_is_no_whole_number():
    assert [problem.event_id for problem in parse(**{MAX: "9" * 9000}).problems] == [1119]
    assert parse(**{MAX: "0" * 9000 + "1800"}) == Settings(max_heartbeat_s=1800)


def test_one_bad_value_can_lead_to_another():
    settings = parse(**{MIN: "x", MAX: 30})
    assert numbers(settings) == (60, 3540, 200, 540)
    assert [problem.event_id for problem in settings.problems] == [1119, 1009]


def test_the_highest_values_are_legal():
    assert parse(**{MIN: 3540, MAX: 3540, SAMPLES: 10000}).problems == (
        SettingsProblem(
            f"{THRESHOLD} 540 is below {MIN} 3540: event 1040 can never come", THRESHOLD, severity=Severity.NOTE
        ),
    )


def test_a_sample_size_of_zero_is_a_problem_that_exchange_does_not_see():
    settings = parse(**{SAMPLES: 0})
    assert settings.sample_size == 200
    assert settings.problems == (
        SettingsProblem(
            f"{SAMPLES} 0 passes Exchange's check but leaves no room for a sample: set 1 or more (taken as 200 here)",
            SAMPLES,
            3,
            "0",
        ),
    )


@pytest.mark.parametrize(
    ("threshold_s", "text"),
    [
        (59, f"{THRESHOLD} 59 is below {MIN} 60: event 1040 can never come"),
        (3540, f"{THRESHOLD} 3540 is not below {MAX} 3540: event 1040 comes on every path"),
    ],
)
def test_a_threshold_that_decides_alone_is_remarked_on(threshold_s, text):
    remark = SettingsProblem(text, THRESHOLD, 3, str(threshold_s), severity=Severity.NOTE)
    assert parse(**{THRESHOLD: threshold_s}).problems == (remark,)


@pytest.mark.parametrize("threshold_s", [60, 3539])
def test_a_threshold_within_the_heartbeats_is_not_remarked_on(threshold_s):
    assert parse(**{THRESHOLD: threshold_s}).problems == ()


def test_a_key_that_is_set_twice_is_remarked_on():
    data = b'<configuration><appSettings>\n<add key="%b" value="1800"/>\n<add key="%b" value="900"/>' % (
        MAX.encode(),
        MAX.upper().encode(),
    )
    settings = parse_settings(data + b"</appSettings></configuration>", "x")
    assert settings.max_heartbeat_s == 900
    text = f"{MAX} is set on line 2 and again on line 3: the last one counts"
    assert settings.problems == (SettingsProblem(text, MAX, 3, "900", severity=Severity.NOTE),)


def test_values_that_stand_in_another_file_are_remarked_on():
    data = b'<configuration>\n<appSettings file="..\\shared.config"/>\n</configuration>'
    said = r"appSettings takes values from the file '..\\shared.config', which was not read"
    text = f"{said}: Exchange may go by others"
    remark = SettingsProblem(text, line=2, found=r"..\shared.config", severity=Severity.NOTE)
    assert parse_settings(data, "x").problems == (remark,)


def test_values_that_are_made_when_exchange_starts_are_remarked_on():
    data = b'<configuration><appSettings configBuilders="Environment"><add key="%b" value="900"/>' % MAX.encode()
    settings = parse_settings(data + b"</appSettings></configuration>", "x")
    text = "appSettings takes values from the configuration builders 'Environment', which were not run"
    assert [problem.text for problem in settings.problems] == [f"{text}: Exchange may go by others"]
    assert settings.max_heartbeat_s == 900


def remarks(**values):
    return [problem.text for problem in parse(**values).problems if problem.severity is Severity.NOTE]


@pytest.mark.parametrize("key", [MIN, MAX, SAMPLES, THRESHOLD])
@pytest.mark.parametrize(
    "misspell",
    [
        lambda key: key + key[-1],
        lambda key: key[:-1],
        lambda key: key.replace("Heartbeat", "Hearbeat"),
        lambda key: f"{key} ",
        lambda key: key.replace("Heart", "Heart-"),
        lambda key: key.upper() + "S",
    ],
)
def test_a_name_that_nearly_is_one_is_remarked_on_beside_right_ones(key, misspell):
    other = MAX if key != MAX else MIN
    said = misspell(key)
    assert remarks(**{other: 1800 if other == MAX else 90, said: 300}) == [
        f"{said!r} is no setting, so Exchange ignores it: is {key} meant?"
    ]


@pytest.mark.parametrize(
    "key",
    [
        "MaxNumOfFolders",
        "ADCacheRefreshInterval",
        "EventQueuePollingInterval",
        "BackOffThreshold",
        "MaxWindowSize",
        "MailboxSearchTimeout",
        "DeviceClassCachePerOrgRefreshInterval",
        "MaxThrottlingDelay",
        "ErrorResponseDelay",
    ],
)
def test_other_names_of_the_shipped_file_are_not(key):
    assert remarks(**{MAX: 1800, key: 60}) == []


@pytest.mark.parametrize(("old", "new"), [("HbiSampleSize", SAMPLES), ("hbialertthreshold", THRESHOLD)])
def test_names_of_exchange_2003_are_remarked_on_in_a_later_file(old, new):
    text = f"{old} is the name of Exchange Server 2003, which later ones ignore: they have {new}"
    assert remarks(**{MAX: 1800, old: 300}) == [text]
    assert numbers(parse(**{MAX: 1800, old: 300})) == (60, 1800, 200, 540)


@pytest.mark.parametrize(
    ("long_s", "max_s", "said"),
    [
        (3600, 3540, None),
        (600, 540, None),
        (3540, 3540, 3540),
        (600, 3540, 600),
        (" +600 ", 1800, 600),
        (59, 1800, None),  # out of range: 3600 counts
        (10000, 3540, None),
        ("ten", 3540, None),
        ("", 3540, None),
    ],
)
def test_a_proxy_handler_that_gives_up_before_the_longest_heartbeat_is_remarked_on(long_s, max_s, said):
    text = (
        f"ProxyHandlerLongTimeout {said} is not above {MAX} {max_s}: a longer Ping that one Exchange server hands on "
        f"to another dies after {said} s"
    )
    found = remarks(**{THRESHOLD: 300, MAX: max_s, "ProxyHandlerLongTimeout": long_s})
    assert found == ([] if said is None else [text])


def test_a_value_cannot_reach_the_terminal_raw():
    (problem,) = parse(**{MAX: "\x9b31m"}).problems
    assert problem.text == f"{MAX} '\\x9b31m' is not a whole number: Exchange uses 3540"


@given(st.dictionaries(st.sampled_from([MIN, MAX, SAMPLES, THRESHOLD]), st.integers(-10, 12_000)))
def test_what_is_used_is_always_within_exchanges_own_limits(values):
    settings = parse(**values)
    assert 1 <= settings.min_heartbeat_s <= settings.max_heartbeat_s <= 3540
    assert 1 <= settings.sample_size <= 10_000
    assert 0 <= settings.alert_threshold_s <= 3540
    for problem in settings.problems:
        assert (problem.event_id is not None) <= (problem.severity is Severity.PROBLEM)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "web.config"
    path.write_bytes(config(**{MIN: 300}))
    assert load_settings(path) == Settings(min_heartbeat_s=300)


def test_a_mistake_is_told_with_the_path_as_it_was_given(tmp_path):
    path = tmp_path / "web.config"
    path.write_bytes(b"<configuration>\n<")
    with pytest.raises(UserError) as caught:
        load_settings(path)
    assert (
        str(caught.value)
        == f"{path}:2:1: is not well-formed XML (unclosed token): the file ends too early: copy all of it"
    )


def test_a_file_that_is_not_there_is_told(tmp_path):
    path = tmp_path / "none.config"
    with pytest.raises(UserError) as caught:
        load_settings(path)
    right_file = r"give the back end's ClientAccess\Sync\web.config"
    assert str(caught.value) == f"{path}: No such file or directory: {right_file}"
