import gzip
import io
import os
import zipfile
from pathlib import Path

import pytest
from support.iis import head, line, write

from hbprobe.errors import UserError
from hbprobe.evidence.logs.lines.log_sources import (
    LogKind,
    LogSource,
    NotReadError,
    encoding_of,
    find,
    head_of,
    kind_of,
    text_of,
)

HTTPERR = (
    "#Software: Microsoft HTTP API 2.0\n#Version: 1.0\n#Fields: date time c-ip c-port s-ip s-port cs-version "
    "cs-method cs-uri sc-status s-siteid s-reason s-queuename\n"
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (head(), LogKind.W3C),
        ("\ufeff" + head(), LogKind.W3C),
        (HTTPERR, LogKind.HTTPERR),
        ("#Software: Microsoft Exchange Server\n#Fields: DateTime,RequestId\n", LogKind.HTTPPROXY),
        ("DateTime,RequestId,MajorVersion\n", LogKind.HTTPPROXY),
        ('#TYPE X\n"Message","Id","ProviderName"\n"x","1040","y"\n', LogKind.EVENT_TEXT),
        ('[{"Id": 1040}]', LogKind.EVENT_JSON),
        ("<Events><Event/></Events>", LogKind.EVENT_XML),
        ("Log Name: Application\nEvent ID: 1040\n", LogKind.EVENT_TEXT),
        ("Level,Date and Time,Source,Event ID,Task Category\n", LogKind.EVENT_TEXT),
        ("Mar  4 21:01:07 ex1 ActiveSync: 1040: text\n", LogKind.EVENT_TEXT),
    ],
)
def test_what_a_file_is_by_its_content(text, kind):
    assert kind_of(text.encode(), "any.name") is kind
    assert kind_of(text.encode("utf-16"), "any.name") is kind


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("ra.ibl", b"\x01\x02", "is IIS's binary log of all sites, which only Log Parser reads"),
        ("net.ETL", b"\x01\x02", "is a trace, not a log: for packets run pktmon etl2pcap"),
        ("cpu.blg", b"\x01\x02", "holds performance counters"),
        ("a.log", b"\xd4\xc3\xb2\xa1rest", "is a capture: give it to hbprobe capture"),
        (
            "a.log",
            b"PK\x03\x04rest",
            "is a ZIP archive, or a document of an office program: call it .zip if logs are",
        ),
        ("a.zip", b"PK\x03\x04rest", "is a ZIP archive within another: unpack the outer one"),
        ("a.7z", b"7z\xbc\xaf'\x1c\0", "is packed, and not by gzip or as ZIP: unpack it, and give what is in it"),
        ("a.log.xz", b"\xfd7zXZ\0\0", "is packed, and not by gzip or as ZIP: unpack it, and give what is in it"),
        ("a.tar", b"u_ex.log".ljust(257, b"\0") + b"ustar\0", "is a tar archive: unpack it, and give what is in it"),
        ("a.evt", b"\x30\0\0\0LfLe", "is an event log of Windows Server 2003 (.evt): save it as .evtx in a newer"),
        ("a.log", b"", "is empty: there is nothing to read"),
        ("a.log", b"ab\0\0\1\2\n", "is not text"),
        ("a.log", line().encode(), "begins without a #Fields line that names its columns: copy that line from"),
        ("a.log", b"#Software: x\n#Version: 1.0\n", "begins without a #Fields line"),
        ("a.log", b"192.0.2.1, -, 1/2/2030, 8:00:00, W3SVC1, EX1\n", "is in IIS's own format"),
        ("a.log", b'192.0.2.1 - - [02/Jan/2030:08:00:00 +0000] "GET / HTTP/1.1" 200 1\n', "is in NCSA's format"),
        ("a.csv", b'"date","time"\n', "is a table that another program made of a log"),
        ("a.json", b'{"ClientAddr": "x"}', "is JSON, but of no Windows event"),
        ("desktop.ini", b"[.ShellClassInfo]\n", "is no log of IIS, HTTP.sys, HttpProxy or Windows events"),
        ("a.xml", b"<configuration/>", "is XML, but of no Windows event"),
        ("a.txt", b"hello\n", "is no log of IIS, HTTP.sys, HttpProxy or Windows events"),
        (
            "a.txt",
            b"Quelle: MSExchange ActiveSync\nEreignis-ID: 1040\n",
            "tells of Windows events in a form or a language",
        ),
    ],
)
def test_what_is_refused_and_what_to_do_instead(name, data, told):
    with pytest.raises(NotReadError) as caught:
        kind_of(data, name)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_a_log_whose_fields_are_named_far_below_begins_without_them(tmp_path):
    source = LogSource(write(tmp_path / "a.log", line() * 1000 + head() + line()))
    with pytest.raises(NotReadError, match="begins without a #Fields line"):
        kind_of(head_of(source), source.name)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(encoding):
    data = head().encode(encoding)
    assert data.decode(encoding_of(data)) == head()


