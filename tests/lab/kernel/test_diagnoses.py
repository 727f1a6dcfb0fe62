"""The post-mortem against the kernel's own connection tracking, as root and as an ordinary user."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
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


PLAIN = "plain routing"
BY_AN_ORDINARY_USER = ("silent", "reset", "NAT, reset-on-next")
"""What namespaces of his own could do otherwise: rules, a watcher with raw sockets, and translation."""
BOTH_USERS = [
    *(("as it is", name) for name in EXPECTED),
    *(("ordinary user", name) for name in BY_AN_ORDINARY_USER),
]


@pytest.fixture(scope="session")
def found(python_without_privileges):
    """Both users' programs run side by side: they wait most of the time."""
    programs = {
        "as it is": [sys.executable, str(_PROGRAM), *EXPECTED, PLAIN],
        "ordinary user": [*python_without_privileges, str(_PROGRAM), *BY_AN_ORDINARY_USER],
    }

    def run(argv):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    with ThreadPoolExecutor(len(programs)) as pool:
        return dict(zip(programs, pool.map(run, programs.values()), strict=True))


@pytest.mark.parametrize(("user", "name"), BOTH_USERS)
def test_cause_and_kind(found, user, name):
    told, (causes, far_end) = found[user][name], EXPECTED[name]
    assert (told["causes"], told["far_end"]) == (causes, far_end)
    assert (told["timer"], told["kinds"]) == (SAVED, ["packet"])


@pytest.mark.parametrize(("user", "name"), BOTH_USERS)
def test_the_limit_is_right_within_the_second_that_conntrack_counts_in(found, user, name):
    survived_s, cut_s = found[user][name]["limit"]
    assert _TIMER_S - 1 <= survived_s < _TIMER_S + 1
    assert _TIMER_S - 0.5 <= cut_s < _TIMER_S + 2


def test_a_plain_router_cuts_nothing(found):
    told = found["as it is"][PLAIN]
    assert (told["limit"], told["kinds"]) == ([5, None], ["none"])
