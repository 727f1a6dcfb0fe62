import errno
import os
import signal
import subprocess
import sys

import duckdb
import pytest
from support.iis import head, ping, write
from support.log_stores import reads_of, requests_in, rows, store_in, taken

from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.evidence.logs.lines import w3c
from hbprobe.evidence.logs.lines.log_sources import LogSource
from hbprobe.evidence.logs.store import log_reading
from hbprobe.evidence.logs.store.log_store import LogStore
from hbprobe.evidence.logs.store.stored_logs import Pseudonyms


def test_a_later_run_reads_only_what_is_new(tmp_path):
    file = write(tmp_path / "logs/a.log", head() + ping())
    with store_in(tmp_path / "store") as (store, _):
        first = store.take(LogSource(file))
        assert store.take(LogSource(file)) is first
    with store_in(tmp_path / "store") as (store, connection):
        assert store.take(LogSource(file)) == first
        write(file, head() + ping() + ping(time="09:00:00"))
        assert store.take(LogSource(file)).requests == 2
        assert len(rows(store, connection)) == 2
        assert len(requests_in(store)) == 1


def several(tmp_path):
    """Return logs of one request each, with one that cannot be read among them."""
    texts = {f"{number}.log": head() + ping(device=f"D{number}") for number in range(5)} | {"3.log": "hello\n"}
    return [LogSource(write(tmp_path / "logs" / name, text)) for name, text in sorted(texts.items())]


def test_logs_that_are_read_at_the_same_time_come_in_order(tmp_path):
    sources, told = several(tmp_path), []
    with store_in(tmp_path / "store") as (store, connection):
        found = list(store.take_all(sources, told.append))
        assert [source for source, _ in found] == sources
        assert told == [f"reading {source.name}" for source in sources]
        assert [None if error is None else str(error)[:6] for _, error in found] == [None, None, None, "is no ", None]
        assert [read.name for read in reads_of(store)] == [
            source.name for source in sources if "3.log" not in source.name
        ]
        assert sorted(row["device"] for row in rows(store, connection)) == ["D0", "D1", "D2", "D4"]


def test_whoever_stops_in_the_middle_finds_no_half_file_later(tmp_path):
    with store_in(tmp_path / "store") as (store, _):
        for source, _ in store.take_all(several(tmp_path)):
            if source.name.endswith("1.log"):
                break
    with store_in(tmp_path / "store") as (store, connection):
        assert {read.requests for read in reads_of(store)} == {1} and len(rows(store, connection)) == len(
            reads_of(store)
        )
        assert not list((tmp_path / "store").glob("reading-*"))


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    [
        (w3c, "divide", FULL),
        (LogStore, "_keep", FULL),
        (LogStore, "_note", FULL),
        (log_reading.rows, "selecting", duckdb.IOException("Could not write file: No space left on device")),
        (log_reading.rows, "selecting", duckdb.OutOfMemoryException("failed to offload data block")),
    ],
)
def test_a_full_disk_ends_the_run_and_is_not_blamed_on_a_log(tmp_path, monkeypatch, owner, name, error):
    def refused(*_):
        raise error

    monkeypatch.setattr(owner, name, refused)
    with (
        store_in(tmp_path / "store") as (store, _),
        pytest.raises(CannotMeasureError, match=r"^[^\n]*(No space left on device|offload)[^\n]*: make room"),
    ):
        list(store.take_all(several(tmp_path)))


@pytest.mark.parametrize(
    "error",
    [MemoryError(), duckdb.OutOfMemoryException("Failed to allocate 9 bytes Possible solutions: * SET threads=1")],
)
def test_too_little_memory_ends_the_run_and_is_no_full_disk(tmp_path, monkeypatch, error):
    def refused(*_):
        raise error

    monkeypatch.setattr(log_reading.rows, "selecting", refused)
    told = r"^there is too little memory(: Failed to allocate 9 bytes)?: give fewer logs at once, or lift the limit"
    with store_in(tmp_path / "store") as (store, _), pytest.raises(CannotMeasureError, match=told):
        list(store.take_all(several(tmp_path)))


def test_folders_are_hive_folders(tmp_path):
    with store_in(tmp_path / "store") as (store, _):
        store.take(LogSource(write(tmp_path / "a.log", head() + ping() + ping(date="2030-01-03"))))
    days = sorted(path.name for path in (tmp_path / "store/requests").iterdir())
    assert days == ["day=2030-01-02", "day=2030-01-03"]


KILLED = """
import os, signal, sys
from pathlib import Path
from hbprobe.evidence.logs.store import log_store as module
from hbprobe.evidence.logs.engines.engine import engine
from hbprobe.evidence.logs.lines.log_sources import LogSource
def killed(self, *rest):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module.LogStore, sys.argv[3], killed)
with engine(Path(sys.argv[4])) as connection:
    module.LogStore(Path(sys.argv[1]), connection).take(LogSource(Path(sys.argv[2])))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("at", ["_keep", "_note"])
def test_one_that_was_killed_leaves_no_half_file(tmp_path, at):
    file = write(tmp_path / "a.log", head() + ping())
    arguments = [str(tmp_path / "store"), str(file), at, str(tmp_path)]
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    with store_in(tmp_path / "store") as (store, connection):
        assert requests_in(store) == [] and list((tmp_path / "store").rglob("*.parquet")) == []
        store.take(LogSource(file))
        assert len(rows(store, connection)) == 1
    assert list((tmp_path / "store").glob("reading-*")) == []


def test_a_folder_that_holds_something_else(tmp_path):
    write(tmp_path / "full/letter.txt", "x")
    with (
        pytest.raises(UserError, match="is not empty, and holds no logs that were read"),
        store_in(tmp_path / "full"),
    ):
        pass


def test_pseudonyms_hide_names_and_keep_networks(tmp_path):
    key = Pseudonyms(b"0123456789abcdef")
    _, (row,) = taken(tmp_path, head() + ping(), pseudonyms=key)
    assert row["device"] == key.of("SYNTH01") and row["user_name"] == key.of("alice")
    assert row["client"].startswith("198.51.100.0#")
    assert "alice" not in str(row).lower() and "SYNTH01" not in str(row)
    assert Pseudonyms(b"another key 1234").of("alice") != key.of("alice")


def test_pseudonyms_are_not_mixed_with_names(tmp_path):
    with store_in(tmp_path / "store"):
        pass
    with (
        pytest.raises(UserError, match="without pseudonyms: leave --pseudonyms out"),
        store_in(tmp_path / "store", pseudonyms=Pseudonyms(b"x" * 16)),
    ):
        pass
