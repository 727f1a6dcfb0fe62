"""A watcher started beside a router, and ended with it."""

import contextlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.lab.kernel.namespaces import Namespace
from hbprobe.middlebox.kernel import Farewell
from hbprobe.profiles.words import Ends

_WATCHER = Path(__file__).with_name("watcher.py")


@contextlib.contextmanager
def watching(router: Namespace, farewell: Farewell, tells: Ends) -> Iterator[None]:
    """Have a watcher speak up when the router forgets.

    Raises UserError where scapy is missing, CannotMeasureError where the watcher did not live to the end.
    """
    if importlib.util.find_spec("scapy") is None:
        raise UserError(f"a box that sends {farewell.upper()} at expiry needs scapy: pip install scapy")
    argv = router.command([sys.executable, "-P", str(_WATCHER), farewell, tells])
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watcher:
        try:
            if watcher.stdout is None or not watcher.stdout.readline():
                raise CannotMeasureError(f"the watcher of a box has ended: {_last_words(watcher)}")
            yield
            if watcher.poll() is not None:
                raise CannotMeasureError(f"the watcher of a box has ended: {_last_words(watcher)}")
        finally:
            watcher.kill()


def _last_words(watcher: "subprocess.Popen[bytes]") -> str:
    said = watcher.stderr.read().decode(errors="replace").splitlines() if watcher.stderr is not None else []
    return said[-1] if said else "it said nothing"
