"""What docs/man.py makes of the verbs: it is current, and man reads its page without complaint."""

import json
import os
import shutil
import subprocess

import pytest
from support.scripts import DOCS, script

from hbprobe.cli.pages import PAGES
from hbprobe.cli.verbs import VERBS

PAGE = DOCS / "hbprobe.1"


def test_the_pages_are_current() -> None:
    man = script("man")
    made = man.pages()
    assert json.loads(PAGES.read_bytes()) == json.loads(json.dumps(made)), "python docs/man.py makes them anew"
    assert PAGE.read_text(encoding="utf-8") == man.manual(made), "python docs/man.py makes it anew"


def test_it_has_every_verb_and_option() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [verb for verb in VERBS if f"\n.SS {verb}\n" not in page] == []
    assert r"\fB\-\-connections\fR \fIN\fR" in page
    assert "empty" not in page.split(".SH ENVIRONMENT", maxsplit=1)[0].replace("is empty", "")


@pytest.mark.program
@pytest.mark.skipif(shutil.which("man") is None and not os.environ.get("CI"), reason="needs man")
def test_man_reads_it_without_a_warning() -> None:
    wide = os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MANROFFOPT": "-ww"}
    read = subprocess.run(
        ["man", "--warnings", "-l", str(PAGE)], capture_output=True, text=True, env=wide, check=True
    )
    assert read.stderr == ""
    assert r"ClientAccess\Sync\web.config" in read.stdout
