"""`hbprobe verdict`: what Exchange and its devices make of a limit that is already known."""

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from hbprobe.cli.options import Json, WebConfig, reads
from hbprobe.duration import parse_duration_s

_OPEN = ("open", "none")


def _timer(text: str) -> float | None:
    """Read the limit; None stands for an open path."""
    if text.lower() in _OPEN:
        return None
    timer_s = parse_duration_s(text)
    if not timer_s > 0:
        raise ValueError(f"{text!r} is no timer: give more than 0, or 'open' where nothing is cut")
    return int(timer_s) if timer_s.is_integer() else timer_s


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is known of the path."""

    limit: Annotated[
        float | None,
        reads(_timer, "TIME"),
        Parameter(
            help="the path's timer: a request that is quiet for so long is cut (600, 10min); 'open' where nothing "
            "is cut"
        ),
    ]
    how: Annotated[
        Literal["silent", "reset", "closed", "status"],
        Parameter(metavar="HOW", help="how the client sees the cut (default: silent)"),
    ] = "silent"
    webconfig: WebConfig = None
    json: Json = False


def verdict(options: Options) -> int:
    """Print the verdict; return 0 when it is healthy, 1 when it has a finding."""
    from hbprobe.cli.options import exchange_settings
    from hbprobe.exchange.verdict import judge

    settings = exchange_settings(options.webconfig)
    if options.limit is None:
        survived_s, how = settings.max_heartbeat_s, None
    else:
        # Heartbeats are whole seconds: this is the longest that ends before the timer does.
        survived_s, how = math.ceil(options.limit) - 1, options.how
    told = judge(survived_s, options.limit, how, settings).as_dict()
    _show(told, {"survived": survived_s, "cut": options.limit, "how": how}, as_json=options.json)
    return 0 if told["healthy"] else 1


def _show(told: dict[str, Any], limit: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"schema": "hbprobe.verdict/1", "limit": limit, "verdict": told}, indent=2))
    else:
        from rich.console import Console

        from hbprobe.report.terminal.tables import print_verdict

        print_verdict(told, Console())
