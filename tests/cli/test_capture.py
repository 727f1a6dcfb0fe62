"""The verb capture."""

import subprocess

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


def test_a_pipe(tmp_path):
    path = written(tmp_path / "a.pcap", Talk().open().void("client", 630))
    command = "import sys; from hbprobe.cli.main import main; sys.exit(main(['capture', '-']))"
    import sys

    done = subprocess.run([sys.executable, "-c", command], input=path.read_bytes(), capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"1 of 1 connection died of idleness")
