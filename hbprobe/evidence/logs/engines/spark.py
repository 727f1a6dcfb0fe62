"""Spark, for logs of more than one machine: the same SQL as on DuckDB, over the Parquet that a store keeps.

PySpark (the extra `spark`) is there where it was installed, with a Java runtime. https://spark.apache.org/docs/latest/.
"""

import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.evidence.logs.lines.clocks import Apart, SetBack, clocks_apart
from hbprobe.evidence.logs.lines.sql_tables import ASKS_FOR_NOTHING, Values
from hbprobe.evidence.logs.silences.following import (
    CLOCK_GAPS,
    SILENCES,
    SILENCES_ASKED_FOR,
    both_ways,
    margins,
    waits_sql,
)
from hbprobe.evidence.logs.silences.pairing import SIDE_CLOCKS, SIDED, SIDES, requests_sql, side_clocks

_LOCAL: Final = "local[*]"
_PARTITIONS, _UNLESS_SAID, _FOR_EACH_CORE = "spark.sql.shuffle.partitions", "200", 2
"""In so many parts are rows grouped, unless somebody says it. Each is a task: 200 on two cores are slow for nothing
(https://spark.apache.org/docs/latest/sql-performance-tuning.html#tuning-partitions)."""
_CONNECT: Final = "sc://"
_AS_A_QUERY: Final = "DESCRIBE QUERY\n"
"""Before a query it tells of the columns, and before any other statement it is a mistake:
https://spark.apache.org/docs/latest/sql-ref-syntax-aux-describe-query.html."""
_NOTHING_BEHIND: Final = "`QUERY`"
"""For such a table does Spark look where no query stands there, but nothing, or one word such as RESET."""
_TELLING: Final = re.compile(r"(\s|--[^\n]*\n|/\*.*?\*/)*(SHOW|DESCRIBE|DESC)\b", re.DOTALL | re.IGNORECASE)


class _Frame(Protocol):
    """What is used of PySpark's DataFrame, which has a class of its own for each way to reach Spark."""

    columns: Sequence[str]
    dtypes: Sequence[tuple[str, str]]

    def select(self, *columns: str) -> "_Frame": ...
    def where(self, condition: str) -> "_Frame": ...
    def cache(self) -> "_Frame": ...
    def createOrReplaceTempView(self, name: str) -> None: ...  # noqa: N802 (its name there)
    def collect(self) -> Sequence[Iterable[Any]]: ...


class _Reader(Protocol):
    def option(self, name: str, value: str) -> "_Reader": ...
    def parquet(self, *files: str) -> _Frame: ...


class _Session(Protocol):
    read: _Reader

    def sql(self, sql: str, args: dict[str, float | str] | None) -> _Frame: ...
    def createDataFrame(self, rows: Sequence[object], schema: str) -> _Frame: ...  # noqa: N802


@contextmanager
def spark(remote: str | None) -> "Iterator[Spark]":
    """Open a session: in this process, of a master such as `local-cluster[2,1,1024]`, or of a server at `sc://`.

    Raises UserError where PySpark is not there, or where no session comes about, and CannotMeasureError for what
    Spark gives up on later.
    """
    try:
        import pyspark
        from pyspark.sql import SparkSession
    except ImportError:
        raise UserError("--engine spark needs PySpark, and a Java runtime: pip install pyspark") from None
    address = remote or _LOCAL
    logging.getLogger("SQLQueryContextLogger").disabled = True  # it prints pages for a query that is wrong
    os.environ.setdefault("SPARK_HOME", str(Path(pyspark.__file__).parent))  # workers of a local-cluster look for it
    builder = SparkSession.builder.appName("hbprobe logs").config("spark.sql.session.timeZone", "UTC")
    if address.startswith(_CONNECT):
        builder = builder.remote(address)
    else:
        builder = builder.master(address).config("spark.ui.enabled", "false").config("spark.log.level", "FATAL")
        builder = builder.config("spark.ui.showConsoleProgress", "false")
    try:
        session = builder.getOrCreate()
        if not address.startswith(_CONNECT) and session.conf.get(_PARTITIONS) == _UNLESS_SAID:
            session.conf.set(_PARTITIONS, str(_FOR_EACH_CORE * session.sparkContext.defaultParallelism))
    except Exception as error:  # of py4j, gRPC or Java, none of which share a class
        raise UserError(f"--engine spark: no session of {address}: {_in_a_line(error)}") from None
    try:
        yield Spark(session)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("pyspark", "py4j"):
            raise
        raise CannotMeasureError(
            f"--engine spark: {address} gave up: {_in_a_line(error)}: if files are missing there, let --into name a "
            "folder that its workers reach under the same name"
        ) from None
    finally:
        with suppress(Exception):  # it may be gone already
            session.stop()


