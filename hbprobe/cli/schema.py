"""`hbprobe schema`: what the documents look like that `--json` writes."""

import json
import sys
from typing import Annotated

from cyclopts import Parameter

from hbprobe.cli.output import show, show_document
from hbprobe.errors import UserError
from hbprobe.profiles.mistakes import meant


def _names(_context: object) -> list[tuple[str, str]]:
    """Return what a shell offers: each name, and what the document is."""
    from hbprobe.records.schemas import SCHEMAS, summary

    return [(name, summary(name)) for name in SCHEMAS]


def schema(
    name: Annotated[
        str | None, Parameter(help="of the document: what stands in its schema, hbprobe.NAME/1", completer=_names)
    ] = None,
    /,
) -> int:
    """Print one schema, or list them."""
    from hbprobe.records.schemas import SCHEMAS, json_schema, summary

    if name is None:
        from hbprobe.report.terminal.layout import pairs

        listed = [(one, summary(one)) for one in SCHEMAS]
        if sys.stdout.isatty():
            return show(lambda: "", lambda console: console.print(pairs(listed)), 0, as_json=False)
        width = max(map(len, SCHEMAS))
        for one, told in listed:  # a line each, for whoever searches them
            print(f"{one:<{width}}  {told}")
    elif name in SCHEMAS:
        return show_document(f"{json.dumps(json_schema(name), indent=2)}\n")
    else:
        near = meant(name, list(SCHEMAS)) or "; hbprobe schema lists them"
        raise UserError(f"{name!r}: no such document{near}")
    return 0
