"""What the stand-in goes through, and what its event log and IIS's log say of it."""

import base64
import itertools
import json
from datetime import UTC, datetime

import pytest

from hbprobe.eas.commands import FolderSyncRequest, PingFolder, PingRequest, SyncCollection, SyncRequest
from hbprobe.eas.log_blob import Site
from hbprobe.eas.query import Query
from hbprobe.eas.releases import Release
from hbprobe.exchange.settings import Settings
from hbprobe.standin.admin_rules import AdminRules
from hbprobe.standin.device import ServedRequest
from hbprobe.standin.exchange_server import ExchangeServer
from hbprobe.standin.messages import WBXML, ClientRequest
from hbprobe.standin.record_files import EventLog, IisLog, WallClock
from hbprobe.standin.recorders import Several

SETTINGS = Settings(sample_size=3, alert_threshold_s=540)
CLOCK = WallClock(datetime(2030, 1, 2, tzinfo=UTC), 0.0)
AUTHORIZATION = "Basic " + base64.b64encode(b"alice:secret").decode()


class Server:
    def __init__(self, folder, release):
        self.now = 0.0
        self._recorders = (
            EventLog(folder, release, SETTINGS, CLOCK, Site()),
            IisLog(folder, release, CLOCK, Site()),
        )
        rules = AdminRules.model_validate({"policy": "off"})
        recorder, keys = Several(self._recorders), itertools.count(1).__next__
        self.exchange = ExchangeServer(SETTINGS, None, rules, (), release, recorder, keys)

    def ask(self, command, message):
        """Let a request come, wait as long as it does, and end."""
        query = Query(command, "alice", "PHONE1", "Phone").plain()
        headers = {"ms-asprotocolversion": "12.1", "content-type": WBXML, "user-agent": "Phone/1.0 (x; y)"}
        turn = ServedRequest(
            ClientRequest("POST", query, headers, AUTHORIZATION, message.encode(), peer="198.51.100.7"), self.now
        )
        self.exchange.begin(turn, self.now)
        if turn.answer is None:
            self.now = turn.waiting.until_s
            self.exchange.expire(turn)
        self.exchange.finish(turn, self.now, is_delivered=True)

    def close(self):
        for recorder in self._recorders:
            recorder.close()


@pytest.mark.parametrize(
    ("release", "id_", "inserts"),
    [
        (Release.V2007, 1040, ["520", "540"]),
        (Release.V2010, 1040, ["520", "540"]),
        (Release.V2019, 1040, ["520", "Ping", "540"]),
    ],
)
def test_pings_until_the_average_is_low(tmp_path, release, id_, inserts):
    server = Server(tmp_path, release)
    server.ask("FolderSync", FolderSyncRequest("0"))
    for key in ("0", "1"):
        server.ask("Sync", SyncRequest((SyncCollection(key, "5"),)))
    for heartbeat_s in (900, 600, 480, 480):  # the first look is at the newest three, when the fourth comes
        server.ask("Ping", PingRequest(heartbeat_s, (PingFolder("5", "Email"),)))
    server.close()
    (event,) = map(json.loads, (tmp_path / "events.jsonl").read_text().splitlines())
    assert (event["Id"], event["Properties"]) == (id_, inserts)
    assert event["TimeCreated"] == "2030-01-02T00:33:00.000Z"  # 900 + 600 + 480 s
    site = "W3SVC1" if release is not Release.V2019 else "W3SVC2"
    lines = (tmp_path / site / "u_ex300102.log").read_text().splitlines()
    colon = ":" if release is Release.V2019 else ""
    pings = [line for line in lines if "Cmd=Ping" in line]
    assert len(lines) == 4 + 3 + 4
    for heartbeat_s, line in zip((900, 600, 480, 480), pings, strict=True):
        assert f"_Hb{colon}{heartbeat_s}_Rto{colon}1_" in line
        assert line.endswith(f" Phone/1.0+(x;+y) - 200 0 0 {heartbeat_s}000")
    assert pings[-1].startswith("2030-01-02 00:41:00 ")
