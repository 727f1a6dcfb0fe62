"""What may import what: what decides touches nothing outside, imports run downwards, and --help loads little."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import hbprobe

ROOT = Path(hbprobe.__file__).parent

LAYERS = ("cli", "watch", "lab", "report", "fleet", "evidence", "probe", "exchange", "middlebox", "profiles")
"""From the top down; below them lie the modules that stand alone."""
ALONE = {"warp", "errors", "descriptors", "duration", "address", "json_api", "share"}

DECIDING = (
    "duration",
    "exchange.algorithms",
    "exchange.client",
    "exchange.code_pages",
    "exchange.commands",
    "exchange.device_verdict",
    "exchange.devices",
    "exchange.event_log",
    "exchange.iis_log",
    "exchange.log_blob",
    "exchange.predict",
    "exchange.query",
    "exchange.refusal",
    "exchange.standin.admission",
    "exchange.standin.desk",
    "exchange.standin.device",
    "exchange.standin.door",
    "exchange.standin.exchange",
    "exchange.standin.filtering",
    "exchange.standin.limits",
    "exchange.standin.messages",
    "exchange.standin.ping",
    "exchange.standin.policy",
    "exchange.standin.provisioning",
    "exchange.standin.records",
    "exchange.standin.rules",
    "exchange.standin.sync",
    "exchange.standin.users",
    "exchange.standin.versions",
    "exchange.standin.waiting",
    "exchange.verdict",
    "exchange.wbxml",
    "exchange.window",
    "fleet.chance",
    "fleet.firewall",
    "fleet.herd",
    "fleet.mail",
    "fleet.merge",
    "fleet.paths",
    "fleet.reference",
    "fleet.size",
    "fleet.states",
    "fleet.sweep",
    "fleet.tally",
    "fleet.timeline",
    "fleet.world",
    "middlebox.deadlines",
    "middlebox.flow",
    "middlebox.http1",
    "middlebox.http1_body",
    "middlebox.http1_proxying",
    "middlebox.http_exchange",
    "middlebox.http_flow",
    "middlebox.kernel",
    "middlebox.rules",
    "probe.bracket",
    "probe.classify",
    "probe.diagnosis.evidence",
    "probe.diagnosis.explanation",
    "probe.diagnosis.fit",
    "probe.diagnosis.mend",
    "probe.diagnosis.plan",
    "probe.diagnosis.prediction",
    "probe.diagnosis.ranking",
    "probe.diagnosis.reasoning",
    "probe.diagnosis.spread",
    "probe.guided",
    "probe.heartbeats",
    "probe.locate",
    "probe.news",
    "probe.noise",
    "probe.outcome",
    "probe.ping_answer",
    "probe.prior",
    "probe.replies",
    "probe.search",
    "profiles.model",
    "profiles.words",
    "report.bands",
    "report.document.discreet",
    "report.document.markup",
    "watch.changes",
    "watch.schedule",
)
"""Free of I/O, clocks and chance: times and generators are arguments, and state machines return what to do."""
OUTSIDE = {
    "aiohttp",
    "asyncio",
    "datetime",
    "matplotlib",
    "os",
    "pathlib",
    "random",
    "rich",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "yaml",
}
READS_A_FILE = {"hbprobe.exchange.settings": {"pathlib"}}
"""Values that the deciding modules need, in a module that can load them, too."""

HEAVY = {"aiohttp", "cryptography", "matplotlib", "numpy", "pydantic", "rich", "yaml"}

MODULES = sorted(
    "hbprobe." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in ROOT.rglob("*.py")
    if path.stem != "__init__"
)


@cache
def imports_of(module):
    """Return the names of all modules that a module imports, wherever in its text that stands."""
    tree = ast.parse(_file_of(module).read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            names |= {_module_of(node.module, alias.name) for alias in node.names}
    return frozenset(names)


def _file_of(module):
    parts = module.split(".")[1:]
    path = ROOT.joinpath(*parts)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _module_of(parent, name):
    """`from hbprobe.cli import lab` names a module, `from hbprobe.errors import UserError` does not."""
    return f"{parent}.{name}" if parent.startswith("hbprobe") and _file_of(f"{parent}.{name}").exists() else parent


def reach_of(module):
    """Return all modules of the project that come in with a module, itself included."""
    reached, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [other for other in imports_of(name) if other.startswith("hbprobe.")]
    return reached


def outside(module):
    return {name.partition(".")[0] for name in imports_of(module)} & OUTSIDE


def height(module):
    """Return how far up a module lies; a higher one may import a lower one."""
    package = module.split(".")[1] if "." in module else "__init__"
    if package in LAYERS:
        return len(LAYERS) - LAYERS.index(package)
    assert package in ALONE | {"__init__", "__main__"}, f"{module} has no place in the order"
    return len(LAYERS) + 1 if package == "__main__" else 0


# The reader itself


def test_imports_are_read_wherever_they_stand():
    assert {"hbprobe.cli.lab", "hbprobe.errors", "argparse"} <= imports_of("hbprobe.cli.main")
    assert "hbprobe.lab.inprocess" in imports_of("hbprobe.cli.lab"), "inside a function"
    assert {"asyncio", "socket"} <= outside("hbprobe.middlebox.relay")
    assert "hbprobe.profiles.model" in reach_of("hbprobe.lab.inprocess")


# The rules


@pytest.mark.parametrize("module", DECIDING)
def test_what_decides_touches_nothing_outside(module):
    for reached in reach_of(f"hbprobe.{module}"):
        assert outside(reached) - READS_A_FILE.get(reached, set()) == set(), reached


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module):
    upwards = {name for name in imports_of(module) if name.startswith("hbprobe") and height(name) > height(module)}
    assert upwards == set()


def test_help_loads_nothing_heavy():
    program = (
        "import json, sys, hbprobe.cli.main; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, cwd=ROOT.parent
    )
    assert set(json.loads(loaded.stdout)) & HEAVY == set()
