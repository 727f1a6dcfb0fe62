"""The run as a whole: reports, exports, events, and what is said of what the log does not know."""

import csv
import errno
import gzip
import json
import os
import re
import shutil
import tempfile
import zipfile
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
from support.company import company, path, write_logs
from support.evtx import write_evtx
from support.iis import FIELDS, STEM, head, line, ping, write

from hbprobe.eas.query import COMMANDS
from hbprobe.eas.releases import Release
from hbprobe.errors import CannotMeasureError, RequestError, UserError
from hbprobe.evidence.logs.questions.export import export
from hbprobe.evidence.logs.questions.reports import reports
from hbprobe.evidence.logs.request import Logs
from hbprobe.manner import Manner
from hbprobe.records.logs import LogEvidence

PROXY = (
    "#Software: Microsoft Exchange Server\n#Fields: "
    "DateTime,Protocol,UrlHost,UrlStem,AuthenticatedUser,UserAgent,ClientIpAddress,"
    "ServerHostName,HttpStatus,Method,TotalRequestTime,UrlQuery,GenericErrors\n"
    "DateTime,Protocol,UrlHost,UrlStem,AuthenticatedUser,UserAgent,ClientIpAddress,ServerHostName,HttpStatus,Method,TotalRequestTime,UrlQuery,GenericErrors\n"
    "2030-01-02T08:10:00.041Z,Eas,mail,/Microsoft-Server-ActiveSync/default.eas,"
    'EXAMPLE\\bob,"Agent, with comma",198.51.100.8,FE1,,POST,600041,'
    "?Cmd=Ping&amp;User=bob&amp;DeviceId=SYNTH02&amp;DeviceType=Android,\n"
    "2030-01-02T08:10:00.041Z,Owa,mail,/owa,x,x,198.51.100.8,FE1,200,GET,5,?x=1,\n"
)
HTTPERR = (
    "#Software: Microsoft HTTP API 2.0\n#Version: 1.0\n#Date: 2030-01-02 08:00:00\n"
    "#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename\n"
    "2030-01-02 08:00:00 198.51.100.7 50000 192.0.2.10 443 - - - - - Timer_ConnectionIdle -\n"
)


def opened(folder, **asked):
    return Logs([folder], **asked).opened()


@pytest.fixture
def forty_lines(tmp_path):
    """Forty requests, written by hand: two users, three devices, two servers."""
    fields = FIELDS + " sc-bytes cs-bytes s-computername"
    text = head(fields)
    blob = "V141_Fid:5_Ty:Em_St:S_Cli:1a0c0d0f0e_Svr:2a1c3d0s0e0r_"
    blob += "Fid:6_Ty:Ca_St:F_Cli:0a1c0d0f0e_Svr:4a0c0d0s0e0r_S1_Pa1_"
    for number in range(20):
        sync = f"User=alice&DeviceId=SYNTH01&DeviceType=iPhone&Cmd=Sync&Log={blob}"
        text += line(fields, cs_uri_query=sync, time=f"08:{number:02}:00", sc_bytes=100, cs_bytes=50, time_taken=200)
    for number in range(10):
        mail = "User=alice&DeviceId=SYNTH02&DeviceType=Nokia&Cmd=SendMail&Log=V141_Pa3_As:BlockedP_"
        text += line(
            fields,
            cs_uri_query=mail,
            time=f"09:{number:02}:00",
            sc_status=449 if number < 4 else 200,
            sc_bytes=10,
            cs_bytes=1000,
            s_computername="EX2",
            s_ip="192.0.2.11",
        )
    for number in range(10):
        login = "User=EXAMPLE%5Cbob&DeviceId=SYNTH03&DeviceType=CloudMagic&Cmd=Ping"
        text += line(
            fields,
            cs_uri_query=login,
            time=f"10:{number:02}:00",
            sc_status=401,
            sc_substatus=1,
            cs_username="-",
            sc_bytes=0,
            cs_bytes=5,
            time_taken=1,
        )
    return write(tmp_path / "logs/u_ex300102.log", text).parent


