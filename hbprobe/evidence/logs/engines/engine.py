"""DuckDB, as the logs use it: in this process, with bounded memory, and no extension that would be fetched."""

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.evidence.logs.lines.rows import PACKED, read_packed_query
from hbprobe.evidence.logs.lines.sql_tables import ASKS_FOR_NOTHING, Values

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

_MEMORY_MB = 700
_AT_A_TIME = 50_000
_ASKING = ("SELECT", "MULTI")
"""The kinds of statements that only ask: MULTI is PIVOT. EXPLAIN ANALYZE carries out what it explains."""
_ADVICE = re.compile("Original Line:|Possible solutions:")
"""What follows is not to be told: names in a line of a log, and settings that are not the user's."""
_SPILLED = re.compile("offload|temp_directory")
_TOO_LITTLE = "there is too little memory"
_LESS_AT_ONCE = "give fewer logs at once, or lift the limit (ulimit -v)"
_GAVE_OUT = re.compile(
    "|".join(["[Cc]ould not (write|create)", *map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))])
)


@contextmanager
def mapped(otherwise: Callable[[str], Exception]) -> Iterator[None]:
    """Turn DuckDB's exceptions into this package's, and those of memory: the only place that does.

    Raises CannotMeasureError where the disk or the memory gave out, and else what `otherwise` makes of the reason.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        reason = " ".join(_ADVICE.split(str(error))[0].split())[:300]
        is_memory = isinstance(error, duckdb.OutOfMemoryException)
        if is_memory and not _SPILLED.search(reason):
            raise CannotMeasureError(f"{_TOO_LITTLE}: {reason}: {_LESS_AT_ONCE}") from None
        if is_memory or (isinstance(error, duckdb.IOException) and _GAVE_OUT.search(reason)):
            raise CannotMeasureError(
                f"the database has no room: {reason}: make room on that disk, or name a folder on another one with "
                "--into and TMPDIR"
            ) from None
        raise otherwise(reason) from None
    except MemoryError:
        raise CannotMeasureError(f"{_TOO_LITTLE}: {_LESS_AT_ONCE}") from None


def _not_judged(reason: str) -> Exception:
    return CannotMeasureError(f"the logs cannot be judged: {reason}")


@contextmanager
def engine(scratch: Path, memory_mb: int = _MEMORY_MB) -> "Iterator[DuckDBPyConnection]":
    """Open a database in memory; what is too large for it goes to `scratch`. Raises CannotMeasureError."""
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
        with mapped(_not_judged):
            connection.execute("SET GLOBAL TimeZone = 'UTC'")  # GLOBAL: for cursors, too
            yield connection
    finally:
        connection.close()


class DuckDB:
    """The tables in a database of DuckDB; each query is a cursor of its own, so that threads may ask at once."""

    def __init__(self, connection: "DuckDBPyConnection") -> None:
        self._connection = connection

    def _run(self, sql: str, values: Values | None) -> "DuckDBPyConnection":
        return self._connection.cursor().execute(sql, dict(values) if values else None)

    def each(self, sql: str, values: Values | None = None) -> Iterator[tuple[Any, ...]]:
        """See `Tables`; rows come as they are asked for."""
        cursor = self._run(sql, values)
        while batch := cursor.fetchmany(_AT_A_TIME):
            yield from batch

    def arrays(self, sql: str, values: Values | None = None) -> "dict[str, NDArray[Any]]":
        """See `Tables`."""
        import numpy as np

        found = self._run(sql, values).fetchnumpy()
        return {
            name: np.ma.filled(column, np.nan) if column.dtype.kind == "f" else np.asarray(column)
            for name, column in found.items()
        }

    def rows(self, sql: str, values: Values | None = None) -> tuple[list[str], list[dict[str, Any]]]:
        """See `Tables`."""
        cursor = self._run(sql, values)
        # For text without a statement DuckDB gives None in its place, against its own types.
        names = [column[0] for column in getattr(cursor, "description", None) or ()]
        return names, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []

    def users_rows(self, sql: str, name: str) -> tuple[list[str], list[dict[str, Any]]]:
        """See `Tables`."""
        with mapped(lambda reason: UserError(f"{name}: {reason}")):
            kinds = [statement.type.name for statement in self._connection.extract_statements(sql)]
            if len(kinds) > 1:
                raise UserError(
                    f"{name}: holds {len(kinds)} statements: write one SELECT, and each other into its own file"
                )
            if not kinds or kinds[0] not in _ASKING:
                raise UserError(f"{name}: {ASKS_FOR_NOTHING}")
            return self.rows(sql)
