"""The same SQL on two engines: each query gives the same rows on Spark as on DuckDB."""

import csv
import json
import math
import os
import sys
import time

import pytest
from support.company import company, path, write_logs
from support.iis import FIELDS, head, line, ping, write

from hbprobe.eas.releases import Release
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.evidence.logs.company.mixture import mix_of
from hbprobe.evidence.logs.engines.spark import Spark
from hbprobe.evidence.logs.questions.export import export
from hbprobe.evidence.logs.questions.reports import reports
from hbprobe.evidence.logs.request import Engine, Logs
from hbprobe.manner import Manner

MORE = (
    *(line(cs_uri_query="User=bob&DeviceId=B1&DeviceType=WP8&Cmd=Sync", sc_status=status) for status in (401,) * 12),
    *(ping("carol", "C1", "V120_Ssnf:T_As:BlockedP_", sc_status=449) for _ in range(3)),
    *(ping("dave", "D1", f"V141_Hb480_S1_Pa{ack}_Error:OverBudget_") for ack in (1, 2)),
    *(
        line(cs_uri_query=f"User=erin&DeviceId=E1&DeviceType=X&Cmd=Sync&Log=V25_Fid:3_St:{kind}_Sk:7_")
        for kind in "FRIS" * 20
    ),
    line(cs_uri_query="-", cs_method="OPTIONS", cs_username="-"),
    *(ping("fay", "F1", None, sc_status=502, sc_win32_status=1236, time_taken=197_000) for _ in range(3)),
    *(ping("gil", "G1", time=f"08:11:{second % 60:02}") for second in range(70)),
)
WITH_BYTES = f"{FIELDS} sc-bytes cs-bytes"
HTTPERR = (
    "#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename\n"
    "2030-01-02 08:00:00 198.51.100.7 50000 192.0.2.10 443 - - - - - Timer_ConnectionIdle -\n"
)


NOT_ASKING = (
    "-- SELECT\nDROP VIEW silences",
    "WITH a AS (SELECT 1) INSERT INTO mine SELECT * FROM a",
    "FROM requests INSERT INTO mine SELECT device",
    "CREATE TABLE mine AS SELECT 1",
    "EXPLAIN SELECT 1",
    "RESET",
    "",
    "-- nothing",
)
MISTAKEN = {
    "SELECT none_such FROM requests": "none_such",
    "SELECT device FORM requests x y": "'requests'",
    "BEGIN DROP VIEW silences; END": "'BEGIN'",
    "SELECT 1; SELECT 2": "'SELECT'",
}
"""What is told names what is wrong."""
ASKING = (
    "-- all\nSELECT count(*) AS n FROM silences; -- of them",
    "WITH a AS (SELECT device, user_name FROM requests) (SELECT * FROM a WHERE device = 'B1' LIMIT 1)",
    "SELECT '$user' AS a, 0.5 * 3 AS b FROM requests LIMIT 1",
    "SELECT to_timestamp(min(ended_ms) / 1000) AS at, hour(to_timestamp(min(ended_ms) / 1000)) AS hour FROM requests",
)


@pytest.fixture
def kept(tmp_path):
    """Return a store of what both sides of a company log, and of lines of every kind that reports look for."""
    logs, folder = tmp_path / "logs", tmp_path / "kept"
    world = company(path("a", 300), path("b", 600, Manner.RESET), devices=12)
    write_logs(logs, world, Release.V2019, days=0.15)
    write(logs / "W3SVC1/more.log", head() + "".join(MORE))
    write(logs / "W3SVC1/bytes.log", head(WITH_BYTES) + line(WITH_BYTES, sc_bytes=313, cs_bytes=612))
    write(logs / "httperr1.log", HTTPERR)
    Logs([logs], into=folder).run()
    return folder


@pytest.fixture
def pyspark(monkeypatch):
    """Find PySpark in a folder of its own: it has half a gigabyte, and is not among what tests bring."""
    folder = os.environ.get("HBPROBE_PYSPARK")
    if not folder:
        pytest.skip("needs PySpark in the folder HBPROBE_PYSPARK, and Java")
    monkeypatch.setattr(sys, "path", [*sys.path, folder])


