"""What may import what, and whether the maps of the code are true: what decides touches nothing outside, imports run
downwards and in no circle, --help loads little, and every room and module is named where it is looked for."""

import ast
import json
import re
import subprocess
import sys
from functools import cache

import pytest
from support.modules import MODULES, ROOT, file_of, imports_of, named_in, statements, tree_of

from hbprobe.trial.methods.table import METHODS

LAYERS = (
    ("cli",),
    ("web",),
    ("watch",),
    ("testing",),
    ("toxiproxy",),
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
    "report.terminal.diagnosis",
    "report.documents.chapters",
    "__main__",
    "cli.app",
    "cli.capture",
    "cli.diagnose",
    "cli.fleet",
    "cli.fleet_output",
    "cli.fleet_sockets",
    "cli.history",
    "cli.lab",
    "cli.locate",
    "cli.pages",
    "cli.logs",
    "cli.main",
    "cli.box_log",
    "cli.options",
    "cli.output",
    "cli.plot",
    "cli.preflight",
    "cli.probe",
    "cli.profiles",
    "cli.proxy",
    "cli.report",
    "cli.request_options",
    "cli.schema",
    "cli.serve",
    "cli.server_library",
    "cli.size",
    "cli.stand_in",
    "cli.toxiproxy",
    "cli.verdict",
    "cli.watch",
    "fleet.several",
    "evidence.captures.annotation",
    "evidence.captures.capture",
    "evidence.captures.capture_file",
    "evidence.captures.findings",
    "evidence.events.pasted",
    "evidence.events.readers",
    "evidence.logs.engines.engine",
    "evidence.logs.questions.export",
    "evidence.logs.lines.http_tables",
    "evidence.logs.questions.reports",
    "evidence.logs.request",
    "evidence.logs.engines.spark",
    "evidence.logs.lines.line_order",
    "evidence.logs.lines.log_sources",
    "evidence.logs.store.log_reading",
    "evidence.logs.store.log_store",
    "evidence.logs.store.stored_logs",
    "evidence.logs.answer.conclusions",
    "evidence.logs.answer.log_notes",
    "evidence.logs.answer.logged_events",
    "evidence.logs.lines.w3c",
    "evidence.verdict",
    "farend.hold_service",
    "farend.responder_server",
    "farend.server",
    "farend.streams",
    "farend.witness",
    "files",
    "fleet.mix",
    "fleet.requests",
    "lab.fleet_sockets",
    "lab.inprocess",
    "lab.kernel.link_capture",
    "lab.kernel.enter",
    "lab.kernel.keeper",
    "lab.kernel.measure",
    "lab.kernel.namespaces",
    "lab.kernel.path",
    "lab.kernel.watcher",
    "lab.pathfile",
    "lab.requests",
    "locate.hop_trials",
    "locate.route",
    "measure.account",
    "measure.conclude",
    "measure.diagnosing",
    "measure.guard",
    "measure.journal",
    "measure.locate",
    "measure.log_file",
    "measure.observe",
    "measure.preflight",
    "measure.presence",
    "measure.probe",
    "measure.request",
    "measure.run",
    "measure.setup",
    "measure.talk_request",
    "middlebox.alarm",
    "middlebox.running_box",
    "middlebox.chain",
    "middlebox.control_api",
    "middlebox.events",
    "middlebox.graceful_close",
    "middlebox.http.gateway",
    "middlebox.http.http2_leg",
    "middlebox.http.http2_session",
    "middlebox.http.http_session",
    "middlebox.http.leg",
    "middlebox.relay",
    "middlebox.expired_ends",
    "middlebox.faults.toxic_calls",
    "middlebox.faults.fault_box",
    "middlebox.faults.fault_gateway",
    "middlebox.faults.staged_leg",
    "middlebox.faults.toxic_box",
    "middlebox.faults.staged_relay",
    "middlebox.faults.flow_tls",
    "middlebox.faults.tls_relay",
    "middlebox.workers",
    "net.accepted",
    "net.address",
    "net.certificates",
    "net.dial",
    "net.event_feed",
    "net.socket_watch",
    "net.http2_server",
    "net.http_connection",
    "net.http_server",
    "net.json_api",
    "net.listener",
    "net.liveness",
    "net.silence",
    "net.tls_codec",
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
    "profiles.running",
    "profiles.profile_rows",
    "records.diagnosis",
    "records.location",
    "records.preflight",
    "records.result",
    "records.schemas",
    "report.documents.blocks",
    "report.documents.compose",
    "report.documents.data",
    "report.documents.formats",
    "report.documents.html",
    "report.documents.markdown",
    "report.documents.sections",
    "report.documents.sources",
    "report.drawn_path",
    "report.plots.axis",
    "report.plots.capture_plot",
    "report.plots.catalogue_plot",
    "report.plots.curve_plot",
    "report.plots.curves",
    "report.plots.flags",
    "report.plots.fleet_plot",
    "report.plots.history_plot",
    "report.plots.logs_plot",
    "report.plots.page",
    "report.plots.path_plot",
    "report.plots.search_plot",
    "report.plots.size_plot",
    "report.plots.staircase_plot",
    "report.plots.style",
    "report.terminal.answer",
    "report.terminal.capture",
    "report.terminal.fleet",
    "report.terminal.layout",
    "report.terminal.live",
    "report.terminal.location",
    "report.terminal.logs",
    "report.terminal.preflight",
    "report.terminal.size",
    "report.terminal.tables",
    "report.terminal.words",
    "standin.admin",
    "standin.input_files",
    "standin.record_files",
    "standin.service",
    "testing.box",
    "testing.fault_proxy",
    "testing.in_flight",
    "testing.loop",
    "testing.monotonic",
    "testing.on_loop",
    "testing.plugin",
    "testing.survival_table",
    "testing.event_words",
    "toxiproxy.api",
    "toxiproxy.metrics",
    "toxiproxy.toxic_proxy",
    "toxiproxy.tls_files",
    "trial.asking",
    "trial.handshake",
    "trial.http",
    "trial.methods.hold",
    "trial.methods.idle",
    "trial.methods.method",
    "trial.methods.ping",
    "trial.methods.talking",
    "trial.postmortem",
    "trial.proof",
    "warp",
    "watch.history",
    "watch.control",
    "watch.endpoint",
    "watch.file_sd",
    "watch.live_table",
    "watch.metrics",
    "watch.notify",
    "watch.request",
    "watch.watch",
    "watch.store",
    "watch.watchfile",
    "watch.writer",
    "web.box_page",
    "web.shell",
    "web.watch_page",
}
"""The modules that may, or that need one that does. Every other one is free of I/O, clocks and chance, with all that
it imports: times and generators are arguments, and state machines return what to do."""
READS_A_FILE = {"hbprobe.exchange.settings": {"pathlib"}}
"""Values that the deciding modules need, in a module that can load them, too."""

