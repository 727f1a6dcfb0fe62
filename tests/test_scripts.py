"""Scripts that no test runs (benchmarks, fuzz targets, what draws the documents) name what is there.

They are dear to run, or need what is not installed; so at least a name of ours that is gone is noticed.
"""

import ast
import importlib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = [
    *(ROOT / "tests" / "benchmarks").glob("*.py"),
    *(ROOT / "tests" / "fuzz").glob("*.py"),
    *(ROOT / "docs").glob("*.py"),
]


def missing(tree):
    """Return the names of the project that a script uses, and that are not there."""
    modules, gone = {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "hbprobe":
            for alias in node.names:
                found = named(node.module, alias.name)
                if found is None:
                    gone.append(f"{node.module}.{alias.name}")
                elif isinstance(found, ModuleType):
                    modules[alias.asname or alias.name] = found
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            module = modules[node.value.id]
            if not hasattr(module, node.attr):
                gone.append(f"{module.__name__}.{node.attr}")
    return gone


def named(module, name):
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError:
        return None
    if hasattr(found, name):
        return getattr(found, name)
    try:
        return importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return None


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.relative_to(ROOT).as_posix())
def test_what_a_script_names_is_there(script):
    assert missing(ast.parse(script.read_text(encoding="utf-8"))) == []


def test_what_is_gone_is_found():
    text = "from hbprobe.net import address, nothing\nfrom hbprobe.gone import Gone\naddress.Address\naddress.Gone\n"
    assert missing(ast.parse(text)) == ["hbprobe.net.nothing", "hbprobe.gone.Gone", "hbprobe.net.address.Gone"]
