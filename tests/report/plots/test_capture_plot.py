"""The picture of a capture."""

from support.captures import record_of_resets
from support.packets import pcap

from hbprobe.evidence.captures.answer import answer
from hbprobe.evidence.captures.capture import Capture
from hbprobe.report.plots.capture_plot import capture_plot
from hbprobe.report.plots.style import save


def test_the_picture(tmp_path):
    record = record_of_resets(tmp_path)
    figure = capture_plot(record)
    assert len([one for axes in figure.axes for one in axes.get_lines() if one.get_gid() == "death"]) == 4
    save(figure, tmp_path / "a.svg")
    assert b"died, reset (RST)" in (tmp_path / "a.svg").read_bytes()


def test_the_picture_of_nothing(tmp_path):
    (tmp_path / "a.pcap").write_bytes(pcap([]))
    record = Capture([tmp_path / "a.pcap"]).run()
    assert answer(record) == ["The capture holds no TCP connection, so there is nothing to report."]
    assert record.exit_status == 0
    capture_plot(record)
