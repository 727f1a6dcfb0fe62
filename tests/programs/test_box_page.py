"""The page of running boxes in a real browser: used as by hand, examined with axe-core, with many sessions."""

import asyncio
import contextlib
import json
import sys

import pytest
from aiohttp import web
from support.chromium import browsing, examined
from support.peers import echoing
from support.running_boxes import ToldBox

from hbprobe import warp
from hbprobe.net.event_feed import EventFeed
from hbprobe.web.box_page import PagedControl, PagedToxiproxy

pytestmark = [pytest.mark.program, pytest.mark.realtime, pytest.mark.xdist_group("chromium")]

SESSIONS = 2000
PATIENCE_S = 90
HELPERS = """
const until = async (what, why) => {
  for (let turn = 0; turn < 1500; turn++) {
    const found = what();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain: ${why || what}`);
};
const text = (selector) => document.querySelector(selector)?.textContent ?? "";
const press = async (label) =>
  (await until(() => document.querySelector(`button[aria-label="${label}"]`), label)).click();
const said = () => [...document.querySelectorAll("#said p")].map(one => one.textContent.replace(/^[^,]*, /, ""));
const post = (told) => fetch("WHERE", {method: "POST", body: JSON.stringify(told)});
const examine = async (more) => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return post({
    step: "end",
    violations: found.violations.map(one => `${one.impact}: ${one.id}: ${one.nodes[0].html}`),
    checks: found.passes.length,
    said: said(),
    wider: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    fetched: [...new Set(performance.getEntriesByType("resource").map(one => new URL(one.name).origin))],
    ...more,
  });
};
"""
USE_BOXES = """
(async () => {
  await until(() => text("#state").includes("live") && document.querySelector("tbody tr"));
  const input = document.querySelector("input[name=idle]");
  input.value = "5min";
  await press("Set the idle timer of box 0");
  await until(() => text("#state").includes("idle is 5min now"));
  await press("Forget session 1 of box 0");
  await until(() => text("caption").startsWith("LEFT live"));
  await press("Black hole: session 2 of box 0");
  await until(() => text("tbody td:nth-child(6)") === "blackhole_downstream_2");
  await post({step: "break"});
  await press("Heal: session 2 of box 0");
  await until(() => text("tbody td:nth-child(6)") === "");
  await press("Black hole: box 0");
  await until(() => text(".toxics").startsWith("blackhole_downstream: blackhole"));
  await press("Heal: box 0");
  await until(() => text(".toxics") === "");
  await until(() => said().some(line => line.startsWith("box 0, toxic removed, toxic blackhole_downstream")));
  document.querySelector("#common button:last-child").click();
  await until(() => text("#state").includes("last: drains"));
  document.getElementById("pause").click();
  await examine({
    rows: document.querySelectorAll("tbody tr").length,
    due: text(".due .text"),
    bar: document.querySelector(".due .bar").style.width,
    paused: document.getElementById("pause").getAttribute("aria-pressed"),
  });
})().catch(error => post({step: "end", error: `${error}; ${text("#state")}`}));
"""
USE_PROXIES = """
(async () => {
  await until(() => text("#state").includes("live") && document.querySelector("tbody tr"));
  await fetch("/proxies/web%20%3Cb%3E/toxics", {method: "POST", body: JSON.stringify(
    {type: "latency", attributes: {latency: 200}, toxicity: 1})});
  await until(() => text(".toxics").startsWith("latency_downstream: latency, downstream, latency 200"));
  await until(() => text("tbody td:nth-child(6)") === "latency_downstream");
  const flow = [...document.querySelectorAll("tbody tr:first-child td")].map(one => one.textContent);
  await press("Remove: latency_downstream of web <b>");
  await until(() => text(".toxics") === "");
  if (LINUX) {
    await press("Black hole: session 1 of web <b>");
    await until(() => text("tbody td:nth-child(6)") === "blackhole_downstream_1");
    await press("Heal: session 1 of web <b>");
    await until(() => text("tbody td:nth-child(6)") === "");
  }
  await press("Reset session 1 of web <b>");
  await until(() => text("caption") === "1 live session");
  await examine({flow, heading: text("h2"), title: document.title});
})().catch(error => post({step: "end", error: `${error}; ${text("#state")}`}));
"""


def script(use, where, **words):
    told = HELPERS.replace("WHERE", where) + use
    for name, word in words.items():
        told = told.replace(name, json.dumps(word) if isinstance(word, bool) else str(word))
    return told


