"""What a system's error says of a connection."""

import pytest

from hbprobe.net.replies import EndKind


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (None, EndKind.FIN),
        (ConnectionResetError(), EndKind.RST),
        (BrokenPipeError(), EndKind.RST),
        (TimeoutError(), EndKind.TIMED_OUT),
        (ConnectionAbortedError(), EndKind.TIMED_OUT),
        (OSError(113, "No route to host"), EndKind.UNREACHABLE),
        (ConnectionRefusedError(), EndKind.UNREACHABLE),
        (ValueError("damaged"), EndKind.UNREACHABLE),
    ],
)
def test_how_a_connection_ended(told, kind):
    assert EndKind.of(told) is kind
