"""`hbprobe report`: results as one file that can be mailed."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from cyclopts import Parameter

from hbprobe.cli.options import Folder
from hbprobe.cli.output import show_document
from hbprobe.errors import UserError
from hbprobe.files import write_whole
from hbprobe.report.documents.formats import FORMATS, write

if TYPE_CHECKING:
    Format: TypeAlias = str
else:
    Format = Literal[FORMATS]

_RESULT = Parameter(
    name="RESULT.json",
    help="what --json of lab, probe, diagnose, locate, capture or logs wrote, or lab --out (-- - for standard input)",
)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to write, and where to."""

    out: Annotated[Folder, Parameter(metavar="FILE", help="where to write (default: standard output)")] = None
    format: Annotated[
        Format | None,
        Parameter(metavar="FORMAT", help="default: as the suffix of --out says; md on standard output"),
    ] = None
    compare: Annotated[
        bool, Parameter(help="lay two paths, providers or dates, or more, side by side: what differs first")
    ] = False


_DEFAULTS = Options()


def report(first: Annotated[Path, _RESULT], /, *more: Annotated[Path, _RESULT], options: Options = _DEFAULTS) -> int:
    """Write the report."""
    from hbprobe.report.documents.sources import load
    from hbprobe.text import shown

    measured = [load(path) for path in (first, *more)]
    text = write(_format(options), measured, datetime.now(UTC), compare=options.compare)
    if options.out is None and _format(options) == "json":
        return show_document(text)
    if options.out is None:
        sys.stdout.write(text)
        return 0
    write_whole(options.out, text)
    print(f"wrote {shown(str(options.out))}")
    return 0


def _format(options: Options) -> str:
    if options.format is not None:
        return options.format
    if options.out is None:
        return "md"
    suffix = options.out.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise UserError(f"--out {options.out}: has no suffix that says how to write: use {known}, or say --format")
    return suffix
