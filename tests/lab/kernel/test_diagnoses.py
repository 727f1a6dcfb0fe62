"""The post-mortem against the kernel's own connection tracking, as root and as an ordinary user."""

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.usefixtures("namespaces"),
    pytest.mark.realtime,
    pytest.mark.xdist_group("kernel lab"),
]

_PROGRAM = Path(__file__).with_name("diagnoses.py")
_TIMER_S = 3
SAVED = ["idle", "packets", "either"]
EXPECTED = {
    "silent": (["state-lost-silently"], "answered-unacknowledged"),
    "reset-on-next": (["state-lost-reset-on-next"], "reset"),
    "reset": (["reset-by-box"], "reset"),
    "revived by the client": (["state-lost-silently"], "answered-acknowledged"),
    "NAT, silent": (["state-lost-silently"], "answered-unacknowledged"),
    "NAT, reset-on-next": (["state-lost-reset-on-next"], "reset"),
}


@pytest.fixture(scope="session")
def found(python):
    done = subprocess.run([*python, str(_PROGRAM)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", EXPECTED)
def test_cause_and_kind(found, name):
    told, (causes, far_end) = found[name], EXPECTED[name]
    assert (told["causes"], told["far_end"]) == (causes, far_end)
    assert (told["timer"], told["kinds"]) == (SAVED, ["packet"])


@pytest.mark.parametrize("name", EXPECTED)
def test_the_limit_is_right_within_the_second_that_conntrack_counts_in(found, name):
    survived_s, cut_s = found[name]["limit"]
    assert _TIMER_S - 1 <= survived_s < _TIMER_S + 1
    assert _TIMER_S - 0.5 <= cut_s < _TIMER_S + 2


def test_a_plain_router_cuts_nothing(found):
    told = found["plain routing"]
    assert (told["limit"], told["kinds"]) == ([5, None], ["none"])