def table(folder, name):
    with (folder / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_the_six_files_agree_with_a_count_by_hand(tmp_path, forty_lines):
    with opened(forty_lines) as logs:
        written = export(logs.tables, tmp_path / "out")
    assert [file.name for file in written] == [
        "Users.csv",
        "Servers.csv",
        "Hourly.csv",
        "StatusCodes.csv",
        "PolicyCompliance.csv",
        "UserAgents.csv",
        "Heartbeats.csv",
    ]
    names, *users = table(tmp_path / "out", "Users.csv")
    by_device = {row[1]: dict(zip(names, row, strict=True)) for row in users}
    first, second, third = (by_device[f"SYNTH0{number}"] for number in (1, 2, 3))
    assert (first["User Name"], first["Hits"], first["Total Bytes Sent"], first["Total Bytes Received"]) == (
        "alice",
        "20",
        "2000",
        "1000",
    )
    assert (first["Total Emails Sent"], first["Total Emails Received"]) == ("60", "20")
    assert (first["Total Calendar Sent"], first["Total Calendar Received"]) == ("80", "20")
    assert (first["Items Sent"], first["Items Received"]) == ("140", "40")
    assert first["Currently Compliant with Policy"] == "Compliant"
    assert (second["Total Emails Received"], second["Hits"], second["Currently Compliant with Policy"]) == (
        "6",
        "10",
        "Not Compliant",
    )
    assert (third["User Name"], third["Currently Compliant with Policy"]) == ("bob", "Unknown")
    assert users[-1][:8] == ["*** Total ***", "", "", "140", "46", "40", "2100", "11050"]
    assert table(tmp_path / "out", "StatusCodes.csv") == [
        ["Status", "SubStatus", "Hits", "Ratio"], ["200", "0", "26", "0.65"], ["401", "1", "10", "0.25"], ["449",
        "0", "4", "0.1"],
    ]  # fmt: skip
    assert table(tmp_path / "out", "PolicyCompliance.csv")[1:] == [
        ["Unknown", "1", "0.333333"], ["Compliant", "1", "0.333333"], ["Partially Compliant", "0", "0.0"],
        ["Not Compliant", "1", "0.333333"],
    ]  # fmt: skip
    servers = table(tmp_path / "out", "Servers.csv")
    assert [row[:1] + row[3:] for row in servers[1:]] == [
        ["EX1", "2.0", "30", "2000", "1050"],
        ["EX2", "1.0", "10", "100", "10000"],
    ]
    hourly = table(tmp_path / "out", "Hourly.csv")
    assert len(hourly) == 1 + 7 * 24
    assert [row for row in hourly[1:] if row[2] != "0"] == [
        ["Wednesday", "8", "1", "20"],
        ["Wednesday", "9", "1", "0"],
        ["Wednesday", "10", "1", "0"],
    ]
    assert table(tmp_path / "out", "UserAgents.csv")[1] == ["Apple-iPhone0C0/0000.1", "40", "3"]


def test_bytes_that_no_log_has_are_not_none(tmp_path):
    """Where a log has no sc-bytes and cs-bytes, nobody knows how many there were."""
    write(tmp_path / "logs/a.log", head() + line(sc_status=504))
    with opened(tmp_path / "logs") as logs:
        export(logs.tables, tmp_path / "out")
    names, *users = table(tmp_path / "out", "Users.csv")
    at = names.index("Total Bytes Sent")
    assert [row[at - 1 : at + 2] for row in users] == [["1", "", ""]] * 2
    assert [row[-3:] for row in table(tmp_path / "out", "Servers.csv")[1:]] == [["1", "", ""]]
    waited = dict(zip(*table(tmp_path / "out", "Heartbeats.csv"), strict=True))
    assert (waited["Unknown"], waited["HTTP Errors"], waited["Refused"]) == ("0", "1", "0")


def test_no_request_is_left_out_of_the_commands_of_its_device(tmp_path):
    named = [line(cs_uri_query=f"User=a&DeviceId=D1&DeviceType=X&Cmd={command}") for command in COMMANDS.values()]
    named.append(line(cs_uri_query="User=a&DeviceId=D1", cs_method="OPTIONS"))
    write(tmp_path / "logs/a.log", head() + "".join(named))
    with opened(tmp_path / "logs") as logs:
        found = logs.report("commands")
    (row,) = (dict(zip(found.columns, row, strict=True)) for row in found.rows)
    hits, *each = (count for name, count in row.items() if name not in ("device", "user_name"))
    assert hits == sum(each) == len(named) and row["others"] == 8


@pytest.mark.parametrize("query", ["-", "User=alice&DeviceId=D1&DeviceType=X", "Cmd=OPTIONS&User=alice"])
def test_what_names_no_command_or_no_device_is_counted_once_all_the_same(tmp_path, query):
    """Both sides of Exchange have a line of it."""
    for name, stem in (("W3SVC1", STEM), ("W3SVC2", f"{STEM.removesuffix('default.eas')}Proxy/default.eas")):
        asked = line(cs_method="OPTIONS", cs_uri_stem=stem, cs_uri_query=query, time_taken=15)
        other = line(cs_method="OPTIONS", cs_uri_stem=stem, cs_uri_query=query, time_taken=15, cs_username="bob")
        write(tmp_path / name / "a.log", head() + asked + other)
    with opened(tmp_path) as logs:
        assert sum(row[-1] for row in logs.report("user-agents").rows) == 2


@pytest.mark.parametrize(("status", "asked_s"), [(200, 600), (504, None)])
def test_the_time_of_an_error_is_no_interval_that_a_device_asked_for(tmp_path, status, asked_s):
    write(tmp_path / "logs/a.log", head() + ping(blob=None, sc_status=status, time_taken=600_013))
    with opened(tmp_path / "logs") as logs:
        assert list(logs.tables.each("SELECT asked_s FROM silences")) == [(asked_s,)]


def test_every_report_runs_and_has_what_it_promises(forty_lines):
    with opened(forty_lines) as logs:
        found = {name: logs.report(name) for name in reports()}
    for name in reports():
        table = found[name]
        assert table.title and (table.label is None) == (table.value is None)
        assert table.label is None or {*table.label.split("/"), table.value} <= set(table.columns)
    assert found["blocked"].rows[0][:2] == ("SYNTH02", "alice") and "BlockedP" in found["blocked"].rows[0]
    assert found["provisioning"].rows[0][3] == 4
    assert found["logins"].rows[0][:4] == ("bob", "SYNTH03", 10, 1)
    assert {row[0]: row[1] for row in found["apps"].rows} == {"iPhone": 1, "Nokia": 1, "CloudMagic": 1}
    assert [row[3] for row in found["status"].rows] == [26, 10, 4]
    assert found["syncs"].rows[0][-1] == 20
    assert found["hours"].rows[0] == ("2030-01-02T08:00:00Z", 20, 1, 20)


@pytest.mark.parametrize(
    ("asked", "report", "counted"),
    [
        ([("FolderSync", 449, ""), ("Provision", 200, ""), ("Ping", 200, "As:AllowedG_")], "provisioning", 0),
        ([("FolderSync", 449, ""), ("Provision", 200, ""), ("FolderSync", 449, "")], "provisioning", 1),
        ([("Ping", 200, ""), ("FolderSync", 449, ""), ("Provision", 200, "")], "provisioning", 1),
        ([("FolderSync", 449, ""), ("Sync", 200, "As:BlockedP_")], "provisioning", 1),
        ([("Sync", 200, "As:QuarantinedG_"), ("Sync", 200, "As:AllowedI_")], "blocked", 0),
        ([("Sync", 200, "As:AllowedG_"), ("Sync", 403, "As:BlockedI_"), ("Ping", 200, "")], "blocked", 1),
    ],
)
def test_what_a_device_got_through_since_is_no_trouble_any_more(tmp_path, asked, report, counted):
    """Every device is asked to provision once, before it may do anything else."""
    lines = [
        line(
            cs_uri_query=f"User=a&DeviceId=D1&DeviceType=X&Cmd={command}&Log=V141_{said}", sc_status=status,
            time=f"08:00:0{number}", time_taken=20,
        )
        for number, (command, status, said) in enumerate(asked)
    ]  # fmt: skip
    write(tmp_path / "logs/a.log", head() + "".join(lines))
    with opened(tmp_path / "logs") as logs:
        assert (len(logs.report(report).rows), logs.evidence().counts[report]) == (counted, counted)


def test_orders_have_a_place_for_what_is_missing():
    """Engines put NULL at different ends unless they are told."""
    nullable = {"device", "user_name", "client", "status", "substatus", "win32", "error"}
    for name, report in reports().items():
        order = report.sql.rpartition("ORDER BY")[2]
        for column in (part.strip() for part in order.split(",")):
            if column.split()[0] in nullable and not re.search(
                rf"{column.split()[0]} IS NOT NULL|{column.split()[0]} >= ", report.sql
            ):
                assert column.endswith("NULLS LAST"), (name, column)


def test_folders_that_are_asked_for_again_and_again_are_told(tmp_path):
    def sync(device, at_s, key, kind="S", folder=5):
        query = (
            f"User=u&DeviceId={device}&DeviceType=iPhone&Cmd=Sync&Log=V141_Fid:{folder}_Ty:Em_St:{kind}_Sk:{key}_S1_"
        )
        return line(cs_uri_query=query, time=f"08:{at_s // 60:02}:{at_s % 60:02}", time_taken=50)

    lines = [sync("STUCK", 5 * turn, 77) for turn in range(24)]  # twelve in a minute
    lines += [sync("BUSY", 5 * turn, 100 + turn) for turn in range(24)]  # each with the key that it got
    lines += [sync("QUIET", 20 * turn, 7) for turn in range(9)]  # nothing is new
    lines += [sync("ANEW", 30 * turn, 0, "F") for turn in range(100)]
    lines += [sync("BOTH", 5 * (turn // 2), 9, folder=turn % 2) for turn in range(10)]  # five times each
    write(tmp_path / "u_ex.log", head() + "".join(lines))
    with Logs([tmp_path]).opened() as logs:
        (stuck,) = logs.report("same-key").rows
        syncs = {row[0]: row[2:4] for row in logs.report("syncs").rows}
        minutes = logs.report("minutes").rows
    assert stuck == ("STUCK", "u", "5", "77", 12, 24, "2030-01-02T08:00:00Z", "2030-01-02T08:01:55Z")
    assert syncs["ANEW"] == (100, 100) and syncs["STUCK"] == (0, 0)
    assert sum(row[1] for row in minutes) == len(lines) and minutes[0][:2] == ("2030-01-02T08:00:00Z", 39)


def test_reports_of_one_user_and_of_what_contains_a_text(forty_lines):
    with opened(forty_lines, who="EXAMPLE\\Bob") as logs:
        assert len(logs.report("requests").rows) == 10
        narrowed = logs.evidence()
    with opened(forty_lines) as logs:
        assert narrowed == logs.evidence()  # which is of all
    assert narrowed.coverage.requests == 40 and any(narrowed.counts.values())
    with opened(forty_lines, containing="cloudmagic") as logs:
        assert {row[0] for row in logs.report("apps").rows} == {"CloudMagic"}


def test_bounds_of_time(forty_lines):
    with opened(
        forty_lines, since=datetime(2030, 1, 2, 9, tzinfo=UTC), until=datetime(2030, 1, 2, 10, tzinfo=UTC)
    ) as logs:
        assert logs.report("apps").rows[0][0] == "Nokia"
        assert len(logs.report("apps").rows) == 1


@pytest.mark.parametrize("bits", [7, 33])
def test_so_many_bits_no_address_has(bits):
    with pytest.raises(RequestError, match=f"v4_prefix {bits} is no number of bits: give 8 to 32"):
        Logs(["a"], v4_prefix=bits)


@pytest.mark.parametrize("name", ["since", "until"])
def test_a_bound_without_a_zone_is_utc_wherever_it_is_asked(name):
    """As on the command line, and as logs have it; the zone of this machine has no say."""
    asked = Logs(["a.log"], **{name: datetime(2030, 1, 2, 9)})  # noqa: DTZ001
    assert getattr(asked, name) == datetime(2030, 1, 2, 9, tzinfo=UTC)


def test_that_event_logs_are_not_kept_is_told(tmp_path):
    write(tmp_path / "logs/a.log", head() + ping())
    event = write_evtx(
        tmp_path / "logs/a.evtx", [(1040, "MSExchange ActiveSync", datetime(2030, 1, 2, tzinfo=UTC), "EX1", [])]
    )
    told = f"event logs are not kept in {tmp_path / 'kept'}: name them again when it is read alone"
    for paths, is_told in (
        ([tmp_path / "logs"], True),
        ([tmp_path / "kept", event], True),
        ([tmp_path / "kept"], False),
    ):
        assert (told in Logs(paths, into=tmp_path / "kept").run().notes) is is_told


def test_bounds_of_time_are_for_all_that_was_logged(tmp_path):
    dropped = HTTPERR.splitlines(keepends=True)[-1].replace("Timer_ConnectionIdle", "Connection_Dropped")
    hours = ("08:00:00", "09:59:59", "10:00:00", "11:59:59", "12:00:00")
    write(tmp_path / "httperr1.log", HTTPERR + "".join(dropped.replace("08:00:00", hour) for hour in hours))
    events = [
        (1040, "MSExchange ActiveSync", datetime.fromisoformat(f"2030-01-02T{hour}Z"), "EX1", ["300", "Ping", "540"])
        for hour in hours
    ]
    write_evtx(tmp_path / "app.evtx", events)
    bounds = {"since": datetime(2030, 1, 2, 10, tzinfo=UTC), "until": datetime(2030, 1, 2, 12, tzinfo=UTC)}
    with opened(tmp_path, **bounds) as logs:
        evidence, report = logs.evidence(), logs.report("httperr")
    within = ["2030-01-02T10:00:00Z", "2030-01-02T11:59:59Z"]
    assert evidence.httperr == {"Connection_Dropped": 2} and sum(row[2] for row in report.rows) == 2
    assert [event.at for event in evidence.events] == within and evidence.windows.logged == 2


def test_a_question_of_ones_own(tmp_path, forty_lines):
    sql = write(
        tmp_path / "q.sql", "SELECT device, max(ended_ms) AS last_ms FROM requests GROUP BY device ORDER BY device"
    )
    with opened(forty_lines) as logs:
        table = logs.query(sql)
        assert table.columns == ("device", "last_ms")
        assert table.rows[0] == ("SYNTH01", 1893572340000)
        with pytest.raises(UserError, match=r"q\.sql: .*nonsense"):
            logs.query(write(tmp_path / "q.sql", "SELECT nonsense"))
        with pytest.raises(UserError, match=r"q\.sql: more than one column is called device: name them with AS$"):
            logs.query(write(tmp_path / "q.sql", "SELECT a.device, b.device FROM requests AS a, requests AS b"))
        with pytest.raises(UserError, match="no such report"):
            logs.report("user-agent")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("took_ms", 600013),
        ("avg(took_ms) OVER ()", 600013.0),
        ("'text'", "text"),
        ("CAST(1e19 AS DOUBLE)", 1e19),
        ("-1", -1),
        ("NULL", None),
        ("CAST('NaN' AS DOUBLE)", None),
        ("[CAST('-Infinity' AS DOUBLE), 2]", [None, 2.0]),
        ("MAP {DATE '2030-01-02': CAST('Infinity' AS FLOAT)}", {"2030-01-02": None}),
        ("TIMESTAMP '2030-01-02 08:00:00.5'", "2030-01-02T08:00:00.500000Z"),
        ("TIMESTAMP '2030-01-02 08:00:00'", "2030-01-02T08:00:00Z"),
        ("DATE '2030-01-02'", "2030-01-02"),
        ("0.5 * 3", 1.5),
        ("[1.50]", [1.5]),
    ],
)
@pytest.mark.parametrize("column", ["x_ms", "x"])
def test_values_of_a_question_of_ones_own_stay_as_they_are(tmp_path, column, value, told):
    write(tmp_path / "logs/a.log", head() + ping())
    sql = write(tmp_path / "q.sql", f"SELECT {value} AS {column} FROM requests")
    with opened(tmp_path / "logs") as logs:
        text = logs.query(sql).to_json()
    (row,) = json.loads(text, parse_constant=lambda name: pytest.fail(name))["rows"]
    assert row == {column: told}


def test_times_of_a_question_are_utc_wherever_it_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    write(tmp_path / "logs/a.log", head() + ping(time="01:00:00"))
    at = "to_timestamp(ended_ms / 1000)"
    sql = write(tmp_path / "q.sql", f"SELECT {at} AS at, CAST({at} AS DATE) AS day, hour({at}) AS hour FROM requests")
    with opened(tmp_path / "logs") as logs:
        assert logs.query(sql).rows == (("2030-01-02T01:00:00Z", date(2030, 1, 2), 1),)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT 1; SELECT 2", "holds 2 statements: write one SELECT"),
        ("DROP TABLE silences; SELECT 1", "holds 2 statements: write one SELECT"),
        ("DROP TABLE silences", "asks for nothing: write one SELECT"),
        ("COPY silences TO '{folder}/x.csv'", "asks for nothing: write one SELECT"),
        ("EXPLAIN ANALYZE COPY silences TO '{folder}/x.csv'", "asks for nothing: write one SELECT"),
        ("CREATE TABLE mine AS SELECT 1", "asks for nothing: write one SELECT"),
        ("WITH a AS (SELECT 1) INSERT INTO mine FROM a", "asks for nothing: write one SELECT"),
        ("SET threads = 1", "asks for nothing: write one SELECT"),
    ],
)
def test_a_question_is_one_select(tmp_path, sql, told):
    write(tmp_path / "logs/a.log", head() + ping())
    with opened(tmp_path / "logs") as logs:
        with pytest.raises(UserError, match=rf"q\.sql: {told}"):
            logs.query(write(tmp_path / "q.sql", sql.format(folder=tmp_path)))
        assert logs.query(write(tmp_path / "q.sql", "-- all\nSELECT count(*) AS n FROM silences;;\n")).rows == ((1,),)
    assert not (tmp_path / "x.csv").exists()


