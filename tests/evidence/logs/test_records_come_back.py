"""What the stand-in writes, read again: each record comes back, field by field, for every release."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.company import company, path

from hbprobe.eas.log_blob import Site, read_blob
from hbprobe.eas.releases import Release
from hbprobe.eas.request_record import Access, RequestRecord
from hbprobe.evidence.logs.request import Logs
from hbprobe.fleet.logged import requests
from hbprobe.standin.record_files import IisLog, WallClock

BEGIN = datetime(2030, 1, 2, 23, 0, tzinfo=UTC)
BEGIN_S = BEGIN.timestamp()
NAMES = st.text("abcdefgh.%'\"äß-", min_size=1, max_size=8)


@st.composite
def records(draw, number):
    """Draw a request; each begins a minute after the one before, so that both lines of it are found again."""
    device, kind = f"D{number:04d}", draw(st.sampled_from(["iPhone", "Android", "WP8"]))
    user = draw(NAMES)
    started_s = 60.0 * number + draw(st.integers(0, 9999)) / 1000
    waits = draw(st.booleans())
    heartbeat_s = draw(st.integers(60, 3540)) if waits else None
    took_s = heartbeat_s + 0.013 if heartbeat_s and draw(st.booleans()) else draw(st.integers(0, 5_000_000)) / 1000
    query = f"Cmd={'Ping' if waits else 'Sync'}&User={quote(user)}&DeviceId={device}&DeviceType={kind}"
    return RequestRecord(
        started_s=started_s,
        ended_s=started_s + took_s,
        peer=f"198.51.100.{1 + number % 250}",
        host="mail.example.test",
        user_agent=draw(st.sampled_from(["Agent/1.0", 'A "b" c', "Ü"])),
        method="POST",
        path="/Microsoft-Server-ActiveSync",
        query=query,
        status=draw(st.sampled_from([200, 200, 449, 503])),
        substatus=0,
        is_delivered=draw(st.booleans()),
        received_bytes=draw(st.integers(0, 1)),
        sent_bytes=13,
        user=user,
        command="Ping" if waits else "Sync",
        version=draw(st.sampled_from(["2.5", "12.1", "14.1", "16.1"])),
        device_id=device,
        device_type=kind,
        access=draw(st.sampled_from(Access)),
        by_rule=draw(st.booleans()),
        heartbeat_s=heartbeat_s,
        folders=tuple(draw(st.lists(st.sampled_from(["5", "6", "a_b"]), max_size=3))),
        command_status=draw(st.sampled_from([None, 1, 2, 142])),
        error=draw(st.sampled_from([None, "NMStolen", "Ping.HbiTooLow"])),
        expired=waits and draw(st.booleans()),
    )


@st.composite
def days(draw):
    """Draw what happens from an hour before midnight to two hours after it."""
    return [draw(records(number)) for number in range(draw(st.integers(16, 40)))]


@pytest.mark.parametrize("turned", [False, True])
def test_requests_that_begin_together_keep_their_own_lines(tmp_path, turned):
    """One is answered at once, and the next one's line ends early at the front end: each took otherwise behind it."""
    first = next(requests(company(path("a")), 86400.0))
    at_once = replace(first, started_s=100.1, ended_s=100.113, command_status=2, expired=False)
    cut = replace(first, started_s=100.1, ended_s=460.113, gone_s=400.1, is_delivered=False)
    log = IisLog(tmp_path, Release.V2019, WallClock(BEGIN, 0.0), Site("192.0.2.10", "EX1"))
    for record in (cut, at_once) if turned else (at_once, cut):
        log.request_done(record)
    log.close()
    with Logs([tmp_path]).opened() as logs:
        rows = logs.tables.rows("SELECT took_ms, back_took_ms FROM requests ORDER BY took_ms")[1]
    assert [tuple(row.values()) for row in rows] == [(13, 13), (300_000, 360_013)]


@pytest.mark.parametrize("release", [release for release in Release if release is not Release.V2016])
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(done=days())
def test_over_midnight_and_a_restart(tmp_path_factory, release, done):
    """Exchange 2016 writes what 2019 does."""
    folder = tmp_path_factory.mktemp("logs")
    in_order = sorted(done, key=lambda record: record.ended_s)
    for part in (in_order[: len(done) // 2], in_order[len(done) // 2 :]):
        log = IisLog(folder, release, WallClock(BEGIN, 0.0), Site("192.0.2.10", "EX1"))
        for record in part:
            log.request_done(record)
        log.close()
    with Logs([folder]).opened() as logs:
        rows = {row["device"]: row for row in logs.tables.rows("SELECT * FROM requests")[1]}
        blobs = dict(logs.connection.execute("SELECT device, folders FROM requests").fetchall())
    assert logs.not_read == [] and sum(read.bad + read.mended for read in logs.reads) == 0
    assert rows.keys() == {record.device_id for record in done}
    for record in done:
        check(record, rows[record.device_id], release, blobs[record.device_id])


def check(record, row, release, folders):
    has_blob, is_detailed = release is not Release.V2003, release >= Release.V2013
    early_ms = (BEGIN_S + record.started_s) * 1000 - row["started_ms"]
    assert -1 <= early_ms < (2 if is_detailed else 1002)
    assert 0 <= (BEGIN_S + record.ended_s) * 1000 - row["ended_ms"] < 1001
    assert abs(row["took_ms"] - record.took_s * 1000) < 1
    assert (row["client"], row["method"], row["status"], row["substatus"]) == (record.peer, "POST", record.status, 0)
    assert row["user_agent"] == record.user_agent
    assert (row["win32"] == 0) == record.is_delivered
    assert (row["command"], row["device"], row["device_type"]) == (
        record.command,
        record.device_id,
        record.device_type,
    )
    assert row["user_raw"] == record.user
    if not has_blob:
        return
    assert row["protocol"] == int(record.version.replace(".", ""))
    assert (row["heartbeat_s"], row["is_expired"]) == (record.heartbeat_s, record.expired)
    assert (row["command_status"], row["error"]) == (record.command_status, record.error)
    assert read_blob(folders or "").all("Fid") == record.folders
    if release is not Release.V2007:
        said = {Access.ALLOW: "Allowed", Access.BLOCK: "Blocked", Access.QUARANTINE: "Quarantined"}[record.access]
        assert row["access"] == said + ("R" if record.by_rule else "G")
    if is_detailed:
        assert row["host"] == record.host