class Steered:
    """An API whose page has a script that uses and examines it, and posts what it found."""

    def begin(self):
        self.told, self.feeds = asyncio.get_running_loop().create_future(), []

    async def followed(self, feed, request):
        self.feeds.append((request.transport, request.headers.get("Last-Event-ID")))
        return await feed.answer(request)

    async def posted(self, request):
        told = await request.json()
        if told["step"] == "break":
            self.feeds[0][0].abort()
        else:
            self.told.set_result(told)
        return web.Response(text="{}")


class ExaminedControl(Steered, PagedControl):
    async def _about(self, request):
        answer = await super()._about(request)
        if answer.content_type != "text/html":
            return answer
        use = script(USE_BOXES, "/stop", LEFT=SESSIONS - 1)
        return web.Response(text=examined(answer.text, use), content_type="text/html")

    async def _events(self, request):
        return await self.followed(self._feed, request)

    async def _stop_now(self, request):
        return await self.posted(request)

    async def _drain(self, request):
        answer = await super()._drain(request)
        self._draining = False  # the box of this test never ends
        return answer


class ExaminedToxiproxy(Steered, PagedToxiproxy):
    async def _page(self, request):
        answer = await super()._page(request)
        use = script(USE_PROXIES, "/reset", LINUX=sys.platform == "linux")
        return web.Response(text=examined(answer.text, use), content_type="text/html")

    async def _events(self, request):
        return await self.followed(self.feed, request)

    async def _reset(self, request):
        return await self.posted(request)


async def used(api, width, folder):
    """Let a browser use the page; return what its script told, and what its console said."""
    api.begin()
    host, port = await api.listen("127.0.0.1", 0)
    try:
        async with browsing(f"http://{host}:{port}/", width, folder) as console:
            told = await asyncio.wait_for(api.told, PATIENCE_S)
    finally:
        await api.close()
    assert "error" not in told, told
    assert told["violations"] == [] and told["checks"] > 15
    assert not told["wider"], "only the table is scrolled sideways"
    assert len(told["fetched"]) == 1, "nothing but this machine"
    assert [line for line in console if "ERR_" not in line] == [], json.dumps(console)
    return told


def test_the_page_of_boxes_is_used_with_many_sessions_and_has_no_fault(tmp_path):
    async def main():
        feed = EventFeed()
        box = ToldBox(SESSIONS, feed.note)
        api = ExaminedControl([box], lambda: None, None, feed)
        return await used(api, 390, tmp_path), box.asked, [last for _, last in api.feeds]

    told, asked, taken_up = warp.run(main(), warp.ScaledClock())
    assert asked[:2] == [("change", "packet"), ("expire", 1)]
    one, whole = ("blackhole_downstream_2",), ("blackhole_downstream",)
    assert asked[2:] == [*(("toxics", names) for names in (one, (), whole, ())), ("drain",)]
    assert taken_up[0] is None and taken_up[1].rpartition("-")[2] == "3", "from where the line broke"
    events = [line.split(", ")[1] for line in told["said"][::-1]]
    assert events == ["timers changed", "ended", *["toxic added", "toxic removed"] * 2], "each once"
    assert told["rows"] == 200, "those that are forgotten first, of 2,000"
    assert told["due"].startswith("10 min") and told["bar"].endswith("%")
    assert told["paused"] == "true"


def test_the_page_of_the_fault_proxy_is_used_and_has_no_fault(tmp_path):
    async def main():
        api = ExaminedToxiproxy()
        async with echoing() as port:
            asked = {"name": "web <b>", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{port}"}
            (proxy,) = await api.populate([asked])
            clients = []
            for _ in range(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.listen.rpartition(":")[2]))
                writer.write(b"hello")
                assert await reader.read(10) == b"hello"
                clients.append(writer)
            try:
                return await used(api, 1280, tmp_path), proxy
            finally:
                for writer in clients:
                    writer.close()
                    with contextlib.suppress(ConnectionError):
                        await writer.wait_closed()
                await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=PATIENCE_S)
                await asyncio.sleep(0)  # what the server's side has closed is gone then

    told, proxy = warp.run(main(), warp.ScaledClock())
    assert told["title"] == "hbprobe toxiproxy"
    assert told["heading"] == f"web <b>: {proxy.listen} to {proxy.upstream}"
    number, due, _, _, _, toxics, client, phase = told["flow"]
    assert (number, client.partition(":")[0], phase, due) == ("1", "127.0.0.1", "established", "no timer runs")
    assert toxics == "latency_downstream"
    assert "web <b>, ended, toxic reset_peer_downstream_1, connection 1, client " in " ".join(told["said"])
