"""The files of all pages: nothing is inline, nothing leads elsewhere, and text goes in as text."""

import re
from importlib import resources

import pytest
from aiohttp import web

from hbprobe.web.shell import files, page

HERE = [file for file in resources.files("hbprobe.web").iterdir() if file.is_file()]
FILES = {file.name: file.read_text(encoding="utf-8") for file in HERE}
OWN = {"api.js"}
"""What each API serves under this name."""
PAGES = sorted(name for name in FILES if name.endswith(".html"))


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_inline_and_all_that_is_fetched_is_there(name):
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=|javascript:", FILES[name])
    fetched = re.findall(r'<(?:link|script)[^>]* (?:href|src)="([^"]+)"', FILES[name])
    script = name.replace(".html", ".js")
    assert fetched == ["data:,", "/page.css", f"/{script}"]
    imported = re.findall(r'from "/([^"]+)"', FILES[script])
    assert set(imported) - OWN == {"page.js"}


@pytest.mark.parametrize("name", ["control_api.js", "toxiproxy_api.js"])
def test_each_api_offers_the_page_of_boxes_all_that_it_asks_for(name):
    offered = re.findall(r"^export (?:async )?(?:function|const) (\w+)", FILES[name], re.MULTILINE)
    assert set(offered) == set(re.findall(r"(?<!/)\bapi\.(\w+)", FILES["box.js"]))


@pytest.mark.parametrize("name", sorted(name for name in FILES if not name.endswith(".py")))
def test_it_leads_nowhere_else_and_takes_text_for_text(name):
    assert "//" not in re.sub(r'// .*|"http://www.w3.org/2000/svg"', "", FILES[name])
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(", FILES[name])


@pytest.mark.parametrize("name", PAGES)
def test_each_id_is_there_once_and_each_that_is_asked_for(name):
    ids = re.findall(r'\bid="([\w-]+)"', FILES[name])
    assert len(ids) == len(set(ids))
    script = FILES[name.replace(".html", ".js")]
    asked = re.findall(r'getElementById\("([\w-]+)"\)|copy\("([\w-]+)"\)', script)
    assert {first or second for first, second in asked} <= set(ids)


def test_a_file_says_what_it_is():
    answer = page("page.js")
    assert (answer.content_type, answer.headers["X-Content-Type-Options"]) == ("text/javascript", "nosniff")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert all(isinstance(route, web.RouteDef) for route in files(("page.js", "page.css")))
