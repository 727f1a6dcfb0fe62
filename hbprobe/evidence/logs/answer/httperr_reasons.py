"""What the reasons of HTTP.sys's own log tell of devices.

https://learn.microsoft.com/en-us/troubleshoot/developer/webapps/aspnet/site-behavior-performance/error-logging-http-apis
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from hbprobe.records.logs import LogFindingPart
from hbprobe.text import counted

IDLE: Final = "Timer_ConnectionIdle"
GONE: Final = ("Connection_Dropped", "Connection_Dropped_List_Full", "Client_Reset")
SLOW: Final = ("Timer_EntityBody", "Timer_HeaderWait", "Timer_MinBytesPerSecond")
ABANDONED: Final = "Connection_Abandoned_By_ReqQueue"
TURNED_AWAY: Final = (
    "AppOffline",
    "AppPoolTimer",
    "AppShutdown",
    "ConnLimit",
    "Disabled",
    "QueueFull",
    "Timer_AppPool",
)


def httperr_findings(httperr: Mapping[str, int]) -> Iterator[LogFindingPart]:
    """Say what HTTP.sys's log tells of; a reason that is not known here stands in the report only."""
    known: tuple[tuple[tuple[str, ...], Literal["problem", "note"], str], ...] = (
        ((IDLE,), "note", "idle after an answer, which is normal and no evidence of the path"),
        (GONE, "note", "with a request whose client was gone before its answer"),
        (SLOW, "note", "with a request that came too slowly"),
        ((ABANDONED,), "note", "with a request in a worker process that ended or was recycled"),
        (TURNED_AWAY, "problem", "with a request that it turned away: the pool is stopped, or has too much to do"),
    )
    for reasons, severity, words in known:
        found = {reason: httperr[reason] for reason in reasons if reason in httperr}
        if found:
            what = f"HTTP.sys ended {counted(sum(found.values()), 'connection')} {words} ({', '.join(found)})"
            text = f"{what}: hbprobe logs ... --report httperr"
            yield LogFindingPart(code="httperr", severity=severity, text=text)
