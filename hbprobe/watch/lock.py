"""One watch at a time on one database."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from hbprobe.errors import UserError


@contextlib.contextmanager
def only_watch(database: Path) -> Iterator[None]:
    """Hold the right to watch with this database; raises UserError where another program has it.

    SQLite's own file lock is used, on a file beside the database: it works on every system, and ends with the
    process that holds it, however that ends.
    """
    lock = Path(f"{database}.lock")
    with contextlib.ExitStack() as stack:
        try:
            with contextlib.suppress(OSError):  # SQLite says it better
                os.close(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600))
            held = stack.enter_context(contextlib.closing(sqlite3.connect(lock, timeout=0, isolation_level=None)))
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UserError(f"{database}: another hbprobe watch works on it: end that one first") from None
            raise UserError(f"{lock}: cannot be written: {error}") from None
        yield
