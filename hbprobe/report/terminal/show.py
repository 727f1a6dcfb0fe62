"""Printing a result, as text or JSON, and the exit status that it stands for."""

import sys

from hbprobe.errors import CannotMeasureError
from hbprobe.records.result import Result


def show(result: Result, *, as_json: bool) -> int:
    """Print a result on standard output; return 0 when it is healthy, 1 when it has a finding, 3 when incomplete."""
    if as_json:
        sys.stdout.write(result.to_json())
    else:
        from rich.console import Console

        from hbprobe.report.terminal.tables import print_result

        print_result(result, Console())
    if not result.complete or result.verdict is None:
        return CannotMeasureError.exit_status
    return 0 if result.verdict["healthy"] else 1