PACKED = "jRIJBAhTWU5USEI2NASH1hIABVBob25l"
"""A query of SYNTHB64 that names no user."""


def asked_for(statuses, step_s=60, user="alice", device="D1", client="198.51.100.{0}"):
    """Return lines of one device, a status each."""
    return "".join(
        ping(
            user, device, sc_status=status, c_ip=client.format(number % 6),
            time=f"{8 + number * step_s // 3600:02}:{number * step_s // 60 % 60:02}:{number * step_s % 60:02}",
        )
        for number, status in enumerate(statuses)
    )  # fmt: skip


REFUSALS = {
    "from six addresses": (asked_for([401] * 54), {("alice", "D1"): 54}),
    "too few": (asked_for([401] * 9), {}),
    "challenged each time": (asked_for([401, 200] * 30), {}),
    "challenged twice each time": (asked_for([401, 401, 200] * 30), {}),
    "challenged within a second": (asked_for([401, 401, 200] * 30, 0), {}),
    "challenged, and blocked": (asked_for([401, 403] * 30), {}),
    "answered before": (asked_for([200] * 5 + [401] * 12), {("alice", "D1"): 12}),
    "a server that fails lets nobody in": (asked_for([401] * 6 + [503] + [401] * 6), {("alice", "D1"): 12}),
    "nine times, let in, nine times": (asked_for(([401] * 9 + [200]) * 2), {}),
    "two users of a device": (
        asked_for([401] * 12) + asked_for([401] * 11, user="bob"),
        {("alice", "D1"): 12, ("bob", "D1"): 11},
    ),
    "one of two users of a device": (
        asked_for([401] * 12) + asked_for([200] * 12, user="bob"),
        {("alice", "D1"): 12},
    ),
    "who is not named in a challenge": (
        "".join(
            line(cs_uri_query=PACKED, cs_username=who, sc_status=status, time=f"08:{number:02}:00")
            for number in range(30)
            for who, status in (("-", 401), ("alice", 200))
        ),
        {},
    ),
    "who is never named": (
        "".join(line(cs_uri_query=PACKED, cs_username="-", sc_status=401) for _ in range(10)),
        {(None, "SYNTHB64"): 10},
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_device_is_refused_where_it_is_not_let_in_between(tmp_path, name):
    text, told = REFUSALS[name]
    write(tmp_path / "logs/a.log", head() + text)
    with opened(tmp_path / "logs") as logs:
        found = {row[:2]: row[2] for row in logs.report("logins").rows}
        findings = [finding.text for finding in logs.evidence().findings if finding.code == "login-loops"]
    assert found == told
    word = "1 device refused at login ten times or more in a row: hbprobe logs ... --report logins"
    assert findings == ([word] if told else [])


def test_where_devices_are_told_devices_are_counted(tmp_path):
    users = [ping(user, "D1", "V141_Throttle9_As:BlockedP_", sc_status=449) for user in "abc"]
    busy = [ping(user, "D1", time="07:00:00") for user in "abc" for _ in range(70)]
    write(tmp_path / "logs/a.log", head() + "".join(users + busy) + asked_for([401] * 12))
    counts = Logs([tmp_path / "logs"]).run().counts
    assert set(counts.values()) == {1}


NARROWED = {
    "who alice": ({"who": "EXAMPLE\\alice"}, {"A1", "A2"}),
    "who a device": ({"who": "b1"}, {"B1"}),
    "who nobody": ({"who": "nobody"}, set()),
    "containing an error": ({"containing": "pingcoll"}, {"B1"}),
    "containing a type": ({"containing": "iphone"}, {"A1", "A2", "B1"}),
    "both": ({"who": "alice", "containing": "a2"}, {"A2"}),
    "neither": ({}, {"A1", "A2", "B1"}),
}


@pytest.mark.parametrize("name", NARROWED)
def test_whatever_reports_ask_is_narrowed_or_said_not_to_be(tmp_path, name):
    asked, devices = NARROWED[name]
    lines = [
        ping("alice", "A1"),
        ping("alice", "A2"),
        ping("bob", "B1"),
        ping("bob", "B1", "V141_Error:PingCollision_"),
    ]
    write(tmp_path / "logs/a.log", head() + "".join(lines))
    write(tmp_path / "logs/httperr1.log", HTTPERR)
    with opened(tmp_path / "logs", **asked) as logs:
        assert logs.evidence().coverage.waits == 4, "the whole is not narrowed"
        for table, column in (("requests", "device"), ("silences", "who")):
            found = logs.query(write(tmp_path / "q.sql", f"SELECT {column} FROM {table}")).rows
            assert {device for (device,) in found} == devices
            assert len(found) == len(devices) + ("B1" in devices and "error" not in name)
        assert sum(row[-1] for row in logs.report("losses").rows) == len(devices)
        nobody = [] if devices else ["no request is of whom or what --who and --containing name"]
        assert list(logs.caveats) == nobody
        logs.report("httperr")
        logs.query(write(tmp_path / "q.sql", "SELECT count(*) AS n FROM HTTPERR"))
        told = "httperr, HTTP.sys's log, names no user and no device: it tells of all of them"
        assert list(logs.caveats) == ([told, *nobody] if asked else [])


def test_a_formula_of_a_client_reaches_no_csv(tmp_path):
    write(tmp_path / "a.log", head() + ping(**{"cs(User-Agent)": "=cmd|calc!A1"}))
    with opened(tmp_path) as logs:
        assert "'=cmd|calc!A1" in logs.report("user-agents").to_csv()


def test_logged_events_are_held_against_the_rebuilt_ones(tmp_path):
    write_logs(tmp_path / "logs", company(path("a"), mix={"outlook-180": 1}, devices=40, moves=0), days=0.15)
    first = Logs([tmp_path / "logs"]).run()
    assert first.windows.rebuilt > 5 and first.windows.logged == 0
    events = [
        (
            1040,
            "MSExchange ActiveSync",
            datetime.fromisoformat(event.at),
            "EX1",
            [str(event.average_s), "Ping", "540"],
        )
        for event in first.events[:4]
    ]
    events.append((1040, "MSExchange ActiveSync", datetime(2030, 1, 3, tzinfo=UTC), "EX1", ["300", "Ping", "540"]))
    write_evtx(tmp_path / "logs/app.evtx", events)
    both = Logs([tmp_path / "logs"]).run()
    assert (both.windows.logged, both.windows.both, both.windows.rebuilt) == (5, 4, first.windows.rebuilt)
    assert [event.logged and event.rebuilt for event in both.events[:5]] == [True] * 4 + [False]
    assert both.has_problem


@pytest.mark.parametrize(
    ("server", "later_s", "more_s", "is_same"),
    [
        ("192.0.2.10", 0, 0, True),
        ("EX1", -59, 30, True),
        ("192.0.2.11", 0, 0, False),
        ("EX1", 0, 40, False),
        ("EX1", 0, -40, False),
        ("EX1", 70, 0, False),
    ],
)
def test_a_logged_event_of_another_server_or_with_another_average_is_not_the_same(
    recycled, server, later_s, more_s, is_same
):
    """One sample more or less at either edge of the window is no more than 36 s of the average."""
    plain = recycled().events
    lines = [
        {
            "Id": 1040, "ProviderName": "MSExchange ActiveSync", "MachineName": server,
            "TimeCreated": (datetime.fromisoformat(event.at) + timedelta(seconds=later_s)).isoformat(),
            "Properties": [{"Value": str(event.average_s + more_s)}, {"Value": "Ping"}, {"Value": "540"}],
        }
        for event in plain
    ]  # fmt: skip
    windows = recycled("app.jsonl", "".join(json.dumps(one) + "\n" for one in lines)).windows
    assert (windows.rebuilt, windows.logged) == (len(plain), len(plain))
    assert windows.both == (len(plain) if is_same else 0)


def test_an_event_at_a_time_without_a_zone_is_held_against_nothing(recycled):
    """The Event Viewer writes the clock of whoever looks at it."""
    plain = recycled()
    at = [datetime.fromisoformat(event.at) for event in plain.events]
    sentence = "The average [540] for request [Ping] is at or below [540]."
    rows = [
        f'Warning,{moment:%m/%d/%Y %I:%M:%S %p},MSExchange ActiveSync,1040,Requests,"{sentence}"' for moment in at
    ]
    head = "Level,Date and Time,Source,Event ID,Task Category"
    found = recycled("viewer.csv", "\n".join([head, *rows]) + "\n")
    logged = [event for event in found.events if event.logged]
    assert [event.at for event in logged] == [f"{moment:%Y-%m-%dT%H:%M:%S}" for moment in at]
    assert found.windows.both == 0 and found.windows.rebuilt == len(plain.events)
    (note,) = set(found.notes) - set(plain.notes)
    assert note.startswith(f"{len(at)} events with a time without a zone")


def test_a_recycle_at_a_time_without_a_zone_empties_no_window(recycled):
    """As in the text that the Event Viewer copies."""
    blocks = [
        f"Log Name: System\nSource: Microsoft-Windows-WAS\nDate: 2030-01-02 0{hour}:{minute:02}:00\nEvent ID: 5074\n"
        f"Computer: 192.0.2.10\nDescription:\n{SAID.format(OURS)}.\n\n"
        for hour in range(4)
        for minute in range(0, 60, 5)
    ]
    plain, found = recycled(), recycled("was.txt", "".join(blocks))
    assert found.windows == plain.windows
    (note,) = set(found.notes) - set(plain.notes)
    assert note.startswith("48 events with a time without a zone")


def test_of_two_logged_events_the_nearer_is_the_same(recycled):
    first = recycled().events[0]
    lines = [
        {
            "Id": 1040, "ProviderName": "MSExchange ActiveSync", "MachineName": "EX1",
            "TimeCreated": (datetime.fromisoformat(first.at) + timedelta(seconds=later_s)).isoformat(),
            "Properties": [{"Value": str(first.average_s)}, {"Value": "Ping"}, {"Value": "540"}],
        }
        for later_s in (-50, 1)
    ]  # fmt: skip
    found = recycled("app.jsonl", "".join(json.dumps(one) + "\n" for one in lines)).events
    logged = [event.rebuilt for event in found if event.logged]
    assert logged == [False, True]


ABANDONED = HTTPERR.splitlines(keepends=True)[-1].replace(
    "Timer_ConnectionIdle -", "Connection_Abandoned_By_ReqQueue {}"
)
OURS, ANOTHERS = "MSExchangeSyncAppPool", "MSExchangeOWAAppPool"
SAID = "A worker process with process id of '4711' serving application pool '{}' has requested a recycle"


@pytest.fixture(scope="module")
def recycled(tmp_path_factory):
    """Return a function that adds what tells of a recycle each five minutes; the log is of 192.0.2.10."""
    folder = tmp_path_factory.mktemp("recycled")
    write_logs(folder / "logs", company(path("a"), mix={"outlook-180": 1}, devices=40, moves=0), days=0.15)

    def evidence(name=None, text=None):
        files = [] if name is None else [write(folder / name, text)]
        return Logs([folder / "logs", *files]).run()

    return evidence


def recycles(pool, server, how):
    times = [f"0{hour}:{minute:02}" for hour in range(4) for minute in range(0, 60, 5)]
    if how == "HTTPERR":
        lines = [ABANDONED.replace("08:00", at).replace("192.0.2.10", server).format(pool or "-") for at in times]
        return "httperr1.log", HTTPERR + "".join(lines)
    said = {} if pool is None else {"Properties": [{"Value": "4711"}, {"Value": pool}]}
    said = {"Message": SAID.format(pool)} if how == "text" else said
    events = [
        {
            "Id": 5074,
            "ProviderName": "Microsoft-Windows-WAS",
            "TimeCreated": f"2030-01-02T{at}:00Z",
            "MachineName": server,
        }
        | said
        for at in times
    ]
    return "was.jsonl", "".join(json.dumps(event) + "\n" for event in events)


@pytest.mark.parametrize(
    ("pool", "server", "how", "is_emptied", "note"),
    [
        (OURS, "192.0.2.10", "HTTPERR", True, None),
        (OURS.lower(), "192.0.2.10", "inserts", True, None),
        (OURS, "192.0.2.10", "text", True, None),
        (OURS, "EX1", "inserts", True, "at EX1, and the IIS logs call servers otherwise"),
        (OURS, "192.0.2.11", "HTTPERR", False, "at 192.0.2.11, which no line of the IIS logs is of"),
        (ANOTHERS, "192.0.2.10", "HTTPERR", False, None),
        (ANOTHERS, "192.0.2.10", "inserts", False, None),
        (ANOTHERS, "192.0.2.10", "text", False, None),
        (None, "192.0.2.10", "HTTPERR", False, "48 recycles of a worker process without its pool's name"),
        (None, "192.0.2.10", "inserts", False, "48 recycles of a worker process without its pool's name"),
    ],
)
def test_only_a_recycle_of_activesyncs_pool_on_that_server_empties_a_window(
    recycled, pool, server, how, is_emptied, note
):
    plain, with_recycles = recycled(), recycled(*recycles(pool, server, how))
    assert plain.windows.rebuilt > 5
    assert with_recycles.windows.rebuilt == (0 if is_emptied else plain.windows.rebuilt)
    told = [one for one in with_recycles.notes if "recycle" in one and one not in plain.notes]
    assert [note in one for one in told] == ([] if note is None else [True])


def test_an_event_in_two_files_is_one(tmp_path):
    at = datetime(2030, 1, 2, 8, tzinfo=UTC)
    write_evtx(
        tmp_path / "app.evtx", [(1040, "MSExchange ActiveSync", at, "EX1.example.test", ["300", "Ping", "540"])]
    )
    text = (
        "Log Name: Application\nSource: MSExchange ActiveSync\nDate: {}\nEvent ID: 1040\nComputer: EX1\n"
        "Description:\nThe average [300] for request [Ping] is at or below [540].\n\n"
    )
    write(tmp_path / "a.txt", text.format("2030-01-02 08:00:00") + text.format("2030-01-02 08:15:00"))
    events = Logs([tmp_path]).run().events
    assert [event.at for event in events] == ["2030-01-02T08:00:00Z", "2030-01-02T08:15:00"]


def test_httpproxy_and_httperr(tmp_path):
    write(tmp_path / "HttpProxy_1.LOG", PROXY)
    write(tmp_path / "httperr1.log", HTTPERR)
    with opened(tmp_path) as logs:
        (row,) = logs.report("requests").rows
        assert (row[2], row[3], row[4], row[8]) == ("bob", "SYNTH02", "Ping", 600.041)
        assert row[-1] == "Agent, with comma"
        assert logs.report("httperr").rows == (("2030-01-02T08:00:00Z", "Timer_ConnectionIdle", 1, 1),)
    write(tmp_path / "a.log", head() + ping())
    evidence = Logs([tmp_path]).run()
    assert evidence.coverage.requests == 1
    assert any("HttpProxy's log tells of the same requests" in note for note in evidence.notes)


def test_what_httperr_shows(tmp_path):
    shown = {
        "Timer_ConnectionIdle": ("note", "idle after an answer, which is normal and no evidence of the path"),
        "Connection_Dropped": ("note", "with a request whose client was gone before its answer"),
        "Timer_EntityBody": ("note", "with a request that came too slowly"),
        "Connection_Abandoned_By_ReqQueue": ("note", "in a worker process that ended or was recycled"),
        "QueueFull": ("problem", "with a request that it turned away"),
    }
    idle = HTTPERR.splitlines(keepends=True)[-1]
    others = "".join(idle.replace("Timer_ConnectionIdle", reason) for reason in shown if reason not in idle)
    write(tmp_path / "httperr1.log", HTTPERR + others)
    evidence = Logs([tmp_path]).run()
    assert evidence.httperr == dict.fromkeys(shown, 1)
    findings = [finding for finding in evidence.findings if finding.code == "httperr"]
    assert len(findings) == len(shown)
    for reason, (severity, words) in shown.items():
        (found,) = [finding for finding in findings if reason in finding.text]
        assert found.severity == severity
        assert found.text.startswith("HTTP.sys ended 1 connection ") and words in found.text


def test_what_is_not_read_is_named_and_the_rest_goes_on(tmp_path):
    write(tmp_path / "a.log", head() + ping())
    write(tmp_path / "ra.ibl", b"\1\2")
    write(tmp_path / "b.log", line())
    evidence = Logs([tmp_path]).run()
    assert evidence.coverage.requests == 1
    assert [file.path.rpartition("/")[2] for file in evidence.not_read] == ["b.log", "ra.ibl"]


def test_a_balancers_address_is_noticed(tmp_path):
    write(tmp_path / "a.log", head() + "".join(ping(device=f"D{number}", c_ip="192.0.2.99") for number in range(12)))
    notes = Logs([tmp_path]).run().notes
    assert any("a balancer's perhaps: networks cannot be told apart" in note for note in notes)


def test_a_log_without_addresses_says_what_to_log(tmp_path):
    fields = FIELDS.replace(" c-ip", "")
    write(tmp_path / "a.log", head(fields) + ping(fields=fields))
    (note,) = [note for note in Logs([tmp_path]).run().notes if "without a client's address" in note]
    assert note.endswith("; let IIS log c-ip, or X-Forwarded-For behind a balancer") and "W3SVC" not in note


def test_the_address_that_was_forwarded_counts(tmp_path):
    fields = FIELDS + " X-Forwarded-For"
    forwarded = {"X_Forwarded_For": "203.0.113.5,+198.51.100.7"}
    write(tmp_path / "a.log", head(fields) + ping(fields=fields, c_ip="192.0.2.99", **forwarded) * 2)
    with opened(tmp_path) as logs:
        assert logs.report("losses").rows[0][0] == "203.0.113.0/24"


def test_kept_parquet_is_a_path_of_its_own(tmp_path, forty_lines):
    first = Logs([forty_lines], into=tmp_path / "kept").run()
    later = Logs([tmp_path / "kept"]).run()
    again = Logs([forty_lines, tmp_path / "kept"], into=tmp_path / "kept").run()
    assert first.coverage == later.coverage == again.coverage


def test_the_document_is_read_as_it_was_written(tmp_path, forty_lines):
    evidence = Logs([forty_lines]).run()
    assert LogEvidence.read(json.loads(evidence.to_json())) == evidence
    with pytest.raises(ValueError, match=r'schema: is "hbprobe\.result/1", not "hbprobe\.evidence/1"'):
        LogEvidence.read({"schema": "hbprobe.result/1"})


@pytest.mark.parametrize("release", [Release.V2010, Release.V2019])
def test_the_answer_alone_is_the_same_and_nothing_that_was_left_unread_can_be_asked(tmp_path, release):
    world = company(path("a", 300), path("b", 600, Manner.RESET), devices=12)
    write_logs(tmp_path, world, release, days=0.15)
    write(tmp_path / "W3SVC1/more.log", head() + "".join(ping("carol", "C1", "As:BlockedP_") for _ in range(3)))
    (tmp_path / "httperr1.log").write_text(HTTPERR)
    with opened(tmp_path) as logs:
        expected = logs.evidence()
        everything = logs.report("requests")
    assert expected.coverage.waits and expected.counts["blocked"] and everything.rows
    assert Logs([tmp_path]).run() == expected
    kept = tmp_path / "kept"
    assert Logs([tmp_path], into=kept).run() == expected
    assert Logs([kept]).run().limits == expected.limits
    with opened(kept) as logs:
        assert logs.report("requests") == everything  # what is kept has all columns
    with Logs([tmp_path]).opened(is_all_asked=False) as logs, pytest.raises(duckdb.BinderException):
        logs.report("servers")


def test_after_a_run_that_was_ended_the_files_stand_in_the_same_order(tmp_path):
    files = [write(tmp_path / f"u_ex30010{day}.log", head() + ping("bob", "B1")) for day in range(1, 6)]
    whole = [source.path for source in Logs([tmp_path]).run().sources]
    for first in (files[4], files[2]):
        Logs([first], into=tmp_path / "kept").run()
    assert [source.path for source in Logs(files, into=tmp_path / "kept").run().sources] == whole


def test_two_questions_may_be_under_way(forty_lines):
    with opened(forty_lines) as logs:
        one, other = (logs.tables.each("SELECT range + $from FROM range(120_000)", {"from": at}) for at in (0, 7))
        assert all(a + 7 == b for (a,), (b,) in zip(one, other, strict=True))


def test_nothing_named(tmp_path):
    with pytest.raises(UserError, match="no log is named"):
        Logs([]).run()
    with pytest.raises(UserError, match="is too short for a key"):
        Logs([tmp_path], pseudonyms=write(tmp_path / "key", b"short")).run()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "no log is in what was named"),
        ({"truth.json": '{"schema": "hbprobe.truth/1"}'}, "no log is in what was named"),
        ({"a.etl": b"\1"}, "a.etl: is a trace, not a log"),
        ({"a.log.gz": gzip.compress(head().encode())[:-9]}, "a.log.gz: cannot be unpacked"),
        ({"a.log": head() + "broken\nlines\n"}, "a.log: not one line is understood: too few fields"),
        ({"a.log": head("cs-uri-stem") + "/x\n/y\n"}, "a.log: not one line is understood: no time among the fields"),
        ({"a.txt": "Event ID: none\n"}, "a.txt: has no event that is understood"),
        ({f"{name}.etl": b"\1" for name in "abcde"}, "c.etl: .*; and 2 files more$"),
    ],
)
def test_where_nothing_could_be_read_that_comes_first(tmp_path, files, told):
    for name, data in files.items():
        write(tmp_path / "logs" / name, data)
    (tmp_path / "logs").mkdir(exist_ok=True)
    evidence = Logs([tmp_path / "logs"]).run()
    first = evidence.findings[0]
    assert (first.code, evidence.exit_status, len(evidence.findings)) == ("nothing-read", 3, 1)
    assert re.match(rf"nothing could be read: .*{told}", first.text) and "\n" not in first.text


