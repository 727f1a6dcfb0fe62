"""docs/python.md: every example runs, and mypy has nothing against any."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hbprobe import warp
from hbprobe.exchange.settings import Settings
from hbprobe.farend.server import FarEnd

DOCUMENT = Path(__file__).parent.parent / "docs" / "python.md"
CACHE = DOCUMENT.parent.parent / ".mypy_cache"
EXAMPLES = [part.partition("```")[0] for part in DOCUMENT.read_text(encoding="utf-8").split("```python\n")[1:]]


def test_there_are_examples():
    assert len(EXAMPLES) >= 8


def program(example):
    """The example, with what its reader has already: a far end, and its authority."""
    if "URL" not in example:
        return example
    return f"URL, CA = 'http://127.0.0.1:{{port}}/', None\n{example}"


ALL = """
import json, sys, traceback
for text in json.load(sys.stdin):
    print("begins", flush=True)
    try:
        exec(compile(text, "example", "exec"), {"__name__": "__main__"})
    except BaseException:
        traceback.print_exc(file=sys.stdout)
"""
"""One process, for to load what they need takes longer than most of them."""


def test_each_example_runs(tmp_path):
    async def main():
        far_end = FarEnd(Settings(), None)
        _, port = await far_end.listen("127.0.0.1", 0)
        texts = [program(example).replace("{port}", str(port)) for example in EXAMPLES]
        try:
            return await run_one_after_the_other(texts, tmp_path)
        finally:
            await far_end.close()

    status, out, err = warp.run(main(), warp.ScaledClock())
    assert (status, err, "Traceback" in out) == (0, "", False), out
    for example, said in zip(EXAMPLES, out.split("begins\n")[1:], strict=True):
        assert said or "assert" in example


async def run_one_after_the_other(texts, folder):
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", ALL),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await running.communicate(json.dumps(texts).encode())
    return running.returncode, out.decode(), err.decode()


def checked(folder, **programs):
    """What mypy, at its strictest, says of a user's programs, by their names: a list of codes each."""
    for name, text in programs.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    files = [f"{name}.py" for name in programs]
    options = ["--strict", "--hide-error-context", "--no-error-summary", "--cache-dir", str(CACHE)]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *files], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if ": error: " in line]
    return [[_code(line) for line in lines if line.startswith(file)] for file in files]


def _code(line):
    return line.rpartition("[")[2].removesuffix("]")


USERS = """
import hbprobe
from hbprobe.records.result import Result


def limit_of(result: Result) -> float | None:
    return result.limit.cut_s


async def measured() -> bool:
    result = await hbprobe.Lab(["cisco-asa"], webconfig="web.config").measure()
    diagnosis = await hbprobe.Diagnose("https://a/", resume="j").measure()
    return limit_of(result) is None and diagnosis.result.verdict is not None and diagnosis.result.verdict.healthy


probe = hbprobe.Probe("https://probe.example.net:8443/", ca="ca.pem", connections=8, max="1h", label="A").run()
manner: str | None = probe.limit.manner
healthy: bool = hbprobe.Verdict(limit=600, webconfig="web.config").run().healthy
name: str = hbprobe.catalogue()["nginx-http-proxy"].name
hop: int | None = hbprobe.Locate("https://a/", limit="5min").run().finding.hop
passed: bool = hbprobe.Preflight("https://a/", user="ada").run().passed
events: int = len(hbprobe.Fleet(devices=10).run().events)
enough: list[int | None] = [one.timer_s for one in hbprobe.Size(step="5min").run().enough]
share: float = hbprobe.FleetShare(share_of="5min").run().tried[0].share
hbprobe.Watch("watch.yaml").run()
"""

WRONG = """
import hbprobe

hbprobe.Probe("https://a/", connections="8")
hbprobe.Probe("https://a/", conections=8)
seconds: str = hbprobe.Lab().run().limit.cut_s
hbprobe.Lab().run().verdict.healthy
hbprobe.Prob("https://a/")
"""


def test_types(tmp_path):
    pytest.importorskip("mypy")
    examples = [f"def example_{number}() -> None:\n{_indented(each)}" for number, each in enumerate(EXAMPLES)]
    right, wrong = checked(tmp_path, right=USERS + "\n".join(examples), wrong=WRONG)
    assert right == []
    assert wrong == ["arg-type", "call-arg", "assignment", "union-attr", "attr-defined"]


def _indented(example):
    lines = program(example).replace("{port}", "1").splitlines()
    return "".join(f"    {line}\n" for line in lines if line)


# What it costs


def test_importing_it_loads_nothing_that_is_not_used():
    program = "import sys; before = set(sys.modules); import hbprobe; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["hbprobe"]


def test_every_public_name_is_there():
    import hbprobe

    assert {name: getattr(hbprobe, name).__name__ for name in hbprobe.__all__ if name != "__version__"} == {
        name: name for name in hbprobe.__all__ if name != "__version__"
    }
    assert set(hbprobe.__all__) <= set(dir(hbprobe))
    with pytest.raises(AttributeError, match="module 'hbprobe' has no attribute 'Prob'"):
        _ = hbprobe.Prob
