"""What `fleet` and `size` have in common: how far they are, and what they print and leave."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import Parameter

from hbprobe.cli.options import ExitCode, Folder, Json
from hbprobe.cli.output import fresh_folder, left, show
from hbprobe.files import write_whole
from hbprobe.measure.observe import Observer

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

    from hbprobe.records.result_parts import Document

Say: TypeAlias = Callable[[str], None]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a simulated fleet is shown and kept."""

    out: Annotated[Folder, Parameter(help="leave the result as JSON, and pictures, there")] = None
    json: Json = False
    exit_code: ExitCode = False


class _Telling(Observer):
    """Shows how far a simulation is."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def says(self, text: str) -> None:
        self._say(text)

    def progress(self, share: float) -> None:
        self._say(f"simulating: {share:.0%}")


@contextlib.contextmanager
def status(first: str) -> Iterator[Say]:
    """Give a function that shows on a terminal, beside a spinner, what is being done; elsewhere it shows nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status(first) as spinner:
        yield spinner.update


@contextlib.contextmanager
def progress(own: Options) -> Iterator[Observer]:
    """Give what shows on a terminal how far the work is; elsewhere it shows nothing.

    Raises RequestError, before anything is simulated, where nothing can be left as asked for.
    """
    if own.out is not None:
        fresh_folder(own.out)
    with status("simulating") as say:
        yield _Telling(say)


def tell(
    own: Options,
    name: str,
    document: "Document",
    print_text: "Callable[[Console], None]",
    pictures: "Mapping[str, Callable[[], Figure]]",
    *,
    found: bool,
) -> int:
    """Print what a simulation showed, and leave it as NAME.json and pictures, if there is a folder.

    Return the exit status: `found` says whether there is a finding.
    """
    text = document.to_json()
    status = show(lambda: text, print_text, 1 if found and own.exit_code else 0, as_json=own.json)

    def leave(folder: Path) -> None:
        from hbprobe.report.plots.style import save

        write_whole(folder / f"{name}.json", text)
        for picture, draw in pictures.items():
            figure = draw()
            for suffix in ("png", "svg"):
                save(figure, folder / f"{picture}.{suffix}")

    return status if own.out is None else left(leave, own.out, status)