class Spark:
    """The tables `requests`, `silences` and `httperr` in a session of Spark."""

    def __init__(self, session: _Session) -> None:
        self._session = session

    def read(self, name: str, files: Sequence[str], columns: Mapping[str, str], where: str = "true") -> None:
        """Make a view of files of Parquet, which the workers must reach under the same names."""
        if files:
            found = self._session.read.option("recursiveFileLookup", "true").parquet(*files)
            found = found.select(*columns).where(where)
        else:
            nothing = ", ".join(f"CAST(NULL AS {_type(kind)}) AS {column}" for column, kind in columns.items())
            found = self._run(f"SELECT {nothing} WHERE false")
        found.createOrReplaceTempView(name)

    def follow(
        self,
        role: str,
        networks: Sequence[tuple[str, str | None]],
        narrow: str,
        values: Values,
        set_back: Iterable[SetBack],
        within: str,
        *,
        is_paired: bool,
    ) -> tuple[Apart, ...]:
        """Make everything out of `near_lines`, as `following` does on DuckDB; `narrow` is what reports are to see.

        `set_back` is where the clocks of logs were; `within` is the time that is asked for.

        Returns how far clocks are apart.
        """
        named = self._session.createDataFrame(list(networks), "address STRING, network STRING")
        named.createOrReplaceTempView("networks")
        self._define("lines", f"SELECT * FROM near_lines WHERE {within}")
        self._pair(role, within, is_paired=is_paired)
        self._define("waits", *waits_sql(set_back, narrow, values), is_kept=True)
        pairs = clocks_apart((one, other, step, times) for one, other, step, times in self.each(CLOCK_GAPS))
        clocks = self._session.createDataFrame(both_ways(pairs), "ended_by STRING, begun_by STRING, ahead_s DOUBLE")
        clocks.createOrReplaceTempView("clocks")
        self._define("all_silences", SILENCES, margins(), is_kept=True)
        self._define("silences", SILENCES_ASKED_FOR)
        self._define("requests", f"SELECT * FROM all_requests WHERE {narrow}", values)
        return pairs

    def _pair(self, role: str, within: str, *, is_paired: bool) -> None:
        if not is_paired:
            self._define("all_requests", requests_sql(role), is_kept=True)
            return
        numbered = "(SELECT *, monotonically_increasing_id() AS id FROM near_lines)"
        self._define("sided_lines", SIDED.format(numbered=numbered, role=role), is_kept=True)
        clocks = side_clocks(self.each(SIDES))
        columns = SIDE_CLOCKS.format(text="STRING")
        self._session.createDataFrame(clocks, columns).createOrReplaceTempView("side_clocks")
        self._define("all_requests", requests_sql(role, joined_within=within), is_kept=True)

    def _define(self, name: str, sql: str, values: Values | None = None, *, is_kept: bool = False) -> None:
        found = self._run(sql, values)
        (found.cache() if is_kept else found).createOrReplaceTempView(name)

    def _run(self, sql: str, values: Values | None = None) -> _Frame:
        if not values:
            return self._session.sql(sql, args=None)
        return self._session.sql(re.sub(r"\$([a-z_][a-z_0-9]*)", r":\1", sql), args=dict(values))

    def each(self, sql: str, values: Values | None = None) -> Iterator[tuple[Any, ...]]:
        """See `Tables`."""
        for row in self._run(sql, values).collect():  # an iterator would be a job for each of 200 partitions
            yield tuple(map(_plain, row))

    def arrays(self, sql: str, values: Values | None = None) -> dict[str, NDArray[Any]]:
        """See `Tables`."""
        found = self._run(sql, values)
        rows = [tuple(map(_plain, row)) for row in found.collect()]
        columns = list(zip(*rows, strict=True)) or [()] * len(found.columns)
        return {name: _array(column) for name, column in zip(found.columns, columns, strict=True)}

    def rows(self, sql: str, values: Values | None = None) -> tuple[list[str], list[dict[str, Any]]]:
        """See `Tables`."""
        found = self._run(sql, values)
        names, plain = list(found.columns), [_in_utc if kind == "timestamp" else _plain for _, kind in found.dtypes]
        return names, [
            {name: of(value) for name, of, value in zip(names, plain, row, strict=True)} for row in found.collect()
        ]

    def users_rows(self, sql: str, name: str) -> tuple[list[str], list[dict[str, Any]]]:
        """See `Tables`."""
        from pyspark.errors import PySparkException

        try:
            if not _TELLING.match(sql) and not self._is_query(sql):
                raise UserError(f"{name}: {ASKS_FOR_NOTHING}")
            return self.rows(sql)
        except PySparkException as error:
            raise UserError(f"{name}: {_in_a_line(error)}") from None

    def _is_query(self, sql: str) -> bool:
        """Let Spark's parser say whether this only asks: it would carry out a DROP, and the INSERT behind a WITH.

        Raises a ParseException for what is no statement at all.
        """
        from pyspark.errors import AnalysisException, ParseException

        try:
            self._run(_AS_A_QUERY + sql)
        except ParseException:
            self._run(f"EXPLAIN {sql}")
            return False
        except AnalysisException as error:
            return _NOTHING_BEHIND not in str(error)
        return True


def _type(kind: str) -> str:
    return "STRING" if kind == "VARCHAR" else kind


def _plain(value: object) -> object:
    """Return a value as DuckDB gives it: a quotient is a float there."""
    return float(value) if isinstance(value, Decimal) else value


def _in_utc(value: object) -> object:
    """Return a moment as it is in UTC: PySpark gives it by the clock of this machine's wall."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _array(column: Sequence[Any]) -> NDArray[Any]:
    """Return a column: one of numbers with NaN for none, one of text as it is."""
    if any(isinstance(value, float) for value in column):
        return np.array([np.nan if value is None else value for value in column], np.float64)
    return np.array(column, None if column and isinstance(column[0], bool) else np.object_)


def _in_a_line(error: Exception) -> str:
    """Return the reason, without Spark's plan and stack behind it."""
    reason = str(error).split("\n\nJVM stacktrace")[0].split(";\n")[0]
    return " ".join(reason.split())[:300]
