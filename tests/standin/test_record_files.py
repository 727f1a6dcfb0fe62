import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from support.request_records import QUIET_PING

from hbprobe.eas.iis_log import FIELDS, FORWARDED_FIELDS
from hbprobe.eas.log_blob import Site
from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import IdleConnection
from hbprobe.errors import UserError
from hbprobe.exchange.settings import Settings, parse_settings
from hbprobe.exchange.window import Command, Event1040
from hbprobe.standin.record_files import Balancer, EventLog, IisLog, WallClock

BEGIN = datetime(2030, 1, 2, 8, 0, tzinfo=UTC)
CLOCK = WallClock(BEGIN, 1000.0)
SITE = Site("192.0.2.10", "STANDIN")
DAY_S = 86400.0
RECORD = replace(
    QUIET_PING,
    started_s=1000.0,
    ended_s=1480.0,
    user_agent="hbprobe",
    query="Cmd=Ping&User=a&DeviceId=A&DeviceType=T",
    received_bytes=33,
    user="alice",
    device_id=None,
    device_type=None,
    access=None,
    heartbeat_s=480,
    folders=(),
)


def event_at(at_s):
    return Event1040(at_s, 480, Command.PING, 540)


def test_the_date_goes_with_the_clock_of_the_loop():
    assert CLOCK(1000.0) == "2030-01-02 08:00:00.000"
    assert CLOCK(1000.0 + 2 * DAY_S + 0.25) == "2030-01-04 08:00:00.250"


# The event log


def test_events_are_lines_of_json_and_text(tmp_path):
    log = EventLog(tmp_path / "new", Release.V2019, Settings(), CLOCK, SITE)
    log.event_1040(event_at(1000.5))
    log.event_1040(event_at(1000.5 + DAY_S))
    log.request_done(RECORD)
    written = [json.loads(line) for line in (tmp_path / "new/events.jsonl").read_text().splitlines()]
    assert [(entry["Id"], entry["TimeCreated"]) for entry in written] == [
        (1040, "2030-01-02T08:00:00.500Z"),
        (1040, "2030-01-03T08:00:00.500Z"),
    ]
    assert written[0]["Properties"] == ["480", "Ping", "540"]
    text = (tmp_path / "new/events.txt").read_text()
    assert text.count("Event ID:      1040\n") == 2
    assert "Date:          2030-01-03 08:00:00\n" in text
    log.close()


def test_bad_settings_stand_at_the_beginning(tmp_path):
    file = b'<configuration><appSettings><add key="MaxHeartbeatInterval" value="9999"/></appSettings></configuration>'
    EventLog(tmp_path, Release.V2010, parse_settings(file, "web.config"), CLOCK, SITE).close()
    (entry,) = map(json.loads, (tmp_path / "events.jsonl").read_text().splitlines())
    assert (entry["Id"], entry["TimeCreated"]) == (1010, "2030-01-02T08:00:00.000Z")


def test_2003_counts_its_samples(tmp_path):
    log = EventLog(tmp_path, Release.V2003, Settings(sample_size=50), CLOCK, SITE)
    log.event_1040(event_at(1000.0))
    log.close()
    assert json.loads((tmp_path / "events.jsonl").read_text())["Properties"] == ["50", "540"]


def test_an_old_log_goes_on(tmp_path):
    for _ in range(2):
        log = EventLog(tmp_path, Release.V2019, Settings(), CLOCK, SITE)
        log.event_1040(event_at(1000.0))
        log.close()
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 2


# IIS's log


def content(path):
    lines = path.read_text().splitlines()
    return [line for line in lines if line.startswith("#")], [line for line in lines if not line.startswith("#")]


def test_a_line_for_each_request(tmp_path):
    log = IisLog(tmp_path, Release.V2010, CLOCK, SITE)
    log.event_1040(event_at(1000.0))
    log.request_done(RECORD)
    log.request_done(replace(RECORD, ended_s=1481.0))
    head, lines = content(tmp_path / "W3SVC1/u_ex300102.log")
    assert head[2:] == ["#Date: 2030-01-02 08:00:00", f"#Fields: {FIELDS}"]
    assert [line[:19] for line in lines] == ["2030-01-02 08:08:00", "2030-01-02 08:08:01"]
    assert not (tmp_path / "W3SVC2").exists()
    log.close()