HEAVY = {"aiohttp", "cryptography", "duckdb", "evtx", "matplotlib", "numpy", "pydantic", "scapy", "yaml"}


@cache
def reach_of(module):
    """Return all modules of the project that come in with a module, itself included."""
    reached, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [other for other in imports_of(name) if other.startswith("hbprobe.")]
    return reached


@cache
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


def test_what_decides_touches_nothing_outside():
    decide = [module for module in MODULES if module.removeprefix("hbprobe.") not in TOUCHING]
    assert {module: touched for module in decide if (touched := touches(module))} == {}


def test_the_exceptions_are_needed():
    idle = [name for name in sorted(TOUCHING) if not touches(f"hbprobe.{name}")]
    assert idle == [], "touches nothing: take it off the list, so that it stays so"


def test_imports_run_downwards():
    upwards, beside = set(), set()
    for module in MODULES:
        for name in imports_of(module):
            if name.startswith("hbprobe."):
                if height(name) > height(module):
                    upwards.add((module, name))
                if height(name) == height(module) > 0 and _room(name) != _room(module):
                    beside.add((module, name))
    assert upwards == set()
    assert beside == set(), "a room of the same floor"


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


# The map


PACKAGES = sorted(path.parent for path in ROOT.rglob("__init__.py") if path.parent != ROOT)
HOUSE = ROOT.parent / "docs" / "architecture.md"
MAP_ROW = re.compile(r"^    (\w+(?:\.py|/)) +\S", re.MULTILINE)
HOUSE_ROW = re.compile(r"^\| `(\w+(?:\.py|/))` \|", re.MULTILINE)
PLACE = re.compile(r"`([\w/]+\.py)`\s+`([\w.]+)`")
FILE = re.compile(r"`((?:\w+/)+[\w-]+\.\w+|\w+\.py)`")


def text_of(page):
    if not page.is_file():
        pytest.skip("installed without its documents")
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_a_room_opens_with_its_map(folder):
    rows = MAP_ROW.findall(ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))))
    assert len(rows) == len(set(rows))
    assert [row for row in rows if not (folder / row).exists()] == [], "named, and not there"
    files = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    rooms = {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
    assert sorted((files | rooms) - set(rows)) == [], f"add a row for it to {folder.name}/__init__.py"


def test_the_map_of_the_house_names_every_room_in_its_place():
    there = {path.name for path in PACKAGES if path.parent == ROOT} | {path.stem for path in ROOT.glob("*.py")}
    order = [name for floor in LAYERS for name in floor if name in there]
    rows = HOUSE_ROW.findall(text_of(HOUSE))
    expected = [f"{name}/" if (ROOT / name).is_dir() else f"{name}.py" for name in [*order, *sorted(ALONE)]]
    assert rows == expected


@pytest.mark.parametrize("name", ["architecture.md", "extending.md"])
def test_what_the_pages_for_maintainers_name_is_there(name):
    text = text_of(HOUSE.with_name(name))
    bases = (ROOT, ROOT.parent, HOUSE.parent)
    assert [file for file in FILE.findall(text) if not any((base / file).exists() for base in bases)] == []
    places = PLACE.findall(text)
    assert places
    assert [place for place in places if not _defines(*place)] == []


def _defines(file, name):
    base = ROOT if (ROOT / file).exists() else ROOT.parent
    body = ast.parse((base / file).read_text(encoding="utf-8")).body
    for part in name.split("."):
        found = [node for node in body if part in _names_of(node)]
        if not found:
            return False
        body = getattr(found[0], "body", [])
    return True


def _names_of(node):
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.AnnAssign):
        return {node.target.id} if isinstance(node.target, ast.Name) else set()
    return {getattr(node, "name", "")}


