import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hbprobe.errors import CannotMeasureError
from hbprobe.files import remark_on_readers, scratch_folder, write_whole


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
@pytest.mark.parametrize(
    ("mode", "readable"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o644, True)]
)
def test_who_can_read_a_secret(tmp_path, mode, readable):
    path = tmp_path / "secret"
    path.touch()
    path.chmod(mode)
    said = f"{path}: others on this machine can read it: chmod 600 {path}" if readable else ""
    assert remark_on_readers(path) == said


def test_what_is_not_there_gets_no_remark(tmp_path):
    assert remark_on_readers(tmp_path / "none") == ""


def test_a_link_is_taken_away_and_what_it_leads_to_is_left_alone(tmp_path):
    victim, link = tmp_path / "victim", tmp_path / "result.json"
    victim.write_text("precious")
    link.symlink_to(victim)
    write_whole(link, "result")
    assert (victim.read_text(), link.read_text(), link.is_symlink()) == ("precious", "result", False)


def test_a_file_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    path.write_text("before")

    def fails(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(CannotMeasureError, match=r"result\.json: cannot be written: No space left on device$"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


LEFT = """
import os, signal
from hbprobe.files import scratch_folder
with scratch_folder("ours-") as folder:
    (folder / "text").write_text("alice")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_scratch_folder_of_a_process_that_was_killed_is_removed_by_the_next(temporary):
    environment = {**os.environ, "TMPDIR": str(temporary)}
    ended = subprocess.run([sys.executable, "-c", LEFT], check=False, env=environment, stdout=subprocess.PIPE)
    left = Path(ended.stdout.decode().strip())
    assert (left / "text").exists() and left.stat().st_mode & 0o777 == 0o700
    with scratch_folder("ours-") as folder:
        assert list(temporary.iterdir()) == [folder]
    assert list(temporary.iterdir()) == []


def test_a_scratch_folder_that_is_in_use_stays_and_so_does_what_is_not_ours(temporary):
    (temporary / "ours-file").write_text("x")
    (temporary / "ours-without-a-sign").mkdir()
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "in-use").write_text("")
    (temporary / "ours-link").symlink_to(elsewhere)
    with scratch_folder("ours-") as one, scratch_folder("ours-") as other:
        assert one.exists() and other.exists() and (elsewhere / "in-use").exists()
    assert {path.name for path in temporary.iterdir()} == {
        "ours-file", "ours-without-a-sign", "ours-link", "elsewhere",
    }  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="flock is not there")
def test_where_no_locks_are_known_nothing_is_taken_for_left(temporary, monkeypatch):
    import fcntl

    def unknown(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unknown)
    with scratch_folder("ours-") as one, scratch_folder("ours-"):
        assert one.exists()
