"""The page of a running watch in a real browser: it follows what happens, also after a break, and has no fault."""

import asyncio
import json

import pytest
from aiohttp import web
from support import watched
from support.chromium import browsing, examined

from hbprobe import warp
from hbprobe.net.address import Address
from hbprobe.web.watch_page import PagedEndpoint

pytestmark = [pytest.mark.program, pytest.mark.realtime, pytest.mark.xdist_group("chromium")]

NOW = 1_795_528_800.0
PATIENCE_S = 90
FOLLOW = """
const until = async (what) => {
  while (!what()) await new Promise(resolve => setTimeout(resolve, 20));
  return what();
};
const post = (told) => fetch("/-/reload", {method: "POST", body: JSON.stringify(told)});
const said = () => [...document.querySelectorAll("#said p")].map(one => one.textContent);
(async () => {
  await until(() => document.getElementById("state").textContent.includes("live"));
  await post({step: "break"});
  await until(() => said()[0] === "line 5");
  await post({step: "measured"});
  await until(() => document.querySelector("#targets td:nth-child(3)").textContent === "120 s");
  const found = await axe.run(document, {resultTypes: ["violations"]});
  await post({
    step: "end",
    violations: found.violations.map(one => `${one.impact}: ${one.id}: ${one.nodes[0].html}`),
    checks: found.passes.length,
    said: said(),
    rows: [...document.querySelectorAll("#targets tr")].map(
      row => [...row.children].slice(0, 3).map(one => one.textContent)),
    search: document.querySelector(".search").hidden,
    answer: document.querySelector(".answer").textContent,
    report: document.querySelector("a[href^='/measurements/']").getAttribute("href"),
    drawn: document.querySelectorAll(".chart rect").length,
    wider: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    fetched: [...new Set(performance.getEntriesByType("resource").map(one => new URL(one.name).origin))],
  });
})();
"""


class Examined(PagedEndpoint):
    """The page, with a script that examines it and posts what it found, on the way that a reload takes."""

    def __init__(self, path):
        self.control = watched.of_days(path, NOW, 29)
        super().__init__(self.control, watched.Writing(), lambda: None, lambda: NOW)
        self.path, self.told, self.feeds = path, asyncio.get_running_loop().create_future(), []

    async def _page(self, request):
        answer = await super()._page(request)
        return web.Response(text=examined(answer.text, FOLLOW), content_type="text/html")

    async def _events(self, request):
        self.feeds.append((request.transport, request.headers.get("Last-Event-ID")))
        return await super()._events(request)

    async def _reloading(self, request):
        told = await request.json()
        if told["step"] == "break":
            for line in range(1, 4):
                self.control.says(f"line {line}")
            await asyncio.sleep(0.1)
            self.feeds[0][0].abort()
            for line in range(4, 6):
                self.control.says(f"line {line}")
        elif told["step"] == "measured":
            with watched.Store(self.path, create=True) as store:
                store.finish(29, watched.result(119.0, 120.0, NOW), NOW)
            self.control.running["branch office"] = watched.RunningTarget(29, next_at=NOW + 1000)
            self.control.happened("branch office")
        else:
            self.told.set_result(told)
        return web.Response(text="{}")


def test_it_follows_what_happens_and_has_no_fault(tmp_path):
    async def main():
        watched.stored(tmp_path / "watch.sqlite", NOW)
        endpoint = Examined(tmp_path / "watch.sqlite")
        async with endpoint.opened(Address("127.0.0.1", 0), "") as at:
            async with browsing(f"http://{at}/", 390, tmp_path / "chromium") as console:
                told = await asyncio.wait_for(endpoint.told, PATIENCE_S)
            return told, console, [last for _, last in endpoint.feeds]

    told, console, taken_up = warp.run(main(), warp.ScaledClock())
    assert told["violations"] == [] and told["checks"] > 15
    assert told["said"][:5] == [f"line {line}" for line in range(5, 0, -1)], "each once, also those of the break"
    assert len(taken_up) == 2 and taken_up[0] is None and taken_up[1].endswith("-4")
    assert told["rows"] == [
        ["branch office", "119 s", "120 s"],
        ["head office <b>", "3540 s", "nothing"],
        ["warehouse", "-", "-"],
    ]
    assert told["search"] and "survives 119 s, cut at 120 s" in told["answer"] and told["drawn"] == 25 + 3
    assert told["report"] == "/measurements/29" and not told["wider"] and len(told["fetched"]) == 1
    assert [line for line in console if "ERR_" not in line] == [], json.dumps(console)