def test_a_name_that_is_gone_is_noticed():
    assert _defines("measure/run.py", "Run.to_the_end")
    assert not _defines("measure/run.py", "Run.to_the_start")
    assert not _defines("measure/run.py", "Walk")


# Circles


def needs(module):
    """Return what of the project a module needs when it runs.

    What stands under TYPE_CHECKING is left out: hbprobe/__init__.py names every request there, for type checkers
    alone, and each module that takes its version would be in a circle with all of them.
    """
    named = named_in(statements(tree_of(module), for_types=False))
    return {name for name in named if name.partition(".")[0] == "hbprobe"}


def circles(graph):
    """Return the groups of nodes of which each can be reached from each other."""
    reached = {}
    for node in graph:
        seen, waiting = set(), list(graph[node])
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += graph.get(other, ())
        reached[node] = seen
    return {
        frozenset(other for other in reached[node] if node in reached.get(other, ()))
        for node in graph
        if node in reached[node]
    }


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}, "e": {"a"}}) == {
        frozenset("bc"),
        frozenset("d"),
    }


def test_no_circle_of_files():
    packages = ["hbprobe" + "".join(f".{part}" for part in path.relative_to(ROOT).parts) for path in PACKAGES]
    assert circles({module: needs(module) for module in ["hbprobe", *packages, *MODULES]}) == set()


def test_no_circle_of_rooms():
    graph = {}
    for module in MODULES:
        others = {_room(name) for name in imports_of(module) if name.startswith("hbprobe.")}
        graph.setdefault(_room(module), set()).update(others - {_room(module)})
    assert circles(graph) == set()


# One table


TABLE = "hbprobe.trial.methods.table"
HOMES = ("hbprobe.trial.methods.", "hbprobe.trial.talks.")
"""The methods themselves know who they are; the name that a class has is no comparison."""


def compared(tree):
    """Return the texts that a module compares something with, matches, or lets a type be."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                found |= texts(*node.comparators, node.left)
            case ast.MatchValue():
                found |= texts(node.value)
            case ast.Subscript(value=ast.Name(id="Literal")):
                found |= texts(node.slice)
    return found


def texts(*nodes):
    values = (inner.value for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Constant))
    return {value for value in values if isinstance(value, str)}


def test_comparisons_are_found():
    text = """
if method.name == "hold" or method in ("idle", "x"): ...
match name:
    case "ping": ...
kind: Literal["redis"] = "other"
"""
    assert compared(ast.parse(text)) == {"hold", "idle", "x", "ping", "redis"}


def test_no_module_compares_the_name_of_a_method():
    others = [module for module in MODULES if not module.startswith(HOMES) and _has_one(module)]
    found = {module: names for module in others if (names := compared(tree_of(module)) & set(METHODS))}
    assert found == {}, f"a trait of {TABLE} is missing"


def _has_one(module):
    text = file_of(module).read_text(encoding="utf-8")
    return any(f'"{name}"' in text for name in METHODS)


# Sizes


A_SCREEN = 50
SMALL = {
    "evidence.captures.hints": "pure, and its importer reads files",
    **dict.fromkeys(
        (f"middlebox.stages.{stage}" for stage in ("latency", "limit_data", "slow_close", "timeout")),
        "a stage: each is one file and one row of the table",
    ),
    "measure.preflight": "a request: a name of the public API, and its file",
    "profiles.checking": "what is wrong in files; a verb has no logic of its own",
    "report.terminal.preflight": "how a check looks on a terminal; a verb has no layout of its own",
    "toxiproxy.metrics": "loaded when somebody asks",
    "trial.talks.scram": "a protocol of its own, tested with the numbers of its RFC",
    "watch.schedule": "pure, and its importer waits",
}
"""Modules shorter than a screen that only one other imports, each with the reason why it is one."""


def test_what_is_short_and_has_one_importer_has_a_reason():
    importers = {}
    for module in MODULES:
        for name in imports_of(module) & set(MODULES):
            importers.setdefault(name, set()).add(module)
    short = {
        module.removeprefix("hbprobe.")
        for module, (_, *more) in importers.items()
        if not more and len(file_of(module).read_text(encoding="utf-8").splitlines()) < A_SCREEN
    }
    assert sorted(short - SMALL.keys()) == [], "a function of the module that imports it; or say here why not"
    assert sorted(SMALL.keys() - short) == [], "it needs no reason any more"
