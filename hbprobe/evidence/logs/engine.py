"""DuckDB, as the logs use it: in this process, with bounded memory, and no extension that would be fetched."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hbprobe.errors import UserError
from hbprobe.evidence.logs.rows import PACKED, read_packed_query

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEMORY_MB = 700


@contextmanager
def engine(scratch: Path, memory_mb: int = _MEMORY_MB) -> "Iterator[DuckDBPyConnection]":
    """Open a database in memory; what is too large for it goes to `scratch`."""
    import duckdb

    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": str(scratch),
            "threads": os.cpu_count() or 1,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
    )
    try:
        connection.create_function(PACKED, read_packed_query, ["VARCHAR"], "VARCHAR")
        yield connection
    finally:
        connection.close()


def rows_of(connection: "DuckDBPyConnection", sql: str) -> list[dict[str, Any]]:
    """Run a query, and return its rows by column."""
    return columns_and_rows(connection, sql)[1]


def columns_and_rows(connection: "DuckDBPyConnection", sql: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Run a query; return its columns and rows."""
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return names, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def users_rows(connection: "DuckDBPyConnection", sql: str, name: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Run a query that the user wrote. Raises UserError, in one line, for one that cannot run."""
    import duckdb

    try:
        return columns_and_rows(connection, sql)
    except duckdb.Error as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"{name}: {reason}") from None
