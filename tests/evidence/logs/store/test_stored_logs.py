"""Folders of logs that were read before: as a path, damaged, of others, and beside logs."""

import contextlib
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

import pytest
from support.iis import FIELDS, head, ping, write

from hbprobe.errors import UserError
from hbprobe.evidence.logs.engines.engine import engine
from hbprobe.evidence.logs.request import Logs
from hbprobe.evidence.logs.store.log_store import LogStore
from hbprobe.evidence.logs.store.same_logs import opening_of

KEY = "0123456789abcdef"


def logs_in(folder, *devices):
    for device in devices:
        write(folder / f"{device}.log", head() + ping(device=device, user=device.lower()) * 2)
    return folder


def kept_of(tmp_path, **asked):
    """Return a folder with two logs that were read, and what they show."""
    logs = logs_in(tmp_path / "logs", "D1", "D2")
    return tmp_path / "kept", Logs([logs], into=tmp_path / "kept", **asked).run()


def test_pseudonyms_open_the_folder_that_was_written_with_them(tmp_path):
    key = write(tmp_path / "key", KEY)
    kept, evidence = kept_of(tmp_path, pseudonyms=key)
    more = logs_in(tmp_path / "more", "D3")
    assert Logs([kept], pseudonyms=key).run().coverage == evidence.coverage
    assert Logs([kept, more], pseudonyms=key).run().coverage.devices == 3
    notes = "".join(file.read_text() for file in (kept / "sources").iterdir())
    first = opening_of((tmp_path / "logs/D1.log").read_text())
    assert first and not [digest for digest in first if digest in notes], "whoever guesses a line could prove it"
    with pytest.raises(UserError, match="was written with pseudonyms: give their key with --pseudonyms, or"):
        Logs([kept]).run()
    with pytest.raises(UserError, match="was written with other pseudonyms: give their key with --pseudonyms, or"):
        Logs([kept], pseudonyms=write(tmp_path / "other", KEY[::-1])).run()


def test_pseudonyms_do_not_open_a_folder_without(tmp_path):
    kept, _ = kept_of(tmp_path)
    with pytest.raises(UserError, match="was written without pseudonyms: leave --pseudonyms out, or name another"):
        Logs([kept], pseudonyms=write(tmp_path / "key", KEY)).run()


def test_a_folder_is_not_copied_into_another_which_is_told(tmp_path):
    kept, evidence = kept_of(tmp_path)
    found = Logs([kept], into=tmp_path / "other").run()
    assert found.coverage == evidence.coverage
    assert f"{kept}: read before, and left there: --into keeps what is new" in found.notes
    assert list((tmp_path / "other/sources").iterdir()) == []