EVENTS = (
    '[{{"TimeCreated": "2030-01-02T08:00:00Z", "Id": {}, "ProviderName": "{}", "Message": "[320] [Ping] [540]"}}]'
)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.log": head()}, "no line tells of ActiveSync"),
        ({"a.log": head() + line(cs_uri_stem="/owa")}, "no line tells of ActiveSync"),
        ({"a.log": head() + line(cs_uri_stem="/owa") + "broken\n", "b.etl": b"\1"}, "no line tells of ActiveSync"),
        ({"e.json": EVENTS.format(7, "disk")}, "no event tells of ActiveSync"),
        ({"e.xml": "<Events/>"}, "no event tells of ActiveSync"),
    ],
)
def test_what_was_read_and_tells_of_nothing_was_measured(tmp_path, files, told):
    for name, data in files.items():
        write(tmp_path / name, data)
    evidence = Logs([tmp_path]).run()
    assert ([finding.text for finding in evidence.findings], evidence.exit_status) == ([told], 0)


def test_an_event_alone_is_told_alone(tmp_path):
    write(tmp_path / "e.json", EVENTS.format(1040, "MSExchange ActiveSync"))
    evidence = Logs([tmp_path]).run()
    assert ([finding.code for finding in evidence.findings], evidence.exit_status) == (["event-1040"], 1)


