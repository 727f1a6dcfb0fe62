"""Which lines of deciding modules their own tests do not run.

    python tests/uncovered.py                     every module that is free of I/O, clocks and chance; takes minutes
    python tests/uncovered.py trial.classify ...  these only

What `hbprobe/ROOM/NAME.py` decides is tested in `tests/ROOM/test_NAME.py`, and in `test_NAME_*.py` beside it; where
there is neither, in `tests/test_ROOM.py`, which tests the room as a whole. Each module is run under its own tests
alone, so that what others happen to run on their way does not count. A module without a function, a table or a
vocabulary, decides nothing and needs none. Needs coverage, which is in the extra `dev`.
"""

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from test_architecture import MODULES, ROOT, TOUCHING

TESTS = Path(__file__).parent


def main(names: list[str]) -> int:
    """Print a line for each module that is not wholly covered; return how many there are, up to 1."""
    chosen = names or deciding()
    if unknown := [name for name in chosen if f"hbprobe.{name}" not in MODULES]:
        print(f"no such module: {', '.join(unknown)}", file=sys.stderr)  # noqa: T201
        return 2
    found = [line for name in chosen for line in _uncovered(name)]
    print("\n".join(found) or "all covered")  # noqa: T201
    return 1 if found else 0


def _uncovered(name: str) -> Iterator[str]:
    *rooms, stem = name.split(".")
    tests = tests_of(name)
    told = " ".join(str(test.relative_to(TESTS.parent)) for test in tests)
    if not tests:
        yield f"{name}: has no {TESTS.joinpath(*rooms, f'test_{stem}.py').relative_to(TESTS.parent)}"
        return
    file = _file(name)
    with tempfile.TemporaryDirectory() as folder:
        data, report = Path(folder) / "data", Path(folder) / "report.json"
        coverage = [sys.executable, "-m", "coverage"]
        run = ["run", f"--data-file={data}", f"--include={file}", "-m", "pytest", "-q", "-n0", *map(str, tests)]
        ran = subprocess.run([*coverage, *run], cwd=TESTS.parent, capture_output=True, text=True, check=False)
        if ran.returncode:
            yield f"{name}: {told} fails"
            return
        as_json = ["json", "-q", f"--data-file={data}", "-o", str(report)]
        if subprocess.run([*coverage, *as_json], cwd=TESTS.parent, capture_output=True, check=False).returncode:
            yield f"{name}: no line of it is run"
            return
        (measured,) = json.loads(report.read_text())["files"].values()
    if lines := measured["missing_lines"]:
        yield f"{name}: {measured['summary']['percent_covered_display']} %, not lines {_ranges(lines)}"


def deciding() -> list[str]:
    """Return the modules that are free of I/O, clocks and chance, and do something."""
    named = (module.removeprefix("hbprobe.") for module in MODULES)
    return [name for name in named if name not in TOUCHING and _does_something(name)]


def _does_something(name: str) -> bool:
    """Return whether a module has a function, or a method, with a body: more than a docstring or `...`."""
    tree = ast.parse(_file(name).read_text("utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return any(not _says_nothing(statement) for function in functions for statement in function.body)


def _says_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def tests_of(name: str) -> list[Path]:
    """Return the test files of a module."""
    *rooms, stem = name.split(".")
    folder = TESTS.joinpath(*rooms)
    own = [folder / f"test_{stem}.py", *sorted(folder.glob(f"test_{stem}_*.py"))]
    return [file for file in own if file.is_file()] or [file for file in [_of_room(rooms)] if file.is_file()]


def _file(name: str) -> Path:
    return ROOT.joinpath(*name.split(".")).with_suffix(".py")


def _of_room(rooms: list[str]) -> Path:
    *above, room = rooms or ["none"]
    return TESTS.joinpath(*above, f"test_{room}.py")


def _ranges(lines: list[int]) -> str:
    """Write numbers in a row as one: `3-5, 9`."""
    spans: list[list[int]] = []
    for line in lines:
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
