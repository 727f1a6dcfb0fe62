"""The request for a watch: paths measured again and again, as a watch file says."""

from dataclasses import dataclass, field
from os import fspath

from hbprobe.errors import RequestError
from hbprobe.measure.request import File, Request


@dataclass(frozen=True, kw_only=True)
class Watch(Request[None]):
    """Measure the targets of a watch file at an interval, until cancelled, and say when a limit changed.

    Every trial is kept in the database that the file names. Ended in any way, it goes on where it was when it is
    started again.
    """

    file: File = field(kw_only=False)
    """targets, interval, database: see docs/watch.md"""

    def check(self) -> None:
        """Raise RequestError for no file."""
        if not fspath(self.file):
            raise RequestError("{file}: name a watch file", "file")
