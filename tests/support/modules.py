"""The modules of hbprobe as text: their trees, and what they import."""

import ast
from functools import cache
from pathlib import Path

import hbprobe

ROOT = Path(hbprobe.__file__).parent

MODULES = sorted(
    "hbprobe." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in ROOT.rglob("*.py")
    if path.stem != "__init__"
)


@cache
def imports_of(module):
    """Return the names of all modules that a module imports, wherever in its text that stands."""
    return named_in(statements(tree_of(module)))


def named_in(statements):
    """Return the names of all modules that some statements import."""
    names = set()
    for node in statements:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import of {node.module}"
            names |= {module_of(node.module, alias.name) for alias in node.names}
    return frozenset(names)


def statements(node, for_types=True):
    """Give each statement within a node; on request without those that only type checkers read.

    No expression has a statement in it, and they are nine tenths of a tree.
    """
    parts = ("body", "handlers", "cases", "orelse", "finalbody")
    for part in parts if for_types or not _asks_for_types(node) else ("orelse",):
        for inner in getattr(node, part, ()):
            yield inner
            yield from statements(inner, for_types)


def _asks_for_types(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@cache
def tree_of(module):
    return ast.parse(file_of(module).read_text(encoding="utf-8"))


def file_of(module):
    parts = module.split(".")[1:]
    path = ROOT.joinpath(*parts)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def module_of(parent, name):
    """`from hbprobe.cli import lab` names a module, `from hbprobe.errors import UserError` does not."""
    return f"{parent}.{name}" if parent.startswith("hbprobe") and file_of(f"{parent}.{name}").exists() else parent