def test_folders_wildcards_gz_and_zip_give_each_file_once(tmp_path):
    plain = write(tmp_path / "W3SVC1/u_ex300102.log", head())
    packed = write(tmp_path / "W3SVC1/u_ex300101.log.gz", gzip.compress(head().encode()))
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.writestr("W3SVC2/u_ex300103.log", head())
    found = list(find([tmp_path, plain, str(tmp_path / "W3SVC1/*.log*")]))
    assert [source.path for source in found] == [packed, plain, tmp_path / "old.zip"]
    assert [source.folder for source in found] == ["W3SVC1", "W3SVC1", "W3SVC2"]
    assert [head_of(source).decode() for source in found] == [head()] * 3


def test_a_log_is_unpacked_twice_where_it_was_packed_twice(tmp_path):
    archive = tmp_path / "old.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("W3SVC1/u_ex300102.log.gz", gzip.compress(head().encode()))
    (source,) = find([archive])
    assert head_of(source).decode() == head()
    assert source.folder == "W3SVC1" and not source.is_plain


def test_what_is_read_once_only_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    for named in (tmp_path, tmp_path / "pipe.zip", "/dev/zero"):
        (source,) = find([named])
        with pytest.raises(NotReadError, match="is a pipe or a device"):
            head_of(source)


def test_links_to_folders_are_followed_and_circles_are_not(tmp_path):
    log = write(tmp_path / "disk/W3SVC1/a.log", head())
    (tmp_path / "logs/b").mkdir(parents=True)
    (tmp_path / "logs/LogFiles").symlink_to(tmp_path / "disk")
    (tmp_path / "logs/b/up").symlink_to(tmp_path / "logs")
    (source,) = find([tmp_path / "logs", log])
    assert source.path == tmp_path / "logs/LogFiles/W3SVC1/a.log"
    assert head_of(source).decode() == head()


def test_links_to_nothing_are_named_and_cost_no_other_file(tmp_path):
    write(tmp_path / "b.log", head())
    (tmp_path / "a.log").symlink_to("nothing")
    (tmp_path / "c.log").symlink_to("c.log")
    for named in (tmp_path, tmp_path / "*.log"):
        lost, plain, circle = find([named])
        assert head_of(plain).decode() == head()
        for source in (lost, circle):
            with pytest.raises(NotReadError, match="cannot be read: "):
                head_of(source)


@pytest.mark.parametrize("named", ["logs", "logs/secret", "logs/secret/a.log", "logs/entered.zip"])
def test_what_may_not_be_looked_at_is_named_and_ends_nothing(tmp_path, monkeypatch, named):
    write(tmp_path / "logs/secret/a.log", head())
    write(tmp_path / "logs/entered.zip", head())
    plain_stat, plain_scan, plain_open = os.stat, os.scandir, io.open

    def refuse(path):
        if isinstance(path, str | Path) and ("secret" in str(path) or "entered" in str(path)):
            raise PermissionError(13, "Permission denied", str(path))

    def stat(path, **options):
        refuse(path if str(path) != str(tmp_path / "logs/secret") else None)  # which its parent's reader may see
        return plain_stat(path, **options)

    def scandir(path):
        refuse(path)
        return plain_scan(path)

    def opened(path, *arguments, **options):
        refuse(path)
        return plain_open(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(io, "open", opened)
    sources = list(find([tmp_path / named]))
    assert len(sources) == (2 if named == "logs" else 1)
    for source in sources:
        with pytest.raises(NotReadError, match="cannot be read: Permission denied"):
            head_of(source)


def test_nothing_there(tmp_path):
    with pytest.raises(UserError, match="there is no such file or folder: name a log, a folder of logs or a pattern"):
        list(find([tmp_path / "x.log"]))
    with pytest.raises(UserError, match="no file has such a name"):
        list(find([str(tmp_path / "*.log")]))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.log.gz", b"\x1f\x8b\x08\x00no"),
        ("a.log.gz", gzip.compress(b"x" * 5000, mtime=0)[:-9]),
        ("a.zip", b"PK\x03\x04no"),
    ],
)
def test_what_cannot_be_unpacked(tmp_path, name, data):
    (source,) = find([write(tmp_path / name, data)])
    with pytest.raises(NotReadError, match="cannot be"):
        text_of(source)


def test_an_archive_of_nothing_and_what_is_packed_twice(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("W3SVC1")
    write(tmp_path / "b.log.gz.gz", gzip.compress(gzip.compress(b"x")))
    write(tmp_path / "c.zip", b"PK\x03\x04no")
    told = {}
    for source in find([tmp_path]):
        with pytest.raises(NotReadError) as error:
            kind_of(head_of(source), source.member or source.path.name)
        told[source.name] = str(error.value)
    assert told.pop(str(tmp_path / "c.zip")).startswith("cannot be unpacked")
    assert told == {
        str(tmp_path / "a.zip"): "is a ZIP archive with no file in it: there is nothing to read",
        str(tmp_path / "b.log.gz.gz"): "is packed with gzip twice: unpack it once",
    }


def test_text_that_is_not_utf8_is_taken_for_that_of_windows(tmp_path):
    assert text_of(LogSource(write(tmp_path / "a.txt", "Müller\r\n".encode("cp1252")))) == "Müller\r\n"
