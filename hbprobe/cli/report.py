"""`hbprobe report`: results as one file that can be mailed."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hbprobe.errors import UserError

if TYPE_CHECKING:
    from hbprobe.report.documents.sources import Measured

_FORMATS = ("html", "md", "json", "csv")


def register(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "report",
        help="write results as one file to mail: what was asked, found, and is to be done",
        description="Write results as one file: HTML that needs no network to open, Markdown, JSON, or the trials as "
        "CSV. What looks like a password or a token is left out.",
    )
    parser.add_argument(
        "results",
        nargs="+",
        type=Path,
        metavar="RESULT.json",
        help="what --json of lab, probe or diagnose wrote, or lab --out",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument(
        "--format", choices=_FORMATS, help="default: as the suffix of --out says; md on standard output"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the report."""
    from hbprobe.report.documents.sources import load
    from hbprobe.text import shown

    text = _write(_format(args), [load(path) for path in args.results])
    if args.out is None:
        sys.stdout.write(text)
        return 0
    try:
        args.out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"{shown(str(args.out))}: cannot be written: {error.strerror}") from None
    print(f"wrote {shown(str(args.out))}")
    return 0


def _format(args: argparse.Namespace) -> str:
    if args.format is not None:
        return str(args.format)
    if args.out is None:
        return "md"
    suffix = args.out.suffix.lower().removeprefix(".")
    if suffix not in _FORMATS:
        known = ", ".join(f".{name}" for name in _FORMATS)
        raise UserError(f"--out {args.out}: has no suffix that says how to write: use {known}, or say --format")
    return str(suffix)


def _write(name: str, measured: "list[Measured]") -> str:
    from hbprobe.report.documents import compose, data, html, markdown

    written = datetime.now(UTC)
    if name == "json":
        return data.to_json(measured, written)
    if name == "csv":
        return data.to_csv(measured)
    document = compose.compose(measured, written)
    return html.to_html(document) if name == "html" else markdown.to_markdown(document)
