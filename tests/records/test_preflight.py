"""A preflight as JSON."""

import json

import pytest

from hbprobe import __version__
from hbprobe.preflight.preflight import Check, CheckState, Name
from hbprobe.records.preflight import PreflightRecord

SERVER = {"min_heartbeat_s": 60, "max_heartbeat_s": 3540, "protocol": "14.1", "release": "15.2"}


@pytest.mark.parametrize(
    ("last", "passed"), [(CheckState.PASSED, True), (CheckState.FAILED, False), (CheckState.NOT_TRIED, False)]
)
def test_json(last, passed):
    checks = [Check(Name.NAME, CheckState.PASSED, 0.0125, ("192.0.2.1",)), Check(Name.TCP, last, 0.25, (), "do")]
    assert json.loads(
        PreflightRecord("https://mail.example.com/", "ada", tuple(checks), SERVER, notes=("a note",)).to_json()
    ) == {
        "schema": "hbprobe.preflight/1",
        "hbprobe": __version__,
        "label": "",
        "target": "https://mail.example.com/",
        "user": "ada",
        "passed": passed,
        "checks": [
            {"name": "name", "state": "passed", "seconds": 0.013, "found": ["192.0.2.1"], "mend": ""},
            {"name": "TCP", "state": last.value, "seconds": 0.25, "found": [], "mend": "do"},
        ],
        "server": SERVER,
        "notes": ["a note"],
    }
