"""The lines of IIS's log as rows: which columns there are, and how names and packed queries are read."""

import base64

import duckdb
import pytest

from hbprobe.eas.query import Query
from hbprobe.evidence.logs.lines.rows import (
    REQUESTS,
    Layout,
    columns_of,
    normal_user,
    read_packed_query,
    reading,
    selecting,
)


def test_columns_have_types_and_the_names_that_iis_gives_them():
    assert columns_of(["Date-Local", "TimeTakenMS", "sc-status", "X-Forwarded-For"]) == {
        "date": "DATE",
        "time-taken": "BIGINT",
        "sc-status": "INTEGER",
        "x-forwarded-for": "VARCHAR",
    }


def test_a_field_that_stands_twice_is_two_columns():
    assert list(columns_of(["cs-host", "CS-Host", "cs-host"])) == ["cs-host", "cs-host'", "cs-host''"]


def test_a_quote_in_a_field_stays_in_its_text():
    assert "'it''s': 'VARCHAR'" in reading(columns_of(["it's"]), Layout.BLANKS)


@pytest.mark.parametrize(
    "name", ["alice", "ALICE", r"EXAMPLE\alice", "EXAMPLE%5Calice", "EXAMPLE%5calice", "alice@example.test"]
)
def test_one_user_by_all_names(name):
    ((user,),) = duckdb.execute(f"SELECT {normal_user('$name')}", {"name": name}).fetchall()
    assert user == "alice"


def test_rows_have_every_column_whatever_the_log_lacks():
    with duckdb.connect() as connection:
        connection.create_function("read_packed_query", read_packed_query, ["VARCHAR"], "VARCHAR")
        connection.execute('CREATE TABLE lines ("cs-uri-stem" VARCHAR)')
        sql = selecting({"cs-uri-stem": "VARCHAR"}, "lines")
        said = {name: "" for name in ("folder", "source", "with_query") if f"${name}" in sql}
        assert [column[0] for column in connection.execute(sql, said).description] == list(REQUESTS)


def test_a_packed_query_is_unpacked_and_anything_else_is_none():
    asked = Query("Ping", "alice", "D1", "Phone")
    assert read_packed_query(asked.plain()).split("\x1f")[:4] == ["Ping", "alice", "D1", "Phone"]
    assert read_packed_query("no query") == ""
    assert read_packed_query(base64.b64encode(b"\xff\xff").decode()) == ""


@pytest.mark.parametrize("length", [3, 4, 5])
def test_a_packed_query_may_lack_its_padding_or_be_escaped(length):
    device = b"D" * length
    packed = bytes((141, 18, 9, 4, length)) + device + b"\0\x06iPhone"
    text = base64.b64encode(packed).decode()
    found = {read_packed_query(one) for one in (text, text.rstrip("="), text.replace("=", "%3D"), f"{text};")}
    assert found == {f"Ping\x1f\x1f{device.decode()}\x1fiPhone\x1f141"}
