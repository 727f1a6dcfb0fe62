"""What `fleet` and `size` have in common: how far they are, and what they print and leave."""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hbprobe.errors import UserError
from hbprobe.files import without_link

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

Say = Callable[[str], None]


@contextlib.contextmanager
def progress() -> Iterator[Say]:
    """Give a function that shows on a terminal how far the work is; elsewhere it shows nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("simulating") as status:
        yield status.update


def tell(args: argparse.Namespace, document: Mapping[str, Any], print_text: "Callable[[Console], None]") -> None:
    """Print the document where JSON is asked for, else the text."""
    if args.json:
        print(_as_text(document), end="")
        return
    from rich.console import Console

    print_text(Console())


def leave(
    folder: Path | None, name: str, document: Mapping[str, Any], pictures: "Mapping[str, Callable[[], Figure]]"
) -> None:
    """Write the document as NAME.json, and each picture as PNG and SVG, if there is a folder. Raises UserError."""
    if folder is None:
        return
    from hbprobe.report.plots.style import save

    try:
        folder.mkdir(parents=True, exist_ok=True)
        without_link(folder / f"{name}.json").write_text(_as_text(document), encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {folder}: cannot be written: {error.strerror}") from None
    for picture, draw in pictures.items():
        figure = draw()
        for suffix in ("png", "svg"):
            save(figure, without_link(folder / f"{picture}.{suffix}"))


def _as_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
