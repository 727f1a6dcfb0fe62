"""What the main verbs print, as text and as JSON, so that a change of the code shows what it changes for others.

    python tests/golden.py            writes every file in golden/ anew
    git diff tests/golden             shows what has changed; CHANGELOG.md says why

All of it runs on the warp clock or in simulated time, or, as locating does, beside a path that is played, and is the
same on every Python and NumPy. Left out is what depends on the place or the moment: versions, where files lie, how
long it took by the clock on the wall. Of a long list the beginning stands for all.
"""

import contextlib
import io
import json
import os
import re
import socket
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hbprobe.cli.main import main
from hbprobe.locate.finding import Hop, Route
from hbprobe.locate.hop_trials import Locating
from hbprobe.manner import Aftermath, Manner
from hbprobe.measure.locate import Locate
from hbprobe.trial.methods.hold import HoldMethod
from hbprobe.trial.outcome import Kind, Outcome

FOLDER = Path(__file__).with_name("golden")
_WIDTH = "100"
_DIGITS = 9
"""So many of each number count: sums differ in the last ones from NumPy to NumPy."""
_MOST, _FEW = 6, 2
_LEFT_OUT = {"wall", "hbprobe", "server"}
"""Keys whose values are another one elsewhere; `server` names Python and aiohttp."""
_WALL = re.compile(r"in [\d.]+ s of wall")
_HERE = re.compile(r"\nfile: .*", re.DOTALL)
_FLEET = ("--devices", "40", "--days", "0.2")
_TIMERS = ("--from", "10min", "--to", "30min", "--step", "10min")

CASES = {
    "lab": ("lab", "cisco-asa", "nginx-stream-proxy"),
    "diagnose": ("diagnose", "--lab", "azure-load-balancer"),
    "locate": ("locate", "https://probe.example.net:8443/", "--limit", "10min"),
    "verdict": ("verdict", "--limit", "10min"),
    "fleet": ("fleet", *_FLEET),
    "fleet-sweep": ("fleet", "--devices", "10", "--days", "0.05", "--sweep-share", "mobile"),
    "size": ("size", *_FLEET, *_TIMERS, "--profile", "cisco-asa"),
    "profiles-list": ("profiles", "list", "--category", "nat"),
    "profiles-show": ("profiles", "show", "nginx-http-proxy"),
}
TEXT_ONLY = {"fleet-sweep", "profiles-show"}
FILES = {
    **{f"{name}.txt": argv for name, argv in CASES.items()},
    **{f"{name}.json": (*argv, "--json") for name, argv in CASES.items() if name not in TEXT_ONLY},
}

_ROUTE = Route((Hop(1, "192.0.2.1", 0.0004), Hop(2, None), Hop(3, "198.51.100.7", 0.0121)), 4)
_GUILTY = 3


class PlayedPath(contextlib.ExitStack):
    """Plays a path of four hops to `locate`, which needs routers otherwise: the third forgets idle connections."""

    def __init__(self) -> None:
        super().__init__()
        for kind, name, played in (
            (Locate, "_finder", lambda *_: self._find),
            (Locating, "_peer", self._peer),
            (Locating, "_trial", self._trial),
            (HoldMethod, "prove", self._prove),
        ):
            self.enter_context(patch.object(kind, name, played))

    @staticmethod
    async def _find(*_: object) -> Route:
        return _ROUTE

    @staticmethod
    async def _peer(_: object) -> tuple[socket.AddressFamily, tuple[str, int]]:
        return socket.AF_INET, ("203.0.113.9", 8443)

    @staticmethod
    async def _prove(_: object) -> None:
        """Somebody is there, whenever that is asked."""

    @staticmethod
    async def _trial(_: object, ttl: int, _distance: int) -> Outcome:
        if ttl >= _GUILTY:
            return Outcome(Kind.SURVIVED, 618.02)
        return Outcome(Kind.CUT, 621.0, Manner.SILENT, aftermath=Aftermath.RESET, reason="nothing came")


def printed(file: str) -> str:
    """Run the command of a file, and return what the file should say."""
    said = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = _WIDTH
    try:
        with PlayedPath(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            status = main([*FILES[file]])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    if file.endswith(".json"):
        return json.dumps(shortened(json.loads(said.getvalue())), indent=1) + "\n"
    text = _HERE.sub("", _WALL.sub("in - s of wall", said.getvalue()))
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join([f"$ hbprobe {' '.join(FILES[file])}", *lines, f"status {status}", ""])


def shortened(document: Any, key: str = "") -> Any:
    """Return a document without what is another one each time, and without the rest of long lists."""
    match document:
        case dict():
            return {name: shortened(value, name) for name, value in document.items()}
        case list() if len(document) > _MOST:
            return [*map(shortened, document[:_FEW]), f"and {len(document) - _FEW} more"]
        case list():
            return [shortened(one) for one in document]
        case float() if key not in _LEFT_OUT:
            return float(f"{document:.{_DIGITS}g}")
        case _:
            return "-" if key in _LEFT_OUT else document


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for file in FILES:
        (FOLDER / file).write_text(printed(file), encoding="utf-8")
        sys.stdout.write(f"{file}\n")
