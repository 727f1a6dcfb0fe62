"""The report in a real browser: nothing is fetched, two printed pages, no serious accessibility fault."""

import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

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
_EXAMINE = """
axe.run(document, {resultTypes: ["violations"]}).then(found => {
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = JSON.stringify({
    violations: found.violations.map(one => `${one.impact}: ${one.id}: ${one.nodes[0].html}`),
    checks: found.passes.length,
    fetched: performance.getEntriesByType("resource").map(one => one.name),
    wider: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  });
  document.body.append(told);
});
"""


def _missing(what):
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture
def browse(tmp_path):
    """What opens a page; gives standard output, and what the page's console said."""
    chromium = shutil.which("chromium")
    if chromium is None:
        _missing("chromium is not installed (Debian: apt-get install chromium)")

    def run(page, *options):
        command = [chromium, *_FLAGS, f"--user-data-dir={tmp_path / 'browser'}", "--enable-logging=stderr"]
        done = subprocess.run(
            [*command, *options, page.as_uri()], capture_output=True, text=True, timeout=90, check=True
        )
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    return run


@pytest.fixture
def examine(browse, tmp_path):
    """What looks at a page from inside, with axe-core and without its policy, which lets no script in."""
    found = importlib.util.find_spec("axe_core_python")
    if found is None:
        _missing("axe-core-python is not installed (pip install '.[test]')")
    axe = Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script")

    def run(text, width=1280):
        page = tmp_path / "examined.html"
        script = f"<script>{axe}</script><script>{_EXAMINE}</script></body>"
        page.write_text(_POLICY.sub("", text).replace("</body>", script), encoding="utf-8")
        dom, _ = browse(page, f"--window-size={width},900", "--virtual-time-budget=20000", "--dump-dom")
        return json.loads(unescape(re.search('<pre id="told">(.*?)</pre>', dom, re.DOTALL)[1]))

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
    assert browse(report, "--dump-dom")[1] == []


# Both reports have one policy and one examiner: what these two notice, one shows.
of_one_report = pytest.mark.parametrize("report", [["lab"]], ids=["lab"], indirect=True)


@of_one_report
def test_the_policy_is_in_force(browse, report, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(report.read_text().replace("<main>", "<main><script>1</script><img src='http://127.0.0.1:9/'>"))
    assert len(browse(bad, "--dump-dom")[1]) == 2


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
    page, printed = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(report.read_text(encoding="utf-8").replace("@page {", f"@page {{ size: {size};"))
    browse(page, "--no-pdf-header-footer", f"--print-to-pdf={printed}")
    assert len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes())) == 2
