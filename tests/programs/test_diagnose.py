"""`diagnose` tells fourteen paths apart, in real time with timers of three seconds."""

import json
import os

import pytest
from support.scripts import script

from hbprobe import warp

pytestmark = [pytest.mark.program, pytest.mark.realtime, pytest.mark.xdist_group("program diagnoses")]

rig = script("diagnose_table")

EXPECTED = {
    "kernel conntrack, silent": ("silent", ["state-lost-silently"], "idle", "packets", "path", ["packet"]),
    "kernel conntrack, reset on next": (
        "silent",
        ["state-lost-reset-on-next"],
        "idle",
        "packets",
        "path",
        ["packet"],
    ),
    "HAProxy, tcp": ("closed", ["closed-by-proxy"], "idle", "data", "path", ["tcp"]),
    "HAProxy, http": ("status", ["proxy-status"], "idle", "data", "path", ["http"]),
    "nginx, http": ("status", ["proxy-status"], "idle", "data", "path", ["http"]),
    "Envoy, tcp": ("closed", ["closed-by-proxy"], "idle", "data", "path", ["tcp"]),
    "Envoy, http": ("status", ["proxy-status"], "idle", "data", "path", ["http"]),
    "a lifetime": ("closed", ["closed-by-proxy"], "total", None, "path", ["tcp"]),
    "the server's keep-alive limit, compared": (
        "closed",
        ["closed-by-server", "closed-by-proxy"],
        None,
        None,
        "server",
        ["server", "http", "tcp"],
    ),
    "the same, announced": ("closed", ["closed-by-server"], None, None, "server", ["server"]),
    "the same, not announced": (
        "closed",
        ["closed-by-server", "closed-by-proxy"],
        None,
        None,
        None,
        ["server", "http", "tcp"],
    ),
    "HAProxy's keep-alive limit": (
        "closed",
        ["closed-by-server", "closed-by-proxy"],
        None,
        None,
        None,
        ["server", "http", "tcp"],
    ),
    "another server's, 5 s as shipped": ("closed", ["closed-by-server"], None, None, "server", ["server"]),
    "an open path": (None, [], None, None, None, ["none"]),
}
CUT = [name for name in EXPECTED if name != "an open path"]


@pytest.fixture(scope="session")
def diagnoses():
    """Diagnose all of them at the same time."""
    found = warp.run(rig.diagnose_all(), warp.ScaledClock())
    missing = [name for name, diagnosis in found.items() if diagnosis is None and not name.startswith("Envoy")]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"this machine lacks what these are made of: {missing}")
    return found


@pytest.fixture
def diagnosis(diagnoses, name):
    if diagnoses[name] is None:
        pytest.skip("this machine lacks what it is made of")
    return diagnoses[name].to_dict()


@pytest.mark.parametrize("name", EXPECTED)
def test_what_it_says(diagnosis, name):
    how, causes, runs, counts, whose, kinds = EXPECTED[name]
    assert diagnosis["result"]["limit"]["how"] == how
    assert diagnosis["post_mortem"]["causes"] == causes
    timer = diagnosis["timer"]
    assert (timer["runs"], timer["counts"], timer["whose"]) == (runs, counts, whose)
    assert diagnosis["kinds"] == kinds


@pytest.mark.parametrize("name", CUT)
def test_the_limit(diagnosis, name):
    limit = diagnosis["result"]["limit"]
    timer_s = 5 if "5 s" in name else rig.TIMER_S
    assert limit["survived"] < timer_s + 0.5  # some clocks are coarse
    assert timer_s - 0.5 < limit["cut"] < timer_s + 2


def test_no_two_rows_of_the_table_are_the_same(diagnoses):
    rows = [
        (*rig.row(name, one)[1:], one.reasoning.whose)
        for name, one in diagnoses.items()
        if one is not None and name != "Envoy, tcp"
    ]
    assert len(set(rows)) == len(rows)  # in mode tcp Envoy and HAProxy do the same


@pytest.mark.parametrize("name", EXPECTED)
def test_the_document_has_what_the_script_writes(diagnoses, name):
    if diagnoses[name] is None:
        pytest.skip("this machine lacks what it is made of")
    assert rig.written(rig.DOCUMENT.read_text())[name] == rig.line(rig.row(name, diagnoses[name]))


def best(diagnosis):
    boxes = diagnosis["boxes"]
    first = [boxes[0][key] for key in ("score", "contradictions")]
    return {box["id"] for box in boxes if [box["score"], box["contradictions"]] == first}


@pytest.mark.parametrize("name", ["HAProxy, http"])
def test_haproxy_is_told_from_nginx_by_what_the_server_sees(diagnosis, name):
    assert "haproxy-sample-edge" in best(diagnosis)
    assert "nginx-http-proxy" not in best(diagnosis)


@pytest.mark.parametrize("name", ["nginx, http"])
def test_nginx_names_itself(diagnosis, name):
    assert best(diagnosis) == {"nginx-http-proxy", "kubernetes-ingress-nginx", "gcore-cdn", "synology-reverse-proxy"}
    (died,) = [answer for answer in diagnosis["answers"] if answer["question"] == "post-mortem"]
    assert died["server"].startswith("nginx")


@pytest.mark.parametrize("name", ["Envoy, http"])
def test_envoy_names_itself_whose_shorter_timer_is_off(diagnosis, name):
    assert best(diagnosis) == {"envoy-http"}


@pytest.mark.parametrize("name", [name for name in EXPECTED if "same" in name or "server's" in name])
def test_a_servers_own_timer_is_no_finding_unless_it_may_be_a_proxys(diagnoses, name):
    found = diagnoses[name]
    if found is None:
        pytest.skip("this machine lacks what it is made of")
    is_open = "closed-by-proxy" in EXPECTED[name][1]
    assert (found.result.verdict, found.exit_status) == (None, int(is_open))
    assert all(("apache" if "5 s" in name else "nginx") in box for box in best(found.to_dict()))


@pytest.mark.parametrize("name", EXPECTED)
def test_it_is_json(diagnosis, name):
    assert json.loads(json.dumps(diagnosis))["schema"] == "hbprobe.diagnosis/1"
