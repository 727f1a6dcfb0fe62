"""docs/testing.md: every program runs as written, in the order of the page, and prints what stands there."""

import fnmatch
import re
from pathlib import Path

import pytest

import hbprobe.testing.survival_table  # noqa: F401 - modules that the inner pytest imports first are forgotten with it

DOCUMENT = Path(__file__).parents[2] / "docs" / "testing.md"
BLOCK = re.compile(r"```(python|output) (\S+)\n(.*?)```\n", re.DOTALL)
ALONE = [word for plugin in ("asyncio", "anyio", "xdist", "hypothesispytest") for word in ("-p", f"no:{plugin}")]


def blocks():
    if not DOCUMENT.is_file():
        pytest.skip("installed without its documents")
    return BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))


def test_it_runs_as_written(pytester):
    outputs, others = [], []
    for kind, name, text in blocks():
        if kind == "python":
            (pytester.path / name).write_text(text, encoding="utf-8")
            others += [name] if name not in ("chat.py", "test_chat.py") else []
        else:
            result = pytester.runpytest("-q", "--show-capture=no", *ALONE, "test_chat.py")
            shown(text, result.outlines)
            outputs.append(name)
    assert outputs == ["failing", "mended"]
    assert len(others) == 5
    result = pytester.runpytest("-q", *ALONE, *others)
    result.assert_outcomes(passed=5)


def shown(text, lines):
    """Check that the lines of the page come in that order; `*` stands for what differs each time."""
    at = 0
    for expected in text.splitlines():
        pattern = expected.replace("[", "[[]").strip("-")
        found = [place for place in range(at, len(lines)) if fnmatch.fnmatchcase(lines[place], f"*{pattern}*")]
        assert found, expected
        at = found[0] + 1


def test_the_heartbeat_that_it_names(pytester):
    *_, mended = [text for kind, name, text in blocks() if name == "chat.py"]
    (pytester.path / "chat.py").write_text(mended.replace("HEARTBEAT_S = 60", "HEARTBEAT_S = 300"), encoding="utf-8")
    (tests,) = [text for kind, name, text in blocks() if name == "test_chat.py"]
    (pytester.path / "test_chat.py").write_text(tests, encoding="utf-8")
    pytester.runpytest("-q", *ALONE, "test_chat.py").assert_outcomes(passed=1, failed=1)
