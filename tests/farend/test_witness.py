import asyncio

import pytest

from hbprobe import warp
from hbprobe.farend.witness import EndRecorder
from hbprobe.net.replies import EndKind


class Inner:
    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        def note(*given):
            self.told.append((name, *given))

        return note


@pytest.mark.parametrize(
    ("exc", "ended"),
    [
        (None, EndKind.FIN),
        (ConnectionResetError(), EndKind.RST),
        (BrokenPipeError(), EndKind.RST),
        (ConnectionAbortedError(), EndKind.TIMED_OUT),
        (TimeoutError(), EndKind.TIMED_OUT),
        (OSError(), EndKind.UNREACHABLE),
    ],
)
def test_how_a_connection_ended(exc, ended):
    async def main():
        recorder = EndRecorder(Inner(), asyncio.BaseTransport())
        assert recorder.ended is None
        recorder.connection_lost(exc)
        assert recorder.transport is None
        return recorder.ended, recorder.ended_s

    assert warp.run(main(), warp.WarpClock()) == (ended, 0)


def test_everything_is_passed_on():
    async def main():
        inner = Inner()
        recorder = EndRecorder(inner, asyncio.BaseTransport())
        recorder.data_received(b"a")
        recorder.pause_writing()
        recorder.resume_writing()
        recorder.eof_received()
        recorder.connection_lost(None)
        return inner.told

    assert warp.run(main(), warp.WarpClock()) == [
        ("data_received", b"a"),
        ("pause_writing",),
        ("resume_writing",),
        ("eof_received",),
        ("connection_lost", None),
    ]
