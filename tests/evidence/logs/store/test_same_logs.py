import codecs
import gzip
import shutil
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.iis import head, line, ping, write

from hbprobe.evidence.logs.request import Logs
from hbprobe.evidence.logs.store.same_logs import opening_of, repeats


@dataclass
class Log:
    lines: int
    opening: tuple[str, ...]


def always(_one, _other):
    return True


def log_of(lines):
    return Log(len(lines), opening_of("".join(f"{line}\n" for line in lines)))


@given(st.lists(st.text("ab", max_size=2), min_size=1, max_size=80), st.lists(st.text("ab", max_size=2), max_size=9))
def test_a_beginning_is_found_and_the_longer_stands(lines, more):
    whole = [*lines, *more]
    expected = {0: 1} if more else {1: 0}
    assert repeats([log_of(lines), log_of(whole)], always) == expected


@given(st.lists(st.lists(st.sampled_from("ab"), max_size=5), max_size=6))
def test_one_stands_of_those_that_begin_alike(logs):
    found = repeats([log_of(lines) for lines in logs], always)
    for index, lines in enumerate(logs):
        within = [other for number, other in enumerate(logs) if number != index and other[: len(lines)] == lines]
        assert not lines or (index in found) <= bool(within)
    standing = [lines for index, lines in enumerate(logs) if index not in found and lines]
    assert not [1 for one in standing for other in standing if one is not other and other[: len(one)] == one]


def test_what_goes_on_differently_within_the_opening_is_another():
    assert repeats([log_of("abc"), log_of("abd"), log_of("bab")], always) == {}


def test_what_begins_alike_and_is_not_the_same_stands_beside_it():
    logs = [log_of("a" * 70), log_of("a" * 80), log_of("a" * 90), log_of("a" * 65)]
    assert repeats(logs, lambda one, other: {one, other} == {0, 1}) == {0: 1}


def test_a_last_line_without_an_end_and_nothing_at_all_are_no_beginning():
    assert opening_of("half a line") == opening_of("") == ()
    assert repeats([Log(0, opening_of("#Fields: a\n")), Log(3, opening_of("#Fields: a\nx\n"))], always) == {}


def test_a_key_hides_what_the_lines_are():
    assert opening_of("a\n", b"key") != opening_of("a\n") != opening_of("a\n", b"another")


# Whole logs

TEXT = head() + "".join(ping(device=f"D{number % 3}", time=f"08:{number:02}:00") for number in range(40))
SAME = {
    "packed": ("a.log.gz", lambda data: gzip.compress(data)),
    "renamed": ("b.log", lambda data: data),
    "copied at noon": ("noon.log", lambda data: data[: data.index(b"08:17:00")]),
    "copied at noon, in the middle of a line": ("noon.log", lambda data: data[: data.index(b"08:17:00") + 30]),
    "other line ends": ("dos.log", lambda data: data.replace(b"\n", b"\r\n")),
    "in UTF-16": ("wide.log", lambda data: data.decode().encode("utf-16")),
    "a mark in front": ("mark.log", lambda data: codecs.BOM_UTF8 + data),
}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("is_kept", [False, True])
def test_the_lines_of_a_log_count_once(tmp_path, name, is_kept):
    file = write(tmp_path / "logs/a.log", TEXT)
    alone = Logs([file]).run()
    called, made = SAME[name]
    again = write(tmp_path / "logs" / called, made(TEXT.encode()))
    into = tmp_path / "kept" if is_kept else None
    for paths in ([tmp_path / "logs"], [again, file]):
        found = Logs(paths, into=into).run()
        assert found.coverage == alone.coverage and found.limits == alone.limits
        (left,) = found.not_read
        assert {left.path, *(source.path for source in found.sources)} == {str(file), str(again)}
        assert left.reason.endswith(f" of {found.sources[0].path}: they are counted once") or (
            left.reason == f"has the same lines as {found.sources[0].path}: they are counted once"
        )


CHECKS = "".join(
    line(
        cs_uri_stem="/Microsoft-Server-ActiveSync/healthcheck.htm",
        cs_uri_query="-",
        time=f"00:{minute:02}:{second:02}",
    )
    for minute in range(60)
    for second in (0, 30)
)


@pytest.mark.parametrize("hour", ["01", "03"])
def test_servers_whose_logs_begin_with_the_same_health_checks_are_two(tmp_path, hour):
    for server, many in (("EX1", 5), ("EX2", 7)):
        pings = (ping(device=f"{server}{number}", time=f"{hour}:{number:02}:00") for number in range(many))
        write(tmp_path / f"{server}.log", head() + CHECKS + "".join(pings))
    shutil.copy(tmp_path / "EX1.log", tmp_path / "EX3.log")
    found = Logs([tmp_path]).run()
    assert found.coverage.devices == 12
    assert [left.path for left in found.not_read] == [str(tmp_path / "EX3.log")]


def test_a_log_that_was_renamed_or_packed_since_counts_once(tmp_path):
    file, kept = write(tmp_path / "a.log", TEXT), tmp_path / "kept"
    alone = Logs([file], into=kept).run()
    file.rename(renamed := tmp_path / "b.log")
    assert Logs([renamed], into=kept).run().coverage == alone.coverage
    renamed.unlink()
    packed = write(tmp_path / "b.log.gz", gzip.compress(TEXT.encode()))
    assert Logs([packed], into=kept).run().coverage == alone.coverage
    assert Logs([kept]).run().coverage == alone.coverage


def test_a_name_that_was_given_to_the_next_log_loses_nothing(tmp_path):
    current, kept = write(tmp_path / "current.log", TEXT), tmp_path / "kept"
    Logs([current], into=kept).run()
    current.rename(tmp_path / "archived.log")
    write(current, TEXT.replace("2030-01-02", "2030-01-03"))
    found = Logs([tmp_path / "archived.log", current], into=kept).run()
    assert found.coverage.requests == 80 and found.not_read == ()


def test_folders_that_have_the_same_logs_count_them_once(tmp_path):
    file = write(tmp_path / "logs/a.log", TEXT)
    alone = Logs([file], into=tmp_path / "one").run()
    shutil.copytree(tmp_path / "logs", tmp_path / "copy")
    Logs([tmp_path / "copy"], into=tmp_path / "two").run()
    found = Logs([tmp_path / "one", tmp_path / "two"]).run()
    assert found.coverage == alone.coverage and len(found.not_read) == 1


def test_a_log_that_two_folders_have_is_told_with_the_folder(tmp_path):
    file = write(tmp_path / "logs/a.log", TEXT)
    for kept in ("one", "two"):
        Logs([file], into=tmp_path / kept).run()
    (left,) = Logs([tmp_path / "one", tmp_path / "two"]).run().not_read
    assert left.reason == f"has the same lines as what {tmp_path / 'one'} has of it: they are counted once"
