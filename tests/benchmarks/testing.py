"""What the testing library costs: an hour behind boxes, the clock's own steps, and what the plugin adds to pytest.

    python tests/benchmarks/testing.py [--repeat N]

What is compared takes turns. A collection of pytest with the plugin and without it, and the plugin's import, are
taken by their processor time, the least of the repetitions; the rest by the clock, the median.
"""

import argparse
import asyncio
import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from hbprobe.testing import App, MakeBox, run, survives

PATH_S = 4000
HEARTBEAT_S = 30
TESTS = 500


@contextlib.asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """Run an echo server."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1024):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def client(heartbeat_s: float | None) -> App:
    """Return a small application, with a heartbeat or without one."""

    async def app(make_box: MakeBox) -> AsyncGenerator[None, None]:
        async def ask() -> None:
            writer.write(b"x")
            if await reader.read(1) != b"x":
                raise EOFError

        async def beat(every_s: float) -> None:
            while True:
                await asyncio.sleep(every_s)
                await ask()

        async with echoing() as port, make_box(port) as box:
            reader, writer = await asyncio.open_connection(box.host, box.port)
            beating = asyncio.ensure_future(beat(heartbeat_s)) if heartbeat_s else None
            yield
            if beating is not None:
                beating.cancel()
            await ask()
            writer.close()

    return app


def seven_boxes_s() -> float:
    """Let the application be silent behind each usual box, with a heartbeat and without; check and time it."""
    began_s = time.perf_counter()
    found = survives({"heartbeat": client(HEARTBEAT_S), "none": client(None)}, hours=PATH_S / 3600)
    took_s = time.perf_counter() - began_s
    assert [one.survived for one in found] == [True] * 7 + [False] * 7, found
    return took_s


def an_hour_of_beats_s(*, monotonic: bool) -> float:
    """Let a task wake once a second for an hour, and look at the clock."""

    async def main() -> None:
        for _ in range(3600):
            await asyncio.sleep(1)

    began_s = time.perf_counter()
    run(main(), monotonic=monotonic)
    return time.perf_counter() - began_s


def import_s() -> float:
    """Import the plugin in a process of its own that has imported pytest; return the processor time."""
    text = "import pytest, time; began = time.process_time(); import hbprobe.testing.plugin"
    command = [sys.executable, "-c", f"{text}; print(time.process_time() - began)"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def collection_s(folder: Path, *arguments: str) -> float:
    """Collect tests that do not use the plugin, in this process; return the processor time."""
    began_s = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["-q", "--collect-only", "-p", "no:cacheprovider", *arguments, str(folder)])
    return time.process_time() - began_s


def in_turns(repeat: int, *measures: Callable[[], float]) -> list[tuple[float, ...]]:
    """Return what each measure gave; they take turns."""
    return list(zip(*([measure() for measure in measures] for _ in range(repeat)), strict=True))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=9, help="how often each is measured")
    repeat = parser.parse_args().repeat

    seven_boxes_s()  # what is imported and read for the first time is not what is measured
    (boxes_s,) = map(statistics.median, in_turns(repeat, seven_boxes_s))
    beats = (lambda: an_hour_of_beats_s(monotonic=True), lambda: an_hour_of_beats_s(monotonic=False))
    in_step_s, alone_s = map(statistics.median, in_turns(repeat, *beats))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tests = "\n".join(f"def test_{number}(): pass" for number in range(TESTS))
        (folder / "test_many.py").write_text(tests, encoding="utf-8")
        collections = (lambda: collection_s(folder), lambda: collection_s(folder, "-p", "no:hbprobe"))
        with_s, without_s = map(min, in_turns(repeat, *collections))
        adds_s = min(import_s() for _ in range(repeat)) + with_s - without_s

    table = Table("", "", "aim")
    table.add_row(f"7 boxes, with a heartbeat and without, {PATH_S:,} s each, s", f"{boxes_s:.2f}", "below 5")
    table.add_row("3,600 timers one after the other, s", f"{in_step_s:.2f}", "")
    table.add_row("the same, as a multiple without time.monotonic", f"{in_step_s / alone_s:.2f}", "")
    table.add_row(f"pytest --collect-only of {TESTS} tests without the plugin, ms", f"{without_s * 1e3:.0f}", "")
    table.add_row("what the plugin adds, ms", f"{adds_s * 1e3:.1f}", "below 20")
    Console().print(table)


if __name__ == "__main__":
    main()
