"""What is said of one connection, as a value."""

from typing import Any, cast

import pytest

from hbprobe.evidence.captures.fate import ConnectionFate, ConnectionVerdict
from hbprobe.manner import Manner

FLOW = cast("Any", None)  # it is carried along


@pytest.mark.parametrize(
    ("client_saw", "server_saw", "how"),
    [
        (None, None, None),
        (Manner.RESET, None, Manner.RESET),
        (None, Manner.CLOSED, Manner.CLOSED),
        (Manner.SILENT, Manner.RESET, Manner.SILENT),
    ],
)
def test_how_it_ended_is_what_the_client_saw_where_that_is_known(client_saw, server_saw, how):
    verdict = ConnectionVerdict(FLOW, ConnectionFate.IDLE_DEATH, client_saw=client_saw, server_saw=server_saw)
    assert verdict.how is how


def test_a_death_is_one_in_idleness():
    deaths = {fate for fate in ConnectionFate if ConnectionVerdict(FLOW, fate).is_death}
    assert deaths == {ConnectionFate.IDLE_DEATH, ConnectionFate.ENDED_IDLE}
