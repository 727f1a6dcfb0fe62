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

LAYERS = (
    ("cli",),
    ("web",),
    ("watch",),
    ("toxiproxy", "testing"),
    ("report",),
    ("lab",),
    ("fleet",),
    ("evidence",),
    ("measure",),
    ("records",),
    ("diagnosis", "locate", "preflight"),
    ("statistics",),
    ("search",),
    ("trial",),
    ("standin",),
    ("farend",),
    ("middlebox",),
    ("eas",),
    ("exchange",),
    ("net",),
    ("profiles",),
    ("manner",),
    ("warp",),
)
"""From the top down; rooms of one floor do not import each other. Below them lie the modules that stand alone."""
ALONE = {"duration", "errors", "files", "readiness", "share", "text", "word"}

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
    "sqlite3",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "yaml",
}
"""What touches a file, a socket, a clock, a terminal or chance."""
TOUCHING = {
    "__main__",
    "cli.api",
    "cli.app",
    "cli.capture",
    "cli.diagnose",
    "cli.fleet",
    "cli.fleet_output",
    "cli.fleet_sockets",
    "cli.history",
    "cli.lab",
    "cli.locate",
    "cli.logs",
    "cli.main",
    "cli.options",
    "cli.output",
    "cli.plot",
    "cli.preflight",
    "cli.probe",
    "cli.profiles",
    "cli.proxy",
    "cli.report",
    "cli.requests",
    "cli.serve",
    "cli.size",
    "cli.stand_in",
    "cli.verdict",
    "cli.watch",
    "evidence.captures.annotation",
    "evidence.captures.answer",
    "evidence.captures.capture",
    "evidence.captures.capture_file",
    "evidence.captures.findings",
    "evidence.events.readers",
    "evidence.logs.engine",
    "evidence.logs.export",
    "evidence.logs.http_tables",
    "evidence.logs.mixture",
    "evidence.logs.reports",
    "evidence.logs.request",
    "evidence.logs.sources",
    "evidence.logs.store",
    "evidence.logs.telling",
    "evidence.logs.w3c",
    "farend.ending",
    "farend.hold_service",
    "farend.server",
    "farend.witness",
    "files",
    "fleet.mix",
    "fleet.requests",
    "lab.diagnosed",
    "lab.fleet",
    "lab.inprocess",
    "lab.kernel.capture",
    "lab.kernel.enter",
    "lab.kernel.far_end",
    "lab.kernel.keeper",
    "lab.kernel.measure",
    "lab.kernel.namespaces",
    "lab.kernel.path",
    "lab.kernel.watcher",
    "lab.kernel.watching",
    "lab.pathfile",
    "lab.requests",
    "locate.hop_trials",
    "locate.raw_route",
    "locate.route",
    "measure.account",
    "measure.answers",
    "measure.conclude",
    "measure.diagnosing",
    "measure.guard",
    "measure.journal",
    "measure.locate",
    "measure.log_file",
    "measure.observe",
    "measure.persist",
    "measure.preflight",
    "measure.probe",
    "measure.request",
    "measure.run",
    "measure.setup",
    "measure.verdict",
    "middlebox.alarm",
    "middlebox.box_stats",
    "middlebox.box",
    "middlebox.chain",
    "middlebox.control",
    "middlebox.events",
    "middlebox.graceful_close",
    "middlebox.http.gateway",
    "middlebox.http.http_session",
    "middlebox.http.leg",
    "middlebox.relay",
    "middlebox.expired_ends",
    "middlebox.workers",
    "net.accepted",
    "net.address",
    "net.certificates",
    "net.connect",
    "net.dial",
    "net.hangup",
    "net.http_server",
    "net.json_api",
    "net.keep_alive",
    "net.listener",
    "net.liveness",
    "net.silence",
    "net.tcp_info",
    "net.tls_end",
    "net.wire",
    "preflight.certificate",
    "preflight.preflight",
    "preflight.reach",
    "profiles.catalogue",
    "profiles.checking",
    "profiles.document",
    "profiles.grammar",
    "profiles.loader",
    "profiles.reading",
    "profiles.running",
    "profiles.table",
    "records.capture",
    "records.diagnosis",
    "records.location",
    "records.logs",
    "records.preflight",
    "records.result",
    "records.wire",
    "report.documents.blocks",
    "report.documents.compose",
    "report.documents.data",
    "report.documents.diagnosed",
    "report.documents.html",
    "report.documents.inline",
    "report.documents.markdown",
    "report.documents.outcomes",
    "report.documents.sections",
    "report.documents.sources",
    "report.plots.axis",
    "report.plots.capture_plot",
    "report.plots.catalogue_plot",
    "report.plots.curve_labels",
    "report.plots.curve_plot",
    "report.plots.curves",
    "report.plots.flags",
    "report.plots.fleet_plot",
    "report.plots.history_plot",
    "report.plots.logs_plot",
    "report.plots.page",
    "report.plots.search_plot",
    "report.plots.search_rows",
    "report.plots.size_plot",
    "report.plots.stack",
    "report.plots.staircase_plot",
    "report.plots.style",
    "report.terminal.capture",
    "report.terminal.capture_live",
    "report.terminal.diagnosis_live",
    "report.terminal.diagnosis_words",
    "report.terminal.fleet",
    "report.terminal.fleet_sockets",
    "report.terminal.layout",
    "report.terminal.live",
    "report.terminal.location",
    "report.terminal.logs",
    "report.terminal.preflight",
    "report.terminal.size",
    "report.terminal.tables",
    "report.terminal.words",
    "standin.admin",
    "standin.files",
    "standin.record_files",
    "standin.service",
    "trial.asking",
    "trial.dripping",
    "trial.handshake",
    "trial.http",
    "trial.methods",
    "trial.ping",
    "trial.postmortem",
    "trial.proof",
    "trial.witness",
    "warp",
    "watch.chronicle",
    "watch.lock",
    "watch.metrics",
    "watch.request",
    "watch.service",
    "watch.store",
    "watch.watchfile",
    "watch.words",
}
"""The modules that may, or that need one that does. Every other one is free of I/O, clocks and chance, with all that
it imports: times and generators are arguments, and state machines return what to do."""
READS_A_FILE = {"hbprobe.exchange.settings": {"pathlib"}}
"""Values that the deciding modules need, in a module that can load them, too."""

