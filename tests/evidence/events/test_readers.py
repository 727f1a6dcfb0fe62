import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.evtx import write_evtx

from hbprobe.eas.event_log import event_1040
from hbprobe.eas.releases import Release
from hbprobe.evidence.events.entry import AverageTooLow, average_too_low
from hbprobe.evidence.events.readers import is_event_table, read_evtx, read_json, read_text, read_xml
from hbprobe.exchange.window import Command, Event1040

AT = datetime(2030, 1, 2, 8, 21, tzinfo=UTC)
XML = (
    '<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>'
    '<Provider Name="MSExchange ActiveSync"/>'
    '<EventID Qualifiers="32768">1040</EventID><TimeCreated SystemTime="2030-01-02T08:21:00.000000000Z"/>'
    "<Computer>EX1</Computer></System><EventData><Data>513</Data><Data>Ping</Data><Data>540</Data></EventData></Event>"
)
PASTED = """\
Log Name:      Application
Source:        MSExchange ActiveSync
Date:          2030-01-02 08:21:00
Event ID:      1040
Level:         Warning
Computer:      EX1
Description:
The average of recent heartbeat intervals [207] for request [Ping] is at or below [540].
"""


@pytest.mark.parametrize("release", Release)
def test_what_the_stand_in_logs_is_read_in_both_forms(release):
    logged = event_1040(Event1040(0.0, 513, Command.PING, 540), release, 200)
    says_average = release is not Release.V2003
    wanted = AverageTooLow(513 if says_average else None, 540, Command.PING if release >= Release.V2013 else None)
    (entry,) = read_json(json.dumps(logged.as_json("2030-01-02T08:21:00.000Z", "EX1")) + "\n")
    assert (entry.at_s, entry.is_utc, entry.computer) == (AT.timestamp(), True, "EX1")
    assert average_too_low(entry) == wanted
    (pasted,) = read_text(logged.as_text("2030-01-02 08:21:00", "EX1"))
    assert (pasted.at_s, pasted.is_utc) == (AT.timestamp(), False)
    assert average_too_low(pasted) == wanted
    assert entry.is_of_interest and pasted.is_of_interest


@pytest.mark.parametrize(
    "text", [XML, XML * 3, f"<Events>{XML}</Events>", f'<?xml version="1.0"?>\n<Events>{XML}</Events>']
)
def test_xml_of_wevtutil(text):
    entries = list(read_xml(text))
    assert len(entries) == text.count("<EventID")
    assert average_too_low(entries[0]) == AverageTooLow(513, 540, Command.PING)
    assert entries[0].at_s == AT.timestamp()


@pytest.mark.parametrize("text", ["<Events><Event>", '<!DOCTYPE x [<!ENTITY a "b">]><Events/>'])
def test_xml_that_is_damaged_or_declares_entities(text):
    with pytest.raises(ValueError, match="export it again with wevtutil"):
        list(read_xml(text))


def test_json_of_get_winevent_in_any_language():
    said = {
        "TimeCreated": f"/Date({int(AT.timestamp() * 1000)})/",
        "Id": 1040,
        "ProviderName": "MSExchange ActiveSync",
        "LevelDisplayName": "Warnung",
        "MachineName": "EX1",
        "Properties": [{"Value": 320}, {"Value": "Sync"}, {"Value": 540}],
    }
    (entry,) = read_json(json.dumps([said]))
    assert average_too_low(entry) == AverageTooLow(320, 540, Command.SYNC)
    assert (entry.at_s, entry.is_utc) == (AT.timestamp(), True)


def test_text_that_somebody_pasted():
    entries = list(read_text(PASTED * 2))
    assert [average_too_low(entry) for entry in entries] == [AverageTooLow(207, 540, Command.PING)] * 2


def test_the_viewers_csv_has_a_column_too_few():
    text = (
        "Level,Date and Time,Source,Event ID,Task Category\n"
        "Warning,1/2/2030 8:21:00 AM,MSExchange ActiveSync,1040,Requests,"
        '"recent heartbeat intervals [207] for request [Sync], at or below [540]."\n'
    )
    (entry,) = read_text(text)
    assert (average_too_low(entry), entry.at_s) == (AverageTooLow(207, 540, Command.SYNC), AT.timestamp())


