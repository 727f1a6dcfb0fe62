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
    tree = tree_of(module)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            names |= {module_of(node.module, alias.name) for alias in node.names}
    return frozenset(names)


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