def test_a_file_for_each_day_in_utc(tmp_path):
    log = IisLog(tmp_path, Release.V2010, CLOCK, SITE)
    midnight_s = 1000.0 + 16 * 3600
    for ended_s in (midnight_s - 0.001, midnight_s, midnight_s + DAY_S):
        log.request_done(replace(RECORD, ended_s=ended_s))
    log.close()
    logs = sorted(path.name for path in (tmp_path / "W3SVC1").iterdir())
    assert logs == ["u_ex300102.log", "u_ex300103.log", "u_ex300104.log"]
    dates = [content(tmp_path / "W3SVC1" / name)[1][0][:19] for name in logs]
    assert dates == ["2030-01-02 23:59:59", "2030-01-03 00:00:00", "2030-01-04 00:00:00"]


def test_since_2013_the_back_end_has_its_own(tmp_path):
    log = IisLog(tmp_path, Release.V2016, CLOCK, SITE)
    log.request_done(RECORD)
    log.request_done(RECORD)
    log.close()
    _, front = content(tmp_path / "W3SVC1/u_ex300102.log")
    _, back = content(tmp_path / "W3SVC2/u_ex300102.log")
    assert ["cafeReqId=00000000-0000-4000-8000-00000000000" + n in front[i] for i, n in enumerate("12")] == [True] * 2
    assert all("&Log=SC1:1_" in line for line in back)


def test_a_restart_writes_the_head_again(tmp_path):
    for _ in range(2):
        log = IisLog(tmp_path, Release.V2010, CLOCK, SITE)
        log.request_done(RECORD)
        log.close()
    head, lines = content(tmp_path / "W3SVC1/u_ex300102.log")
    assert (len(head), len(lines)) == (8, 2)


# What cannot be written


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda folder: EventLog(folder, Release.V2019, Settings(), CLOCK, SITE), "events.jsonl"),
        (lambda folder: IisLog(folder, Release.V2019, CLOCK, SITE), "W3SVC1/u_ex300102.log"),
    ],
)
def test_a_folder_that_is_a_file(tmp_path, make, name):
    taken = tmp_path / "taken"
    taken.write_text("")
    with pytest.raises(UserError) as caught:
        make(taken)
    reason = str(caught.value).removeprefix(f"{taken / name}: cannot be written: ")
    assert reason in (
        "Not a directory: name a folder that can",
        "File exists: name a folder that can",
    )


def test_fields_change_where_a_balancer_comes(tmp_path):
    log = IisLog(tmp_path, Release.V2010, CLOCK, SITE, Balancer("192.0.2.1", 1500.0))
    for ended_s in (1480.0, 1600.0, 1700.0):
        log.request_done(replace(RECORD, ended_s=ended_s))
    log.close()
    written = (tmp_path / "W3SVC1/u_ex300102.log").read_text().splitlines()
    heads = [line for line in written if line.startswith("#Fields")]
    assert heads == [f"#Fields: {FIELDS}", f"#Fields: {FORWARDED_FIELDS}"]
    assert [line.endswith(" 198.51.100.7") for line in written if not line.startswith("#")] == [False, True, True]


def test_httperr_is_there_once_a_client_was_gone(tmp_path):
    log = IisLog(tmp_path, Release.V2019, CLOCK, SITE)
    log.request_done(RECORD)
    assert not (tmp_path / "HTTPERR").exists()
    log.request_done(replace(RECORD, is_delivered=False))
    log.request_done(replace(RECORD, is_delivered=False))
    log.close()
    written = (tmp_path / "HTTPERR/httperr1.log").read_text().splitlines()
    assert [line.startswith("#") for line in written] == [True] * 4 + [False] * 2


def test_httperr_tells_of_an_idle_connection_and_of_no_request(tmp_path):
    log = IisLog(tmp_path, Release.V2019, CLOCK, SITE, Balancer("192.0.2.99", 1200.0))
    log.connection_idle(IdleConnection(1120.5, "198.51.100.7", 50000))
    log.connection_idle(IdleConnection(1200.0, "198.51.100.7", None))
    log.close()
    assert (tmp_path / "HTTPERR/httperr1.log").read_text().splitlines()[4:] == [
        "2030-01-02 08:02:00 198.51.100.7 50000 192.0.2.10 443 - - - - - Timer_ConnectionIdle -",
        "2030-01-02 08:03:20 192.0.2.99 - 192.0.2.10 443 - - - - - Timer_ConnectionIdle -",
    ]
