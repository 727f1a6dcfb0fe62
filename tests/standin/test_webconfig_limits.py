"""What of a web.config counts beside the heartbeats, and what does not count."""

import asyncio

import pytest

from hbprobe import warp
from hbprobe.eas.commands import PingAnswer, PingFolder, PingRequest
from hbprobe.eas.releases import Release
from hbprobe.exchange.settings import Settings
from hbprobe.standin.device import DeviceState
from hbprobe.standin.filtering import read_filtering_rules
from hbprobe.standin.messages import ServerAnswer
from hbprobe.standin.ping import judge_ping
from hbprobe.standin.service import StandIn
from hbprobe.standin.webconfig_limits import Limits, read_limits, shipped_limits


def config(**keys):
    adds = "".join(f'<add key="{key}" value="{value}" />' for key, value in keys.items())
    return f"<configuration><appSettings>{adds}</appSettings></configuration>".encode()


def test_by_default():
    assert read_limits(config(), "web.config") == Limits() == Limits(max_folders=100, error_delay_s=20)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("30", 30),
        (" 5000 ", 5000),
        ("29", 100),
        ("5001", 100),
        ("", 100),
        ("many", 100),
        ("-40", 100),
        ("9" * 20, 100),
    ],
)
def test_folders(text, taken):
    assert read_limits(config(MAXNUMOFFOLDERS=text), "web.config").max_folders == taken


@pytest.mark.parametrize(("text", "taken"), [("0", 0), ("59", 59), ("60", 20), ("1.5", 20)])
def test_delay(text, taken):
    assert read_limits(config(ErrorResponseDelay=text), "web.config").error_delay_s == taken


@pytest.mark.parametrize(("release", "folders"), [(Release.V2010, 100), (Release.V2016, 1000), (Release.V2019, 1000)])
def test_what_a_release_ships(release, folders):
    assert shipped_limits(release) == Limits(max_folders=folders)


def test_a_registry_export_has_none():
    export = b"REGEDIT4\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\MasSync\\Parameters]\n"
    assert read_limits(export, "a.reg") == Limits()
    assert read_filtering_rules(export, "a.reg") == ()


def test_fewer_folders():
    device, settings = DeviceState("alice", "D", "Phone", 0.0, folder_key=1), Settings()
    folders = tuple(PingFolder(str(number), "Email") for number in range(30))
    assert judge_ping(PingRequest(480, folders), device, settings, 30).answer == PingAnswer(6, max_folders=30)
    assert judge_ping(PingRequest(480, folders[1:9]), device, settings, 30).heartbeat_s == 480


@pytest.mark.parametrize(
    ("status", "delay_s"), [(200, 0), (400, 7), (401, 0), (403, 7), (404, 0), (405, 0), (449, 0), (501, 7), (503, 7)]
)
def test_errors_are_kept_back(status, delay_s):
    async def main():
        await StandIn(Settings(), limits=Limits(error_delay_s=7))._late(ServerAnswer(status))
        return asyncio.get_running_loop().time()

    assert warp.run(main(), warp.WarpClock()) == delay_s
