import asyncio

import pytest

from hbprobe import warp
from hbprobe.farend.end_recorder import Ending, EndRecorder


class Inner:
    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        def note(*given):
            self.told.append((name, *given))

        return note


@pytest.mark.parametrize(
    ("exc", "ending"),
    [
        (None, Ending.CLOSED),
        (ConnectionResetError(), Ending.RESET),
        (BrokenPipeError(), Ending.RESET),
        (ConnectionAbortedError(), Ending.RESET),
        (TimeoutError(), Ending.GAVE_UP),
        (OSError(), Ending.GAVE_UP),
    ],
)
def test_how_a_connection_ended(exc, ending):
    async def main():
        listener = EndRecorder(Inner(), asyncio.BaseTransport())
        assert listener.ending is None
        listener.connection_lost(exc)
        assert listener.transport is None
        return listener.ending, listener.ended_s

    assert warp.run(main(), warp.WarpClock()) == (ending, 0)


def test_everything_is_passed_on():
    async def main():
        inner = Inner()
        listener = EndRecorder(inner, asyncio.BaseTransport())
        listener.data_received(b"a")
        listener.pause_writing()
        listener.resume_writing()
        listener.eof_received()
        listener.connection_lost(None)
        return inner.told

    assert warp.run(main(), warp.WarpClock()) == [
        ("data_received", b"a"),
        ("pause_writing",),
        ("resume_writing",),
        ("eof_received",),
        ("connection_lost", None),
    ]
