"""`hbprobe lab`: server, boxes and probe in one process, hours of path time in a moment."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hbprobe.cli.options import ExitCode, Folder, Json, boxes_named
from hbprobe.cli.output import fresh_folder, measured, say, show_result, stopped, unwritten, write_file
from hbprobe.cli.requests import from_request
from hbprobe.errors import CannotMeasureError, UserError
from hbprobe.lab.requests import Lab

if TYPE_CHECKING:
    from hbprobe.records.result import Result

_STORY_COLUMNS = 79


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the result is shown and kept."""

    out: Annotated[
        Folder, Parameter(metavar="DIR", help="leave result.json, journal.jsonl and plots there")
    ] = None
    json: Json = False
    exit_code: ExitCode = False
