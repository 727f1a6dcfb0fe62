"""The page of a running box in a real browser: used as by hand, examined with axe-core, with many sessions."""

import asyncio
import json
import re
from html import unescape

import pytest
from aiohttp import web
from support.chromium import FLAGS, examined, program
from support.running_boxes import ToldBox

from hbprobe import warp
from hbprobe.web.box_page import PagedControl

pytestmark = [pytest.mark.program, pytest.mark.realtime, pytest.mark.xdist_group("chromium")]

SESSIONS = 2000
USE = """
const until = async (what) => {
  while (!what()) await new Promise(resolve => setTimeout(resolve, 50));
  return what();
};
(async () => {
  const first = await until(() => document.querySelector("tbody button"));
  const input = document.querySelector("input[name=idle]");
  input.value = "5min";
  input.parentElement.querySelector("button").click();
  await until(() => document.getElementById("state").textContent.includes("idle is 5min now"));
  document.querySelector("tbody button").click();
  await until(() => document.getElementById("state").textContent.includes("is forgotten"));
  await until(() => document.querySelector("caption").textContent.startsWith("LEFT live"));
  document.getElementById("drain").click();
  await until(() => document.getElementById("state").textContent.includes("Last: drains"));
  document.getElementById("pause").click();
  const found = await axe.run(document, {resultTypes: ["violations"]});
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = JSON.stringify({
    violations: found.violations.map(one => `${one.impact}: ${one.id}: ${one.nodes[0].html}`),
    checks: found.passes.length,
    rows: document.querySelectorAll("tbody tr").length,
    due: document.querySelector(".due .text").textContent,
    bar: document.querySelector(".due .bar").style.width,
    wider: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    paused: document.getElementById("pause").getAttribute("aria-pressed"),
    fetched: [...new Set(performance.getEntriesByType("resource").map(one => new URL(one.name).origin))],
  });
  document.body.append(told);
})();
"""


class Examined(PagedControl):
    """The page, without the policy that lets no strange script in, and with scripts that use and examine it."""

    async def _about(self, request):
        answer = await super()._about(request)
        if answer.content_type != "text/html":
            return answer
        left = USE.replace("LEFT", str(SESSIONS - 1))
        return web.Response(text=examined(answer.text, left), content_type="text/html")

    async def _drain(self, request):
        answer = await super()._drain(request)
        self._draining = False  # the box of this test never ends
        return answer


async def opened(width, folder):
    """Open the page; return what its script told, what its console said, and what the box was asked."""
    box = ToldBox(SESSIONS)
    control = Examined([box], lambda: None, None)
    host, port = await control.listen("127.0.0.1", 0)
    command = (
        *(program(), *FLAGS, f"--user-data-dir={folder}", "--enable-logging=stderr", f"--window-size={width},900"),
        *("--virtual-time-budget=60000", "--dump-dom", f"http://{host}:{port}/"),
    )
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(90):
            dom, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await control.close()
    told = re.search('<pre id="told">(.*?)</pre>', dom.decode(), re.DOTALL)
    assert told is not None, dom.decode()[-3000:] + said.decode()[-1000:]
    return (
        json.loads(unescape(told[1])),
        [line for line in said.decode().splitlines() if "CONSOLE" in line],
        box.asked,
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_it_is_used_and_has_no_fault(width, tmp_path):
    told, console, asked = warp.run(opened(width, tmp_path), warp.ScaledClock())
    assert console == []
    assert asked[:2] == [("change", "packet"), ("expire", 1)] and asked[2:] == [("drain",)]
    assert told["violations"] == [] and told["checks"] > 15
    assert told["rows"] == 200, "those that are forgotten first, of 2,000"
    assert told["due"] == "10 min 2 s" and told["bar"].endswith("%")
    assert not told["wider"], "only the table is scrolled sideways"
    assert len(told["fetched"]) == 1, "nothing but this machine"
    assert told["paused"] == "true"
