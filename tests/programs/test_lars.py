"""A reader of IIS logs by other people (lars, strict about every field) reads the stand-in's, a file for each day."""

from datetime import UTC, date, datetime, timedelta

import pytest
from lars.iis import IISSource

from hbprobe import warp
from hbprobe.eas.client import Account
from hbprobe.eas.log_blob import Site
from hbprobe.eas.releases import Release
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd
from hbprobe.net.certificates import throwaway_pair
from hbprobe.net.wire import Dialer, Target
from hbprobe.standin.record_files import IisLog, WallClock
from hbprobe.standin.service import StandIn
from hbprobe.trial.methods.ping import PingMethod

BEFORE_MIDNIGHT = datetime(2030, 1, 2, 23, 45, tzinfo=UTC)
HEARTBEATS_S = (599, 480, 600)
"""The second of them ends after midnight."""
STEP_PING_S = 61
"""A second longer than the shortest."""


async def ping_all(folder, release):
    server_tls, client_tls = throwaway_pair()
    log = IisLog(folder, release, WallClock(BEFORE_MIDNIGHT, 0.0), Site())
    far_end = FarEnd(Settings(), server_tls, services=[StandIn(Settings(), recorders=[log], release=release)])
    try:
        _, port = await far_end.listen("127.0.0.1", 0)
        method = PingMethod(Dialer(Target(True, "localhost", port, "/"), client_tls), 3.0, Account("ada", "s3cret"))
        await method.prepare()
        for heartbeat_s in HEARTBEATS_S:
            await method.trial(heartbeat_s)
    finally:
        await far_end.close()
        log.close()


def read(file):
    with file.open(encoding="utf-8") as text, IISSource(text) as source:
        return list(source), source.date.date()


def is_ping(row):
    return "Cmd=Ping&" in str(row.cs_uri_query)


HB_OF = {
    ("W3SVC1", Release.V2007): "_Hb{}_Rto1_",
    ("W3SVC1", Release.V2010): "_Hb{}_Rto1_",
    ("W3SVC2", Release.V2013): "_Hb{}_Rto1_",
    ("W3SVC2", Release.V2016): "_Hb:{}_Rto:1_",
    ("W3SVC2", Release.V2019): "_Hb:{}_Rto:1_",
}
"""Where Exchange says what it did, and how; the front end since 2013, and 2003, do not."""


@pytest.mark.parametrize("release", Release)
def test_it_reads_what_the_stand_in_logs(tmp_path, release):
    warp.run(ping_all(tmp_path, release), warp.WarpClock())
    sites = {folder.name: sorted(folder.iterdir()) for folder in tmp_path.iterdir()}
    assert set(sites) == ({"W3SVC1", "W3SVC2"} if release >= Release.V2013 else {"W3SVC1"})
    for site, files in sites.items():
        assert [file.name for file in files] == ["u_ex300102.log", "u_ex300103.log"]
        days = [read(file) for file in files]
        assert [day for _, day in days] == [date(2030, 1, 2), date(2030, 1, 3)]
        quiet = [row for rows, _ in days for row in rows if is_ping(row)][-3:]
        # a server that does not show itself as Exchange is asked first for its step, which takes a minute
        ended = BEFORE_MIDNIGHT.replace(tzinfo=None) + timedelta(
            seconds=0 if release >= Release.V2010 else STEP_PING_S
        )
        for row, heartbeat_s in zip(quiet, HEARTBEATS_S, strict=True):
            ended += timedelta(seconds=heartbeat_s)
            assert datetime.combine(row.date, row.time) == ended
            assert (row.sc_status, row.sc_win32_status, row.time_taken) == (200, 0, heartbeat_s * 1000)
            assert (row.cs_method, row.cs_username, row.cs_User_Agent) == ("POST", "ada", "hbprobe")
            assert row.s_port == (444 if site == "W3SVC2" else 443)
            hb = HB_OF.get((site, release))
            assert ("_Hb" in str(row.cs_uri_query)) == (hb is not None)
            assert hb is None or hb.format(heartbeat_s) in str(row.cs_uri_query)
