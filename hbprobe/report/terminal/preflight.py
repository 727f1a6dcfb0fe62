"""A preflight on the terminal, check by check, and as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from hbprobe import __version__
from hbprobe.preflight.preflight import Check, State
from hbprobe.text import seconds, shown

SCHEMA = "hbprobe.preflight/1"
_MARKS = {State.PASSED: "ok", State.FAILED: "FAILED", State.NOT_TRIED: "-"}
_NAME_COLUMNS = 16
_INDENT = " " * 8


def print_check(check: Check, console: Console) -> None:
    """Print one check: what came of it, what was seen, and what to do."""
    took = f"{check.took_s:.3f} s" if check.state is not State.NOT_TRIED else str(check.state)
    _line(console, f"{_MARKS[check.state]:<8}{check.name:<{_NAME_COLUMNS}}{took}")
    for text in check.found:
        _line(console, f"{_INDENT}{text}")
    if check.mend:
        _line(console, f"{_INDENT}to do: {check.mend}")


def _line(console: Console, text: str) -> None:
    console.print(Text(shown(text)), soft_wrap=True)


def to_json(
    target: str, user: str, checks: Sequence[Check], server: Mapping[str, Any], notes: Sequence[str] = ()
) -> str:
    """Return a preflight as one JSON document (docs/ping.md)."""
    document = {
        "schema": SCHEMA,
        "hbprobe": __version__,
        "target": target,
        "user": user,
        "passed": all(check.state is State.PASSED for check in checks),
        "checks": [_check_dict(check) for check in checks],
        "server": dict(server),
        "notes": list(notes),
    }
    return json.dumps(document, indent=2) + "\n"


def _check_dict(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "state": check.state,
        "seconds": float(seconds(check.took_s)),
        "found": list(check.found),
        "mend": check.mend,
    }