def half(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def elsewhere(note):
    said = json.loads(note.read_text())
    note.write_text(json.dumps({**said, "files": ["../../letter.parquet"]}))


def without_checksums(note):
    note.write_text(json.dumps({**json.loads(note.read_text()), "checksums": []}))


def within(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


DAMAGE = {
    "a note is cut": ("sources/*.json", half),
    "a note is empty": ("sources/*.json", lambda file: file.write_text("")),
    "a note is of another kind": ("sources/*.json", lambda file: file.write_text('["mark"]')),
    "a note lacks a value": ("sources/*.json", lambda file: file.write_text('{"mark": "1", "name": "x"}')),
    "a note names a file that is none of its own": ("sources/*.json", elsewhere),
    "a note has no checksums": ("sources/*.json", without_checksums),
    "Parquet is missing": ("requests/*/*.parquet", lambda file: file.unlink()),
    "Parquet is cut": ("requests/*/*.parquet", half),
    "Parquet has another byte": ("requests/*/*.parquet", within),
    "Parquet is empty": ("requests/*/*.parquet", lambda file: file.write_bytes(b"")),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_damaged_is_told_left_out_and_read_again(tmp_path, name):
    letter = write(tmp_path / "letter.parquet", "PAR1 not ours PAR1")
    kept, _ = kept_of(tmp_path)
    pattern, damage = DAMAGE[name]
    damage(min(kept.glob(pattern)))
    for asked in (Logs([kept]), Logs([kept], into=kept), Logs([logs_in(tmp_path / "more", "D3")], into=kept)):
        found = asked.run()
        (left,) = found.not_read
        assert left.reason == f"what {kept} has of it is damaged: read the log again, with --into {kept}"
        assert left.path.endswith(".log") or left.path.startswith(f"{kept}: sources/")
    assert found.coverage.devices == 2
    mended = Logs([tmp_path / "logs"], into=kept).run()
    assert mended.not_read == () and mended.coverage.devices == 3
    assert Logs([kept, tmp_path / "logs"]).run().coverage.requests == 6
    assert letter.exists()
    named = {name for note in (kept / "sources").iterdir() for name in json.loads(note.read_text())["files"]}
    assert named == {str(file.relative_to(kept)) for file in kept.rglob("*.parquet")}


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("", "is damaged: remove the folder"),
        ("[1]", "is damaged: remove the folder"),
        ('{"version": 2, "pseudonyms": null}', "was written by another version: read the logs again, into another"),
    ],
)
def test_a_label_that_is_not_ours(tmp_path, label, told):
    kept, _ = kept_of(tmp_path)
    (kept / "store.json").write_text(label)
    with pytest.raises(UserError, match=re.escape(told)):
        Logs([kept]).run()


def test_one_writes_at_a_time_and_others_may_read(tmp_path):
    kept, evidence = kept_of(tmp_path)
    half_read = write(kept / "reading-1/out/requests/part0.parquet", "x")
    with engine(tmp_path) as connection, contextlib.closing(LogStore(kept, connection)):
        write(half_read, "x")
        with pytest.raises(UserError, match="another hbprobe writes into it: wait for its end"):
            Logs([tmp_path / "logs"], into=kept).run()
        assert Logs([kept]).run().coverage == evidence.coverage
        assert half_read.exists()
    assert Logs([tmp_path / "logs"], into=kept).run().coverage == evidence.coverage


def test_a_folder_with_other_things_is_left_as_it_was(tmp_path):
    logs = logs_in(tmp_path / "logs", "D1")
    with pytest.raises(UserError, match="is not empty, and holds no logs that were read: name another folder"):
        Logs([logs], into=logs).run()
    assert [file.name for file in logs.iterdir()] == ["D1.log"]


def test_a_folder_that_lies_among_logs_is_no_log(tmp_path):
    logs = logs_in(tmp_path / "logs", "D1", "D2")
    evidence = Logs([logs], into=logs / "kept").run()
    assert Logs([logs], into=logs / "kept").run() == evidence and evidence.not_read == ()
    found = Logs([logs]).run()
    assert found.coverage == evidence.coverage
    assert [(left.path, left.reason) for left in found.not_read] == [
        (
            str(logs / "kept/store.json"),
            "says that its folder holds logs that were read before: they count if the folder is named",
        )
    ]
    assert Logs([str(logs / "k*")]).run().not_read == found.not_read


KILLED = """
import os, signal, sys
from pathlib import Path
from hbprobe.evidence.logs.store.log_reading import LogReading
from hbprobe.evidence.logs.request import Logs
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(LogReading, sys.argv[4], killed)
Logs([sys.argv[1]], into=Path(sys.argv[2]), pseudonyms=Path(sys.argv[3])).run()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("at", ["_stretch", "_found"])
def test_a_run_that_was_killed_leaves_no_name_where_pseudonyms_are_kept(tmp_path, monkeypatch, at):
    temporary, kept = tmp_path / "tmp", tmp_path / "kept"
    temporary.mkdir()
    text = (head() + ping() + head(FIELDS, "2030-01-03") + ping()).encode("utf-16")
    arguments = [write(tmp_path / "a.log.gz", gzip.compress(text)), kept, write(tmp_path / "key", KEY), at]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    ended = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], check=False, env=environment)
    assert ended.returncode == -signal.SIGKILL
    held = [file for file in tmp_path.rglob("*") if file.is_file() and b"alice" in file.read_bytes()]
    assert held and all(temporary in file.parents for file in held)
    (left,) = temporary.iterdir()
    assert left.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    assert Logs([tmp_path / "a.log.gz"], into=kept, pseudonyms=tmp_path / "key").run().coverage.requests == 2
    assert list(temporary.iterdir()) == [] and list(kept.glob("reading-*")) == []
