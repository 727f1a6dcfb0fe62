"""The files of all pages: nothing is inline, nothing leads elsewhere, and text goes in as text."""

import re
from importlib import resources

import pytest
from aiohttp import web

from hbprobe.web.shell import files, page

HERE = [file for file in resources.files("hbprobe.web").iterdir() if file.is_file()]
FILES = {file.name: file.read_text(encoding="utf-8") for file in HERE}
PAGES = sorted(name for name in FILES if name.endswith(".html"))


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_inline_and_all_that_is_fetched_is_there(name):
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=|javascript:", FILES[name])
    fetched = re.findall(r'<(?:link|script)[^>]* (?:href|src)="([^"]+)"', FILES[name])
    script = name.replace(".html", ".js")
    assert fetched == ["data:,", "/page.css", f"/{script}"]
    imported = re.findall(r'from "/([^"]+)"', FILES[script])
    assert imported == ["page.js"] and all(one in FILES for one in imported)


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
