import os

import pytest

from hbprobe.files import remark_on_readers, without_link


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
    without_link(link).write_text("result")
    assert (victim.read_text(), link.read_text(), link.is_symlink()) == ("precious", "result", False)


def test_a_file_stays_until_it_is_written(tmp_path):
    path = tmp_path / "result.json"
    path.write_text("before")
    assert without_link(path) == path
    assert path.read_text() == "before"
