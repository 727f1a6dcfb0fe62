"""One ActiveSync request from beginning to end."""

from dataclasses import replace

import pytest
from support.request_records import QUIET_PING


def test_it_took_from_its_beginning_to_its_end():
    assert replace(QUIET_PING, started_s=10.5, ended_s=490.75).took_s == pytest.approx(480.25)
