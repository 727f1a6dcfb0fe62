"""docs/survival.md: what its script would write, as far as the clients are installed."""

import re

import pytest
from support import scripts

from hbprobe.testing import Fate, survives
from hbprobe.testing.box import USUAL

DOCUMENT = scripts.DOCS / "survival.md"
PROFILES = ("open-path", *USUAL)


@pytest.fixture(scope="session")
def script():
    if not DOCUMENT.with_suffix(".py").is_file():
        pytest.skip("installed without its documents")
    return scripts.script("survival")


@pytest.fixture(scope="session")
def rows():
    """The cells of each client, by its name."""
    lines = DOCUMENT.read_text(encoding="utf-8").partition("<!-- made by")[2].partition("<!-- end")[0].splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert table[0] == ["", *PROFILES]
    return {name: cells for name, *cells in table[2:]}


def test_every_client_has_its_row(script, rows):
    assert list(rows) == list(script.CLIENTS)
    words = {cell.partition(":")[0] for cells in rows.values() for cell in cells}
    assert words <= {str(fate) for fate in Fate}
    assert str(Fate.NEVER_BEGINS) not in words


CHEAP = ("aiohttp, WebSocket", "asyncpg", "redis-py, pooled PING", "websockets")


@pytest.mark.parametrize("name", CHEAP)
def test_a_row_is_what_is_found(script, rows, name):
    """One box that is silent and one that answers with RST; the names of errors are the client's, and may change."""
    package, app = script.CLIENTS[name]
    pytest.importorskip(package)
    profiles = ("open-path", "azure-load-balancer", "aws-nlb-tcp")
    found = survives({name: app}, hours=script.HOURS, profiles=profiles)
    shown = dict(zip(PROFILES, rows[name], strict=True))
    assert {one.profile.id: str(one.fate) for one in found} == {id_: shown[id_].partition(":")[0] for id_ in profiles}


@pytest.mark.parametrize("name", ["aiomqtt", "httpx, pooled GET"])
def test_a_verdict_that_is_wrong_without_the_clock(script, rows, name):
    """In step, it lives as its row says; where `time.monotonic` stands still, it seems to die."""
    package, app = script.CLIENTS[name]
    pytest.importorskip(package)
    (right,), (wrong,) = (
        survives(app, hours=script.HOURS, profiles=[script.FALSE_BEHIND], monotonic=monotonic).each
        for monotonic in (True, False)
    )
    assert (right.survived, wrong.survived) == (True, False)
    assert f"| {name} | {right.fate} | {wrong.fate} |" in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.realtime
def test_a_client_on_the_real_clock(script):
    pytest.importorskip("grpc")
    row = re.search(r"^\| grpcio \| (.*) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)[1]
    shown = dict(zip(PROFILES, row.split(" | "), strict=True))
    with script.grpcio_server() as port:
        for profile in ("open-path", "aws-global-accelerator"):
            assert script.grpcio_fate(port, profile) == shown[profile]
