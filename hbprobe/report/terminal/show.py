"""Printing a result, as text or JSON, and the exit status that it stands for."""

import sys

from hbprobe.records.result import Result


def show(result: Result, *, as_json: bool) -> int:
    """Print a result on standard output; return its exit status."""
    if as_json:
        sys.stdout.write(result.to_json())
    else:
        from rich.console import Console

        from hbprobe.report.terminal.tables import print_result

        print_result(result, Console())
    return result.exit_status
