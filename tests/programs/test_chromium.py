"""The report in a real browser: nothing is fetched, two printed pages, no serious accessibility fault."""

import asyncio
import base64
import contextlib
import importlib.util
import io
import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import aiohttp
import pytest

from hbprobe.cli.main import main

pytestmark = [pytest.mark.program, pytest.mark.xdist_group("chromium")]

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_LOADED = "new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))"
_EXAMINE = """
axe.run(document, {resultTypes: ["violations"]}).then(found => ({
  violations: found.violations.map(one => `${one.impact}: ${one.id}: ${one.nodes[0].html}`),
  checks: found.passes.length,
  fetched: performance.getEntriesByType("resource").map(one => one.name),
  wider: document.documentElement.scrollWidth > document.documentElement.clientWidth,
}))
"""
_SAID = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
_PATIENCE_S = 90


def _missing(what):
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


class Tab:
    """A page of the browser, steered by the Chrome DevTools Protocol."""

    def __init__(self, socket):
        self._socket = socket
        self._numbers = itertools.count(1)
        self.console = []

    async def ask(self, method, **parameters):
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            told = await self._socket.receive_json()
            if told.get("method") in _SAID:
                self.console.append(told["params"])
            if told.get("id") == number:
                return told["result"]

    async def evaluate(self, script):
        done = await self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    async def show(self, url, width):
        for domain in ("Page", "Log", "Runtime"):
            await self.ask(f"{domain}.enable")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        await self.ask("Emulation.setDeviceMetricsOverride", **size)
        await self.ask("Page.navigate", url=url)
        await self.evaluate(_LOADED)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Where one browser for all pages is steered."""
    chromium = shutil.which("chromium")
    if chromium is None:
        _missing("chromium is not installed (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("browser")
    command = [chromium, *_FLAGS, f"--user-data-dir={folder}", "--remote-debugging-port=0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield next(
                found[1] for line in process.stderr if (found := re.search(r"listening on ws://([\d.:]+)/", line))
            )
        finally:
            process.terminate()


@pytest.fixture
def browse(browser):
    """What opens a page, and gives what is asked of it, and what its console said."""

    async def opened(page, ask, width):
        async with asyncio.timeout(_PATIENCE_S), aiohttp.ClientSession(f"http://{browser}") as session:
            async with session.put("/json/new?about:blank") as answer:
                target = await answer.json()
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                await tab.show(page.as_uri(), width)
                found = await ask(tab)
            async with session.get(f"/json/close/{target['id']}") as answer:
                await answer.read()
        return found, tab.console

    return lambda page, ask=_nothing, width=1280: asyncio.run(opened(page, ask, width))


async def _nothing(_tab):
    """Only to be shown."""


@pytest.fixture
def examine(browse, tmp_path):
    """What looks at a page from inside, with axe-core, and without its policy, which lets nothing be fetched."""
    found = importlib.util.find_spec("axe_core_python")
    if found is None:
        _missing("axe-core-python is not installed (pip install '.[test]')")
    axe = Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")

    async def ask(tab):
        await tab.evaluate(f"{axe}; true")
        return await tab.evaluate(_EXAMINE)

    def run(text, width=1280):
        page = tmp_path / "examined.html"
        page.write_text(_POLICY.sub("", text), encoding="utf-8")
        return browse(page, ask, width)[0]

    return run


def _hbprobe(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main([*map(str, arguments)]) == 0
    return printed.getvalue()


@pytest.fixture(scope="session", params=[["lab"], ["diagnose", "--lab", "aws-nlb-tcp"]], ids=["lab", "diagnose"])
def report(tmp_path_factory, request):
    """The report of the worked example, and one of a diagnosis."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "result.json").write_text(_hbprobe(*request.param, "--json"))
    _hbprobe("report", folder / "result.json", "--out", folder / "report.html")
    return folder / "report.html"


def test_the_console_is_silent(browse, report):
    assert browse(report)[1] == []


# Both reports have one policy and one examiner: what these two notice, one shows.
of_one_report = pytest.mark.parametrize("report", [["lab"]], ids=["lab"], indirect=True)


@of_one_report
def test_the_policy_is_in_force(browse, report, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(report.read_text().replace("<main>", "<main><script>1</script><img src='http://127.0.0.1:9/'>"))
    assert len(browse(bad)[1]) == 2


@pytest.mark.parametrize("width", [390, 1280])
def test_no_fault_for_those_who_see_little(examine, report, width):
    told = examine(report.read_text(encoding="utf-8"), width)
    assert told["violations"] == []
    assert told["fetched"] == []
    assert not told["wider"], "nothing but tables and pictures is scrolled sideways"
    assert told["checks"] > 20


@of_one_report
def test_the_examination_can_fail(examine, report):
    text = report.read_text(encoding="utf-8").replace(" lang=", " data-lang=")
    told = examine(text.replace("<main>", "<main><img src='http://127.0.0.1:9/x'>"))
    assert {line.split(": ")[1] for line in told["violations"]} == {"html-has-lang", "image-alt"}
    assert told["fetched"] == ["http://127.0.0.1:9/x"]


@pytest.mark.parametrize("size", ["letter", "A4"])
def test_two_printed_pages(browse, report, tmp_path, size):
    page = tmp_path / "page.html"
    page.write_text(report.read_text(encoding="utf-8").replace("@page {", f"@page {{ size: {size};"))

    async def printed(tab):
        return base64.b64decode((await tab.ask("Page.printToPDF", preferCSSPageSize=True))["data"])

    assert len(re.findall(rb"/Type\s*/Page\b", browse(page, printed)[0])) == 2
