"""A client of others (pyactivesync, protocol 16.1) against `hbprobe serve`, verified TLS and all."""

import subprocess
import sys
import time

import pytest
from pyactivesync import Client, FolderType

pytestmark = pytest.mark.realtime

_CONFIG = '<configuration><appSettings><add key="MinHeartbeatInterval" value="1" /></appSettings></configuration>'


@pytest.fixture
def client(start, tmp_path, monkeypatch):
    config = tmp_path / "web.config"
    config.write_text(_CONFIG)
    command = [sys.executable, "-m", "hbprobe", "serve", "--state", str(tmp_path), "--webconfig", str(config)]
    process = start(*command, "--listen", "127.0.0.1:0", stdout=subprocess.PIPE)
    port = int(process.stdout.readline().split("/")[2].rpartition(":")[2])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with Client(f"127.0.0.1:{port}", "alice", "secret", device_id="PYACTIVESYNC1") as client:
        yield client


def test_provision_folders_and_pings(client):
    assert client.provision().isdecimal()
    (inbox,) = [folder for folder in client.list_folders() if folder.type is FolderType.INBOX]
    assert inbox.name == "Inbox"
    first = client.sync_folder(inbox.id)
    assert client.sync_folder(inbox.id, first.sync_key).added == []
    started_s = time.perf_counter()
    answer = client.ping(inbox.id, heartbeat=2, timeout=30)
    took_s = time.perf_counter() - started_s
    assert (answer.status, answer.changed_folder_ids) == ("1", [])
    assert took_s >= 2
    assert client.ping(inbox.id, heartbeat=0, timeout=30).status == "5", "a heartbeat that is too short"