@pytest.mark.parametrize("said", ["1", "1040"])
def test_a_table_with_a_quote_that_has_no_end(said):
    text = f'"Message","Id","ProviderName"\n"a","{said}","b"\n"' + "x" * 200_000
    with pytest.raises(ValueError, match="is damaged, by a quote without its end"):
        list(read_text(text))


NO_TIMES = ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "1601-01-01T00:00:00Z", "9999-12-31T23:59:59.9Z"]


@pytest.mark.parametrize("said", [*NO_TIMES, *(f"/Date({ms})/" for ms in (-62135600400000, 10**17, 10**400))])
def test_a_time_that_no_event_has_is_none(said):
    (entry,) = read_json(json.dumps({"Id": 1040, "ProviderName": "MSExchange ActiveSync", "TimeCreated": said}))
    assert entry.at_s is None


SAYS = '"recent heartbeat intervals [207] for request [Sync],\r\nat or below [540]."'
OF_GET_WINEVENT = (
    '#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n"Message","Id","Level","ProviderName","MachineName",'
    f'"TimeCreated"\r\n{SAYS},"1040","3","MSExchange ActiveSync","EX1","3/4/2031 8:21:00 AM"\r\n'
)
OF_GET_EVENTLOG = (
    '"EventID","MachineName","Data","Message","Source","TimeGenerated"\r\n'
    f'"1040","EX1","System.Byte[]",{SAYS},"MSExchange ActiveSync","3/4/2031 8:21:00 AM"\r\n'
)


@pytest.mark.parametrize("text", [OF_GET_WINEVENT, OF_GET_EVENTLOG])
def test_tables_of_export_csv(text):
    (entry,) = read_text(text)
    assert (average_too_low(entry), entry.computer) == (AverageTooLow(207, 540, Command.SYNC), "EX1")
    assert entry.at_s == datetime(2031, 3, 4, 8, 21, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "id,name\n1040,x\n",
        "#Fields: id source\n",
        '"Id","Message"\n1040,x\n',
        "Source: Event ID\n",
        "a\rb,\r" * 9,
    ],
)
def test_what_is_no_table_of_events(text):
    assert not is_event_table(text)


def test_a_line_of_syslog():
    (entry,) = read_text(
        "Mar  4 21:01:07 ex1 ActiveSync: 1040: recent heartbeat intervals [526], at or below [540].\n"
    )
    assert (entry.computer, entry.at_s, average_too_low(entry)) == ("ex1", None, AverageTooLow(526, 540, None))


def test_evtx(tmp_path):
    events = [
        (1040, "MSExchange ActiveSync", AT + timedelta(minutes=15 * n), "EX1", [str(500 + n), "Ping", "540"])
        for n in range(100)
    ]
    entries = list(read_evtx(write_evtx(tmp_path / "a.evtx", events)))
    assert [average_too_low(entry) for entry in entries] == [
        AverageTooLow(500 + n, 540, Command.PING) for n in range(100)
    ]
    assert [entry.at_s for entry in entries] == [event[2].timestamp() for event in events]
    assert {entry.computer for entry in entries} == {"EX1"}


def test_a_single_insert_and_none(tmp_path):
    events = [(1008, "MSExchange ActiveSync", AT, "EX1", ["one"]), (5074, "Microsoft-Windows-WAS", AT, "EX1", [])]
    one, none = read_evtx(write_evtx(tmp_path / "a.evtx", events))
    assert (one.inserts, none.inserts) == (("one",), ())
    assert one.is_of_interest and none.is_of_interest


def test_a_damaged_evtx(tmp_path):
    (tmp_path / "a.evtx").write_bytes(b"ElfFile\0" + b"x" * 100)
    with pytest.raises(ValueError, match="is damaged"):
        list(read_evtx(tmp_path / "a.evtx"))


@given(st.text(max_size=300), st.sampled_from([read_json, read_xml, read_text]))
def test_no_text_is_an_exception_of_another_kind(text, read):
    with contextlib.suppress(ValueError):
        for entry in read(text):
            average_too_low(entry)