@pytest.fixture
def cheap(tmp_path, monkeypatch):
    """Let Spark do with little: for some hundred rows, to compile each query is nearly all that it costs."""
    write(
        tmp_path / "conf/spark-defaults.conf",
        "spark.sql.codegen.wholeStage false\nspark.sql.codegen.factoryMode NO_CODEGEN\n"
        "spark.sql.adaptive.enabled false\nspark.sql.shuffle.partitions 1\n"
        "spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1\n"
        "spark.executor.extraJavaOptions -XX:TieredStopAtLevel=1\n",
    )
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path / "conf"))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("TZ", "America/New_York")  # PySpark tells times by the clock on the wall
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def same(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=2e-3)  # a half may be rounded either way
    return one == other


def differences(one, other, at=""):
    """Give where trees of values differ."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], f"{at} {key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{at} {place}")
    elif not same(one, other):
        yield at, one, other


def cells(file):
    """Return the cells of a CSV file, numbers as numbers."""
    rows = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) > 1
    return [[float(cell) if cell.replace(".", "", 1).isdecimal() else cell for cell in row] for row in rows]


@pytest.mark.program
@pytest.mark.usefixtures("pyspark", "cheap")
def test_every_query_gives_the_same_rows(kept, tmp_path):
    """In a cluster on this machine, so that rows cross processes."""
    order = "who NULLS LAST, started_ms NULLS LAST, since_s NULLS LAST, kind_of"
    own = write(tmp_path / "own.sql", f"SELECT who, kind_of, since_s, network FROM silences ORDER BY {order}")
    master = "local-cluster[1,1,1024]"
    with Logs([kept]).opened() as here, Logs([kept], engine=Engine.SPARK, spark_remote=master).opened() as there:
        different = []
        for name in reports():
            one, other = here.report(name), there.report(name)
            assert one.columns == other.columns and one.rows, name
            rows = zip(one.rows, other.rows, strict=True)
            different += [(name, *row) for row in rows if not all(map(same, *row))]
        assert different == []
        one, other = here.query(own), there.query(own)
        rows = zip(one.rows, other.rows, strict=True)
        assert len(one.rows) > 100 and [row for row in rows if not all(map(same, *row))] == []
        both = [opened.evidence().model_dump(mode="json") for opened in (here, there)]
        assert list(differences(*both)) == []
        for here_file, there_file in zip(
            export(here.tables, tmp_path / "here"), export(there.tables, tmp_path / "there"), strict=True
        ):
            assert list(differences(cells(here_file), cells(there_file), here_file.name)) == []
        assert mix_of(here.tables, here.evidence().limits) == mix_of(there.tables, here.evidence().limits)
        for sql in NOT_ASKING:
            with pytest.raises(UserError, match=r"wrong\.sql: asks for nothing: write one SELECT$"):
                there.query(write(tmp_path / "wrong.sql", sql))
        for sql, told in MISTAKEN.items():
            with pytest.raises(UserError, match=rf"wrong\.sql: .*{told}"):
                there.query(write(tmp_path / "wrong.sql", sql))
        for sql in ASKING:
            one, other = (opened.query(write(tmp_path / "own.sql", sql)) for opened in (here, there))
            assert json.loads(one.to_json()) == json.loads(other.to_json()) and one.rows


@pytest.mark.program
@pytest.mark.usefixtures("pyspark", "cheap")
def test_files_that_its_workers_do_not_find(kept, monkeypatch):
    monkeypatch.setattr(Spark, "read", lambda self, *_: self._session.read.parquet("/none/such.parquet"))
    with (
        pytest.raises(CannotMeasureError, match=r"--engine spark: local\[1\] gave up: .*such\.parquet.*--into"),
        Logs([kept], engine=Engine.SPARK, spark_remote="local[1]").opened(),
    ):
        pass