HEAVY = {"aiohttp", "cryptography", "duckdb", "evtx", "matplotlib", "numpy", "pydantic", "scapy", "yaml"}

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
    for place, floor in enumerate(LAYERS):
        if package in floor:
            return len(LAYERS) - place
    assert package in ALONE | {"__init__", "__main__"}, f"{module} has no place in the order"
    return len(LAYERS) + 1 if package == "__main__" else 0


# The reader itself


def test_imports_are_read_wherever_they_stand():
    assert {"hbprobe.cli.app", "hbprobe.errors", "sys"} <= imports_of("hbprobe.cli.main")
    assert "hbprobe.lab.requests" in imports_of("hbprobe.cli.lab"), "inside a function"
    assert {"asyncio", "socket"} <= outside("hbprobe.middlebox.relay")
    assert "hbprobe.profiles.model" in reach_of("hbprobe.lab.inprocess")


# The rules


def touches(module):
    """Return the modules in a module's reach that touch the outside."""
    return {one for one in reach_of(module) if outside(one) - READS_A_FILE.get(one, set())}


@pytest.mark.parametrize("module", [name for name in MODULES if name.removeprefix("hbprobe.") not in TOUCHING])
def test_what_decides_touches_nothing_outside(module):
    assert touches(module) == set()


@pytest.mark.parametrize("name", sorted(TOUCHING))
def test_the_exceptions_are_needed(name):
    assert touches(f"hbprobe.{name}"), f"{name} touches nothing: take it off the list, so that it stays so"


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module):
    inside = {name for name in imports_of(module) if name.startswith("hbprobe.")}
    assert {name for name in inside if height(name) > height(module)} == set()
    beside = {name for name in inside if height(name) == height(module) and _room(name) != _room(module)}
    assert {name for name in beside if height(name)} == set(), "a room of the same floor"


def _room(module):
    return module.split(".")[1]


def test_help_loads_nothing_heavy():
    program = (
        "import json, sys, hbprobe.cli.main; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, cwd=ROOT.parent
    )
    assert set(json.loads(loaded.stdout)) & HEAVY == set()
