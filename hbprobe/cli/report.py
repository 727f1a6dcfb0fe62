"""`hbprobe report`: results as one file that can be mailed."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, get_args

from cyclopts import Parameter

from hbprobe.cli.options import Folder
from hbprobe.errors import UserError
from hbprobe.files import write_whole

if TYPE_CHECKING:
    from hbprobe.report.documents.sources import Source

Format: TypeAlias = Literal["html", "md", "json", "csv"]

_RESULT = Parameter(
    name="RESULT.json", help="what --json of lab, probe, diagnose, capture or logs wrote, or lab --out"
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


_DEFAULTS = Options()


def report(first: Annotated[Path, _RESULT], /, *more: Annotated[Path, _RESULT], options: Options = _DEFAULTS) -> int:
    """Write the report."""
    from hbprobe.report.documents.sources import load
    from hbprobe.text import shown

    text = _write(_format(options), [load(path) for path in (first, *more)])
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
    formats = get_args(Format)
    if suffix not in formats:
        known = ", ".join(f".{name}" for name in formats)
        raise UserError(f"--out {options.out}: has no suffix that says how to write: use {known}, or say --format")
    return suffix


def _write(name: str, sources: "list[Source]") -> str:
    written = datetime.now(UTC)
    if name in ("json", "csv"):
        from hbprobe.report.documents import data

        return data.to_json(sources, written) if name == "json" else data.to_csv(sources)
    from hbprobe.report.documents import compose, html, markdown

    document = compose.compose(sources, written)
    return html.to_html(document) if name == "html" else markdown.to_markdown(document)
