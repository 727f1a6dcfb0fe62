import pytest

from hbprobe.errors import UserError
from hbprobe.watch.lock import only_watch


def test_one_at_a_time(tmp_path):
    database = tmp_path / "watch.sqlite"
    with (
        only_watch(database),
        pytest.raises(UserError, match=r"watch\.sqlite: another hbprobe watch works on it"),
        only_watch(database),
    ):
        pass
    with only_watch(database):
        pass
    assert not database.exists()


def test_where_nothing_can_be_written(tmp_path):
    with (
        pytest.raises(UserError, match=r"x\.lock: cannot be written: unable to open database file"),
        only_watch(tmp_path / "no" / "x"),
    ):
        pass
