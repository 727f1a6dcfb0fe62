import re

import pytest

from hbprobe.eas.event_log import EventCategory, Level, LoggedEvent, event_1040, settings_events
from hbprobe.eas.releases import Release
from hbprobe.exchange.settings import SettingsProblem, parse_settings
from hbprobe.exchange.window import Command, Event1040

EVENT = Event1040(at_s=0, average_s=526, command=Command.PING, threshold_s=540)
SINCE_2013 = [Release.V2013, Release.V2016, Release.V2019]
UNTIL_2010 = [Release.V2007, Release.V2010]
SINCE_2007 = UNTIL_2010 + SINCE_2013


def problems(**values):
    settings = "".join(f'<add key="{key}" value="{value}"/>' for key, value in values.items())
    text = f"<configuration><appSettings>{settings}</appSettings></configuration>"
    return parse_settings(text.encode(), "web.config").problems


def logged(release, **values):
    return settings_events(problems(**values), release)


# 1040


def test_in_2003_the_first_number_is_how_many_samples_there_are():
    event = event_1040(EVENT, Release.V2003, 200)
    assert (event.id, event.source, event.level, event.category) == (
        3033,
        "Server ActiveSync",
        Level.WARNING,
        EventCategory.NONE,
    )
    assert event.inserts == ("200", "540")
    assert re.search(
        r"average of the most recent \[200\] heartbeat intervals .* less than or equal to \[540\]", event.message
    )


@pytest.mark.parametrize("release", UNTIL_2010)
def test_until_2010_it_is_the_average(release):
    event = event_1040(EVENT, release, 200)
    assert event.inserts == ("526", "540")
    assert re.search(
        r"average of the most recent \[526\] heartbeat intervals .* less than or equal to \[540\]", event.message
    )


@pytest.mark.parametrize("release", SINCE_2013)
@pytest.mark.parametrize("command", list(Command))
def test_since_2013_the_command_comes_between(release, command):
    event = event_1040(Event1040(0, 207, command, 540), release, 200)
    assert event.inserts == ("207", command, "540")
    wanted = rf"average of the most recent heartbeat intervals \[207\] for request \[{command}\] .* equal to \[540\]"
    assert re.search(wanted, event.message)


@pytest.mark.parametrize("release", SINCE_2007)
def test_since_2007_it_is_event_1040(release):
    event = event_1040(EVENT, release, 200)
    assert (event.id, event.source, event.level, event.category) == (
        1040,
        "MSExchange ActiveSync",
        Level.WARNING,
        EventCategory.REQUESTS,
    )


# Bad settings


@pytest.mark.parametrize("release", SINCE_2007)
@pytest.mark.parametrize(
    ("values", "id_", "level", "inserts"),
    [
        ({"MinHeartbeatInterval": 900, "MaxHeartbeatInterval": 600}, 1009, Level.WARNING, ("60", "3540")),
        ({"MaxHeartbeatInterval": 3600}, 1010, Level.WARNING, ("3540", "3540", "60")),
        ({"MinHeartbeatInterval": 0}, 1011, Level.WARNING, ("60", "3540")),
        ({"HeartbeatSampleSize": 10001}, 1118, Level.ERROR, ("HeartbeatSampleSize", "0..10000", "10001", "200")),
        ({"HeartbeatAlertThreshold": -1}, 1118, Level.ERROR, ("HeartbeatAlertThreshold", "0..3540", "-1", "540")),
        ({"MinHeartbeatInterval": "8m"}, 1119, Level.ERROR, ("MinHeartbeatInterval", "integer", "8m", "60")),
        ({"MaxHeartbeatInterval": "x"}, 1119, Level.ERROR, ("MaxHeartbeatInterval", "integer", "x", "3540")),
    ],
)
def test_what_is_logged_of_bad_settings(release, values, id_, level, inserts):
    (event,) = logged(release, **values)
    assert (event.id, event.level, event.inserts) == (id_, level, inserts)
    assert (event.source, event.category) == ("MSExchange ActiveSync", EventCategory.CONFIGURATION)
    assert all(f"[{insert}]" in event.message for insert in inserts)


@pytest.mark.parametrize("key", ["HeartbeatSampleSize", "HeartbeatAlertThreshold"])
def test_the_range_is_the_one_that_was_checked(key):
    (problem,) = problems(**{key: 99999})
    (event,) = settings_events([problem], Release.V2019)
    assert f"is outside {event.inserts[1]}:" in problem.text


def test_each_problem_has_its_event_in_the_order_of_the_checks():
    events = logged(Release.V2016, HeartbeatAlertThreshold=9999, MinHeartbeatInterval="x", MaxHeartbeatInterval=5)
    assert [event.id for event in events] == [1119, 1009, 1118]


def test_what_exchange_says_nothing_of_is_not_logged():
    assert logged(Release.V2019) == ()
    assert logged(Release.V2019, HeartbeatSampleSize=0) == ()
    assert logged(Release.V2019, HeartbeatAlertThreshold=60, MinHeartbeatInterval=120) == ()


def test_2003_has_its_own_event_and_defaults():
    (event,) = logged(Release.V2003, MinHeartbeatInterval=900, MaxHeartbeatInterval=600)
    assert (event.id, event.source, event.inserts) == (3016, "Server ActiveSync", ("60", "2700"))


@pytest.mark.parametrize("values", [{"MaxHeartbeatInterval": 3600}, {"MinHeartbeatInterval": "x"}])
def test_of_2003_no_more_is_known(values):
    assert logged(Release.V2003, **values) == ()


# What it looks like


def test_as_get_winevent_names_it():
    event = event_1040(EVENT, Release.V2010, 200)
    assert event.as_json("2030-01-02T08:00:00.500Z", "STANDIN") == {
        "TimeCreated": "2030-01-02T08:00:00.500Z",
        "LogName": "Application",
        "ProviderName": "MSExchange ActiveSync",
        "Id": 1040,
        "LevelDisplayName": "Warning",
        "TaskDisplayName": "Requests",
        "MachineName": "STANDIN",
        "Properties": ["526", "540"],
        "Message": event.message,
    }


def test_as_people_paste_it():
    event = LoggedEvent(1040, Level.WARNING, "MSExchange ActiveSync", EventCategory.REQUESTS, (), "It is low.")
    assert event.as_text("2030-01-02 08:00:00", "STANDIN") == (
        "Log Name:      Application\n"
        "Source:        MSExchange ActiveSync\n"
        "Date:          2030-01-02 08:00:00\n"
        "Event ID:      1040\n"
        "Task Category: Requests\n"
        "Level:         Warning\n"
        "Computer:      STANDIN\n"
        "Description:\n"
        "It is low.\n"
        "\n"
    )


def test_a_value_cannot_pass_for_lines_of_the_log():
    found = "x]\nLog Name:      Application\u2028{0}"
    problem = SettingsProblem("", "HeartbeatSampleSize", 1, found, 1119)
    (event,) = settings_events([problem], Release.V2019)
    assert event.inserts[2] == found
    assert event.message.isprintable()
    assert "[x] Log Name:      Application {0}]" in event.message
