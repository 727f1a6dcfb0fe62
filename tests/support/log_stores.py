"""Logs that are read into a folder of Parquet, and their rows."""

import contextlib

from hbprobe.evidence.logs.engines.engine import DuckDB, engine
from hbprobe.evidence.logs.lines.log_sources import LogSource
from hbprobe.evidence.logs.store.log_store import LogStore
from support.iis import write


@contextlib.contextmanager
def store_in(folder, **settings):
    (folder.parent / "scratch").mkdir(exist_ok=True)
    with (
        engine(folder.parent / "scratch") as connection,
        contextlib.closing(LogStore(folder, connection, **settings)) as store,
    ):
        yield store, connection


def taken(tmp_path, text, **settings):
    """Return what was read of a log, and its rows."""
    with store_in(tmp_path / "store", **settings) as (store, connection):
        read = store.take(LogSource(write(tmp_path / "W3SVC1/u_ex300102.log", text)))
        return read, rows(store, connection)


def reads_of(store):
    return [note.read for note in store.stored.notes.values()]


def requests_in(store):
    return [file for read in reads_of(store) for file in store.stored.files(read, "requests")]


def rows(store, connection):
    files = requests_in(store)
    sql = f"SELECT * FROM read_parquet({files}) ORDER BY ended_ms, started_ms"
    return DuckDB(connection).rows(sql)[1] if files else []
