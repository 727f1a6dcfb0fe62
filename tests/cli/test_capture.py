"""The verb capture."""

import os

from support.packets import Talk, written

from hbprobe.cli.main import main


def test_the_verb(tmp_path, capsys):
    path = written(tmp_path / "a.pcap", Talk().open().void("client", 630))
    assert main(["capture", str(path), "--json", "--plot", str(tmp_path / "a.png")]) == 1
    assert '"ending": "idle-death"' in capsys.readouterr().out
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert main(["capture", str(path), "--plto"]) == 2
    assert capsys.readouterr().err == "hbprobe: --plto: no such option; see hbprobe capture --help\n"
    assert main(["capture", "-", str(path)]) == 2
    assert capsys.readouterr().err == "hbprobe: -: a pipe is read alone: give one capture, or two files\n"


def test_a_pipe(tmp_path, capsys, monkeypatch):
    capture = written(tmp_path / "a.pcap", Talk().open().void("client", 630)).read_bytes()
    read, write = os.pipe()
    with os.fdopen(read) as stdin:
        with os.fdopen(write, "wb") as pipe:
            pipe.write(capture)
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["capture", "-"]) == 1
    printed = capsys.readouterr()
    assert (printed.out.partition(" of idleness")[0], printed.err) == ("1 of 1 connection died", "")
