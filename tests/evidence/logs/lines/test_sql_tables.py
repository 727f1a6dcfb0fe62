"""Engines give rows in any order: the same logs have the same answer whatever that order is."""

import difflib
import json
import random
import shutil

import duckdb
import pytest
from support.company import company, path, write_logs
from support.iis import STEM, head, line, ping, write

from hbprobe.eas.releases import Release
from hbprobe.evidence.logs.company.mixture import mix_of
from hbprobe.evidence.logs.engines.engine import DuckDB
from hbprobe.evidence.logs.questions.export import export
from hbprobe.evidence.logs.questions.reports import reports
from hbprobe.evidence.logs.request import Logs
from hbprobe.evidence.logs.store.stored_logs import checksum_of
from hbprobe.manner import Manner

KINDS = {"ios": (600,), "outlook": (540,), "slow": (180,), "android": (470, 650), "later": (480, 780)}
HTTPERR = """\
#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename
2030-01-02 08:00:00 198.51.100.7 50000 192.0.2.10 443 - - - - - Timer_ConnectionIdle -
2030-01-02 08:00:00 198.51.100.7 50001 192.0.2.10 443 - - - - - Timer_MinBytesPerSecond -
2030-01-02 08:00:00 198.51.100.7 50002 192.0.2.10 443 - - - - - Connection_Dropped -
"""


class Shuffled(DuckDB):
    """Rows that no query has asked to have in order come in one that is drawn."""

    def __init__(self, connection, generator):
        super().__init__(connection)
        self._generator = generator

    def _run(self, sql, values):
        if sql.rfind("ORDER BY") < sql.rfind("FROM"):
            sql = f"SELECT * FROM ({sql}) AS found ORDER BY hash({self._generator.random()}, found)"
        return super()._run(sql, values)


def equals():
    """Give lines of which as many as can be have the same time, count or device as another."""
    for number, (kind, asked) in enumerate(KINDS.items()):
        for device in range(2):
            who, client = f"{kind}-{device}", f"198.51.{number}.{device}"
            for place, heartbeat_s in enumerate(asked):
                blob = f"V141_Hb{heartbeat_s}_Rto1_S2_Error:{'XY'[device]}_Pk{'78'[place]}_"
                yield ping(kind, who, blob, c_ip=client, time=f"08:0{place}:00")
                yield ping(f"also-{kind}", who, blob, c_ip=client, sc_status=449, time=f"08:0{place}:00")
            yield from (ping(kind, who, "V141_Error:OverBudget_BlockedP_", c_ip=client, sc_status=403) for _ in "ab")
            query = f"User={kind}&DeviceId={who}&DeviceType={kind}&Cmd=Sync"
            yield from (line(cs_uri_query=query, sc_status=401, c_ip=client) for _ in range(10))
            yield from (line(cs_uri_query=query, sc_status=code, c_ip=client) for code in (200, 500, 503))


def twins(site):
    """Give lines of which each has twins, on either side: as where an hour is there twice."""
    for device in range(6):
        for minute in range(0, 50, 10):
            for heartbeat_s in (480, 480, 540):
                blob = f"V141_Hb{heartbeat_s}_" if site == "W3SVC2" else None
                yield ping(device=f"TWIN{device}", user=f"twin{device}", blob=blob, time=f"09:{minute:02}:00")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Return a store of what both sides of a company log, and of many lines that are alike."""
    folder = tmp_path_factory.mktemp("logs")
    world = company(path("a", 300), path("b", 600, Manner.RESET), devices=12)
    write_logs(folder / "logs", world, Release.V2019, days=0.15)
    write(folder / "logs/W3SVC1/equals.log", head() + "".join(equals()))
    for site in ("W3SVC1", "W3SVC2"):
        stem = "/Microsoft-Server-ActiveSync/Proxy/default.eas" if site == "W3SVC2" else STEM
        write(folder / f"logs/{site}/twins.log", head() + "".join(twins(site)).replace(STEM, stem))
    write(folder / "logs/httperr1.log", HTTPERR)
    Logs([folder / "logs"], into=folder / "kept").run()
    return folder / "kept"


def shuffle(folder, seed):
    """Change the order of the rows in each file."""
    for file in folder.rglob("*.parquet"):
        rows = f"SELECT * FROM read_parquet('{file}', hive_partitioning=false) AS found"
        duckdb.sql(f"CREATE OR REPLACE TEMP TABLE mixed AS {rows} ORDER BY hash({seed}, found)")
        duckdb.sql(f"COPY mixed TO '{file}' (FORMAT parquet)")
    for note in (folder / "sources").iterdir():  # they are not damaged
        said = json.loads(note.read_text())
        note.write_text(json.dumps({**said, "checksums": [checksum_of(folder / file) for file in said["files"]]}))


def answers(folder, out, tables=DuckDB):
    """Return all that can be asked, as text where the order shows."""
    with Logs([folder]).opened() as opened:
        opened.tables = tables(opened.connection)
        evidence = opened.evidence()
        found = {"evidence": evidence.model_dump_json(indent=1), "mix": mix_of(opened.tables, evidence.limits)[0]}
        found |= {name: "\n".join(map(str, opened.report(name).rows)) for name in reports()}
        found |= {file.name: file.read_text() for file in export(opened.tables, out)}
    return {name: text.splitlines() for name, text in found.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_answer_hangs_on_the_order_of_rows(kept, tmp_path, seed):
    generator = random.Random(seed)
    usual = answers(kept, tmp_path / "usual")
    folder = shutil.copytree(kept, tmp_path / "kept")
    shuffle(folder, seed)
    other = answers(folder, tmp_path / "other", lambda connection: Shuffled(connection, generator))
    different = [list(difflib.unified_diff(usual[name], other[name], name, n=0)) for name in usual]
    assert [lines for lines in different if lines] == []
