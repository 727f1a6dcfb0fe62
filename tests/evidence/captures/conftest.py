"""Connections, judged by a capture of them."""

import pytest
from support.packets import written

from hbprobe.evidence.captures.capture import Capture


@pytest.fixture
def judged(tmp_path):
    """Return what judges some connections by a capture of them."""

    def judge(*talks):
        return Capture([written(tmp_path / "a.pcap", *talks)]).findings()

    return judge
