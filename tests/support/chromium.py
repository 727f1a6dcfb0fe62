"""A real browser without a window, for pages that examine themselves and post what they found."""

import asyncio
import contextlib
import importlib.util
import shutil
from pathlib import Path

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def examined(page, script):
    """Return a page with axe-core and a script of the test in it."""
    found = importlib.util.find_spec("axe_core_python")
    assert found is not None, "axe-core-python is missing"
    axe = Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    return page.replace("</body>", f"<script>{axe}</script><script>{script}</script></body>")


def program():
    chromium = shutil.which("chromium")
    assert chromium is not None, "chromium is missing"
    return chromium


@contextlib.asynccontextmanager
async def browsing(url, width, folder):
    """Let a browser show a page until the context ends; yields what its console says, which is there at the end."""
    command = (program(), *FLAGS, f"--user-data-dir={folder}", "--enable-logging=stderr", "--remote-debugging-port=0")
    process = await asyncio.create_subprocess_exec(
        *command, f"--window-size={width},900", url, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    console = []

    async def listen():
        console.extend([line.decode() async for line in process.stderr if b"CONSOLE" in line])

    listening = asyncio.ensure_future(listen())
    try:
        yield console
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await listening
        await process.wait()