def test_a_time_of_which_the_log_has_no_line(tmp_path):
    write(tmp_path / "a.log", head() + ping())
    evidence = Logs([tmp_path], since=datetime(2030, 1, 3, tzinfo=UTC)).run()
    assert evidence.findings[0].text == "no line of the time that was asked for tells of ActiveSync"


FEW = FIELDS.replace(" time-taken", "")
ADVANCED = "date-local time-local s-ip cs-uri-stem cs-uri-query cs-method c-ip sc-status TimeTakenMS"


def advanced():
    text = line(ADVANCED).split()
    return head(ADVANCED, software="IIS Advanced Logging Module") + " ".join(
        ["2030-01-02", "08:10:00.5", *text[2:-1], "5"]
    )


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.log": head() + ping(), "b.log": advanced() + "\n"}, []),
        ({"a.log": head(FEW) + ping(fields=FEW)}, ["the log has no time-taken: switch it on"]),
        ({"a.log": head(FEW) + ping(fields=FEW), "b.log": head() + ping()}, ["/a.log: there is no time-taken: "]),
        (
            {
                "a.log": head(FEW) + ping(fields=FEW),
                "b.log": head() + ping(),
                "c.log": head(FEW) + ping(device="D3", fields=FEW),
            },
            ["/a.log and 1 other log of 3: there is no time-taken: "],
        ),
        ({"a.log": head(FEW) + line(FEW, cs_uri_stem="/owa"), "b.log": head() + ping()}, []),
        ({"a.log": head(FEW) + ping(fields=FEW) + head() + ping()}, []),
    ],
)
def test_which_logs_have_no_time_taken_is_told(tmp_path, files, told):
    for name, text in files.items():
        write(tmp_path / name, text)
    evidence = Logs([tmp_path]).run()
    assert all(read.lines and not read.bad for read in evidence.sources)
    notes = [note for note in evidence.notes if "no time-taken" in note]
    assert [part in note for part, note in zip(told, notes, strict=True)] == [True] * len(told)


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("packed", ["app.evtx.gz", "app.zip"])
def test_a_full_disk_is_not_blamed_on_a_packed_event_log(tmp_path, monkeypatch, packed):
    plain = write_evtx(tmp_path / "app.evtx", [(1040, "MSExchange ActiveSync", datetime.now(UTC), "EX1", ["1"])])
    if packed.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / packed, "w") as archive:
            archive.write(plain, "app.evtx")
    else:
        (tmp_path / packed).write_bytes(gzip.compress(plain.read_bytes()))
    assert Logs([tmp_path / packed]).run().windows.logged == 1

    def refused(*_):
        raise FULL

    monkeypatch.setattr(shutil, "copyfileobj", refused)
    with pytest.raises(CannotMeasureError, match=r"hbprobe-logs-\w+: cannot be written: No space left.*set TMPDIR"):
        Logs([tmp_path / packed]).run()


def test_where_not_even_a_folder_can_be_made_that_is_told(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise FULL

    write(tmp_path / "a.log", head() + ping())
    monkeypatch.setattr(tempfile, "mkdtemp", refused)
    with pytest.raises(CannotMeasureError, match=r"no folder can be made .*: No space left on device: set TMPDIR"):
        Logs([tmp_path]).run()
