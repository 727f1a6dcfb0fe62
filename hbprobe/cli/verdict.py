"""`hbprobe verdict`: what Exchange and its devices make of a limit that is already known."""

import contextlib

from hbprobe.cli.output import Told, measured, show
from hbprobe.cli.request_options import from_request
from hbprobe.duration import parse_duration_s
from hbprobe.errors import RequestError
from hbprobe.measure.verdict import Verdict

_OPEN = ("open", "none")


def _timer(text: str) -> str | None:
    """Return the limit as the request takes it; None stands for an open path."""
    if text.lower() in _OPEN:
        return None
    with contextlib.suppress(ValueError):  # which the request tells
        if not parse_duration_s(text) > 0:
            what = "is no timer: give more than 0, or 'open' where nothing is cut"
            raise RequestError("{limit}: {said!r} {what}", "limit", said=text, what=what)
    return text


@from_request(Verdict, limit=_timer)
def verdict(request: Verdict, own: Told) -> int:
    """Judge, and show the verdict."""
    from hbprobe.report.terminal.tables import print_verdict

    detail = own.detail
    record, failure = measured(request)
    return show(
        record.to_json,
        lambda console: print_verdict(record.verdict, console, detail),
        record.exit_status,
        as_json=own.json,
        failure=failure,
    )
